"""How a role reaches the queues."""

from __future__ import annotations

import os

import structlog

from worker.broker import broker_url, why_refused
from worker.celery import Celery, make_celery, make_probe
from worker.config.schema import Timing

log = structlog.get_logger()

SOFT_SHUTDOWN = 5.0  # seconds that running tasks get at a stop; `up` promises to be gone within ten


def celery_for(timing: Timing) -> Celery:
    url = broker_url(os.environ)
    return make_celery(url, tick=timing.tick, soft_shutdown=SOFT_SHUTDOWN, silent_after=timing.silent_after)


def tell_refusal(celery_app: Celery) -> None:
    """Once, at the start: what Celery says from then on, again and again, does not name the variable."""
    reason = why_refused(make_probe(celery_app))
    if reason:
        log.error("broker_refuses", reason=reason)
