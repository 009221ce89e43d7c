"""What waits: one look that tells the tick which queues have work, and the chores that only one process should do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, exists, insert, or_, select, update

from worker.store import articles, deliveries, feeds, pages
from worker.store.engine import Lock, Store, read_clock, take_lock
from worker.store.schema import article, chore, delivery, feed, page

ASKED_IN: Mapping[str, str] = {"pages": "poll"}  # whose hints come through another's queue


@dataclass(frozen=True)
class Waiting:
    """One step's work: the rows of `table` for which `due` holds and no lease runs, since the moment in `since`."""

    table: Table
    due: ColumnElement[bool]
    since: Column[Any]


def waiting(now: datetime) -> Mapping[str, Waiting]:
    """What each step's work is at that moment, by the step's name: a queue's, but for those in ASKED_IN."""
    unsettled = articles.is_open() & or_(articles.is_unjudged(), articles.is_judged())
    return {
        "poll": Waiting(feed, feeds.is_due(now), feed.c.next_poll_at),
        "pages": Waiting(page, pages.is_due(now), page.c.due_at),
        "analyse": Waiting(article, unsettled, article.c.first_seen_at),
        "deliver": Waiting(delivery, deliveries.is_due(now), delivery.c.due_at),
    }


def is_free(table: Table, now: datetime) -> ColumnElement[bool]:
    """No lease of its row runs at that moment."""
    return or_(table.c.lease_until.is_(None), table.c.lease_until < now)


def due_queues(store: Store) -> list[str]:
    """The names of the queues that have claimable work now."""

    def waits(connection: Connection, work: Waiting, now: datetime) -> bool:
        return connection.execute(select(exists().where(work.due, is_free(work.table, now)))).scalar_one()

    with store.reading() as connection:
        now = read_clock(connection)
        found = [step for step, work in waiting(now).items() if waits(connection, work, now)]
    return list(dict.fromkeys(ASKED_IN.get(step, step) for step in found))


def claim_chore(store: Store, name: str, *, every: timedelta) -> bool:
    """True for exactly one caller per `every`, whoever and however many ask."""
    with store.writing() as connection:
        take_lock(connection, Lock.CHORE)
        now = read_clock(connection)
        held = connection.execute(select(chore.c.due_at).where(chore.c.name == name)).scalar()
        if held is None:
            connection.execute(insert(chore).values(name=name, due_at=now + every))
            return True
        if held > now:
            return False
        connection.execute(update(chore).where(chore.c.name == name).values(due_at=now + every))
        return True
