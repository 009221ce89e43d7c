"""The composition root: environment and configuration in, one frozen Runtime out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from worker import __version__, sentry
from worker.config.schema import Config, FeedSpec
from worker.delivery.build import build_channels
from worker.feeds.fetch import Fetcher
from worker.feeds.parse import Parser
from worker.feeds.recent import Recent
from worker.links import NO_LINKS, Links
from worker.pipeline.runtime import Judges, Runtime, no_hint
from worker.store.alerts import save_config_version
from worker.store.engine import Store, open_store
from worker.store.feeds import sync_feeds
from worker.store.keys import bring_signing_key
from worker.store.migrate import migrate

NAMES = "names"  # in the data folder: indexes of long watchlists
AT_ONCE = 50  # feeds that a start may make due together: a small desk sees its first news soon

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
    sync_feeds(store, feeds, spread=start_spread(config.feeds), at_once=AT_ONCE)
    return build_on(store, config, config_version=config_version, data=data, environ=environ, hint=hint)


def build_on(
    store: Store,
    config: Config,
    *,
    config_version: int,
    data: Path,
    environ: Mapping[str, str],
    hint: Callable[[str], None] = no_hint,
) -> Runtime:
    """Everything around a store that is there: no feed becomes due by it."""
    policy = config.to_policy()
    return Runtime(
        config=config,
        config_version=config_version,
        store=store,
        fetcher=Fetcher(
            policy,
            user_agent=f"Wirewatch/{__version__} (+{config.settings.contact})",
            redis_url=environ.get("REDIS_URL", "").replace("redis+socket:", "unix:", 1),
        ),
        parser=Parser(),
        channels=build_channels(config, policy=policy, inbox_root=data, links=make_links(config, store)),
        judge=functools.cache(functools.partial(load_judge, config, data=data, needs_model=False)),
        data=data,
        hint=hint,
        check_in=sentry.check_ins(environ, tick=config.settings.timing.tick),
        recent=Recent(),
    )


def start_spread(feeds: Sequence[FeedSpec]) -> float:
    """Seconds between the polls that a start makes due: twice as fast as they go on, so that a desk of thousands that
    is new, or was away for a day, is no stampede."""
    rate = sum(1 / feed.interval for feed in feeds)
    return 0.5 / rate if rate else 0.0


def make_links(config: Config, store: Store) -> Links:
    """Signed with the desk's key, which is made with the first link."""
    settings = config.settings
    if not settings.public_url:
        return NO_LINKS
    return Links(settings.public_url, bring_signing_key(store), timedelta(seconds=settings.links_last))


def load_judge(config: Config, *, data: Path | None = None, needs_model: bool = True) -> Judges:
    """The language model and the watchlist, loaded only where articles are judged: hundreds of megabytes. In the `data`
    folder, if there is one, the index of a long watchlist is kept, and what the desk's own topics have learned. Raises
    DataProblem for a topic model that cannot be loaded, if it is needed."""
    from worker.nlp.desk import FOLDER, DeskJudge, is_desk_topic, make_scorers
    from worker.nlp.judge import Judge

    own = [topic for topic in config.topics if is_desk_topic(topic)]
    known = [topic for topic in config.topics if not is_desk_topic(topic)]
    names, model, terms = load_names(config, data=data), config.topic_model, config.language_terms
    judge = Judge(names, known, model=model, terms=terms, needs_model=needs_model)
    if not own:
        return judge
    scorers = make_scorers(own, kept=data / FOLDER if data else None)
    return DeskJudge(judge, scorers, [topic.id for topic in config.topics])


def load_names(config: Config, *, data: Path | None) -> Any:
    """The watchlist's index."""
    from worker.nlp.names.kept import load_index

    folder = data / NAMES if data is not None and data.is_dir() else None
    return load_index(list(config.entities_by_id.values()), names=config.names_hash, folder=folder)
