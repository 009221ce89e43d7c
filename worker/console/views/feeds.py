"""A feed as a page shows it: how it is, when it is asked next, what is wrong and what to do. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from worker.console.views.names import DETAIL_LETTERS, Names, one_line
from worker.console.words import FEED_NOTE, Moment, counted, distance, span
from worker.feeds.reasons import wording
from worker.feeds.shown import article_words
from worker.store.latest import FeedsFound

DUE_SECONDS: Final = 60.0
STATES: Final = {
    "stopped": "gone",
    "failing": "failing",
    "new": "not polled yet",
    "active": "working",
    "removed": "taken out",
}


@dataclass(frozen=True)
class FeedView:
    """`state` is the class of the sign, `words` say it. `trouble`, `advice` and `detail` are '' when all is well."""

    id: str
    title: str
    state: str
    words: str
    trouble: str
    advice: str
    detail: str
    polled: Moment | None
    next_poll: Moment | None
    next_words: str
    articles: str


@dataclass(frozen=True)
class FeedsView:
    """One page of the feeds; `states` in words, of all of them."""

    rows: Sequence[FeedView]
    states: Sequence[str]
    page: int
    pages: int
    total: int


def feeds_view(found: FeedsFound, names: Names, now: datetime) -> FeedsView:
    states = [f"{found.states[key]:,} {words}" for key, words in STATES.items() if found.states.get(key)]
    rows = [feed_view(row, found.articles.get(row.id, 0), names, now) for row in found.rows]
    return FeedsView(rows, states, page=found.page, pages=found.pages, total=sum(found.states.values()))


def feed_view(row: Any, articles: int, names: Names, now: datetime) -> FeedView:
    """A feed's row in words; `articles` beyond MOST_COUNTED is 'more than'."""
    trouble = advice = detail = ""
    if row.shown in ("failing", "stopped"):
        found = wording(row.reason or "")
        trouble, advice = found.says, found.advice
        detail = one_line(row.detail, DETAIL_LETTERS)
    elif row.shown == "active" and row.reason:
        trouble = FEED_NOTE
    next_poll = names.at(row.next_poll_at, now) if row.state == "active" else None
    return FeedView(
        id=row.id,
        title=one_line(row.title) or row.id,
        state=row.shown,
        words=feed_words(row),
        trouble=trouble,
        advice=advice,
        detail=detail,
        polled=names.find_at(row.polled_at, now),
        next_poll=next_poll,
        next_words=due_words(row.next_poll_at, now) if next_poll else "",
        articles=article_words(articles),
    )


def due_words(at: datetime, now: datetime) -> str:
    """'in 7 min', 'due', 'late by 12 min': a batch or two may well be before it."""
    late = (now - at).total_seconds()
    if late <= 0:
        return distance(at, now)
    return "due" if late < DUE_SECONDS else f"late by {span(late)}"


def feed_words(row: Any) -> str:
    if row.shown == "failing":
        times = counted(row.failures, "time")
        return f"failed {times} in a row" if row.failures > 1 else "failed at its last poll"
    if row.shown == "removed":
        return "not in feeds.yaml any more, or switched off there; its articles stay"
    return STATES.get(row.shown, row.shown)
