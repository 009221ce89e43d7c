"""Judging again: stored articles by today's model, watchlist and topics, when somebody asks. Never by itself.

In batches, each saved in one transaction, so that a running desk waits no longer than for any other write, and a run
that was killed goes on where it stopped: what today's configuration has judged is passed over. Raises no alert unless
asked to; then of all that is wished for, under the desk lock, with all the guards of news.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

import structlog

from worker.errors import WirewatchError
from worker.metrics import ALERTS, Key
from worker.model import ArticleText, Judgement, TopicScore
from worker.pipeline.analyse import article_text, judge_rows
from worker.pipeline.raising import raise_again
from worker.pipeline.runtime import Runtime
from worker.store import rejudgements, tallies
from worker.store.articles import read_judgement
from worker.store.engine import Lock, read_clock, take_lock
from worker.store.rejudgements import Range

log = structlog.get_logger()

BATCH: Final = 64
SHOWN: Final = 1_000  # changed articles that a report names; the counts are of all


@dataclass(frozen=True)
class Wish:
    """What is asked for. `topic`: only this topic's answers are taken over, all else stays as it was judged."""

    since: timedelta | None = None
    feed_id: str | None = None
    topic: str | None = None
    alert: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Change:
    """What another judgement of an article says otherwise: topics matched, entities named."""

    article_id: str
    title: str
    topics_gained: tuple[str, ...]
    topics_lost: tuple[str, ...]
    mentions_gained: tuple[str, ...]
    mentions_lost: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.topics_gained or self.topics_lost or self.mentions_gained or self.mentions_lost)


@dataclass
class Outcome:
    """Counts of all, the first `changes`, and what was alerted. `unjudged` choked the judge and keep what was said."""

    judged: int = 0
    saved: int = 0
    changed: int = 0
    unjudged: int = 0
    without_text: int = 0
    topics_gained: Counter[str] = field(default_factory=Counter)
    topics_lost: Counter[str] = field(default_factory=Counter)
    mentions_gained: Counter[str] = field(default_factory=Counter)
    mentions_lost: Counter[str] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)
    raised: list[dict[str, Any]] = field(default_factory=list)

    def note(self, change: Change) -> None:
        if not change:
            return
        self.changed += 1
        for name in ("topics_gained", "topics_lost", "mentions_gained", "mentions_lost"):
            getattr(self, name).update(getattr(change, name))
        if len(self.changes) < SHOWN:
            self.changes.append(change)


def count_wished(runtime: Runtime, wish: Wish) -> tuple[int, Range]:
    """How many articles, and which: by the clock of the record at this moment."""
    with runtime.store.reading() as connection:
        since = read_clock(connection) - wish.since if wish.since is not None else None
        # What the model missed may still alert, once the desk has caught up; judged without, it never would. Of one
        # topic alone it stays to be caught up with.
        left = None if wish.alert or wish.topic is not None else False
        wanted = Range(since=since, feed_id=wish.feed_id, missed=left)
        version = rejudgements.find_config_version(connection, runtime.config.hash)
        # Alerts are asked for of what an earlier call has judged, too: that one may have been told to raise none.
        if wish.topic is None and version is not None and not wish.alert:
            wanted = replace(wanted, judged_by=(version, _model_ids(runtime)))
        return rejudgements.count_judged(connection, wanted), wanted


def _model_ids(runtime: Runtime) -> frozenset[str]:
    """The models by which today's judge judges: of what one of them judged, nothing new is to be heard."""
    return runtime.judge().model_ids


def rejudge(runtime: Runtime, wish: Wish, wanted: Range, *, on_progress: Callable[[], None] = lambda: None) -> Outcome:
    """Raises WirewatchError where the topic model cannot be loaded: nothing is replaced by less."""
    if missing := runtime.judge().missing:
        raise WirewatchError(missing)
    outcome = Outcome()
    with runtime.store.reading() as connection:
        outcome.without_text = rejudgements.count_without_text(connection, wanted)
    for rows in _batches(runtime, wanted):
        judge_again(runtime, wish, rows, outcome)
        for _ in rows:
            on_progress()
    if outcome.raised:
        runtime.hint("deliver")
    return outcome


