"""The thin tasks: a message says only "there may be work"; each runs one step and hints again if it came back full."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from celery import shared_task

from worker import app
from worker.pipeline.analyse import analyse_new_articles
from worker.pipeline.deliver import deliver_due
from worker.pipeline.poll import poll_due_feeds
from worker.pipeline.raising import storify_and_raise
from worker.pipeline.tick import tick as run_tick

log = structlog.get_logger()

# How many threads of one process may run a step. The language model bears one; of the others each keeps dozens of
# connections busy. Who finds no place leaves word, and the one inside hints again when it is done.
PLACES = {"poll": 3, "analyse": 1, "deliver": 6}
FREE = {queue: threading.BoundedSemaphore(places) for queue, places in PLACES.items()}
CALLED = {queue: threading.Event() for queue in PLACES}


def run(queue: str) -> bool:
    """Does one batch of the work that waits in one queue; hints, and says True, when there may be more."""
    if not FREE[queue].acquire(blocking=False):
        CALLED[queue].set()
        return False
    CALLED[queue].clear()
    try:
        more = STEPS[queue]()
    finally:
        FREE[queue].release()
    more = more or CALLED[queue].is_set()
    if more:
        app.runtime().hint(queue)
    return more


def _analyse() -> bool:
    more = analyse_new_articles(app.runtime())
    while storify_and_raise(app.runtime()):
        pass
    return more


STEPS: dict[str, Callable[[], bool]] = {
    "poll": lambda: poll_due_feeds(app.runtime()),
    "analyse": _analyse,
    "deliver": lambda: deliver_due(app.runtime()),
}


def _task(queue: str) -> Callable[[], None]:
    @shared_task(name=f"wirewatch.{queue}")
    def task() -> None:
        run(queue)

    return task


poll, analyse, deliver = (_task(queue) for queue in STEPS)


@shared_task(name="wirewatch.tick")
def tick() -> None:
    run_tick(app.runtime())


def start_timer(queues: tuple[str, ...], *, every: float) -> None:
    """This process's own clock, for when no hint comes: Redis gone or flushed, or the scheduler dead. Seconds."""
    wake = threading.Event()

    def watch() -> None:
        while not wake.wait(every):
            try:
                if "poll" in queues:
                    tick()
                for queue in queues:
                    while run(queue):
                        pass
            except Exception:
                log.exception("timer_failed")

    threading.Thread(target=watch, name="timer", daemon=True).start()
