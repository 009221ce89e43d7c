"""`wirewatch status` on both databases: one screen, one JSON object, an exit code; it changes nothing."""

import json
import sys
from datetime import datetime, timedelta

import pytest
from desk import BASELINE, Desk, entries
from sqlalchemy import text, update
from steps import bring, change, poll_now

from worker import cli
from worker.pipeline.deliver import deliver_due
from worker.store import heartbeats
from worker.store.engine import read_clock
from worker.store.schema import feed, metadata

PARTS = {
    "status", "reasons", "at", "zone", "configured", "processes", "feeds", "worst_feeds", "articles", "deliveries",
    "holds", "queues", "today", "time_to_alert", "last_poll", "last_alert",
}  # fmt: skip


@pytest.fixture
def at_work(desk):
    """One alert, sent to two, and every process that a desk needs."""
    runtime = desk.runtime()
    poll_now(desk, runtime)
    bring(desk, runtime, "a", entries(1) + BASELINE)
    deliver_due(runtime)
    change(desk, feed, next_poll_at=now(desk) + timedelta(hours=1))
    for pid, role in enumerate(("poll-deliver", "analyse", "scheduler", "console")):
        heartbeats.save_beat(desk.store, heartbeat_id=role, role=role, host="h", pid=pid, age=timedelta(hours=3))
    yield desk
    runtime.store.close()


def now(desk):
    with desk.store.reading() as connection:
        return read_clock(connection)


@pytest.fixture
def ask(monkeypatch, capfdbinary):
    """What the command says of a desk, run in this process; its exit code must be `code`."""

    def ask(desk, *more, code=0):
        argv = ["wirewatch", "status", "--config", desk.config, "--data", desk.data, *more]
        monkeypatch.setattr(sys, "argv", [str(word) for word in argv])
        monkeypatch.setenv("DATABASE_URL", desk.database_url)
        capfdbinary.readouterr()  # what was said before
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capfdbinary.readouterr()
        assert (end.value.code or 0, err) == (code, b"")
        return out.decode()

    return ask


@pytest.fixture
def ask_json(ask):
    def ask_json(desk, *, code=0):
        lines = ask(desk, "--json", code=code).splitlines()
        assert len(lines) == 1
        return json.loads(lines[0])

    return ask_json


def everything(desk):
    with desk.store.reading() as connection:
        return {table.name: sorted(map(repr, connection.execute(table.select()))) for table in metadata.sorted_tables}


def test_status_of_a_desk_at_work_is_0_and_fits_on_one_screen(at_work, ask):
    before = everything(at_work)
    shown = ask(at_work)
    for line in (
        "Wirewatch is ok.",
        "Feeds          2 working",
        "Today          3 articles, 1 alert",
        "Deliveries     attempts today: 2 sent; not sent now: none",
        "Articles       not settled now: none",
    ):
        assert f"{line}\n" in shown
    assert "half of 2 deliveries under " in shown and "95 of 100 under " in shown
    assert "3 h ago" in next(line for line in shown.splitlines() if line.startswith("analyse "))
    assert "UTC" in shown and "\x1b" not in shown
    assert len(shown.splitlines()) < 25
    assert everything(at_work) == before


def test_status_as_json_has_the_same(at_work, ask_json):
    found = ask_json(at_work)
    assert set(found) == PARTS
    assert (found["status"], found["reasons"], found["zone"], found["configured"]) == ("ok", [], "UTC", True)
    assert [one["role"] for one in found["processes"]] == ["analyse", "console", "poll-deliver", "scheduler"]
    assert found["today"]["attempts"] == {"sent": 2}
    assert found["time_to_alert"]["count"] == 2
    assert found["queues"]["poll"] == {"depth": 0, "age": 0.0, "late": 0, "stuck": 0}
    for instant in (found["at"], found["last_poll"], found["last_alert"], found["processes"][0]["last_beat"]):
        assert datetime.fromisoformat(instant).utcoffset() == timedelta(0)


def test_status_names_the_worst_feeds_with_reasons_and_obeys_no_escape(at_work, ask, ask_json):
    with at_work.store.writing() as connection:
        ours = dict(failures=4, reason="not_a_feed", detail="\x1b]0;owned\x07\x1b[2J\u202egnp.exe", title="\x9b31m")
        connection.execute(update(feed).where(feed.c.id == "b").values(**ours))
    shown = ask(at_work, code=1)
    assert shown.startswith("Wirewatch is degraded.\n  - feeds that failed at their last poll: 1\n")
    (line,) = [line for line in shown.splitlines() if line.startswith("b ")]
    assert "failing" in line and "what is at its address is no feed" in line and "\\x1b[2J" in line
    assert not any((ord(ch) < 32 and ch != "\n") or ch in "\x9b\u202e" for ch in shown)
    (worst,) = ask_json(at_work, code=1)["worst_feeds"]
    assert (worst["id"], worst["failures"], worst["reason"]) == ("b", 4, "not_a_feed")
    assert worst["advice"]
    assert (worst["state"], worst["words"]) == ("failing", "failing")
    assert worst["wrong"].endswith("(4 times in a row)"), "as `feeds list` says it"


