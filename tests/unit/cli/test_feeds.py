"""The verbs about feeds: exit codes, what is printed, and that a file is written whole or not at all."""

import json

import pytest
import typer

from worker.cli import feeds as module
from worker.cli.feeds import complete_feed
from worker.config import writer
from worker.config.load import load_config

OPML = b"""<opml version="2.0"><body><outline text="North Korea">
<outline text="NK & Co" xmlUrl="https://nk.example/?a=1&b=2"/>
<outline text="Gazette again" xmlUrl="http://gazette.example/feed/"/>
<outline text="\xc2\x9b2J\xe2\x80\xaeInside" xmlUrl="http://10.0.0.1/feed"/>
</outline></body></opml>"""


def rows(out):
    return [json.loads(line) for line in out.splitlines()]


def feeds_file(desk):
    return (desk / "feeds.yaml").read_text(encoding="utf-8")


# ---------------------------------------------------------------- list


def test_feeds_list_without_a_record_makes_none(run, desk, tmp_path):
    code, out, err = run("feeds", "list", "--config", desk, "--data", tmp_path / "var")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["id", "title", "tags", "state", "articles"]
    assert "The Gazette  world, wire  never polled  0" in lines[1]
    assert lines[3] == "2 feeds: 1 never polled, 1 disabled."
    assert lines[4].endswith("holds no record.")
    assert not (tmp_path / "var").exists()


def test_feeds_secrets_are_wanted_only_by_who_asks_feeds(run, desk, tmp_path):
    """Whoever looks, exports or edits need not be able to read them."""
    login = "    username: ana\n    password: ${NOT_SET}\n    headers: {X-Key: '${file:none}'}\n"
    (desk / "feeds.yaml").write_text(feeds_file(desk).replace("    tags: [world, wire]\n", login))
    places = "--config", desk, "--data", tmp_path / "var"
    for verb in (["list"], ["export"], ["add", "https://nk.example/rss"]):
        code, out, err = run("feeds", *verb, *places)
        assert (code, err) == (0, ""), verb
        assert "NOT_SET" not in out
    assert login in feeds_file(desk)
    for verb in (["check"], ["feeds", "test", "gazette"]):
        code, _, err = run(*verb, *places)
        assert code == 1
        assert "feeds.yaml:7: feeds[0].password: the environment variable NOT_SET is not set" in err
        assert "feeds.yaml:8: feeds[0].headers.X-Key: the secret file none cannot be read" in err


def test_feeds_list_as_json(run, desk, tmp_path):
    code, out, _ = run("feeds", "list", "--json", "--config", desk, "--data", tmp_path / "var")
    gazette, courier = rows(out)
    assert code == 0
    assert gazette == {
        "id": "gazette",
        "url": "https://gazette.example/feed",
        "title": "The Gazette",
        "language": "",
        "tags": ["world", "wire"],
        "tier": 2,
        "state": "new",
        "words": "never polled",
        "articles": 0,
        "more_articles": False,
        "last_success": None,
        "next_poll": None,
        "failures": 0,
        "reason": "",
        "wrong": "",
        "advice": "",
        "last_news": None,
        "quiet_since": None,
        "rhythm": "",
        "usual_gap": None,
        "longest_gap": None,
        "interval": None,
        "missed": 0,
    }
    assert courier["state"] == "disabled"


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ([], ["gazette", "courier"]),
        (["--state", "new"], ["gazette"]),
        (["--state", "disabled", "--state", "new"], ["gazette", "courier"]),
        (["--state", "failing"], []),
        (["--tag", "wire"], ["gazette"]),
        (["--tag", "none", "--tag", "world"], ["gazette"]),
        (["--tag", "wire", "--state", "disabled"], []),
    ],
)
def test_feeds_list_of_some(run, desk, tmp_path, options, ids):
    code, out, _ = run("feeds", "list", "--json", "--config", desk, "--data", tmp_path / "var", *options)
    assert (code, [row["id"] for row in rows(out)]) == (0, ids)
    code, out, _ = run("feeds", "list", "--config", desk, "--data", tmp_path / "var", *options)
    assert code == 0
    assert ids or out.startswith("No feed fits.")


def test_h12_feeds_list_shows_what_is_hostile(run, desk, tmp_path):
    title = r'"\x1b[31m\u202e\nFeed"'
    (desk / "feeds.yaml").write_text(f"feeds: [{{id: a, url: 'https://a.example/', title: {title}}}]\n")
    _, out, _ = run("feeds", "list", "--config", desk, "--data", tmp_path / "var")
    assert r"\x1b[31m\u202e\nFeed" in out
    assert all(ch.isprintable() or ch == "\n" for ch in out)


# ---------------------------------------------------------------- import, export


