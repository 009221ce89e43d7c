"""The Celery app: queues and the whole beat schedule on one screen. Each setting has its reason beside it."""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator

import redis
import structlog
from celery import Celery, signals
from celery.apps import worker as celery_worker
from celery.beat import Scheduler
from celery.platforms import SecurityWarning
from celery.utils.nodenames import gethostname, nodename
from celery.worker import state as celery_state
from kombu import Exchange, Queue
from kombu.transport import redis as redis_transport
from kombu.transport import virtual
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.sentry import is_expected

log = structlog.get_logger()

QUEUES = ("poll", "analyse", "deliver")
PREFIX = "wirewatch:"
CANARY = "wirewatch.canary"
HINT_EXPIRES = 60  # seconds: the tick hints again anyway, an old hint is only noise
AWAY_SECONDS = 5.0  # between two looks of the scheduler at a Redis that is away
PROBE_SECONDS = 2.0  # a healthy Redis answers in milliseconds
STOP_SECONDS = 6.0  # that threads at work get at a stop; `up` promises to be gone within ten
POOL_STOP_SECONDS = 7.5  # that a pool gets, which first gives its child the soft shutdown's time
START_WAITS = (0.5, 1.0, 2.0, 5.0, 10.0)  # seconds before a child's start is tried again; the last repeats
ENOUGH_HINTS = 4  # waiting in one queue: every worker that is free finds one, more would be noise
# Of the time after which a worker counts as silent, what one task may take: a busy one is not a silent one. A pool of
# one child has no place for the canary while a task runs; the task was a beat as it began, and it is killed, and its
# child replaced, before the rest is over. By default 120 s of 150 s.
TASK_SHARE = 0.8
LONGEST_TASK = 120.0  # seconds

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
    worker_redirect_stdouts=False,
    worker_enable_soft_shutdown_on_idle=False,  # made for tasks that wait for a time: we have none
    worker_cancel_long_running_tasks_on_connection_loss=False,  # losing Redis is no reason to lose work in SQL
    worker_proc_alive_timeout=60,  # loading the language model takes longer than the default 4 s
    broker_connection_retry_on_startup=True,  # wait for Redis, do not die
    broker_connection_max_retries=None,
    task_default_queue="poll",
    task_create_missing_queues=False,
    # Each queue has an exchange of its own name: bound to the default one, all three would get every hint.
    task_queues=[Queue(name, Exchange(name), routing_key=name) for name in QUEUES],
    task_routes={f"wirewatch.{name}": {"queue": name} for name in QUEUES} | {"wirewatch.tick": {"queue": "poll"}},
)
TRANSPORT = dict(
    visibility_timeout=600,  # longer than any task: what comes twice all the same finds its rows leased
    unacked_restore_interval=5,  # redelivery in seconds rather than a minute and a half
    unacked_restore_throttle=1,
    socket_timeout=15,  # a half-open Redis must not hang a publisher for ever
    socket_connect_timeout=5,
    health_check_interval=25,
    global_keyprefix=PREFIX,
)


