"""The roles that `up` starts as children and a Procfile starts one by one: worker, scheduler, console.

Each reads REDIS_URL, DATABASE_URL and SENTRY_DSN; a role never starts a server of its own.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from worker import app, tasks
from worker.celery import hints_through, make_celery, run_scheduler, run_worker
from worker.config.schema import Config
from worker.errors import WirewatchError
from worker.up import PR_SET_PDEATHSIG, READY_FOLDER, TIED

THREADS = 12  # threads wait on the database and on asyncio; the limits of each step are in tasks.PLACES
SOFT_SHUTDOWN = 5.0  # seconds that running tasks get at a stop; `up` promises to be gone within ten


class NoBroker(WirewatchError):
    """A role was started without REDIS_URL."""


def broker_url() -> str:
    url = os.environ.get("REDIS_URL", "")
    if not url:
        raise NoBroker(
            "REDIS_URL is not set. Set it (redis://host:6379/0), or run `wirewatch up`, which brings its own."
        )
    return "redis+socket://" + url.removeprefix("unix://") if url.startswith("unix://") else url


def worker(config: Config, *, data: Path, queues: Sequence[str]) -> None:
    """Serves these queues: `analyse` alone, for it works in a child of its own, or any of the others."""
    chosen = tuple(queues)
    timing = config.settings.timing
    celery_app = make_celery(broker_url(), tick=timing.tick, soft_shutdown=SOFT_SHUTDOWN)
    name = "-".join(chosen)

    forks = chosen == ("analyse",)

    def start() -> None:
        # A pool's child, or a role of `up`. Who starts a role apart may leave: it lives on.
        if forks or TIED in os.environ:
            die_with_parent()
        app.start_logging(level=config.settings.log_level)
        app.start_sentry(os.environ, environment=config.settings.environment)
        made = app.build(config, data=data, environ=os.environ, hint=hints_through(celery_app))
        app.install(made)
        if "analyse" in chosen:
            made.judge()
        leases = {"poll": timing.poll_lease, "analyse": timing.analyse_lease, "deliver": timing.deliver_lease}
        tasks.start_timers(chosen, every=timing.tick, leases=leases)

    threads = 0 if forks else THREADS
    run_worker(celery_app, name=name, queues=chosen, threads=threads, on_start=start, on_ready=say_ready(name))


def scheduler(config: Config) -> None:
    """Sends the tick, and nothing else."""
    celery_app = make_celery(broker_url(), tick=config.settings.timing.tick, soft_shutdown=SOFT_SHUTDOWN)
    app.start_logging(level=config.settings.log_level)
    app.start_sentry(os.environ, environment=config.settings.environment)
    run_scheduler(celery_app, on_ready=say_ready("scheduler"))


def console(config: Config, *, data: Path, port: int) -> None:
    """Serves on loopback only."""
    import uvicorn

    from worker.console.routes import make_console
    from worker.store.engine import open_store
    from worker.store.migrate import migrate

    app.start_logging(level=config.settings.log_level)
    app.start_sentry(os.environ, environment=config.settings.environment)
    store = open_store(os.environ.get("DATABASE_URL", ""), data=data)
    migrate(store)
    server = uvicorn.Server(
        uvicorn.Config(
            make_console(store, on_ready=say_ready("console")),
            host="127.0.0.1",
            port=port,
            log_level="warning",
            timeout_graceful_shutdown=2,
        )
    )
    # uvicorn stops in order, then raises the signal once more: to be asked to stop is no failure.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    server.run()


def say_ready(name: str) -> Callable[[], None]:
    """A file in the folder that `up` watches; nothing when nobody watches."""

    def say() -> None:
        folder = os.environ.get(READY_FOLDER)
        if folder:
            (Path(folder) / f"{name}.ready").touch()

    return say


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
