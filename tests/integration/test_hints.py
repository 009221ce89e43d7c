"""Hints against a real Redis: bounded, harmless when it is away, silent, full, flushed or set back (B01-B09, B13)."""

import os
import signal
import threading
import time
from dataclasses import replace

import pytest
from desk import BASELINE, entries
from steps import bring, enqueue, poll_now

from worker.celery import ENOUGH_HINTS, SETTINGS, hints_through, make_celery
from worker.health import look
from worker.metrics import HINTS_LOST
from worker.pipeline.deliver import deliver_due
from worker.pipeline.tick import tick
from worker.store.engine import read_clock
from worker.store.hints import REMEMBERED, note_lost_hint
from worker.store.tallies import read_tallies


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


# ---------------------------------------------------------------- a desk whose Redis fails it


@pytest.fixture
def hinting(own_redis, runtime):
    """The pipeline's Runtime, with real hints."""
    app = make_celery(own_redis.url, tick=1, soft_shutdown=1)
    hint = hints_through(app, lost=lambda queue: note_lost_hint(runtime.store, queue))
    yield replace(runtime, hint=hint)
    app.close()


def waiting(own_redis):
    return {queue for queue in ("poll", "analyse", "deliver") if own_redis.client.llen(f"wirewatch:{queue}")}


def lost(runtime):
    return sum(HINTS_LOST.values(read_tallies(runtime.store)).values())


def test_b04_without_redis_everything_goes_on_is_said_and_needs_nobody_when_it_is_back(desk, own_redis, hinting):
    own_redis.kill()
    poll_now(desk, hinting)
    bring(desk, hinting, "a", entries(1) + BASELINE)
    while deliver_due(hinting):
        pass
    assert (len(desk.mail.received), len(desk.webhook.received)) == (1, 1)
    assert lost(hinting) > 0
    assert look(desk.store).reasons == ("Redis is away, silent or full: work waits for the workers' own clocks",)
    own_redis.start()
    desk.set_feed("a", entries(2) + BASELINE)
    poll_now(desk, hinting)
    assert waiting(own_redis) == {"analyse"}
    with desk.store.reading() as connection:
        later = read_clock(connection) + 2 * REMEMBERED
    assert look(desk.store.with_clock(lambda: later)).status == "ok"


def test_b06_a_replica_that_lost_the_last_writes_loses_no_work(desk, own_redis, hinting):
    own_redis.client.save()  # as far as the replica had come
    poll_now(desk, hinting)
    bring(desk, hinting, "a", entries(1) + BASELINE)
    assert "deliver" in waiting(own_redis)
    own_redis.kill()
    own_redis.start()
    assert waiting(own_redis) == set()
    tick(hinting)
    assert "deliver" in waiting(own_redis), "by the record"
    deliver_due(hinting)
    assert (len(desk.mail.received), len(desk.webhook.received)) == (1, 1)


def test_b07_a_full_redis_fails_no_transaction_and_is_counted(desk, own_redis, hinting):
    own_redis.client.config_set("maxmemory", "1")
    poll_now(desk, hinting)
    assert desk.guids() == ["old", "old"], "both articles are in"
    assert (waiting(own_redis), lost(hinting) > 0) == (set(), True)


def test_b09_a_hint_given_out_again_while_its_task_runs_sends_nothing_twice(desk, own_redis, runtime):
    enqueue(desk, runtime, "hook", 1)
    app = make_celery(own_redis.url, tick=1, soft_shutdown=1)
    app.conf.broker_transport_options = {**app.conf.broker_transport_options, "visibility_timeout": 0}
    hints_through(app)("deliver")
    answering, came = threading.Event(), threading.Event()
    desk.webhook.on_receive = lambda *_: (came.set(), answering.wait(10))
    with app.connection_for_read() as connection, connection.channel() as channel:
        first = channel.basic_get("deliver")
        worker = threading.Thread(target=deliver_due, args=(runtime,))
        worker.start()
        assert came.wait(10)
        channel.qos.restore_visible()  # the time in which it should have been acknowledged is over
        again = channel.basic_get("deliver")
        assert again.headers["id"] == first.headers["id"]
        assert deliver_due(runtime) is False
        answering.set()
        worker.join()
    app.close()
    assert len(desk.webhook.received) == 1
