"""The roles that `up` starts as children and a Procfile starts one by one: worker, scheduler, console.

Each reads REDIS_URL, DATABASE_URL and SENTRY_DSN; a role never starts a server of its own.
"""

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

import structlog

from worker import app, tasks
from worker.beats import Heart, find_beat
from worker.broker import broker_url, why_refused
from worker.celery import Celery, canaries_through, hints_through, make_celery, make_probe, run_scheduler, run_worker
from worker.config.schema import Config, Timing
from worker.store.engine import open_store
from worker.store.migrate import migrate
from worker.up import PR_SET_PDEATHSIG, READY_FOLDER, TIED, beat_file

log = structlog.get_logger()

THREADS = 12  # threads wait on the database and on asyncio; the limits of each step are in tasks, and leave one free
SOFT_SHUTDOWN = 5.0  # seconds that running tasks get at a stop; `up` promises to be gone within ten


def worker(config: Config, *, data: Path, queues: Sequence[str]) -> None:
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
    app.start_reporting(config, os.environ, role=heart.role)  # also where a child will do the work: it needs both
    tell_refusal(celery_app)

    def start() -> None:
        # A pool's child, or a role of `up`. Who starts a role apart may leave: it lives on.
        if forks or TIED in os.environ:
            die_with_parent()
        if forks and served(heart):
            heart.beat()  # a pool that replaces its child is well
        if forks:
            app.start_reporting(config, os.environ, role=heart.role)
        made = app.build(config, data=data, environ=os.environ, hint=hints_through(celery_app))
        app.install(made)
        if "analyse" in chosen:
            made.judge()
        leases = {"poll": timing.poll_lease, "analyse": timing.analyse_lease, "deliver": timing.deliver_lease}
        tasks.start_timers(chosen, every=timing.tick, leases=leases)
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


def scheduler(config: Config, *, data: Path) -> None:
    """Sends the tick, and nothing else. Its beat: its loop goes round."""
    timing = config.settings.timing
    celery_app = celery_for(timing)
    app.start_reporting(config, os.environ, role="scheduler")
    tell_refusal(celery_app)
    heart = make_heart("scheduler", timing)
    store = open_store(os.environ.get("DATABASE_URL", ""), data=data)
    heart.start(store, silent_after=timing.silent_after, each=nothing, end=os._exit)
    try:
        run_scheduler(celery_app, every=timing.beat, on_round=heart.beat)
    finally:
        heart.stop(store)


def console(config: Config, *, data: Path, port: int) -> None:
    """Serves on loopback only. Its beat: its event loop goes round."""
    import asyncio

    import uvicorn

    from worker.console.access import bring_key, cookie_value
    from worker.console.routes import make_console

    timing = config.settings.timing
    key = bring_key(data)
    app.start_reporting(config, os.environ, role="console", secrets=(key, cookie_value(key)))
    store = open_store(os.environ.get("DATABASE_URL", ""), data=data)
    migrate(store)
    heart = make_heart("console", timing)

    def beat_on() -> None:
        heart.beat()
        asyncio.get_running_loop().call_later(timing.beat, beat_on)

    def ready() -> None:
        heart.start(store, silent_after=timing.silent_after, each=nothing, end=os._exit)
        beat_on()

    server = uvicorn.Server(
        uvicorn.Config(
            make_console(store, config, data=data, on_ready=ready),
            host="127.0.0.1",
            port=port,
            log_config=None,  # its own would say what ours scrubs
            log_level="warning",
            access_log=False,  # it would hold the key's address
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=2,
        )
    )
    # uvicorn stops in order, then raises the signal once more: to be asked to stop is no failure.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    try:
        server.run()
    finally:
        heart.stop(store)


def celery_for(timing: Timing) -> Celery:
    url = broker_url(os.environ)
    return make_celery(url, tick=timing.tick, soft_shutdown=SOFT_SHUTDOWN, silent_after=timing.silent_after)


def tell_refusal(celery_app: Celery) -> None:
    """Once, at the start: what Celery says from then on, again and again, does not name the variable."""
    reason = why_refused(make_probe(celery_app))
    if reason:
        log.error("broker_refuses", reason=reason)


def make_heart(role: str, timing: Timing) -> Heart:
    """Its file is in the folder that `up`, or a container's health check, watches; nowhere when nobody watches."""
    folder = os.environ.get(READY_FOLDER)
    return Heart(role, every=timing.beat, file=beat_file(Path(folder), role) if folder else None)


def served(heart: Heart) -> bool:
    return heart.file is not None and find_beat(heart.file) is not None


def stop_heart(heart: Heart, *, data: Path) -> None:
    """With a store of its own: a pool's parent has none."""
    with contextlib.closing(open_store(os.environ.get("DATABASE_URL", ""), data=data)) as store:
        heart.stop(store)


def nothing() -> None:
    """What a role does each beat whose own loop beats."""


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
