"""The Celery app: queues and the whole beat schedule on one screen. Each setting has its reason beside it."""

from __future__ import annotations

import structlog
from celery import Celery
from celery.beat import Scheduler
from kombu import Queue

log = structlog.get_logger()

QUEUES = ("poll", "analyse", "deliver")
PREFIX = "wirewatch:"
HINT_EXPIRES = 60  # seconds: the tick hints again anyway, an old hint is only noise

SETTINGS = dict(
    task_serializer="json",
    accept_content=["json"],  # a pickled message would be code from whoever can reach Redis
    task_ignore_result=True,
    result_backend=None,  # results cost keys and leak; outcomes are rows
    task_acks_late=True,  # only an optimisation: the row is the guarantee
    task_reject_on_worker_lost=True,  # attempts are capped in SQL, so this cannot loop for ever
    worker_prefetch_multiplier=1,  # a hint waits in Redis, where another worker can take it
    worker_eta_task_limit=1000,  # we send no ETA; a bound all the same
    worker_max_tasks_per_child=1000,  # belt and braces against slow leaks
    worker_send_task_events=False,
    worker_enable_remote_control=False,  # no reply lists in Redis
    worker_hijack_root_logger=False,
    worker_enable_soft_shutdown_on_idle=True,
    worker_proc_alive_timeout=60,  # loading the language model takes longer than the default 4 s
    broker_connection_retry_on_startup=True,  # wait for Redis, do not die
    broker_connection_max_retries=None,
    task_default_queue="poll",
    task_create_missing_queues=False,
    task_queues=[Queue(name) for name in QUEUES],  # the default direct exchange survives a flush
)
TRANSPORT = dict(
    visibility_timeout=600,  # over twice the hard limit of any task
    unacked_restore_interval=5,  # redelivery in seconds rather than a minute and a half
    unacked_restore_throttle=1,
    socket_timeout=15,  # a half-open Redis must not hang a publisher for ever
    socket_connect_timeout=5,
    health_check_interval=25,
    retry_on_timeout=True,
    global_keyprefix=PREFIX,
)


def make_celery(redis_url: str, *, tick: float, soft_shutdown: float, time_limit: float = 120) -> Celery:
    """The app at one Redis. `tick` and the shutdown are in seconds."""
    transport = dict(TRANSPORT)
    if not redis_url.startswith(("redis+socket:", "unix:")):
        transport["socket_keepalive"] = True  # a TCP option; a unix socket refuses it
    app = Celery("wirewatch", broker=redis_url, include=["worker.tasks"])
    app.conf.update(
        SETTINGS,
        broker_transport_options=transport,
        worker_soft_shutdown_timeout=soft_shutdown,
        task_time_limit=time_limit,
        task_soft_time_limit=time_limit * 0.75,
        beat_scheduler=Scheduler,  # in memory: the one entry below needs no file
        beat_schedule={"tick": {"task": "wirewatch.tick", "schedule": tick, "options": {"expires": tick * 2}}},
    )
    return app
