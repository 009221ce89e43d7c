"""What Sentry hears, where SENTRY_DSN is set: what nobody expected, scrubbed, each place once a minute; and the tick.

The only home of sentry_sdk, which is loaded where it is wanted only. What is expected to fail now and then is not told:
it is a row, a count and a line in the log.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from worker import __version__
from worker.errors import WirewatchError
from worker.scrub import Scrub

DSN: Final = "SENTRY_DSN"
RELEASE: Final = f"wirewatch@{__version__}"
FLUSH_SECONDS: Final = 2.0  # that a process at its end waits for Sentry; `up` gives it eight in all
HELD_SECONDS: Final = 60.0  # a flaw in a loop is one event a minute, with a count
AWAY_SECONDS: Final = 3600.0  # between two lines in the log that Sentry does not answer
MOST_PLACES: Final = 1000  # remembered at a time
LONGEST_WORDS: Final = 500  # letters of an exception's message: it may quote an article
MONITOR: Final = "wirewatch-tick"
CHECK_IN_SECONDS: Final = 60.0  # Sentry knows no shorter interval
# An event's words of our own, whatever they look like: a mail address, or somebody's password that is `wirewatch`.
OURS: Final = ("type", "release", "monitor_slug", "monitor_config", "status")
# By their names, for no role but a worker has these modules. The record knows of its own: `is_away`.
EXPECTED: Final = frozenset(
    {
        "redis.exceptions.ConnectionError",
        "redis.exceptions.TimeoutError",
        "kombu.exceptions.OperationalError",
        "asyncio.exceptions.CancelledError",
    }
)
_started = False


class NoDsn(WirewatchError):
    """SENTRY_DSN is set to something else."""


def find_dsn(environ: Mapping[str, str]) -> str:
    """'' where none is set. Raises NoDsn, which does not quote it."""
    dsn = environ.get(DSN, "").strip()
    if dsn:
        from sentry_sdk.utils import Dsn

        try:
            Dsn(dsn)
        except ValueError:
            raise NoDsn(
                f"{DSN} is no DSN. Copy it whole from the settings of your Sentry project (https://KEY@HOST/NUMBER), "
                "or unset it."
            ) from None
    return dsn


def start(environ: Mapping[str, str], *, role: str, environment: str, scrub: Scrub) -> None:
    """From now on this process tells. Nothing happens without SENTRY_DSN. Raises NoDsn.

    Before a pool forks and again in its child: what the first patches, the second needs. The host's name is not told,
    it may be a person's; the role is.
    """
    global _started
    dsn = find_dsn(environ)
    if not dsn:
        return
    import sentry_sdk

    # `send_default_pii` is off by itself, and to say so would be a warning of its own.
    sentry_sdk.init(
        dsn=dsn,
        release=RELEASE,
        environment=environment,
        server_name="",
        before_send=Gate(scrub),
        before_send_transaction=lambda *_: None,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,  # theirs are the addresses of every request
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=_integrations(role),
        in_app_include=["worker"],
        trace_propagation_targets=[],  # publishers and receivers are told nothing of us
        auto_session_tracking=False,
        enable_backpressure_handling=False,
        shutdown_timeout=FLUSH_SECONDS,
        spotlight=False,
        debug=False,
    )
    sentry_sdk.get_global_scope().set_tag("role", role)
    away = Limit(AWAY_SECONDS)  # the SDK's library says it three times a minute
    logging.getLogger("urllib3.connectionpool").addFilter(lambda _: away.take(DSN, now=time.monotonic()) is not None)
    _started = True


def _integrations(role: str) -> list[Any]:
    """Those that catch what nobody caught: none records what a process asks of others. Celery's and the web's each
    load what they patch, so only where it is used."""
    from sentry_sdk.integrations.atexit import AtexitIntegration
    from sentry_sdk.integrations.dedupe import DedupeIntegration
    from sentry_sdk.integrations.excepthook import ExcepthookIntegration
    from sentry_sdk.integrations.threading import ThreadingIntegration

    quiet = AtexitIntegration(callback=lambda *_: None)
    found: list[Any] = [ExcepthookIntegration(), ThreadingIntegration(), DedupeIntegration(), quiet]
    if role == "console":
        from sentry_sdk.integrations.fastapi import FastApiIntegration
        from sentry_sdk.integrations.starlette import StarletteIntegration

        found += [StarletteIntegration(), FastApiIntegration()]
    elif role != "up":
        from sentry_sdk.integrations.celery import CeleryIntegration

        found.append(CeleryIntegration(propagate_traces=False))  # a message carries nothing, so no key of Sentry's
    return found


def tell(_: Any, method: str, event: Any) -> Any:
    """A structlog processor: tells of an exception that is logged, for nobody expected it, and of a critical line,
    which is a process's last. Changes nothing, and never raises."""
    if _started and (event.get("exc_info") or method == "critical"):
        import sentry_sdk

        given = event.get("exc_info")
        with sentry_sdk.new_scope() as scope:
            scope.set_context("log", {name: value for name, value in event.items() if name != "exc_info"})
            if given:
                sentry_sdk.capture_exception(None if given is True else given)
            else:
                sentry_sdk.capture_message(str(event.get("event")), level="fatal")
        if method == "critical":
            sentry_sdk.flush(FLUSH_SECONDS)
    return event


