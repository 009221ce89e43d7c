"""`wirewatch deliveries` and `wirewatch channels` over a real record, with real receivers, run in this process."""

import json
import sys
from datetime import timedelta

import pytest
from steps import LONG_AGO, change, enqueue, now

from worker import cli
from worker.errors import DeliveryError, DeliveryReason
from worker.pipeline.deliver import deliver_due
from worker.store import channels
from worker.store.engine import read_clock
from worker.store.schema import delivery


@pytest.fixture
def run(desk, monkeypatch, capfdbinary):
    """Runs the command on the desk. Gives its exit code, and what it wrote to each stream."""
    for name, value in desk.environ().items():
        monkeypatch.setenv(name, value)

    def run(*argv):
        folders = "--config", desk.config, "--data", desk.data
        monkeypatch.setattr(sys, "argv", ["wirewatch", *(str(word) for word in (*argv, *folders))])
        capfdbinary.readouterr()  # what was logged so far
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capfdbinary.readouterr()
        assert b"Traceback" not in err
        return end.value.code or 0, out.decode(), err.decode()

    return run


def lines(out):
    return [json.loads(line) for line in out.splitlines()]


def test_deliveries_are_listed_shown_and_sent_again(desk, runtime, run):
    desk.mail.reply = "554 5.7.1 \x1b[31mnot wanted"
    enqueue(desk, runtime, "mail", 2)
    enqueue(desk, runtime, "hook", 1)
    deliver_due(runtime)
    code, out, _ = run("deliveries", "list", "--json", "--since", "1h", "--channel", "mail", "--channel", "hook")
    listed = lines(out)
    assert (code, [one["state"] for one in listed]) == (0, ["sent", "abandoned", "abandoned"])
    assert listed[0]["next_try"] is None and listed[0]["sent"].endswith("Z")
    code, out, _ = run("deliveries", "list", "--state", "abandoned", "--channel", "mail")
    assert "554 5.7.1" in out and "2 deliveries: 2 abandoned." in out and "\x1b" not in out

    mail = listed[1]["id"]
    code, out, _ = run("deliveries", "show", mail[:12])
    assert "abandoned, by mail to ana@desk.example" in out
    assert "failed for good: the receiver said no (554 5.7.1" in out
    assert "A line." in out and "\x1b" not in out, "the text as it would be read"
    code, out, _ = run("deliveries", "show", listed[0]["id"], "--json")
    assert json.loads(json.loads(out)["text"])["data"]["lines"] == ["A line."]

    desk.mail.reply = "250 OK"
    change(desk, delivery, created_at=LONG_AGO)
    assert json.loads(run("deliveries", "retry", "--channel", "mail", "--json")[1]) == {"sent_again": 0}, "eight days"
    change(desk, delivery, created_at=now(desk) - timedelta(days=7))
    assert run("deliveries", "retry", mail)[1] == "1 delivery goes out again, when the channel may send.\n"
    again = run("deliveries", "retry", "--channel", "mail", "--json")[1]
    assert json.loads(again) == {"sent_again": 1}
    assert run("deliveries", "retry", mail)[1] == "None of them has failed or was given up.\n"
    deliver_due(runtime)
    assert {row.state for row in desk.rows(delivery, delivery.c.channel == "mail")} == {"sent"}
    ids = [message["Message-ID"] for message in desk.mail.received]
    assert sorted(ids[:2]) == sorted(ids[2:])


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("show", "0" * 24), "There is no delivery '000000000000000000000000'"),
        (("show", "%"), "There is no delivery '%'"),
        (("retry",), "name deliveries by id, or give --channel"),
        (("retry", "a" * 24, "--since", "2d"), "goes with --channel"),
        (("list", "--since", "soon"), "--since"),
        (("retry", "--channel", "nope"), "Nothing was ever to go out by nope."),
    ],
)
def test_deliveries_says_what_is_wrong_with_what_was_asked(desk, run, argv, words):
    code, _, err = run("deliveries", *argv)
    assert code in (1, 2) and words in err