def test_feeds_import_adds_what_is_new_and_says_what_not(run, desk):
    before = feeds_file(desk)
    code, out, err = run("feeds", "import", "-", "--config", desk, "--tag", "trial", stdin=OPML)
    assert (code, err) == (1, "")  # one was refused
    after = feeds_file(desk)
    assert "  # old ones\n" in after and after.endswith("# the end\n")
    assert [line for line in after.splitlines() if line in before.splitlines()] == before.splitlines()
    feed = load_config(desk, environ={}).feeds[-1]
    assert (feed.id, feed.url, feed.title, feed.tags) == (
        "nk-co",
        "https://nk.example/?a=1&b=2",
        "NK & Co",
        ("north-korea", "trial"),
    )
    lines = out.splitlines()
    assert lines[1].split()[:3] == ["2", "added", "nk-co"]
    assert lines[2].split()[:4] == ["3", "there", "already", "gazette"]
    assert lines[3].split()[:2] == ["4", "refused"] and "10.0.0.1 is private or reserved" in lines[3]
    assert lines[4].startswith("1 added to ") and lines[4].endswith("feeds.yaml, 1 there already, 1 refused.")
    assert all(ch.isprintable() or ch == "\n" for ch in out)


def test_feeds_import_again_changes_nothing(run, desk):
    run("feeds", "import", "-", "--config", desk, stdin=OPML)
    before = feeds_file(desk)
    code, out, _ = run("feeds", "import", "-", "--config", desk, "--json", stdin=OPML)
    found = rows(out)[0]
    assert (code, len(found["added"]), len(found["there"]), found["written"]) == (1, 0, 2, False)
    assert feeds_file(desk) == before


def test_feeds_import_dry_run_writes_nothing(run, desk, tmp_path):
    before = feeds_file(desk)
    (tmp_path / "list.csv").write_text("url;title\nhttps://new.example/;New\n")
    code, out, _ = run("feeds", "import", tmp_path / "list.csv", "--config", desk, "--dry-run")
    assert (code, "1 would be added to" in out, feeds_file(desk)) == (0, True, before)


@pytest.mark.parametrize("option", [[], ["--dry-run"]])
def test_feeds_import_of_more_than_the_file_may_hold_says_so(run, desk, monkeypatch, option):
    monkeypatch.setattr(writer, "MAX_BYTES", 2**20)
    before = feeds_file(desk)
    body = "url\n" + "".join(f"https://new.example/{n}?{'x' * 1_000}\n" for n in range(1_100))
    code, out, err = run("feeds", "import", "-", "--config", desk, *option, stdin=body.encode())
    assert (code, out) == (1, "")
    assert "feeds.yaml would become 1.2 MB, 1 at most: import fewer; nothing was written." in err
    assert feeds_file(desk) == before


def test_feeds_import_as_json(run, desk):
    body = b"url,title,what,language\nhttps://new.example/,New,x,english\n,B,,\n"
    code, out, _ = run("feeds", "import", "-", "--config", desk, "--json", stdin=body)
    (found,) = rows(out)
    assert code == 1
    (added,), (refused,) = found["added"], found["refused"]
    assert (added["line"], added["id"], added["why"][:32]) == (2, "new", "language 'english' left out: not")
    assert refused == {"line": 3, "url": "", "title": "B", "id": None, "why": "has no address"}
    assert found["notes"] == ["columns that are not read: what"]
    assert (found["there"], found["damage"], found["written"]) == ([], [], True)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "The list is empty."),
        (b"<html></html>", "no OPML list of feeds"),
        (b'<!DOCTYPE opml [<!ENTITY a "b">]><opml/>', "as attacks do"),
        (b"hello", "`url` among them"),
    ],
)
def test_h16_feeds_import_of_no_list_is_1_and_one_line(run, desk, body, says):
    before = feeds_file(desk)
    code, out, err = run("feeds", "import", "-", "--config", desk, stdin=body)
    assert (code, out) == (1, "")
    assert says in err and err.count("\n") == 1
    assert feeds_file(desk) == before


def test_feeds_import_of_a_damaged_list_is_1(run, desk):
    code, out, _ = run("feeds", "import", "-", "--config", desk, stdin=OPML[:130])
    assert code == 1
    assert "Note: line 3: damaged (" in out


def test_feeds_import_into_a_broken_configuration_writes_nothing(run, desk):
    (desk / "people.yaml").write_text("people: [")
    before = feeds_file(desk)
    code, out, err = run("feeds", "import", "-", "--config", desk, stdin=OPML)
    assert (code, out) == (1, "")
    assert err.startswith("people.yaml:") and feeds_file(desk) == before


@pytest.mark.parametrize("verb", [["import", "-"], ["add", "https://a.example/"]])
def test_feeds_tags_are_slugs(run, desk, verb):
    code, _, err = run("feeds", *verb, "--config", desk, "--tag", "North Korea", stdin=OPML)
    assert code == 2
    assert "small letters, digits" in " ".join(err.replace("│", " ").split())


