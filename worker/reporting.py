"""What this process says: its log on stderr and, where it is set, Sentry, both without a secret."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import structlog

from worker import sentry
from worker.display import escaped
from worker.scrub import Scrub, make_scrub, secrets_in_url

if TYPE_CHECKING:
    from worker.config.schema import Config

SECRET_VARIABLES = ("DATABASE_URL", "REDIS_URL", sentry.DSN)
ANYBODYS = Scrub()  # for who knows no secret: what gives itself away by its form


def start_reporting(config: Config, environ: Mapping[str, str], *, role: str, secrets: Iterable[str] = ()) -> None:
    """Logs and, where SENTRY_DSN is set, Sentry: both without a secret of the configuration, the environment or of
    `secrets`. Raises NoDsn."""
    scrub = make_scrub([*secrets_of(config, environ), *secrets])
    start_logging(level=config.settings.log_level, scrub=scrub)
    sentry.start(environ, role=role, environment=config.settings.environment, scrub=scrub)


def secrets_of(config: Config, environ: Mapping[str, str]) -> Iterator[str]:
    """All that is one, or may be: a user name may come from the environment, but not one that is a plain word."""
    from worker.config.schema import MAYBE_SECRET_FIELDS, SECRET_FIELDS
    from worker.config.values import Secret, revealed

    for name in SECRET_VARIABLES:
        yield from secrets_in_url(environ.get(name, ""))
    for channel in config.channels:
        for name in SECRET_FIELDS | MAYBE_SECRET_FIELDS:
            secret = revealed(getattr(channel, name, ""))
            if name != "username" or not secret.isalpha():
                yield secret
            if name == "url":
                yield from secrets_in_url(secret, path=True)
    for feed in config.feeds:
        yield from (value.reveal() for value in feed.headers.values() if isinstance(value, Secret))
        yield revealed(feed.password)
        if not feed.username.isalpha():
            yield feed.username
    yield from secrets_in_url(revealed(config.network.proxy))


def start_logging(*, level: str = "INFO", scrub: Scrub = ANYBODYS) -> None:
    """One line an event on stderr, as key=value, every value quoted, escaped and scrubbed. So is what others write
    there: libraries that log, and the last words of a thread or a process."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            sentry.tell,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            lambda _, __, event: scrub.value(event),
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        logger_factory=structlog.PrintLoggerFactory(_Stderr()),  # type: ignore[arg-type]
    )
    foreign = logging.StreamHandler(_Stderr())  # type: ignore[type-var]
    foreign.setFormatter(_Scrubbed(scrub))
    logging.basicConfig(level=logging.WARNING, handlers=[foreign], force=True)
    logging.lastResort = foreign  # of loggers that keep to themselves and have no handler

    def say_last(kind: Any, error: Any, trace: Any) -> None:
        if kind is not SystemExit:  # a thread's way to end
            lines = scrub.text("".join(traceback.format_exception(kind, error, trace))).split("\n")
            _Stderr().write("\n".join(map(escaped, lines)))

    sys.excepthook = say_last
    threading.excepthook = lambda broken: say_last(broken.exc_type, broken.exc_value, broken.exc_traceback)


class _Scrubbed(logging.Formatter):
    """A library's line, with its traceback: one line, whatever a feed has it say."""

    def __init__(self, scrub: Scrub) -> None:
        super().__init__("%(levelname)s %(name)s %(message)s")
        self.scrub = scrub

    def format(self, record: logging.LogRecord) -> str:
        return escaped(self.scrub.text(super().format(record)))


class _Stderr:
    """Whoever reads our lines may go away; our work goes on."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
