"""`wirewatch feeds` as it is run: over a real record, against a real origin, from a real shell."""

import contextlib
import json
import os
import pathlib
import pty
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from desk import BASELINE, Desk
from sqlalchemy import update
from steps import poll_now

from worker.alerts.wording import local_time
from worker.store.engine import SQLITE, read_clock
from worker.store.schema import article, feed, poll

WIREWATCH = pathlib.Path(sys.executable).with_name("wirewatch")
HOSTILE = "A\x1b[31m headline\u202e"


@pytest.fixture
def desk(tmp_path, database_url):
    with Desk(tmp_path, database_url=database_url, feeds=("a", "b", "c")) as made:
        yield made


def wirewatch(*argv, environ=None, **options):
    environ = environ or dict(os.environ)
    return subprocess.run([str(WIREWATCH), *map(str, argv)], env=environ, capture_output=True, timeout=60, **options)


def feeds(desk, *argv, **options):
    folders = () if "--data" in argv else ("--data", desk.data)
    done = wirewatch("feeds", *argv, "--config", desk.config, *folders, environ=desk.environ(), **options)
    assert b"Traceback" not in done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_feeds_list_tells_the_record(desk):
    runtime = desk.runtime()
    with contextlib.closing(runtime.store):
        desk.set_feed("a", [*BASELINE, ("g", "Another", "Text")])
        desk.origin.documents["/b"] = b"<html><body>Please sign in</body></html>"
        desk.origin.gone.add("/c")
        poll_now(desk, runtime)
        poll_now(desk, runtime)
    code, out, err = feeds(desk, "list", "--json")
    a, b, c = (json.loads(line) for line in out.splitlines())
    assert (code, err) == (0, "")
    assert (a["state"], a["words"], a["articles"], a["wrong"]) == ("active", "working", 2, "")
    assert a["last_success"].endswith("+00:00") and a["next_poll"] > a["last_success"]
    assert (b["state"], b["reason"], b["failures"], b["last_success"]) == ("failing", "not_a_feed", 2, None)
    assert b["wrong"].startswith("what is at its address is no feed") and b["wrong"].endswith("(2 times in a row)")
    assert (c["state"], c["reason"], c["next_poll"]) == ("stopped", "gone", None)
    code, out, _ = feeds(desk, "list", "--state", "failing", "--state", "stopped")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:3]] == ["b", "c"]
    assert out.splitlines()[-1] == "2 feeds: 1 failing, 1 gone."


def test_g06_feeds_list_tells_of_quiet_feeds_and_of_what_was_missed(desk):
    runtime = desk.runtime()
    with contextlib.closing(runtime.store):
        poll_now(desk, runtime)
    with desk.store.writing() as connection:
        now = read_clock(connection)
        known = dict(baseline_at=now - timedelta(days=60), succeeded_at=now, gaps=90, usual_gap=10_800.0)
        known |= dict(longest_gap=50_400.0, polled_at=now, next_poll_at=now + timedelta(minutes=30))
        connection.execute(update(feed).values(**known, news_at=now))
        connection.execute(update(feed).where(feed.c.id == "b").values(news_at=now - timedelta(days=3)))
        gap = dict(reason="possible_gap", detail="about 12 entries missed")
        connection.execute(update(feed).where(feed.c.id == "c").values(**gap))
        connection.execute(update(poll).where(poll.c.feed_id == "c").values(reason="possible_gap", missed=12))
    code, out, _ = feeds(desk, "list", "--json")
    a, b, c = (json.loads(line) for line in out.splitlines())
    assert code == 0
    assert (a["state"], a["rhythm"], a["interval"]) == ("active", "usually every 3 h, longest 14 h", 1_800.0)
    assert (b["state"], b["reason"], b["quiet_since"]) == ("quiet", "quiet", (now - timedelta(days=3)).isoformat())
    assert "about 12 entries missed" in c["wrong"] and (c["state"], c["missed"]) == ("active", 12)
    code, out, _ = feeds(desk, "list")
    quiet, gap = (next(line for line in out.splitlines() if line.startswith(name)) for name in ("b ", "c "))
    assert "it answers, but has brought nothing new for longer than ever before: for 3 days, usually every 3 h" in quiet
    assert "every 30 min" in quiet and gap.count("about 12 entries missed") == 1
    assert "usually every 3 h, longest 14 h" in gap
    assert out.splitlines()[-1] == "3 feeds: 2 working, 1 quiet."
    code, out, _ = feeds(desk, "list", "--state", "quiet", "--json")
    assert [json.loads(line)["id"] for line in out.splitlines()] == ["b"]


