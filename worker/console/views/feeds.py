"""A feed as a page shows it: how it is, when it is asked next, what is wrong and what to do. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from worker.console.views.names import DETAIL_LETTERS, Names, one_line
from worker.console.words import Moment, distance, span
from worker.feeds.held import decision_commands, held_words
from worker.feeds.shown import Trouble, article_words, count_states, stand_of
from worker.store.latest import FeedsFound

DUE_SECONDS: Final = 60.0


@dataclass(frozen=True)
class FeedView:
    """`state` is the class of the sign, `words` say it; `trouble` is None when all is well."""

    id: str
    title: str
    state: str
    words: str
    trouble: Trouble | None
    polled: Moment | None
    next_poll: Moment | None
    next_words: str
    articles: str


@dataclass(frozen=True)
class HeldView:
    """Old entries that wait for somebody's word, and what to type for each decision."""

    words: str
    since: Moment
    release: str
    ignore: str


@dataclass(frozen=True)
class FeedsView:
    """One page of the feeds; `states` in words, of all of them."""

    rows: Sequence[FeedView]
    states: Sequence[str]
    page: int
    pages: int
    total: int


def feeds_view(found: FeedsFound, names: Names, now: datetime) -> FeedsView:
    rows = [feed_view(row, found.articles.get(row.id, 0), names, now) for row in found.rows]
    return FeedsView(
        rows, count_states(found.states), page=found.page, pages=found.pages, total=sum(found.states.values())
    )


def held_view(row: Any, names: Names, now: datetime) -> HeldView:
    release, ignore = decision_commands(row)
    return HeldView(held_words(row), names.at(row.at, now), release, ignore)


def feed_view(row: Any, articles: int, names: Names, now: datetime) -> FeedView:
    """A feed's row in words; `articles` is a count for `article_words`."""
    stand = stand_of(names.feeds.get(row.id), row)
    next_poll = names.at(row.next_poll_at, now) if stand.polled else None
    return FeedView(
        id=row.id,
        title=one_line(row.title) or row.id,
        state=stand.state,
        words=stand.words,
        trouble=stand.trouble and _visible(stand.trouble),
        polled=names.find_at(row.polled_at, now),
        next_poll=next_poll,
        next_words=due_words(row.next_poll_at, now) if next_poll else "",
        articles=article_words(articles),
    )


def _visible(trouble: Trouble) -> Trouble:
    """The detail may be the publisher's words, and the address that it moved to is."""
    return replace(trouble, says=one_line(trouble.says), detail=one_line(trouble.detail, DETAIL_LETTERS))


def due_words(at: datetime, now: datetime) -> str:
    """'in 7 min', 'due', 'late by 12 min': a batch or two may well be before it."""
    late = (now - at).total_seconds()
    if late <= 0:
        return distance(at, now)
    return "due" if late < DUE_SECONDS else f"late by {span(late)}"
