"""The thin tasks: a message says only "there may be work"; each runs one step and hints again if it came back full."""

from __future__ import annotations

import threading
from collections.abc import Callable

from celery import shared_task

from worker import app
from worker.pipeline.analyse import analyse_new_articles
from worker.pipeline.deliver import deliver_due
from worker.pipeline.poll import poll_due_feeds
from worker.pipeline.raising import storify_and_raise
from worker.pipeline.tick import tick as run_tick

# The language model may be used by one thread at a time, and one thread polling (or delivering) already keeps dozens of
# connections busy: whoever comes second leaves at once, the first finds its rows.
STEPS = {"poll": poll_due_feeds, "deliver": deliver_due}
BUSY = {queue: threading.BoundedSemaphore(size) for queue, size in (("poll", 2), ("analyse", 1), ("deliver", 2))}


def run(queue: str) -> None:
    """Does the work that waits in one queue, by one batch; hints when there may be more."""
    if not BUSY[queue].acquire(blocking=False):
        return
    try:
        more = _analyse() if queue == "analyse" else STEPS[queue](app.runtime())
    finally:
        BUSY[queue].release()
    if more:
        app.runtime().hint(queue)


def _analyse() -> bool:
    more = analyse_new_articles(app.runtime())
    while storify_and_raise(app.runtime()):
        pass
    return more


def _task(queue: str) -> Callable[[], None]:
    @shared_task(name=f"wirewatch.{queue}")
    def task() -> None:
        run(queue)

    return task


poll, analyse, deliver = (_task(queue) for queue in ("poll", "analyse", "deliver"))


@shared_task(name="wirewatch.tick")
def tick() -> None:
    run_tick(app.runtime())
