"""The replay: each moment of a history goes through poll, analyse, storify and raise at that moment's time.

It is the real pipeline over the real store; only the fetcher is replaced (documents come from the history), the clock,
and the channels: nothing is sent. Ids that are random are not shown, so the same history gives the same report.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from worker.app import load_judge
from worker.config.schema import Config, FeedSpec
from worker.feeds.parse import Parser
from worker.guard import NetworkPolicy
from worker.model import Fetched, FetchOutcome, FetchRequest, FetchResult, Postponed, ServerHints, Validators
from worker.pipeline.analyse import analyse_new_articles
from worker.pipeline.poll import poll_due_feeds
from worker.pipeline.raising import storify_and_raise
from worker.pipeline.runtime import Runtime
from worker.pipeline.telling import tell_due_alerts
from worker.pipeline.tick import park_poison
from worker.replay.history import STEP, Document, History
from worker.replay.report import make_report
from worker.store.alerts import save_config_version
from worker.store.engine import open_store
from worker.store.feeds import set_next_polls, sync_feeds
from worker.store.lease import MAX_ATTEMPTS
from worker.store.migrate import migrate
from worker.store.replays import set_moment
from worker.store.totals import count_unsettled

# A feed is polled when the history has a document of it, and not otherwise: until then its next poll is no moment that
# a history reaches. One instant, not an interval: a history may be older than any.
NEVER = datetime(9000, 1, 1, tzinfo=UTC)
CHECKPOINT_EVERY = 200  # moments
BATCH = 500  # feeds a poll task: the history has them at hand
CONTENT_TYPES = {True: "application/feed+json", False: "application/xml"}


@dataclass
class HistoryFetcher:
    """Answers each request with what the history has at the present moment. Stands in for feeds.fetch.Fetcher."""

    now: datetime
    served: dict[str, Document] = field(default_factory=dict)
    policy: NetworkPolicy = field(default_factory=NetworkPolicy)

    def open(self) -> HistoryRound:
        return HistoryRound(self)

    def answer(self, request: FetchRequest) -> FetchOutcome:
        document = self.served.get(request.feed_id)
        if document is None:
            return Postponed()
        body = document.read()
        return Fetched(
            status=200,
            body=body,
            content_type=CONTENT_TYPES[body.lstrip().startswith(b"{")],
            validators=Validators(),
            hints=ServerHints(),
            final_url=request.url,
            body_hash=hashlib.sha256(body).hexdigest(),
        )


@dataclass
class HistoryRound:
    """What feeds.rounds.Round is to a fetcher: every answer is there at once."""

    fetcher: HistoryFetcher
    asked: list[FetchRequest] = field(default_factory=list)

    def add(self, requests: Iterable[FetchRequest], *, start_within: float) -> None:
        self.asked += requests

    def take(self, seconds: float | None = None) -> list[FetchResult]:
        asked, self.asked = self.asked, []
        return [FetchResult(request, self.fetcher.answer(request), 0.0) for request in asked]

    def __enter__(self) -> HistoryRound:
        return self

    def __exit__(self, *_: object) -> None:
        self.asked = []


def replay(
    history: History, config: Config, *, keep: Path | None = None, on_progress: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """The whole history; returns the report, a JSON object. `keep`: a folder for the scratch store, kept afterwards.

    `on_progress` is called for each document that is done.
    """
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wirewatch-replay-")))
        fetcher = HistoryFetcher(now=history.documents[0].at)
        runtime = _runtime(history, config, folder=folder, fetcher=fetcher)
        stack.callback(runtime.store.close)
        stack.callback(runtime.parser.close)
        moments = list(history.moments())
        following = [*(at for at, _ in moments[1:]), None]
        for number, ((at, documents), until) in enumerate(zip(moments, following, strict=True), start=1):
            _live_through(runtime, fetcher, at, documents)
            _try_again(runtime, fetcher, until=until)
            for _ in documents:
                on_progress()
            if number % CHECKPOINT_EVERY == 0:
                runtime.store.checkpoint()
        runtime.store.checkpoint()
        report = make_report(runtime.store, config)
    return report | {"notes": list(history.notes), "wall_seconds": round(time.monotonic() - began, 1)}


def _runtime(history: History, config: Config, *, folder: Path, fetcher: HistoryFetcher) -> Runtime:
    """The desk's own settings, topics, watchlist and rules over the history's feeds; a scratch store, no channels.

    No pages: a history has none, and what they say today nobody could have read then.
    """
    config = replace(
        config,
        feeds=tuple(_spec(config, feed) for feed in history.feeds),
        rules=tuple(rule.model_copy(update={"full_text": False}) for rule in config.rules),
        settings=config.settings.model_copy(update={"poll_batch": BATCH}),
    )
    store = open_store("", data=folder, durable=False).with_clock(lambda: fetcher.now)
    migrate(store)
    version = save_config_version(store, digest=config.hash, body=config.public())
    sync_feeds(store, [(feed.id, feed.url, feed.title) for feed in config.feeds], spread=0)
    set_next_polls(store, history.feeds, at=NEVER)
    return Runtime(
        config=config,
        config_version=version,
        store=store,
        fetcher=fetcher,  # type: ignore[arg-type]
        parser=Parser(),
        channels={},
        judge=functools.cache(functools.partial(load_judge, config)),
        data=folder,
    )


def _spec(config: Config, feed: str) -> FeedSpec:
    """A feed of the history, with what the desk says of the feed of that id: its tags, tier and language count.

    One that the desk does not know has a host of its own: the relative links of two publishers are not one article.
    """
    spec = config.feed(feed)
    known = any(one.id == feed for one in config.feeds)
    url = spec.url if known else f"https://{feed}.invalid/"
    return spec.model_copy(update={"url": url, "enabled": True, "full_text": False, "title": spec.title or feed})


def _live_through(runtime: Runtime, fetcher: HistoryFetcher, at: datetime, documents: Sequence[Document]) -> None:
    """One moment: what the feeds serve at it is polled, judged and told."""
    before = fetcher.served
    fetcher.now, fetcher.served = at, {document.feed: document for document in documents}
    set_moment(
        runtime.store,
        now=at,
        due=sorted(fetcher.served),
        over=sorted(before.keys() - fetcher.served.keys()),
        never=NEVER,
        # A first look may be of several documents; after the first of them the others would be news.
        first=[document.feed for document in documents if document.baseline],
    )
    _work_off(runtime, poll_due_feeds, analyse_new_articles, storify_and_raise)
    tell_due_alerts(runtime)


def _work_off(runtime: Runtime, *steps: Callable[[Runtime], bool]) -> None:
    for step in steps:
        while step(runtime):
            pass


def _try_again(runtime: Runtime, fetcher: HistoryFetcher, *, until: datetime | None) -> None:
    """What failed is tried again when its lease is out and parked after three tries, as the tick has it.

    Not after `until`, the next moment, at which it is tried anyway; without one, to the end. An article may fail to
    be judged and then to be settled, each so often and a lease apart: more rounds than that would change nothing.
    """
    lease = timedelta(seconds=runtime.config.settings.timing.analyse_lease) + STEP
    for _ in range(2 * MAX_ATTEMPTS):
        if not _unsettled(runtime):
            return
        park_poison(runtime)
        if until is not None and fetcher.now + lease >= until:
            return
        fetcher.now += lease
        _work_off(runtime, analyse_new_articles, storify_and_raise)


def _unsettled(runtime: Runtime) -> int:
    with runtime.store.reading() as connection:
        return count_unsettled(connection)
