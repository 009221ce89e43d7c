"""init and check, for a program: one object each, and the same exit codes."""

import json


def test_check_as_json_of_a_sound_desk(run, desk):
    code, out, err = run("check", "--json", "--config", desk)
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["problems"] == []
    assert found["counts"]["feeds"] == 2
    assert found["notes"] == ["rules.yaml: there is no rule, so nobody will be told of anything."]


def test_check_as_json_lists_every_problem(run, desk):
    (desk / "feeds.yaml").write_text("feeds:\n  - id: A\n    url: https://a.example/\n")
    (desk / "people.yaml").unlink()
    code, out, err = run("check", "--json", "--config", desk)
    found = json.loads(out)
    assert (code, err, found["counts"]) == (1, "", None)
    first, second = found["problems"]
    assert (first["file"], first["line"], first["key"]) == ("feeds.yaml", 2, "feeds[0].id")
    assert "small letters" in first["message"]
    assert (second["file"], second["key"]) == ("people.yaml", "")


def test_init_as_json(run, tmp_path):
    code, out, _ = run("init", "--json", tmp_path / "desk")
    found = json.loads(out)
    assert code == 0
    assert found["folder"] == str(tmp_path / "desk")
    assert sorted(found["files"]) == sorted(path.name for path in (tmp_path / "desk").iterdir())


def test_init_as_json_over_a_desk_is_1(run, desk):
    code, out, err = run("init", "--json", desk)
    assert (code, out) == (1, "")
    assert "Nothing was written" in err
