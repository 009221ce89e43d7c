"""What Celery is told: limits that fit each other, and a canary that leaves nothing behind."""

import pytest
from kombu import Queue

from worker import tasks
from worker.celery import QUEUES, canaries_through, make_celery
from worker.config.schema import Timing
from worker.roles.worker import THREADS

NOWHERE = "redis+socket:///nowhere/at/all"


def app_for(timing):
    return make_celery(NOWHERE, tick=timing.tick, soft_shutdown=1, silent_after=timing.silent_after)


@pytest.mark.parametrize("beat", ["500ms", "1s", "15s", "60s"])
def test_b14_a_task_is_killed_before_its_worker_counts_as_silent(beat):
    """A pool of one child takes no canary while a task runs: the task's begin is the last beat that it can give."""
    timing = Timing(beat=beat)
    limit = app_for(timing).conf.task_time_limit
    assert limit <= 120
    assert timing.silent_after - limit >= timing.silent_after / 5, "what is left is for a new child to start"


def test_b14_by_default_silence_is_noticed_with_time_left_to_restart_within_three_minutes():
    timing = Timing()
    assert timing.silent_after == 150
    assert app_for(timing).conf.task_time_limit == 120
    assert 180 - timing.silent_after - timing.beat >= 15


def test_b14_a_thread_is_left_for_the_canary_whatever_hangs():
    steps = tasks.PLACES["poll"] + tasks.PLACES["pages"] + tasks.PLACES["deliver"]
    assert steps + tasks.MOST_TICKS < THREADS


def test_the_canarys_queue_is_one_workers_own_and_expires():
    app = app_for(Timing())
    canaries_through(app, "canary-1", silent_after=150)
    queues = {queue.name: queue for queue in app.conf.task_queues}
    assert set(queues) == {*QUEUES, "canary-1"}
    own = queues["canary-1"]
    assert isinstance(own, Queue) and own.no_ack and own.expires == 150
    assert not any(queues[name].no_ack or queues[name].expires for name in QUEUES)


def test_a_canary_that_cannot_be_sent_is_no_error():
    assert canaries_through(app_for(Timing()), "canary-1", silent_after=150)() is False