def test_status_says_of_a_feed_what_feeds_list_says(at_work, ask, ask_json):
    change(at_work, feed, state="stopped", reason="gone")
    shown = ask(at_work, code=1)
    assert "Feeds          2 gone\n" in shown
    (line,) = [line for line in shown.splitlines() if line.startswith("b ")]
    assert "  gone  " in line and "its publisher says that it is gone" in line
    found = ask_json(at_work, code=1)
    assert (found["feeds"], found["worst_feeds"][0]["state"]) == ({"stopped": 2}, "stopped"), "the ids stay"


def test_status_names_a_quiet_feed_and_is_ok(at_work, ask, ask_json):
    with at_work.store.writing() as connection:
        now = read_clock(connection)
        known = dict(gaps=90, usual_gap=10_800.0, longest_gap=50_400.0, baseline_at=now - timedelta(days=60))
        known |= dict(news_at=now - timedelta(days=3), succeeded_at=now)
        connection.execute(update(feed).where(feed.c.id == "b").values(**known))
    shown = ask(at_work)
    assert "Feeds          1 quiet, 1 working\n" in shown
    (line,) = [line for line in shown.splitlines() if line.startswith("b ")]
    assert "  quiet  " in line and "it answers, but has brought nothing new" in line
    (worst,) = ask_json(at_work)["worst_feeds"]
    assert (worst["state"], worst["reason"]) == ("quiet", "quiet")


def test_status_of_a_desk_that_stands_still_says_that_nobody_works(desk, ask, ask_json):
    desk.runtime().store.close()
    shown = ask(desk, code=1)
    assert shown.startswith("Wirewatch is not running.\n  - no process works for this desk\n")
    assert "no alert was delivered yet" in shown
    heartbeats.save_beat(desk.store, heartbeat_id="a", role="poll-deliver", host="h", pid=1, age=timedelta(0))
    assert ask_json(desk, code=0)["status"] == "ok", "the others are starting"
    with desk.store.writing() as connection:
        connection.execute(text("UPDATE heartbeat SET started_at = 0, beat_at = beat_at - 200000000"))
    found = ask_json(desk, code=1)
    assert (found["status"], found["processes"][0]["silent"]) == ("not running", True)
    assert "silent" in ask(desk, code=1)


def test_status_of_a_desk_with_a_broken_configuration_still_tells(at_work, ask, ask_json):
    (at_work.config / "settings.yaml").write_text("contact: [")
    shown = ask(at_work)
    assert "the configuration cannot be read (`wirewatch check` says why)" in shown
    assert ask_json(at_work)["configured"] is False


def test_status_is_in_the_desks_own_zone(at_work, ask, ask_json):
    settings = at_work.config / "settings.yaml"
    settings.write_text(settings.read_text() + "time_zone: Asia/Seoul\n")
    assert "Asia/Seoul (UTC+09:00)" in ask(at_work)
    since = datetime.fromisoformat(ask_json(at_work)["today"]["since"])
    assert (since.hour, since.minute) == (15, 0), "midnight in Seoul"


def test_status_of_a_schema_that_is_not_ours_is_no_crash(desk, ask_json):
    with desk.store.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    found = ask_json(desk, code=1)
    assert found["status"] == "not running"
    assert "the database has schema 0001; this program works with schema" in found["reasons"][0]


def test_status_where_nothing_has_run_makes_nothing(tmp_path, ask, ask_json):
    desk = Desk(tmp_path)
    shown = ask(desk, code=1)
    assert "Nothing has run here yet" in shown and "wirewatch up" in shown
    assert ask_json(desk, code=1)["status"] == "not running"
    assert list(tmp_path.iterdir()) == []


def test_status_of_a_database_that_is_away_is_down_and_keeps_the_password(tmp_path, ask, ask_json):
    desk = Desk(tmp_path, database_url="postgresql://reader:hunter2@127.0.0.1:1/desk")
    found = ask_json(desk, code=1)
    assert found["status"] == "down"
    assert "127.0.0.1:1/desk" in found["reasons"][0] and "hunter2" not in found["reasons"][0]
    assert ask(desk, code=1).startswith("Wirewatch is down.\n")


def test_status_of_a_file_that_is_no_record_is_down(tmp_path, ask_json):
    desk = Desk(tmp_path)
    desk.data.mkdir()
    (desk.data / "wirewatch.sqlite3").write_bytes(b"not a database at all " * 100)
    assert ask_json(desk, code=1)["status"] == "down"
