"""What happened since the last look, for who watches, and what waits now. Reads only.

A look costs by what is new, never by the size of the record: each kind of event has an index on its clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from worker.model import ArticleState, DeliveryState
from worker.store.articles import is_open
from worker.store.engine import Connection, Store, read_clock
from worker.store.feeds import shown_state
from worker.store.schema import (
    MICROSECOND,
    alert,
    article,
    attempt,
    delivery,
    feed,
    judgement,
    notification,
    poll,
    revision,
)

PAGE = 500  # rows a query; more than one transaction stamps with one instant
PAGES = 4  # of one kind in one look; the next look goes on where it ended
# A transaction reads the clock and commits later: on PostgreSQL after others that read it later. None takes so long.
LATE = timedelta(seconds=10)
# Of a worker that stopped nobody knows how its attempt ended, nor when.
ENDED = attempt.c.outcome.in_((DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.ABANDONED)) | (
    (attempt.c.outcome == "unknown") & attempt.c.reason.is_not(None)
)


@dataclass(frozen=True)
class Kind:
    """One kind of event: the clock and the key of its rows, cheap to read by an index, and all that is told of one."""

    at: ColumnElement[datetime]
    keys: Sequence[ColumnElement[Any]]
    rows: Select[Any]
    where: ColumnElement[bool] | None = None

    def find_keys(self, connection: Connection, edge: datetime) -> list[Any]:
        """(at, *key) from `edge` on, the earliest first."""
        found = select(self.at.label("at"), *self.keys).where(self.at >= edge)
        found = found if self.where is None else found.where(self.where)
        return list(connection.execute(found.order_by(self.at, *self.keys).limit(PAGE)))

    def read(self, connection: Connection, keys: Sequence[tuple[Any, ...]]) -> list[Any]:
        if not keys:
            return []
        chosen = or_(*(and_(*(column == part for column, part in zip(self.keys, key, strict=True))) for key in keys))
        if len(self.keys) == 1:
            chosen = self.keys[0].in_([key[0] for key in keys])
        return list(connection.execute(self.rows.where(chosen).order_by(self.at, *self.keys)))


@dataclass
class Trail:
    """How far one kind was read. `seen`: the keys from `edge` on that were given out, with their times."""

    edge: datetime
    seen: dict[tuple[Any, ...], datetime] = field(default_factory=dict)

    def take(self, found: Sequence[Any], *, now: datetime) -> list[tuple[Any, ...]]:
        """The keys that are new. A full page moves the edge to its end, the last one to where nothing comes late."""
        fresh = [tuple(row[1:]) for row in found if tuple(row[1:]) not in self.seen]
        self.seen.update((tuple(row[1:]), row.at) for row in found)
        if len(found) == PAGE:
            last = found[-1].at
            self.edge = last if last > self.edge else last + MICROSECOND
        else:
            self.edge = min(max(self.edge, now - LATE), now)  # a clock that was set back is followed
        self.seen = {key: at for key, at in self.seen.items() if at >= self.edge}
        return fresh


@dataclass
class Watcher:
    """Each `look` gives what is new since the last as (kind, row), by time. `since` is by the database's clock.

    Nothing is given twice, and nothing left out but what commits more than LATE after its own time (or, where more than
    a page came within LATE, after its page was read).
    """

    store: Store
    since: datetime
    trails: dict[str, Trail] = field(default_factory=dict)

    def look(self) -> list[tuple[str, Any]]:
        with self.store.reading() as connection:
            now = read_clock(connection)
            found = [(name, row) for name, kind in KINDS.items() for row in self._new(connection, name, kind, now)]
        return sorted(found, key=lambda item: item[1].at)

    def _new(self, connection: Connection, name: str, kind: Kind, now: datetime) -> Iterator[Any]:
        trail = self.trails.setdefault(name, Trail(self.since))
        for _ in range(PAGES):
            found = kind.find_keys(connection, trail.edge)
            yield from kind.read(connection, trail.take(found, now=now))
            if len(found) < PAGE:
                return


def _polls() -> Select[Any]:
    columns = "id at feed_id outcome reason seen new changed skipped".split()
    statement = select(*(poll.c[name] for name in columns), feed.c.title, feed.c.detail, feed.c.baseline_at)
    return statement.join(feed, feed.c.id == poll.c.feed_id)


def _articles() -> Select[Any]:
    columns = "public_id feed_id title url baseline duplicate_of first_seen_at".split()
    statement = select(article.c.settled_at.label("at"), *(article.c[name] for name in columns))
    statement = statement.add_columns(judgement.c.topics, judgement.c.mentions, judgement.c.language, judgement.c.notes)
    return statement.join(judgement, judgement.c.article_id == article.c.id)


def _alerts() -> Select[Any]:
    statement = select(alert.c.raised_at.label("at"), alert.c.public_id, alert.c.rule_id, alert.c.severity)
    statement = statement.add_columns(alert.c.because, revision.c.title, article.c.public_id.label("article"))
    statement = statement.add_columns(article.c.feed_id, article.c.url, article.c.first_seen_at)
    statement = statement.join(article, article.c.id == alert.c.article_id)
    return statement.join(revision, (revision.c.article_id == alert.c.article_id) & (revision.c.n == 1))


def _attempts() -> Select[Any]:
    outcome = case((attempt.c.outcome == "unknown", DeliveryState.FAILED), else_=attempt.c.outcome).label("outcome")
    statement = select(attempt.c.finished_at.label("at"), attempt.c.n, outcome, attempt.c.reason)
    statement = statement.add_columns(attempt.c.detail, delivery.c.public_id, delivery.c.channel, delivery.c.recipient)
    statement = statement.add_columns(delivery.c.subject, notification.c.kind, notification.c.created_at)
    statement = statement.add_columns(alert.c.public_id.label("alert"), article.c.first_seen_at)
    statement = statement.join(delivery, delivery.c.id == attempt.c.delivery_id)
    statement = statement.join(notification, notification.c.id == delivery.c.notification_id)
    statement = statement.outerjoin(alert, alert.c.id == notification.c.alert_id)
    return statement.outerjoin(article, article.c.id == alert.c.article_id)


# In the order in which one instant is told: what was polled, judged, raised, delivered.
KINDS: Mapping[str, Kind] = {
    "poll": Kind(poll.c.at, (poll.c.id,), _polls()),
    "article": Kind(article.c.settled_at, (article.c.id,), _articles()),
    "alert": Kind(alert.c.raised_at, (alert.c.id,), _alerts()),
    "attempt": Kind(attempt.c.finished_at, (attempt.c.delivery_id, attempt.c.n), _attempts(), where=ENDED),
}


@dataclass(frozen=True)
class Backlog:
    """What is still to do at one moment, or was given up. `feeds`: how many are shown as what. `waiting`: articles not
    settled yet."""

    feeds: Mapping[str, int]
    waiting: int
    quarantined: int
    unsent: int  # deliveries that were not tried yet, or are being tried
    failed: int  # that will be tried again
    abandoned: int

    @property
    def quiet(self) -> bool:
        """Nothing waits to be judged, to join its story, or to be sent for the first time."""
        return not self.waiting and not self.unsent


def read_backlog(store: Store) -> Backlog:
    def count(condition: ColumnElement[bool]) -> Any:
        return select(func.count()).where(condition).scalar_subquery()

    unsent = delivery.c.state.in_((DeliveryState.PENDING, DeliveryState.SENDING))
    counts = select(
        count(is_open()).label("waiting"),
        count(article.c.state == ArticleState.QUARANTINED).label("quarantined"),
        count(unsent).label("unsent"),
        count(delivery.c.state == DeliveryState.FAILED).label("failed"),
        count(delivery.c.state == DeliveryState.ABANDONED).label("abandoned"),
    )
    shown = shown_state().label("shown")
    with store.reading() as connection:
        feeds = connection.execute(select(shown, func.count().label("n")).group_by(shown))
        return Backlog(feeds={row.shown: row.n for row in feeds}, **connection.execute(counts).one()._asdict())


def clock_of(store: Store) -> datetime:
    """The database's clock."""
    with store.reading() as connection:
        return read_clock(connection)