def check_ins(environ: Mapping[str, str], *, tick: float) -> Callable[[bool], None] | None:
    """What to call when a tick's work is done (True), at most once a minute, or has failed (False); None without
    SENTRY_DSN. `tick` in seconds.

    It only leaves word: a thread of the SDK's does the sending. Failures it holds back itself, to one a minute and
    process: what would share them out among processes may be what failed.
    """
    if not environ.get(DSN, "").strip():
        return None
    minutes = max(1, math.ceil(tick / 60))
    monitor: Any = {
        "schedule": {"type": "interval", "value": minutes, "unit": "minute"},
        "checkin_margin": minutes + 1,  # minutes late that say nothing: a restart, a slow database
        "failure_issue_threshold": 3,
        "recovery_threshold": 1,
    }
    failures = Limit()

    def check_in(ok: bool) -> None:
        from sentry_sdk.crons import capture_checkin

        if ok or failures.take(MONITOR, now=time.monotonic()) is not None:
            capture_checkin(monitor_slug=MONITOR, status="ok" if ok else "error", monitor_config=monitor)

    return check_in


def is_expected(error: BaseException) -> bool:
    """Whether it fails now and then and is known without Sentry: what is ours, a server that is away, the wish to stop.

    A database that refuses or is full is not: no look at the desk's health tells that.
    """
    from worker.store.engine import is_away  # here, for who only looks at a terminal has no database

    if isinstance(error, BaseExceptionGroup):
        return all(is_expected(one) for one in error.exceptions)
    if not isinstance(error, Exception) or isinstance(error, WirewatchError) or is_away(error):
        return True
    return any(f"{kind.__module__}.{kind.__qualname__}" in EXPECTED for kind in type(error).__mro__)


class Limit:
    """At most one in so many seconds for the same key. `now` in monotonic seconds."""

    def __init__(self, seconds: float = HELD_SECONDS) -> None:
        self._seconds, self._lock = seconds, threading.Lock()
        self._held: dict[Any, tuple[float, int]] = {}  # by key: from when on the next may go, and how many were held

    def take(self, key: Any, *, now: float) -> int | None:
        """How many were held back since the last that went; None when this one is, too."""
        with self._lock:
            free_at, held = self._held.get(key, (now, 0))
            if now < free_at:
                self._held[key] = (free_at, held + 1)
                return None
            if len(self._held) >= MOST_PLACES:
                self._held.clear()
            self._held[key] = (now + self._seconds, 0)
            return held


class Gate:
    """`before_send`: what goes out, and in which words. What it cannot judge does not go."""

    def __init__(self, scrub: Scrub, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.scrub, self.clock, self.limit = scrub, clock, Limit()

    def __call__(self, event: Any, hint: Mapping[str, Any]) -> Any:
        try:
            return self._pass(event, hint)
        except Exception:
            return None  # rather nothing than something raw

    def _pass(self, event: Any, hint: Mapping[str, Any]) -> Any:
        if event.get("type") != "check_in":
            error = (hint.get("exc_info") or (None, None))[1]
            if error is not None and is_expected(error):
                return None
            held = self.limit.take(place(event), now=self.clock())
            if held is None:
                return None
            if held:
                event = {**event, "extra": {**(event.get("extra") or {}), "held_back": held}}
        return clean(event, self.scrub)


def place(event: Mapping[str, Any]) -> tuple[Any, ...]:
    """What makes two events the same: the exception's type, and where in our code it passed last."""
    raised = ((event.get("exception") or {}).get("values") or [{}])[-1]
    frames = (raised.get("stacktrace") or {}).get("frames") or [{}]
    ours = [frame for frame in frames if frame.get("in_app")] or frames
    return (raised.get("type"), ours[-1].get("module"), ours[-1].get("lineno"), str(event.get("message")))


def clean(event: Mapping[str, Any], scrub: Scrub) -> dict[str, Any]:
    """The event as it may go out. Pure."""
    gone = {"server_name", "user", "breadcrumbs", "modules"}
    found: dict[str, Any] = scrub.value({name: value for name, value in event.items() if name not in gone})
    found |= {name: event[name] for name in OURS if name in event}
    asked = found.pop("request", None)
    if isinstance(asked, dict):  # no headers, cookies, query nor body
        found["request"] = {name: asked[name] for name in ("method", "url") if name in asked}
    if (found.get("transaction_info") or {}).get("source") == "url":  # an address as it came, and not a route's
        found.pop("transaction", None)
    ((found.get("contexts") or {}).get("trace") or {}).pop("dynamic_sampling_context", None)  # it has the DSN's key
    for raised in (found.get("exception") or {}).get("values") or ():
        raised["value"] = str(raised.get("value") or "")[:LONGEST_WORDS]
        for frame in (raised.get("stacktrace") or {}).get("frames") or ():
            frame.pop("vars", None)
            frame.pop("abs_path", None)  # whose home it is
    return found
