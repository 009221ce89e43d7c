"""Hints against a real Redis: bounded, harmless when it is away, silent or flushed (B01, B05, B13)."""

import os
import signal
import time

import pytest

from worker.celery import ENOUGH_HINTS, SETTINGS, hints_through, make_celery


@pytest.fixture
def hint(own_redis):
    app = make_celery(own_redis.url, tick=1, soft_shutdown=1)
    yield hints_through(app)
    app.close()


def test_hints_are_bounded_and_survive_a_flush(own_redis, hint):
    for _ in range(20):
        hint("poll")
    assert own_redis.client.llen("wirewatch:poll") == ENOUGH_HINTS
    own_redis.client.flushall()
    hint("poll")
    assert own_redis.client.llen("wirewatch:poll") == 1


def test_hint_carries_nothing_and_expires(own_redis, hint):
    hint("analyse")
    message = own_redis.client.lindex("wirewatch:analyse", 0)
    assert b'"expires": "20' in message
    assert b'"argsrepr": "()"' in message


def test_hint_with_redis_gone_is_lost_at_once_and_never_raises(own_redis, hint):
    hint("poll")
    own_redis.kill()
    began = time.monotonic()
    for _ in range(10):
        hint("poll")
    assert time.monotonic() - began < 5


def test_b05_hint_to_a_silent_redis_returns_within_fifteen_seconds(own_redis, hint):
    os.kill(own_redis.process.pid, signal.SIGSTOP)
    began = time.monotonic()
    hint("poll")
    os.kill(own_redis.process.pid, signal.SIGCONT)
    assert time.monotonic() - began < 15


def test_b13_only_json_is_accepted():
    assert SETTINGS["accept_content"] == ["json"]
