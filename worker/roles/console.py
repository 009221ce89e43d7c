"""The role that shows the desk to people, and its state to machines."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import uvicorn

from worker.config.schema import Config
from worker.console.access import bring_key, cookie_value
from worker.console.routes import make_console
from worker.reporting import start_reporting
from worker.roles.heart import make_heart, nothing
from worker.store.engine import open_store
from worker.store.migrate import migrate


def run(config: Config, *, data: Path, port: int) -> None:
    """Serves on loopback only. Its beat: its event loop goes round."""
    timing = config.settings.timing
    key = bring_key(data)
    start_reporting(config, os.environ, role="console", secrets=(key, cookie_value(key)))
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
