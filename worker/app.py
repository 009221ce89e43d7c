"""The composition root: environment and configuration in, one frozen Runtime out. Also logging."""

from __future__ import annotations

import contextlib
import functools
import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog

from worker import __version__, sentry
from worker.config.schema import MAYBE_SECRET_FIELDS, SECRET_FIELDS, Config
from worker.delivery.build import build_channels
from worker.feeds.fetch import Fetcher
from worker.feeds.parse import Parser
from worker.pipeline.runtime import Judges, Runtime, no_hint
from worker.scrub import Scrub, make_scrub, secrets_in_url
from worker.store.alerts import save_config_version
from worker.store.engine import open_store
from worker.store.feeds import sync_feeds
from worker.store.migrate import migrate

SECRET_VARIABLES = ("DATABASE_URL", "REDIS_URL", sentry.DSN)
ANYBODYS = Scrub()  # for who knows no secret: what gives itself away by its form
FIRST_POLL_SPREAD = 0.05  # seconds between the first polls of new feeds: a cold start is no stampede

_runtime: Runtime | None = None


def runtime() -> Runtime:
    """This process's Runtime. Raises RuntimeError before `install`."""
    if _runtime is None:
        raise RuntimeError("no runtime: call app.install() first")
    return _runtime


def install(made: Runtime) -> None:
    global _runtime
    _runtime = made


def build(
    config: Config,
    *,
    data: Path,
    environ: Mapping[str, str],
    hint: Callable[[str], None] = no_hint,
) -> Runtime:
    """Opens the store (migrated, feeds synchronised) and everything around it. Safe in many processes at once."""
    store = open_store(environ.get("DATABASE_URL", ""), data=data)
    migrate(store)
    config_version = save_config_version(store, digest=config.hash, body=config.public())
    feeds = [(feed.id, feed.url, feed.title) for feed in config.feeds if feed.enabled]
    sync_feeds(store, feeds, spread=FIRST_POLL_SPREAD)
    policy = config.to_policy()
    return Runtime(
        config=config,
        config_version=config_version,
        store=store,
        fetcher=Fetcher(policy, user_agent=f"Wirewatch/{__version__} (+{config.settings.contact})"),
        parser=Parser(),
        channels=build_channels(config, policy=policy, inbox_root=data),
        judge=functools.cache(functools.partial(load_judge, config)),
        data=data,
        hint=hint,
        check_in=sentry.check_ins(environ, tick=config.settings.timing.tick),
    )


def load_judge(config: Config) -> Judges:
    """The language model and the watchlist, loaded only where articles are judged: hundreds of megabytes."""
    from worker.nlp.judge import Judge
    from worker.nlp.names import compile_watchlist

    return Judge(compile_watchlist(config.watchlist), config.topics, model=config.topic_model)


def start_reporting(config: Config, environ: Mapping[str, str], *, role: str, secrets: Iterable[str] = ()) -> None:
    """Logs and, where SENTRY_DSN is set, Sentry: both without a secret of the configuration, the environment or of
    `secrets`. Raises NoDsn."""
    scrub = make_scrub([*secrets_of(config, environ), *secrets])
    start_logging(level=config.settings.log_level, scrub=scrub)
    sentry.start(environ, role=role, environment=config.settings.environment, scrub=scrub)


def secrets_of(config: Config, environ: Mapping[str, str]) -> Iterator[str]:
    """All that is one, or may be: a user name may come from the environment, but not one that is a plain word."""
    for name in SECRET_VARIABLES:
        yield from secrets_in_url(environ.get(name, ""))
    for channel in config.channels:
        for name in SECRET_FIELDS | MAYBE_SECRET_FIELDS:
            given = getattr(channel, name, "")
            secret = getattr(given, "reveal", lambda given=given: given)()
            if name != "username" or not secret.isalpha():
                yield secret
            if name == "url":
                yield from secrets_in_url(secret, path=True)


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
    foreign = logging.StreamHandler(sys.stderr)
    foreign.setFormatter(_Scrubbed(scrub))
    logging.basicConfig(level=logging.WARNING, handlers=[foreign], force=True)
    logging.lastResort = foreign  # of loggers that keep to themselves and have no handler

    def say_last(kind: Any, error: Any, trace: Any) -> None:
        if kind is not SystemExit:  # a thread's way to end
            _Stderr().write(scrub.text("".join(traceback.format_exception(kind, error, trace))))

    sys.excepthook = say_last
    threading.excepthook = lambda broken: say_last(broken.exc_type, broken.exc_value, broken.exc_traceback)


class _Scrubbed(logging.Formatter):
    """A library's line, with its traceback."""

    def __init__(self, scrub: Scrub) -> None:
        super().__init__("%(levelname)s %(name)s %(message)s")
        self.scrub = scrub

    def format(self, record: logging.LogRecord) -> str:
        return self.scrub.text(super().format(record))


class _Stderr:
    """Whoever reads our lines may go away; our work goes on."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
