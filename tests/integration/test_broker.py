"""A Redis that is there and does not let us in is said so in plain words; one that is away is waited for."""

import pytest

from worker.broker import why_refused
from worker.celery import make_celery, make_probe


def asked(url):
    app = make_celery(url, tick=1, soft_shutdown=1)
    probe = make_probe(app)
    try:
        return why_refused(probe)
    finally:
        probe.close()
        app.close()


def test_broker_that_lets_us_in_is_no_matter(redis_tcp):
    assert asked(redis_tcp.url) is None


@pytest.mark.parametrize(
    ("password", "words"),
    [
        (":canary-of-mine@", "Redis refuses the password of REDIS_URL."),
        ("default:canary-of-mine@", "Redis refuses the password of REDIS_URL."),
        ("", "Redis wants a password, and REDIS_URL has none."),
    ],
)
def test_broker_that_refuses_the_password_is_named(redis_tcp, password, words):
    said = asked(f"redis://{password}127.0.0.1:{redis_tcp.port}/0")
    assert said.startswith(words)
    assert "canary" not in said


def test_broker_that_has_no_such_database_says_so(redis_tcp):
    assert "REDIS_URL" in asked(redis_tcp.url.removesuffix("/0") + "/999")


def test_broker_that_is_away_is_waited_for(redis_tcp):
    redis_tcp.kill()
    assert asked(redis_tcp.url) is None
