"""What is taken for a secret, which no log may hold."""

import logging
import sys
import threading

import pytest
import structlog
from samples import HOSTILE

from worker.config.schema import Config, EmailChannel, FeedChannel, InboxChannel, WebhookChannel
from worker.config.values import Secret
from worker.reporting import secrets_of, start_logging

WHOLE = HOSTILE.replace("\ud800", "")  # pytest itself cannot pass on half a character that a library logs
HOOK = "https://hooks.example/services/abcdefghijklmn?key=opqrst"


def mail(username):
    return EmailChannel(
        id="mail",
        kind="email",
        host="relay.example",
        username=username,
        password=Secret("of-the-mail"),
        sender="desk@wirewatch.example",
        to=("ana@desk.example",),
    )


def test_secrets_are_those_of_every_channel_and_of_the_environment():
    config = Config(
        channels=(
            InboxChannel(id="operator", kind="inbox"),
            mail("desk-4711"),
            WebhookChannel(
                id="hook", kind="webhook", url=HOOK, secret=Secret("whsec_abc"), previous_secret=Secret("whsec_old")
            ),
            FeedChannel(id="readers", kind="feed", key=Secret("of-the-readers")),
        )
    )
    environ = {"DATABASE_URL": "postgresql://u:of-the-base@db/d", "REDIS_URL": "redis://:of-the-redis@r/0"}
    environ["SENTRY_DSN"] = "https://0123456789abcdef@sentry.example/1"
    wanted = {"desk-4711", "of-the-mail", "whsec_abc", "whsec_old", "of-the-readers", HOOK, "opqrst", "abcdefghijklmn"}
    wanted |= {"of-the-base", "of-the-redis", "0123456789abcdef"} | set(environ.values())
    assert wanted <= set(secrets_of(config, environ))
    assert "relay.example" not in set(secrets_of(config, environ))


@pytest.mark.parametrize(("username", "hidden"), [("desk", False), ("desk@mail.example", True), ("apikey7", True)])
def test_secrets_are_not_the_user_names_that_are_words(username, hidden):
    assert (username in set(secrets_of(Config(channels=(mail(username),)), {}))) is hidden


@pytest.fixture
def logs(capsys):
    """What this process says by each of its ways, as lines."""
    kept = structlog.get_config(), logging.lastResort, sys.excepthook, threading.excepthook
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    start_logging()
    yield lambda: capsys.readouterr().err.split("\n")[:-1]
    structlog.configure(**kept[0])
    logging.lastResort, sys.excepthook, threading.excepthook = kept[1:]
    root.handlers[:] = handlers
    root.setLevel(level)


def broken():
    raise ValueError(f"cannot read {WHOLE}")


def say_by_event():
    structlog.get_logger().warning("feed_polled", feed_id="a", url=f"https://x.example/{HOSTILE}", titles=[HOSTILE])


def say_by_traceback():
    try:
        broken()
    except ValueError:
        structlog.get_logger().exception("poll_broke", feed_id="a")


def say_by_library():
    logging.getLogger("a.library").warning("cannot read %s", WHOLE)


def say_by_library_with_traceback():
    try:
        broken()
    except ValueError:
        logging.getLogger("a.library").exception("it broke on %s", WHOLE)


@pytest.mark.parametrize(
    "say", [say_by_event, say_by_traceback, say_by_library, say_by_library_with_traceback], ids=lambda say: say.__name__
)
def test_h12_an_event_is_one_line_whatever_a_feed_has_it_say(logs, say):
    say()
    (line,) = logs()
    assert line.isprintable()
    assert r"\r\nBcc: " in line, "it is there, escaped"


def test_h12_last_words_colour_no_terminal_and_turn_no_line(logs):
    try:
        broken()
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    lines = logs()
    assert "in broken" in "".join(lines)
    assert all(line.isprintable() for line in lines)