def judge_again(runtime: Runtime, wish: Wish, rows: Sequence[Any], outcome: Outcome) -> None:
    """These articles by today's judge, saved unless that is only tried; adds to the outcome."""
    said = judge_rows(runtime, runtime.judge(), rows, read=_as_judged)
    judged = [(row, _merged(row, answer, wish.topic)) for row, answer in said]
    outcome.judged += len(judged)
    outcome.unjudged += len(rows) - len(judged)
    for row, answer in judged if wish.dry_run else save_judged(runtime, wish, judged, outcome):
        outcome.note(compare(row, answer))


def _batches(runtime: Runtime, wanted: Range) -> Iterator[Sequence[Any]]:
    """By rising id, each read when the one before it is done."""
    after = 0
    while True:
        with runtime.store.reading() as connection:
            rows = rejudgements.judged_after(connection, wanted, after=after, limit=BATCH)
        if not rows:
            return
        yield rows
        after = rows[-1].id


def _as_judged(runtime: Runtime, row: Any) -> ArticleText:
    """The revision that was judged: what a judgement points at stands there."""
    return replace(article_text(runtime, row), title=row.judged_title, text=row.judged_text)


def _merged(row: Any, said: Judgement, topic: str | None) -> Judgement:
    if topic is None:
        return said
    before = read_judgement(row)
    new = [one for one in said.topics if one.id == topic]
    return replace(before, topics=_replaced(before.topics, new))


def _replaced(topics: Sequence[TopicScore], new: Sequence[TopicScore]) -> tuple[TopicScore, ...]:
    by_id = {one.id: one for one in topics} | {one.id: one for one in new}
    return tuple(by_id.values())


def save_judged(
    runtime: Runtime, wish: Wish, judged: Sequence[tuple[Any, Judgement]], outcome: Outcome
) -> Sequence[tuple[Any, Judgement]]:
    """What was saved: not what comes out as it was. With alerts in the same transaction, all or nothing: rules are
    asked of what comes out as it was, too."""
    version = None if wish.topic else runtime.config_version
    fresh = [(row, said) for row, said in judged if not _is_same(row, said, version)]
    if not (judged if wish.alert else fresh):
        return []
    with runtime.store.writing() as connection:
        if wish.alert:
            take_lock(connection, Lock.DESK)
        now = read_clock(connection)
        as_before = rejudgements.not_replaced(connection, [row for row, _ in judged]) if wish.alert else frozenset()
        saved = rejudgements.save_again(connection, fresh, config_version=version, now=now)
        asked = [(row, said) for row, said in judged if row.id in as_before]
        raised = raise_again(runtime, connection, asked, now) if asked else []
        counts: Counter[Key] = Counter(ALERTS.of(one["rule_id"], one["severity"]) for one in raised)
        tallies.count(connection, counts)
    outcome.saved += len(saved)
    outcome.raised += raised
    for one in raised:
        log.info("alert_raised", **one)
    return saved


def _is_same(row: Any, said: Judgement, version: int | None) -> bool:
    return read_judgement(row) == said and version in (None, row.judged_version)


def compare(row: Any, said: Judgement) -> Change:
    """Today's answer beside the one on record."""
    before = read_judgement(row)
    matched = [{one.id for one in judgement.topics if one.match} for judgement in (before, said)]
    named = [{one.entity for one in judgement.mentions} for judgement in (before, said)]
    return Change(
        article_id=row.public_id,
        title=row.judged_title,
        topics_gained=tuple(sorted(matched[1] - matched[0])),
        topics_lost=tuple(sorted(matched[0] - matched[1])),
        mentions_gained=tuple(sorted(named[1] - named[0])),
        mentions_lost=tuple(sorted(named[0] - named[1])),
    )
