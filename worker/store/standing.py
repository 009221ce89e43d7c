"""How the desk stands at one moment: what is in which state, what waits and for how long, what is stuck. Reads only.

Nothing here counts what came to its good end (settled articles, sent deliveries): what a look costs grows with what
waits and what was given up, not with the record. How much of the rest there is, the tallies say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, func, select

from worker.model import ArticleState, DeliveryState
from worker.store import articles, deliveries, feeds, pages, rejudgements
from worker.store.due import Waiting, is_free, waiting
from worker.store.engine import Store, read_clock
from worker.store.hints import are_hints_lost
from worker.store.holds import count_waiting, waits_since
from worker.store.schema import article, channel, delivery, feed, page, poll
from worker.store.troubles import count_quiet_groups

LATE: Final = timedelta(minutes=5)  # many ticks: whoever should have done it is not there, or cannot
STUCK_LEASES: Final = 10  # so many times its length is a lease old that nobody will finish
NEWS: Final = timedelta(days=1)  # for so long the operator should look at what was given up
FEEDS: Final = ("new", "active", "quiet", "dormant", "failing", "stopped", "removed")  # as feeds.shown_state has them
UNSETTLED: Final = (
    ArticleState.HELD,
    ArticleState.AWAITING,
    ArticleState.NEW,
    ArticleState.ANALYSING,
    ArticleState.JUDGED,
    ArticleState.QUARANTINED,
)
UNSENT: Final = (*deliveries.OPEN, DeliveryState.ABANDONED)


@dataclass(frozen=True)
class QueueStanding:
    """`depth`: what a worker could claim now. `age`: for how long the oldest of it has been due. `late`: what should
    have been worked on LATE ago. `stuck`: claimed STUCK_LEASES leases ago, neither finished nor claimed again."""

    depth: int
    age: timedelta
    late: int
    stuck: int


@dataclass(frozen=True)
class Standing:
    """`feeds` by the state that people are shown, `articles` those that are not settled, `deliveries` not sent.

    `overdue` deliveries are on their way for longer than LATE, tried or not; `unsent_age` is the oldest one's.
    `quarantined` and `abandoned`: within NEWS. `hints_lost`: Redis did not take one lately. `disabled`: channels.
    `holds` wait for somebody's word.
    `troubled`: polled feeds with which something is wrong, by the reason. `quiet_groups`: tags and languages whose
    feeds are all quiet. `missed`: articles that were judged without the topic model, which could not be loaded.
    """

    now: datetime
    feeds: Mapping[str, int]
    articles: Mapping[str, int]
    deliveries: Mapping[str, int]
    queues: Mapping[str, QueueStanding]
    overdue: int
    unsent_age: timedelta
    quarantined: int
    abandoned: int
    last_poll_at: datetime | None
    hints_lost: bool = False
    disabled: int = 0
    holds: int = 0
    troubled: Mapping[str, int] = field(default_factory=dict)
    quiet_groups: int = 0
    missed: int = 0


def read_standing(store: Store, *, leases: Mapping[str, timedelta]) -> Standing:
    """One snapshot. `leases`: how long each queue's is."""
    with store.reading() as connection:
        now = read_clock(connection)
        sending = delivery.c.state.in_(deliveries.OPEN)
        oldest = connection.execute(select(func.min(delivery.c.created_at)).where(sending)).scalar_one()
        parked = (article.c.state == ArticleState.QUARANTINED) & (article.c.first_seen_at >= now - NEWS)
        given_up = (delivery.c.state == DeliveryState.ABANDONED) & (delivery.c.due_at >= now - NEWS)
        return Standing(
            now=now,
            feeds=_count_by(connection, feeds.shown_state()),
            articles=_count_by(connection, article.c.state, article.c.state.in_(UNSETTLED)),
            deliveries=_count_by(connection, delivery.c.state, delivery.c.state.in_(UNSENT)),
            queues={
                queue: _queue(connection, queue, work, now=now, lease=leases[queue])
                for queue, work in waiting(now).items()
            },
            overdue=_count(connection, sending & (delivery.c.created_at < now - LATE)),
            unsent_age=_since(oldest, now),
            quarantined=_count(connection, parked),
            abandoned=_count(connection, given_up),
            last_poll_at=connection.execute(select(func.max(poll.c.at))).scalar_one(),
            hints_lost=are_hints_lost(connection, now),
            disabled=_count(connection, channel.c.disabled_at.is_not(None)),
            holds=count_waiting(connection),
            troubled=_count_by(connection, feeds.shown_reason(), feed.c.state == "active", feeds.shown_reason() != ""),
            quiet_groups=count_quiet_groups(connection),
            missed=_count(connection, rejudgements.is_missed()),
        )


def _queue(connection: Connection, queue: str, work: Waiting, *, now: datetime, lease: timedelta) -> QueueStanding:
    claimable = select(func.count().label("depth"), func.min(work.since).label("oldest"))
    found = connection.execute(claimable.where(work.due, is_free(work.table, now))).one()
    before = now - LATE
    # A lease that was taken `lease` before its end is by now STUCK_LEASES of them old.
    abandoned = work.table.c.lease_until < now - (STUCK_LEASES - 1) * lease
    return QueueStanding(
        depth=found.depth,
        age=_since(found.oldest, now),
        late=_count(connection, _overdue(before)[queue] & is_free(work.table, before)),
        stuck=_count(connection, _leased()[queue] & abandoned),
    )


def _overdue(before: datetime) -> Mapping[str, ColumnElement[bool]]:
    """What should have been worked on then. An article that used up its attempts waits too: to be parked."""
    return {
        "poll": feeds.is_due(before),
        "analyse": articles.is_open() & (waits_since() < before),
        "pages": (page.c.state == pages.WAITING) & (page.c.since < before),
        "deliver": deliveries.is_due(before),
    }


def _leased() -> Mapping[str, ColumnElement[bool]]:
    """Where a lease may stand: by state, for the leases themselves are in no index."""
    return {
        "poll": feed.c.lease_token.is_not(None),
        "pages": page.c.state == pages.WAITING,
        "analyse": article.c.state == ArticleState.ANALYSING,
        "deliver": delivery.c.state == DeliveryState.SENDING,
    }


def _count(connection: Connection, condition: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).where(condition)).scalar_one()


def _count_by(connection: Connection, state: ColumnElement[str], *conditions: Any) -> dict[str, int]:
    rows = connection.execute(select(state.label("state"), func.count().label("n")).where(*conditions).group_by(state))
    return {row.state: row.n for row in rows}


def _since(moment: datetime | None, now: datetime) -> timedelta:
    """How long ago; 0 for None, and for what is still to come."""
    return timedelta(0) if moment is None else max(timedelta(0), now - moment)
