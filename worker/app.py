"""The composition root: environment and configuration in, one frozen Runtime out. Also logging and Sentry."""

from __future__ import annotations

import contextlib
import functools
import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import sentry_sdk
import structlog

from worker import __version__
from worker.config.schema import Config
from worker.delivery.build import build_channels
from worker.feeds.fetch import Fetcher
from worker.feeds.parse import Parser
from worker.pipeline.runtime import Judges, Runtime, no_hint
from worker.store.alerts import save_config_version
from worker.store.engine import open_store
from worker.store.feeds import sync_feeds
from worker.store.migrate import migrate

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
    )


def load_judge(config: Config) -> Judges:
    """The language model and the watchlist, loaded only where articles are judged: hundreds of megabytes."""
    from worker.nlp.judge import Judge
    from worker.nlp.names import compile_watchlist

    return Judge(compile_watchlist(config.watchlist), config.topics, model=config.topic_model)


def start_logging(*, level: str = "INFO") -> None:
    """One line an event on stderr, as key=value, every value quoted and escaped."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _tell_sentry,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        logger_factory=structlog.PrintLoggerFactory(_Stderr()),  # type: ignore[arg-type]
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")


def start_sentry(environ: Mapping[str, str], *, environment: str) -> None:
    """Unexpected errors to Sentry when SENTRY_DSN is set.

    No local variables, no personal details, and no breadcrumbs: theirs are the addresses of every request, tokens and
    all. So of its integrations only those that catch what nobody caught.
    """
    dsn = environ.get("SENTRY_DSN", "")
    if dsn:
        # Only here: it brings all of Celery along, which `wirewatch judge` has no use for.
        from sentry_sdk.integrations.celery import CeleryIntegration
        from sentry_sdk.integrations.dedupe import DedupeIntegration
        from sentry_sdk.integrations.excepthook import ExcepthookIntegration
        from sentry_sdk.integrations.threading import ThreadingIntegration

        sentry_sdk.init(
            dsn=dsn,
            release=f"wirewatch@{__version__}",
            environment=environment,
            send_default_pii=False,
            include_local_variables=False,
            max_breadcrumbs=0,
            default_integrations=False,
            integrations=[CeleryIntegration(), ExcepthookIntegration(), ThreadingIntegration(), DedupeIntegration()],
        )


def _tell_sentry(_: Any, __: str, event: Any) -> Any:
    """An exception that is logged is one that nobody expected; without SENTRY_DSN this does nothing."""
    if event.get("exc_info"):
        sentry_sdk.capture_exception()
    return event


class _Stderr:
    """Whoever reads our lines may go away; our work goes on."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
