"""Hints against a real Redis: bounded, harmless when it is away, silent or flushed (B01, B05, B13)."""

import os
import signal
import subprocess
import time

import pytest
import redis

from worker.celery import ENOUGH_HINTS, SETTINGS, hints_through, make_celery
from worker.embedded import find_redis, redis_arguments, socket_url, wait_for_redis
from worker.up import private_folder


@pytest.fixture
def server():
    with private_folder() as folder:
        process = subprocess.Popen(redis_arguments(find_redis(), folder))
        wait_for_redis(folder, dead=lambda: process.poll() is not None)
        process.client = redis.Redis(unix_socket_path=str(folder / "redis.sock"))
        process.url = socket_url(folder)
        yield process
        process.client.close()
        process.kill()
        process.wait()


@pytest.fixture
def hint(server):
    app = make_celery(server.url, tick=1, soft_shutdown=1)
    yield hints_through(app)
    app.close()


def test_hints_are_bounded_and_survive_a_flush(server, hint):
    for _ in range(20):
        hint("poll")
    assert server.client.llen("wirewatch:poll") == ENOUGH_HINTS
    server.client.flushall()
    hint("poll")
    assert server.client.llen("wirewatch:poll") == 1


def test_hint_carries_nothing_and_expires(server, hint):
    hint("analyse")
    message = server.client.lindex("wirewatch:analyse", 0)
    assert b'"expires": "20' in message
    assert b'"argsrepr": "()"' in message


def test_hint_with_redis_gone_is_lost_at_once_and_never_raises(server, hint):
    hint("poll")
    server.kill()
    server.wait()
    began = time.monotonic()
    for _ in range(10):
        hint("poll")
    assert time.monotonic() - began < 5


def test_b05_hint_to_a_silent_redis_returns_within_fifteen_seconds(server, hint):
    os.kill(server.pid, signal.SIGSTOP)
    began = time.monotonic()
    hint("poll")
    os.kill(server.pid, signal.SIGCONT)
    assert time.monotonic() - began < 15


def test_b13_only_json_is_accepted():
    assert SETTINGS["accept_content"] == ["json"]
