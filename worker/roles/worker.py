"""The role that works: one process, or a pool of one child, that serves queues."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from worker import app, reload, tasks
from worker.beats import Heart, find_beat
from worker.celery import canaries_through, hints_through, run_worker
from worker.config.schema import Config
from worker.reload import Reloader
from worker.reporting import start_reporting
from worker.roles.heart import make_heart
from worker.roles.queues import celery_for, tell_refusal
from worker.store.engine import open_store
from worker.store.hints import note_lost_hint
from worker.up import PR_SET_PDEATHSIG, TIED

THREADS = 14  # threads wait on the database and on asyncio; the limits of each step are in tasks, and leave one free


def run(config: Config, *, data: Path, queues: Sequence[str]) -> None:
    """Serves these queues: `analyse` alone, for it works in a child of its own, or any of the others.

    Its beat: a task came through Redis, its consumer and its pool; or Redis cannot be used, and its timers do the work.
    """
    chosen = tuple(queues)
    timing = config.settings.timing
    celery_app = celery_for(timing)
    heart = make_heart("-".join(chosen), timing)
    canaries = f"canary-{heart.id}"
    send_canary = canaries_through(celery_app, canaries, silent_after=timing.silent_after)
    forks = chosen == ("analyse",)
    start_reporting(config, os.environ, role=heart.role)  # also where a child will do the work: it needs both
    tell_refusal(celery_app)

    def start() -> None:
        # A pool's child, or a role of `up`. Who starts a role apart may leave: it lives on.
        if forks or TIED in os.environ:
            die_with_parent()
        if forks and served(heart):
            heart.beat()  # a pool that replaces its child is well
        if forks:
            start_reporting(config, os.environ, role=heart.role)
        hint = hints_through(celery_app, lost=lambda queue: note_lost_hint(app.runtime().store, queue))
        made = app.build(config, data=data, environ=os.environ, hint=hint)
        app.install(made)
        if "analyse" in chosen:
            made.judge()
        leases = {"poll": timing.poll_lease, "analyse": timing.analyse_lease, "deliver": timing.deliver_lease}
        stop = tasks.start_timers(chosen, every=timing.tick, leases=leases)
        if config.folder is not None:
            reloader = Reloader(config.folder, judges="analyse" in chosen)
            tasks.repeat(reload.EVERY, reloader.look, name="watchlist-timer", stop=stop)
        end = functools.partial(end_with_pool, heart.pid) if forks else os._exit
        heart.start(made.store, silent_after=timing.silent_after, each=lambda: send_canary() or heart.beat(), end=end)

    run_worker(
        celery_app,
        name=heart.role,
        queues=(*chosen, canaries),
        threads=0 if forks else THREADS,
        on_start=start,
        on_ready=heart.beat,
        on_task=heart.beat,
        on_stop=lambda: stop_heart(heart, data=data),
    )


def end_with_pool(parent: int, code: int) -> None:
    """Ends this child and the pool that it serves: that one does not do its work. SIGKILL, for it may be stopped."""
    if os.getppid() == parent:
        os.kill(parent, signal.SIGKILL)
    os._exit(code)


def served(heart: Heart) -> bool:
    return heart.file is not None and find_beat(heart.file) is not None


def stop_heart(heart: Heart, *, data: Path) -> None:
    """With a store of its own: a pool's parent has none."""
    with contextlib.closing(open_store(os.environ.get("DATABASE_URL", ""), data=data)) as store:
        heart.stop(store)


_tied = 0  # the process that has asked already


def die_with_parent() -> None:
    """Asks the kernel to kill this process when its parent dies, and watches for it where the kernel cannot. Once.

    Call it in the process that works. The kernel ties the wish to the thread that forked us, which is a pool's main
    thread here; the watch covers a parent that was gone before we asked.
    """
    global _tied
    if _tied == os.getpid():
        return
    _tied, parent = os.getpid(), os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