class Window(redis_transport.QoS):
    """The messages that a worker holds. One whose end Redis did not hear of leaves it all the same.

    kombu keeps it there: a worker of one place, whose Redis died while it was at work, then waits for ever for a place,
    without a read that would tell it of its loss. Redis gives the message out again, if it still has it.
    """

    def ack(self, delivery_tag: str) -> None:
        with self._left(delivery_tag):
            super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        with self._left(delivery_tag):
            super().reject(delivery_tag, requeue=requeue)

    @contextlib.contextmanager
    def _left(self, delivery_tag: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            virtual.QoS.ack(self, delivery_tag)
            # A task that outlives its connection ends on a channel that is closed. What kombu raises there is no error
            # of a connection in Celery's eyes, but a reason to end the worker.
            if not self.channel.closed:
                raise
            log.debug("ack_lost", error=type(error).__name__)


redis_transport.Channel.QoS = Window


def make_celery(redis_url: str, *, tick: float, soft_shutdown: float, silent_after: float = 150.0) -> Celery:
    """The app at one Redis. All in seconds; `silent_after` bounds what one task may take."""
    transport = dict(TRANSPORT)
    if not redis_url.startswith(("redis+socket:", "unix:")):
        transport["socket_keepalive"] = True  # a TCP option; a unix socket refuses it
    app = Celery("wirewatch", broker=redis_url, include=["worker.tasks"])
    app.conf.update(
        SETTINGS,
        broker_transport_options=transport,
        worker_soft_shutdown_timeout=soft_shutdown,
        # Of the analyse child; nothing of Celery's limits a thread: tasks.end_if_hung does.
        task_time_limit=min(LONGEST_TASK, TASK_SHARE * silent_after),
        beat_scheduler=Scheduler,  # in memory: the one entry below needs no file
        beat_schedule={"tick": {"task": "wirewatch.tick", "schedule": tick, "options": {"expires": tick * 2}}},
    )
    return app


def make_probe(app: Celery) -> redis.Redis:
    """Asked before kombu is, which would try a Redis that is away for seconds, and a silent one for thirty."""
    url = app.conf.broker_url.replace("redis+socket:", "unix:", 1)
    return redis.Redis.from_url(
        url, socket_timeout=PROBE_SECONDS, socket_connect_timeout=PROBE_SECONDS, retry=Retry(NoBackoff(), 0)
    )


def hints_through(app: Celery, *, lost: Callable[[str], object] = lambda queue: None) -> Callable[[str], None]:
    """The real hint: one message that says "there may be work", unless enough of them wait already.

    It never raises: with Redis gone, the workers' own timers find the work. `lost` hears of a hint that was not taken.
    """

    probe = make_probe(app)

    def hint(queue: str) -> None:
        try:
            if probe.llen(PREFIX + queue) < ENOUGH_HINTS:
                app.send_task(f"wirewatch.{queue}", queue=queue, expires=HINT_EXPIRES, retry=False)
        except Exception as error:
            log.warning("hint_lost", queue=queue, error=type(error).__name__)
            with contextlib.suppress(Exception):  # where it cannot be noted either, the log has it
                lost(queue)

    return hint


def canaries_through(app: Celery, queue: str, *, silent_after: float) -> Callable[[], bool]:
    """A queue of one worker's own, and what puts a canary into it unless one waits there still.

    That says True when a canary is on its way: it will come through, or the worker has stopped consuming, as workers
    have that lost their Redis for a while and lived on (celery#8030, #10205). False when Redis cannot be used: then
    there is nothing to consume. Call it before the worker runs.
    """
    # Nothing of it stays in Redis for long: what is taken is never given back, and what a dead worker did not take
    # expires with its queue. kombu sweeps the binding after an hour.
    own = Queue(queue, Exchange(queue), routing_key=queue, no_ack=True, expires=max(1, math.ceil(silent_after)))
    app.conf.task_queues = [*app.conf.task_queues, own]
    probe = make_probe(app)

    def send() -> bool:
        try:
            if not probe.llen(PREFIX + queue):
                app.send_task(CANARY, queue=queue, retry=False)
        except Exception:  # said by the hints already
            return False
        return True

    return send


def run_worker(
    app: Celery,
    *,
    name: str,
    queues: tuple[str, ...],
    threads: int,
    on_start: Callable[[], None],
    on_ready: Callable[[], None],
    on_task: Callable[[], None],
    on_stop: Callable[[], None],
) -> None:
    """Serves `queues` until it is told to stop. With `threads`, in this process; with 0, in one forked child.

    `on_start` runs in the process that works (the language model is loaded there and only there), `on_ready` after it,
    `on_task` before each task there; `on_stop` in the process that was told to stop.
    """
    signals.task_prerun.connect(lambda **_: on_task(), weak=False)
    if threads:
        on_start()
        signals.worker_ready.connect(lambda **_: on_ready(), weak=False)
        # The pool of threads would wait for them for as long as they take.
        signals.worker_shutting_down.connect(lambda **_: end_within(STOP_SECONDS), weak=False)
        signals.worker_shutting_down.connect(lambda **_: threading.Thread(target=on_stop).start(), weak=False)
        pool = dict(pool_cls="threads", concurrency=threads)
    else:
        signals.worker_process_init.connect(lambda **_: start_patiently(on_start, on_ready), weak=False)
        pool = dict(pool_cls="prefork", concurrency=1)
    celery_worker.safe_say = lambda *_, **__: None  # its advice on Ctrl-C is for who started Celery, not `up`
    warnings.simplefilter("ignore", SecurityWarning)  # of running as root: only JSON is read, see SETTINGS
    # Celery's own command would load all the others that it has.
    kind = celery_worker.Worker if threads else BoundedWorker
    quiet = dict(quiet=True, loglevel=logging.WARNING, without_gossip=True, without_mingle=True, without_heartbeat=True)
    worker = kind(app=app, hostname=nodename(name, gethostname()), queues=list(queues), **pool, **quiet)
    worker.start()
    if not threads:
        on_stop()
    if worker.exitcode and celery_state.should_stop is None:  # nobody asked it to stop
        sys.exit(worker.exitcode)


class BoundedWorker(celery_worker.Worker):
    """Whose stop has an end: a pool would wait for ever for a child that itself waits for its database."""

    def wait_for_soft_shutdown(self) -> None:
        """The first step of a stop; what Celery signals of it comes only after the pool's."""
        end_within(POOL_STOP_SECONDS)
        super().wait_for_soft_shutdown()


def end_within(seconds: float) -> None:
    """Ends this process then, whatever still runs; its rows come back by their leases."""
    timer = threading.Timer(seconds, os._exit, (0,))
    timer.daemon = True
    timer.start()


def start_patiently(on_start: Callable[[], None], on_ready: Callable[[], None]) -> None:
    """Starts a pool's child, again and again until it succeeds: Celery would log the failure, and keep a child that can
    do nothing. A child that takes over `worker_proc_alive_timeout` is replaced by its pool."""
    for wait in itertools.chain(START_WAITS, itertools.repeat(START_WAITS[-1])):
        try:
            on_start()
            break
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"[:300]
            log.error("worker_not_started", reason=reason, again_in=wait, exc_info=not is_expected(error))
            time.sleep(wait)
    on_ready()


def run_scheduler(app: Celery, *, every: float, on_round: Callable[[], None]) -> None:
    """Celery's beat: one tick, from memory. `on_round` is called whenever its loop goes round, `every` seconds or
    sooner."""
    probe = make_probe(app)

    class Rounds(Scheduler):
        def tick(self, *args: object, **kwargs: object) -> float:
            on_round()
            try:
                probe.ping()
            except redis.RedisError as error:
                # kombu would try it without end, and the loop would not go round. The workers' own timers tick.
                log.warning("tick_lost", error=type(error).__name__)
                return min(every, AWAY_SECONDS)
            return float(super().tick(*args, **kwargs))

    app.conf.beat_max_loop_interval = every
    app.conf.include = ()  # the tick is sent by its name: what the tasks need is loaded where they run
    app.Beat(scheduler_cls=Rounds, loglevel="WARNING", quiet=True).run()
