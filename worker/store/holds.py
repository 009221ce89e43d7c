"""What is held: old entries that a feed brought all at once, stored and waiting for somebody's word.

Also what of a feed tells such an import from news: its last articles, and how much a poll of it usually brings.
"""

from __future__ import annotations

import enum
import statistics
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, insert, select, update

from worker.feeds.storms import TEXT_LETTERS, RecentArticle
from worker.model import ArticleState
from worker.store.engine import Store
from worker.store.lease import new_token
from worker.store.schema import article, feed, hold, poll

RECENT: Final = 500  # articles of a feed: the longest documents have as many entries
POLLS: Final = 21  # of a feed, to know what one usually brings
LEAST_POLLS: Final = 3  # of which there must be as many to speak of usual
SAMPLE: Final = 3  # headlines of a hold that are shown
BACKDATED: Final = "backdated"
SHORTEST: Final = 6  # letters of an id that name a hold


class Verdict(enum.StrEnum):
    """What somebody, or time, decided of a hold."""

    RELEASED = "released"  # its articles are news, and may alert
    IGNORED = "ignored"  # they are judged and grouped, and raise nothing


# ---------------------------------------------------------------- what a feed is like


def recent_articles(store: Store, feed_id: str) -> list[RecentArticle]:
    """The feed's last ones, the newest first."""
    names = "id title canonical_url content_hash revision published_at published_raw outlet".split()
    head = func.substr(article.c.text, 1, TEXT_LETTERS).label("head")
    newest = select(*(article.c[name] for name in names), head).where(article.c.feed_id == feed_id)
    with store.reading() as connection:
        rows = connection.execute(newest.order_by(article.c.id.desc()).limit(RECENT))
        return [
            RecentArticle(
                article_id=row.id,
                title=row.title,
                text=row.head or "",
                canonical_url=row.canonical_url,
                content_hash=row.content_hash,
                revision=row.revision,
                published=row.published_at,
                published_raw=row.published_raw,
                outlet=row.outlet,
            )
            for row in rows
        ]


def usual_count(store: Store, row: Any) -> float | None:
    """How many new entries a poll of this feed that brings any usually brings, what was held left out; None where too
    few have."""
    held = select(func.sum(hold.c.count)).where(hold.c.feed_id == poll.c.feed_id, hold.c.at == poll.c.at)
    left = (poll.c.new - func.coalesce(held.correlate(poll).scalar_subquery(), 0)).label("left")
    brought = select(left).where(poll.c.feed_id == row.id, poll.c.new > 0, poll.c.at > row.baseline_at)
    with store.reading() as connection:
        found = connection.execute(brought.order_by(poll.c.at.desc()).limit(POLLS)).scalars().all()
    counts = [count for count in found if count]
    return statistics.median(counts) if len(counts) >= LEAST_POLLS else None


# ---------------------------------------------------------------- a hold


def save_hold(connection: Connection, feed_id: str, *, count: int, now: datetime) -> int:
    """The id of a new one."""
    values = dict(public_id=new_token(), feed_id=feed_id, kind=BACKDATED, count=count, at=now)
    return connection.execute(insert(hold).values(**values).returning(hold.c.id)).scalar_one()


def waiting_holds(connection: Connection, *, limit: int | None = None) -> list[Any]:
    """Those that nobody has decided, the oldest first, with the feed's `title`."""
    return list(connection.execute(_holds().where(hold.c.decision.is_(None)).order_by(hold.c.id).limit(limit)))


def count_waiting(connection: Connection) -> int:
    return connection.execute(select(func.count()).where(hold.c.decision.is_(None))).scalar_one()


def holds_of_poll(connection: Connection, feed_ids: Sequence[str], *, at: datetime) -> list[Any]:
    """Those of the polls of these feeds that were saved at that moment."""
    rows = _holds().where(hold.c.feed_id.in_(feed_ids), hold.c.at == at).order_by(hold.c.id)
    return list(connection.execute(rows))


def waiting_feeds(connection: Connection, feed_ids: Sequence[str], *, before: datetime) -> set[str]:
    """Which of these feeds had a hold before that moment that nobody has decided."""
    waits = hold.c.decision.is_(None) & (hold.c.at < before)
    return set(
        connection.execute(select(hold.c.feed_id).distinct().where(hold.c.feed_id.in_(feed_ids), waits)).scalars()
    )


def find_holds(connection: Connection, name: str) -> list[Any]:
    """Those, decided or not, of the feed of that id; else the one whose own id begins so, by SHORTEST letters or more.
    Empty for none, and where several begin so."""
    found = list(connection.execute(_holds().where(hold.c.feed_id == name).order_by(hold.c.id)))
    if found or len(name) < SHORTEST or not name.isalnum():
        return found
    begins = hold.c.public_id.startswith(name, autoescape=True)
    named = list(connection.execute(_holds().where(begins).limit(2)))
    return named if len(named) == 1 else []


def read_holds(connection: Connection, ids: Sequence[int]) -> list[Any]:
    return list(connection.execute(_holds().where(hold.c.id.in_(ids)).order_by(hold.c.id)))


def expired_holds(connection: Connection, *, before: datetime) -> list[Any]:
    """Those that have waited since before that moment."""
    over = hold.c.decision.is_(None) & (hold.c.at < before)
    return list(connection.execute(_holds().where(over).order_by(hold.c.id)))


def sample_titles(connection: Connection, hold_ids: Sequence[int]) -> Mapping[int, Sequence[str]]:
    """The first headlines of each."""
    first = select(article.c.title).order_by(article.c.id).limit(SAMPLE)
    return {number: connection.execute(first.where(article.c.hold_id == number)).scalars().all() for number in hold_ids}


def decide_hold(connection: Connection, hold_id: int, verdict: Verdict, *, by: str | None, now: datetime) -> bool:
    """Lets its articles go on, as news or as what was there before; False when it was decided already.

    `by`: None for nobody, its time was over. Of two people at once one decides: the row's lock keeps the other waiting,
    who then finds it decided.
    """
    waits = (hold.c.id == hold_id) & hold.c.decision.is_(None)
    decided = update(hold).where(waits).values(decision=verdict, decided_at=now, decided_by=by)
    if connection.execute(decided).rowcount != 1:
        return False
    arrival = dict(old=False, baseline=False) if verdict is Verdict.RELEASED else dict(baseline=True)
    held = (article.c.hold_id == hold_id) & (article.c.state == ArticleState.HELD)
    connection.execute(update(article).where(held).values(state=ArticleState.NEW, **arrival))
    return True


def waits_since() -> ColumnElement[datetime]:
    """Since when an article is on its way: its first sight, or the word that let it go on."""
    decided = select(hold.c.decided_at).where(hold.c.id == article.c.hold_id).correlate(article).scalar_subquery()
    return func.coalesce(decided, article.c.first_seen_at)


def _holds() -> Select[Any]:
    return select(hold, feed.c.title).join(feed, feed.c.id == hold.c.feed_id)