def test_feeds_test_asks_once_and_stores_nothing(tmp_path):
    with Desk(tmp_path, feeds=("a", "b")) as desk:
        desk.origin.documents["/b"] = b"<html></html>"
        code, out, err = feeds(desk, "test", "a", "b", desk.origin.url("/none"), "a", "--json")
        found = {one["name"]: one for one in map(json.loads, out.splitlines())}
        assert (code, err) == (1, "")
        assert found["a"]["answers"] and found["a"]["format"] == "RSS 2.0" and found["a"]["validators"] == ["ETag"]
        assert (found["b"]["reason"], found[desk.origin.url("/none")]["reason"]) == ("not_a_feed", "not_found")
        assert sorted(path for path, _ in desk.origin.requests) == ["/a", "/b", "/none"]
        assert desk.rows(feed) == [] == desk.rows(article)
        code, out, err = feeds(desk, "test", "a")
        assert (code, err) == (0, "")
        assert out.splitlines()[-1] == "1 of 1 feeds answer."


def test_feeds_test_of_all_asks_what_is_enabled(tmp_path):
    with Desk(tmp_path, feeds=("a", "b")) as desk:
        path = desk.config / "feeds.yaml"
        listed = yaml.safe_load(path.read_text())
        listed["feeds"][1]["enabled"] = False
        path.write_text(yaml.safe_dump(listed))
        code, out, _ = feeds(desk, "test", "--all")
        assert (code, [path for path, _ in desk.origin.requests]) == (0, ["/a"])
        assert out.splitlines()[1].split()[:2] == ["a", "yes"]


def test_f12_feeds_test_obeys_what_the_record_knows(desk):
    runtime = desk.runtime()
    with contextlib.closing(runtime.store):
        poll_now(desk, runtime)
    until = datetime.now(UTC) + timedelta(hours=24)
    with desk.store.writing() as connection:
        values = dict(reason="rate_limited", next_poll_at=until)
        connection.execute(update(feed).where(feed.c.id == "a").values(**values))
    desk.set_feed("c", [*BASELINE, ("g", "Another", "Text")])
    before = desk.rows(feed)
    desk.origin.requests.clear()
    code, out, err = feeds(desk, "test", "a", "b", "c", desk.origin.url("/a"), "--json")
    found = {one["name"]: one for one in map(json.loads, out.splitlines())}
    assert (code, err) == (1, "")
    assert sorted(desk.origin.requests) == [("/b", 304), ("/c", 200)]
    for name in ("a", desk.origin.url("/a")):
        assert (found[name]["reason"], found[name]["waits_until"]) == ("rate_limited", until.isoformat())
    assert (found["b"]["answers"], found["b"]["unchanged"]) == (True, True)
    assert (found["c"]["answers"], found["c"]["unchanged"], found["c"]["entries"]) == (True, False, 2)
    code, out, _ = feeds(desk, "test", "b", "a")
    assert code == 1
    b, a = out.splitlines()[1:3]
    assert b.split()[:2] == ["b", "yes"] and b.endswith("unchanged since the last poll")
    assert a.split()[:2] == ["a", "no"] and f"asked us to wait until {local_time(until, 'UTC')}" in a
    assert desk.rows(feed) == before


def test_feeds_test_asks_all_the_same_where_the_record_cannot_be_read(tmp_path):
    with Desk(tmp_path) as desk:
        (tmp_path / "broken").mkdir()
        (tmp_path / "broken" / SQLITE).write_bytes(b"no database at all" * 100)
        code, out, err = feeds(desk, "test", "a", "--data", tmp_path / "broken")
        assert (code, out.splitlines()[-1]) == (0, "1 of 1 feeds answer.")
        assert err.startswith("Note: the record cannot be read") and err.count("\n") == 1


def test_h12_feeds_test_lets_no_escape_through(tmp_path):
    with Desk(tmp_path) as desk:
        body = desk.origin.documents["/a"].decode().replace("<channel>", f"<channel><language>{HOSTILE}</language>")
        desk.origin.documents["/a"] = body.replace("\x1b", "&#155;").encode()
        _, out, _ = feeds(desk, "test", "a")
        assert all(ch.isprintable() or ch == "\n" for ch in out)


