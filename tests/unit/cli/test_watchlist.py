"""`wirewatch watchlist import` and `list`: all or nothing, into a file that stays what it was."""

import json

import pytest
import yaml

from worker.config.load import load_config
from worker.watchlist import adopt

NAMES = "id,type,name,aliases\nkim,person,Kim Jong Un,Kim Jong-un|김정은\nwagner,organisation,Victory,\n"
NARROW = frozenset({"watchlist", "rules"})


@pytest.fixture
def names(tmp_path):
    path = tmp_path / "Some names.csv"
    path.write_text(NAMES)
    return path


@pytest.fixture
def watch(run, desk, tmp_path):
    def watch(*words):
        return run("watchlist", *words, "--config", desk, "--data", tmp_path / "none")

    return watch


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def held(desk):
    return list(load_config(desk, environ={}, only=NARROW).entities_by_id)


def test_import_adds_at_the_end_and_tells_of_doubtful_names(watch, desk, names):
    code, out, err = watch("import", names)
    assert (code, err) == (0, "")
    assert "2 entities written to" in out and "A desk that runs takes them up" in out
    assert "Victory" in out and "a common word" in out and "No articles are stored yet" in out
    assert held(desk) == ["a", "kim", "wagner"]
    assert (desk / "watchlist.yaml").read_text().startswith("entities:\n  - {id: a, type: person, name: Ana Lee}\n")


def test_import_that_replaces_all_is_the_whole_watchlist(watch, desk, names):
    code, out, _ = watch("import", names, "--replace")
    assert code == 0 and "They are all that is watched for." in out
    assert held(desk) == ["kim", "wagner"]
    assert watch("import", names, "--replace")[0] == 0  # and again
    assert held(desk) == ["kim", "wagner"]


def test_import_that_takes_away_what_rules_name_says_so(watch, desk, names):
    rule = "{id: r, name: r, when: {entities: {any: [a]}}, channels: [inbox]}"
    (desk / "rules.yaml").write_text(f"rules:\n  - {rule}\n")
    code, out, _ = watch("import", names, "--replace")
    assert code == 0
    assert "rules.yaml:2: rules[0].when.entities.any[0]: there is no entity 'a'" in out
    assert held(desk) == ["kim", "wagner"]
    code, out, _ = watch("import", names, "--replace", "--json")  # it was so before: nothing new to tell
    assert json.loads(out)["broken_rules"] == []


def test_import_is_all_or_nothing(watch, desk, names):
    names.write_text(NAMES + "Bad,person,Somebody,\na,person,Ana Kim,\n")
    before = files(desk)
    code, out, err = watch("import", names)
    assert code == 1 and "2 problems in" in out and "Nothing was written" in out
    assert "Some names.csv:4: id: 'Bad' may hold only" in err
    assert "Some names.csv:5: id: the id a is one that the watchlist has already" in err
    assert files(desk) == before
    code, out, err = watch("import", names, "--skip-bad")
    assert code == 1 and "2 entities written to" in out and "2 problems in" in out
    assert held(desk) == ["a", "kim", "wagner"]


def test_import_that_is_only_tried_writes_nothing(watch, desk, names):
    before = files(desk)
    code, out, _ = watch("import", names, "--dry-run")
    assert code == 0 and "2 entities would be written to" in out
    assert files(desk) == before


def test_import_of_a_list_of_its_own_is_that_list_anew(watch, desk, names):
    assert watch("import", names, "--into", "names")[0] == 0
    assert held(desk) == ["a", "kim", "wagner"]
    names.write_text(NAMES.replace("wagner", "other"))
    code, out, _ = watch("import", names, "--into", "names")
    assert code == 0 and "watchlist/names.csv" in out
    assert held(desk) == ["a", "kim", "other"]
    assert yaml.safe_load((desk / "watchlist.yaml").read_text())["files"] == ["watchlist/names.csv"]
    assert sorted(files(desk / "watchlist")) == ["names.csv"]


def test_import_of_a_long_list_is_kept_apart_under_its_own_name(watch, desk, names, monkeypatch):
    monkeypatch.setattr(adopt, "MOST_IN_YAML", 1)
    assert watch("import", names, "--replace")[0] == 0
    assert yaml.safe_load((desk / "watchlist.yaml").read_text()) == {
        "files": ["watchlist/some-names.csv"],
        "entities": [],
    }
    assert held(desk) == ["kim", "wagner"]
    monkeypatch.undo()
    assert watch("import", names, "--replace")[0] == 0  # short again: the list is left out, and stays where it is
    assert "files" not in yaml.safe_load((desk / "watchlist.yaml").read_text())
    assert sorted(files(desk / "watchlist")) == ["some-names.csv"]


@pytest.mark.parametrize("into", ["../etc/x", "A", "", "a.b"])
def test_import_keeps_lists_in_their_folder(watch, desk, names, into):
    code, _, err = watch("import", names, "--into", into)
    assert (code == 2 and "--into" in err) or into == ""
    assert "watchlist" not in {path.name for path in desk.iterdir()}


def test_import_tells_programs_what_it_did(watch, names):
    names.write_text(
        json.dumps({"id": "x", "schema": "Sanction", "properties": {}})
        + "\n"
        + json.dumps({"id": "NK-x", "schema": "Person", "properties": {"name": ["Victory"]}})
    )
    code, out, err = watch("import", names, "--json")
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert (told["written"], told["entities"], told["place"]) == (True, 1, "watchlist.yaml")
    assert (told["skipped"], told["problems"], told["articles"]) == ({"Sanction": 1}, [], 0)
    [doubt] = told["doubtful"]
    assert (doubt["alias"], doubt["entities"], doubt["why"]) == ("Victory", ["nk-x"], ["word"])


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"", 1, "is empty"),
        (b"id,type,name\n", 1, "holds no entity to import"),
        (b"\xff", 1, "not UTF-8"),
    ],
)
def test_import_of_no_list_changes_nothing(watch, desk, names, content, code, says):
    names.write_bytes(content)
    before = files(desk)
    found, out, err = watch("import", names)
    assert found == code and says in out + err
    assert files(desk) == before


def test_list_shows_all_and_what_is_doubtful(watch, names):
    watch("import", names)
    _, out, _ = watch("list")
    assert "Kim Jong-un | 김정은" in out and "3 entities." in out
    _, out, _ = watch("list", "--json")
    assert [json.loads(line)["id"] for line in out.splitlines()] == ["a", "kim", "wagner"]
    _, out, _ = watch("list", "--problems")
    assert "1 doubtful name:" in out and "Victory" in out
    _, out, _ = watch("list", "--problems", "--json")
    assert [one["alias"] for one in json.loads(out)["doubtful"]] == ["Victory"]


def test_test_marks_the_text_and_says_why(watch, names):
    watch("import", names)
    code, out, _ = watch("test", "Kim Jong Un met Ana.")
    assert code == 0 and out.startswith("«Kim Jong Un» met Ana.") and "its name" in out
    code, out, _ = watch("test", "Nobody.", "--json")
    assert (code, json.loads(out)) == (1, {"found": [], "denied": [], "near": []})