@pytest.mark.parametrize("form", ["opml", "csv"])
def test_feeds_export_is_imported_as_the_same_feeds(run, desk, tmp_path, form):
    before = load_config(desk, environ={}).feeds
    code, out, _ = run("feeds", "export", "--config", desk, "--format", form)
    assert code == 0
    (desk / "feeds.yaml").write_text("feeds: []\n")
    assert run("feeds", "import", "-", "--config", desk, stdin=out.encode())[0] == 0
    assert load_config(desk, environ={}).feeds == before


@pytest.mark.parametrize(
    ("name", "options", "begins"),
    [
        ("x.opml", [], b"<?xml"),
        ("x.CSV", [], b"\xef\xbb\xbfid,url"),
        ("x.csv", ["--format", "opml"], b"<?xml"),
        ("x", ["--format", "csv"], b"\xef\xbb\xbfid,url"),
    ],
)
def test_feeds_export_to_a_file(run, desk, tmp_path, name, options, begins):
    code, out, _ = run("feeds", "export", "-o", tmp_path / name, "--config", desk, *options)
    assert (code, out) == (0, f"2 feeds written to {tmp_path / name}.\n")
    assert (tmp_path / name).read_bytes().startswith(begins)


def test_feeds_export_to_where_it_cannot_is_1(run, desk, tmp_path):
    code, _, err = run("feeds", "export", "-o", tmp_path / "none" / "x", "--config", desk)
    assert (code, "cannot be written: No such file" in err) == (1, True)


# ---------------------------------------------------------------- add, remove


def test_feeds_add_and_remove(run, desk):
    before = feeds_file(desk)
    options = ["--title", "New One", "--tag", "x", "--tag", "y", "--language", "ko", "--tier", "1", "--interval", "10m"]
    code, out, _ = run("feeds", "add", "https://new.example/rss", "--config", desk, *options)
    assert (code, out.startswith("new-one added to ")) == (0, True)
    feed = load_config(desk, environ={}).feeds[-1]
    assert (feed.id, feed.tags, feed.language, feed.tier, feed.interval) == ("new-one", ("x", "y"), "ko", 1, 600)
    code, out, _ = run("feeds", "remove", "new-one", "--config", desk)
    assert (code, out.startswith("new-one removed from ")) == (0, True)
    assert feeds_file(desk) == before


def test_feeds_add_takes_an_id(run, desk):
    code, out, _ = run("feeds", "add", "https://new.example/rss", "--id", "mine", "--json", "--config", desk)
    assert (code, rows(out)) == (0, [{"added": True, "id": "mine", "why": ""}])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["https://gazette.example/feed"], "The feed gazette has this address already. Nothing was added."),
        (["http://10.0.0.1/"], "10.0.0.1 is private"),
        (["https://a.example/", "--id", "gazette"], "id: gazette is taken"),
        (["https://a.example/", "--interval", "often"], "interval: write a duration"),
        (["https://a.example/\x1b[31m"], "forbidden character"),
    ],
)
def test_feeds_add_that_cannot_be_is_1(run, desk, words, says):
    before = feeds_file(desk)
    code, out, err = run("feeds", "add", *words, "--config", desk)
    assert (code, out, feeds_file(desk)) == (1, "", before)
    assert says in err and "\x1b" not in err
    code, out, _ = run("feeds", "add", *words, "--config", desk, "--json")
    assert (code, rows(out)[0]["added"]) == (1, False)


@pytest.mark.parametrize("verb", ["remove", "test"])
def test_feeds_of_an_unknown_id_is_2(run, desk, verb):
    code, _, err = run("feeds", verb, "gazete", "--config", desk)
    assert code == 2
    assert "did you mean gazette?" in " ".join(err.replace("│", " ").split())


# ---------------------------------------------------------------- test


@pytest.mark.parametrize("words", [[], ["gazette", "--all"]])
def test_feeds_test_needs_feeds_or_all(run, desk, words):
    code, _, err = run("feeds", "test", "--config", desk, *words)
    assert (code, "--all" in err) == (2, True)


def test_feeds_test_asks_nobody_under_the_examples_contact(run, desk):
    (desk / "settings.yaml").write_text('contact: "mailto:operator@example.org"\n')
    code, out, err = run("feeds", "test", "gazette", "--config", desk)
    assert (code, out) == (1, "")
    assert "contact is still the example's" in err


# ---------------------------------------------------------------- completion


def completed(incomplete, **params):
    context = typer.Context(typer.main.get_command(module.cli))
    context.params.update(params)
    return complete_feed(context, incomplete)


def test_feeds_are_completed_from_the_configuration(desk):
    assert completed("", config=desk) == [("gazette", "The Gazette"), ("courier", "")]
    assert completed("ga", config=desk) == [("gazette", "The Gazette")]


@pytest.mark.parametrize("feeds", ["feeds: [", "", None])
def test_feeds_completion_is_quiet_on_trouble(desk, feeds, capfd):
    (desk / "feeds.yaml").unlink() if feeds is None else (desk / "feeds.yaml").write_text(feeds)
    assert completed("", config=desk) == []
    assert capfd.readouterr() == ("", "")
