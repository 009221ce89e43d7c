"""The role that sends the tick."""

from __future__ import annotations

import os
from pathlib import Path

from worker.celery import run_scheduler
from worker.config.schema import Config
from worker.reporting import start_reporting
from worker.roles.heart import make_heart, nothing
from worker.roles.queues import celery_for, tell_refusal
from worker.store.engine import open_store


def run(config: Config, *, data: Path) -> None:
    """Sends the tick, and nothing else. Its beat: its loop goes round."""
    timing = config.settings.timing
    celery_app = celery_for(timing)
    start_reporting(config, os.environ, role="scheduler")
    tell_refusal(celery_app)
    heart = make_heart("scheduler", timing)
    store = open_store(os.environ.get("DATABASE_URL", ""), data=data)
    heart.start(store, silent_after=timing.silent_after, each=nothing, end=os._exit)
    try:
        run_scheduler(celery_app, every=timing.beat, on_round=heart.beat)
    finally:
        heart.stop(store)