def test_feeds_import_from_a_real_file_and_export(tmp_path):
    with Desk(tmp_path) as desk:
        listed = tmp_path / "list.csv"
        listed.write_bytes(f"\ufeffurl;title\r\n{desk.origin.url('/new')};새 소식 (New)\r\n".encode("utf-16"))
        assert feeds(desk, "import", listed)[0] == 0
        code, out, _ = feeds(desk, "export", "--format", "csv")
        assert code == 0
        assert "\r\nnew," in out and "새 소식 (New)" in out


@pytest.mark.parametrize("environ", [{}, {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}])
def test_feeds_list_on_a_terminal(tmp_path, environ):
    """A real terminal, also one that knows only ASCII."""
    with Desk(tmp_path) as desk:
        text = (desk.config / "feeds.yaml").read_text().replace("title: a", 'title: "\\e[31m연합 News"')
        (desk.config / "feeds.yaml").write_text(text)
        ours, theirs = pty.openpty()
        argv = [WIREWATCH, "feeds", "list", "--config", desk.config, "--data", tmp_path / "none"]
        done = subprocess.run(argv, env=desk.environ() | environ | {"TERM": "xterm"}, stdout=theirs, timeout=60)
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # how a terminal ends
            while chunk := os.read(ours, 65536):
                shown += chunk
        os.close(ours)
        assert done.returncode == 0
        assert b"never polled" in shown and b"News" in shown
        assert b"\x1b[31m" not in shown


# ---------------------------------------------------------------- completion


@pytest.fixture
def named(tmp_path):
    """An environment and a folder whose configuration has three feeds."""
    (tmp_path / "config").mkdir()
    listed = [
        {"id": name, "url": f"https://{name}.example/", "title": f"The {name}"} for name in ("ark", "arc", "bell")
    ]
    (tmp_path / "config" / "feeds.yaml").write_text(yaml.safe_dump({"feeds": listed}))
    return tmp_path


def complete(folder, shell, words):
    """What a shell is told for a line that ends with the last word."""
    line = " ".join(words)
    environ = dict(os.environ) | {"_WIREWATCH_COMPLETE": f"complete_{shell}"}
    environ |= {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}  # bash
    environ |= {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}  # zsh and fish
    done = wirewatch(environ=environ, cwd=folder)
    assert done.stderr == b""
    return done.stdout.decode()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_of_verbs_and_feeds(named, shell):
    verbs = complete(named, shell, ["wirewatch", "feeds", "ex"])
    assert "export" in verbs and "import" not in verbs
    ids = complete(named, shell, ["wirewatch", "feeds", "test", "ar"])
    assert "ark" in ids and "arc" in ids and "bell" not in ids


def test_completion_looks_into_the_folder_that_is_named(named, tmp_path):
    (tmp_path / "config").rename(tmp_path / "other")
    words = ["wirewatch", "feeds", "remove", "--config", "other", "a"]
    assert "ark" in complete(named, "bash", words)


@pytest.mark.parametrize("broken", ["feeds: [", None])
def test_completion_is_quiet_on_trouble(named, broken):
    path = named / "config" / "feeds.yaml"
    path.unlink() if broken is None else path.write_text(broken)
    assert "ark" not in complete(named, "bash", ["wirewatch", "feeds", "test", "a"])


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_is_given_for_each_shell(tmp_path, shell):
    environ = dict(os.environ) | {"_WIREWATCH_COMPLETE": f"source_{shell}"}
    done = wirewatch(environ=environ, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"_WIREWATCH_COMPLETE" in done.stdout and b"wirewatch" in done.stdout


@pytest.mark.parametrize("option", ["--show-completion", "--install-completion"])
def test_completion_is_shown_and_installed_from_a_real_bash(tmp_path, option):
    environ = dict(os.environ) | {"HOME": str(tmp_path)}
    line = f"{WIREWATCH} {option}; exit $?"  # not the last command: bash stays our parent
    done = subprocess.run(["bash", "-c", line], env=environ, cwd=tmp_path, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert "_WIREWATCH_COMPLETE" in (done.stdout.decode() if option == "--show-completion" else written)


def test_completion_in_a_real_bash(named):
    """The script that we give, loaded and asked by bash itself."""
    script = f"""
        export PATH={WIREWATCH.parent}:$PATH
        eval "$(_WIREWATCH_COMPLETE=source_bash wirewatch)"
        COMP_WORDS=(wirewatch feeds test ar); COMP_CWORD=3
        "$(complete -p wirewatch | sed 's/.*-F \\([^ ]*\\).*/\\1/')" wirewatch
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], cwd=named, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert sorted(done.stdout.decode().split()) == ["arc", "ark"]