@pytest.mark.parametrize("verb", [("alerts", "list"), ("explain", "x"), ("deliveries", "list"), ("alerts", "silences")])
def test_a_record_that_cannot_be_read_is_one_plain_line(desk, run, monkeypatch, tmp_path, verb):
    broken = tmp_path / "broken.sqlite3"
    broken.write_bytes(b"junk" * 1000)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{broken}")
    code, _, err = run(*verb)
    assert code == 1 and "the database cannot be read: DatabaseError" in err and err.count("\n") == 1
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:pw@127.0.0.1:1/x")
    code, _, err = run(*verb)
    assert code == 1 and "the database cannot be read: OperationalError" in err and "pw" not in err
    nothing = tmp_path / "none.sqlite3"
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{nothing}")
    code, _, err = run(*verb)
    assert code == 1 and "Nothing has run here yet" in err and not nothing.exists()


def test_channels_test_of_a_feed_says_that_nobody_is_sent_anything(desk, run, monkeypatch):
    path = desk.config / "channels.yaml"
    path.write_text(path.read_text() + "- id: news\n  kind: feed\n  key: ${NEWS_KEY}\n")
    monkeypatch.setenv("NEWS_KEY", "k" * 40)
    code, out, err = run("channels", "test", "news")
    assert (code, out) == (1, "") and "The channel news is a feed" in err


def test_channels_are_listed_in_trouble_and_enabled(desk, runtime, run):
    desk.webhook.status = 410
    enqueue(desk, runtime, "hook", 1)
    enqueue(desk, runtime, "mail", 3)
    deliver_due(runtime)
    with desk.store.writing() as connection:
        locked = DeliveryError(DeliveryReason.AUTH, "127.0.0.1 refused the user name or password")
        channels.note_failure(connection, "mail", locked, now=read_clock(connection), jitter=0.0)
    found = {one["id"]: one for one in lines(run("channels", "list", "--json")[1])}
    assert list(found) == ["operator", "mail", "hook"]
    assert (found["hook"]["state"], found["hook"]["reason"], found["hook"]["waiting"]) == ("disabled", "gone", 1)
    assert (found["mail"]["state"], found["mail"]["sent"], found["mail"]["failures"]) == ("held", 3, 1)
    shown = run("channels", "list")[1]
    assert "the receiver is gone for good" in shown and "held until " in shown

    desk.webhook.status = 200
    assert found["hook"]["since"].endswith("Z") and found["mail"]["next_try"].endswith("Z")
    assert run("channels", "enable", "hook")[1].startswith("hook sends again")
    assert run("channels", "enable", "hook")[1] == "hook was neither disabled nor held.\n"
    change(desk, delivery, due_at=LONG_AGO)
    deliver_due(runtime)
    assert {row.state for row in desk.rows(delivery, delivery.c.channel == "hook")} == {"sent"}
    code, _, err = run("channels", "enable", "hok")
    assert code == 1 and "There is no channel 'hok' in channels.yaml, only: operator, mail, hook." in err


def test_channels_test_sends_at_once_and_says_how_it_went(desk, run):
    code, out, _ = run("channels", "test", "mail")
    assert (code, out) == (0, "ana@desk.example: taken: OK\n")
    (mail,) = desk.mail.received
    assert "This is a test of the channel mail" in mail.get_body(("plain",)).get_content()
    desk.webhook.status = 503
    code, out, _ = run("channels", "test", "hook")
    assert code == 1
    assert out.startswith("127.0.0.1: NOT TAKEN: the receiver asks us to come back later (127.0.0.1 answered 503).")
    assert "tried again" not in out, "a test is sent once"
    code, out, _ = run("channels", "test", "operator", "--json")
    assert (code, json.loads(out)["tried"][0]["taken"]) == (0, True)
    assert desk.rows(delivery) == [], "past the outbox"
