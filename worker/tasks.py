"""The thin tasks: a message says only "there may be work"; each runs one step and hints again if it came back full."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping

import structlog
from celery import shared_task

from worker import app
from worker.beats import HUNG
from worker.pipeline.analyse import analyse_new_articles
from worker.pipeline.deliver import deliver_due
from worker.pipeline.pages import fetch_due_pages
from worker.pipeline.poll import poll_due_feeds
from worker.pipeline.raising import storify_and_raise
from worker.pipeline.tick import tick as run_tick
from worker.pipeline.without_model import catch_up
from worker.store.due import ASKED_IN
from worker.store.pages import LEASE as PAGE_LEASE

log = structlog.get_logger()

# How many threads of one process may run a step. The language model bears one; of the others each keeps dozens of
# connections busy. Who finds no place leaves word, and the one inside hints again when it is done.
PLACES = {"poll": 3, "pages": 2, "analyse": 1, "deliver": 6}
# A step that holds its place for so many of its leases hangs: no limit of Celery's reaches a thread, so its process
# ends, is started again by who keeps it, and the rows come back by their leases.
HANGS_AFTER = 3
FREE = {queue: threading.BoundedSemaphore(places) for queue, places in PLACES.items()}
SINCE: dict[int, tuple[str, float]] = {}  # by thread: the step that it runs, and since when
CALLED = {queue: threading.Event() for queue in PLACES}
MOST_TICKS = 2  # at once: one may drop what is expired for minutes
TICKS = threading.BoundedSemaphore(MOST_TICKS)


def run(queue: str) -> bool:
    """Does one batch of the work that waits in one queue, or of a step in ASKED_IN; hints, and says True, when there
    may be more."""
    # Word is left before the door is tried: left after it, the one inside may have looked for it and gone meanwhile.
    CALLED[queue].set()
    if not FREE[queue].acquire(blocking=False):
        return False
    CALLED[queue].clear()  # whoever called until now, this step sees the work
    here = threading.get_ident()
    SINCE[here] = (queue, time.monotonic())
    try:
        more = STEPS[queue]()
    finally:
        del SINCE[here]
        FREE[queue].release()
    more = more or CALLED[queue].is_set()
    if more:
        app.runtime().hint(ASKED_IN.get(queue, queue))
    return more


def _analyse() -> bool:
    more = analyse_new_articles(app.runtime())
    while storify_and_raise(app.runtime()):
        pass
    return catch_up(app.runtime()) or more


STEPS: dict[str, Callable[[], bool]] = {
    "poll": lambda: poll_due_feeds(app.runtime()),
    # Beside the polls, whose slow feeds must not keep an article waiting for its page.
    "pages": lambda: fetch_due_pages(app.runtime()),
    "analyse": _analyse,
    "deliver": lambda: deliver_due(app.runtime()),
}


def _task(queue: str) -> Callable[[], None]:
    @shared_task(name=f"wirewatch.{queue}")
    def task() -> None:
        run(queue)
        for step, asked_in in ASKED_IN.items():
            if asked_in == queue:
                run(step)

    return task


poll, analyse, deliver = (_task(queue) for queue in STEPS if queue not in ASKED_IN)


@shared_task(name="wirewatch.tick")
def tick() -> None:
    """With PLACES, its bound leaves a thread free whatever hangs: a database that stands still stops no canary."""
    if TICKS.acquire(blocking=False):
        try:
            run_tick(app.runtime())
        finally:
            TICKS.release()


@shared_task(name="wirewatch.canary")
def canary() -> None:
    """Does nothing: that it came through is the beat."""


def start_timers(queues: tuple[str, ...], *, every: float, leases: Mapping[str, float]) -> threading.Event:
    """This process's own clocks, one a queue, for when no hint comes: Redis gone or flushed, or the scheduler dead.

    Seconds. The one for `poll` has a companion that ticks. One more ends the process when a step hangs. Setting the
    event that is returned ends them all.
    """
    stop = threading.Event()
    for queue in (*queues, *(step for step, asked_in in ASKED_IN.items() if asked_in in queues)):
        repeat(every, lambda queue=queue: _work_off(queue), name=f"{queue}-timer", stop=stop)
    if "poll" in queues:
        repeat(every, tick, name="tick-timer", stop=stop)
    limits = {queue: seconds * HANGS_AFTER for queue, seconds in leases.items()}
    limits["pages"] = PAGE_LEASE.total_seconds() * HANGS_AFTER
    repeat(1.0, lambda: end_if_hung(limits, now=time.monotonic()), name="watchdog", stop=stop)
    return stop


def _work_off(queue: str) -> None:
    while run(queue):
        pass


def repeat(seconds: float, do: Callable[[], object], *, name: str, stop: threading.Event) -> None:
    """Does it so often, in a thread of its own, until `stop` is set; what it raises is logged."""

    def watch() -> None:
        while not stop.wait(seconds):
            try:
                do()
            except Exception:
                log.exception("timer_failed", timer=name)

    threading.Thread(target=watch, name=name, daemon=True).start()


def end_if_hung(limits: Mapping[str, float], *, now: float, end: Callable[[int], object] = os._exit) -> None:
    """Ends this process when a step has held its place for longer than its limit, in seconds."""
    for queue, since in list(SINCE.values()):
        if now - since > limits[queue]:
            log.critical("step_hangs", queue=queue, seconds=round(now - since))
            end(HUNG)
