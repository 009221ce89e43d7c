"""What sites' robots.txt said, by origin, for as long as it is good; and until when a site wants to be left alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, delete, select, text, update

from worker.feeds.robots import Robots, good_for
from worker.store.engine import Store
from worker.store.schema import Instant, robots

READ: Final = select(robots).where(robots.c.origin.in_(bindparam("origins", expanding=True)))
SAVE: Final = text(
    "INSERT INTO robots (origin, body, verdict, fetched_at, good_until) VALUES (:origin, :body, :verdict, :now, :until)"
    " ON CONFLICT (origin) DO UPDATE SET body = excluded.body, verdict = excluded.verdict,"
    " fetched_at = excluded.fetched_at, good_until = excluded.good_until"
).bindparams(bindparam("now", type_=Instant), bindparam("until", type_=Instant))


@dataclass(frozen=True)
class Known:
    """`robots` is None where it is to be asked (again). `next_at`: no page of the site is asked before."""

    robots: Robots | None = None
    next_at: datetime | None = None


def read_robots(store: Store, origins: Collection[str], *, now: datetime) -> dict[str, Known]:
    """By origin, those that were ever asked."""
    with store.reading() as connection:
        rows = connection.execute(READ, {"origins": sorted(origins)}).all()
    # The clock may have been set back: what was asked later than now is asked again.
    good = {row.origin: row.fetched_at <= now < row.good_until for row in rows}
    return {row.origin: Known(Robots(row.verdict, row.body) if good[row.origin] else None, row.next_at) for row in rows}


def save_robots(connection: Connection, origin: str, found: Robots, *, now: datetime) -> None:
    values = dict(origin=origin, body=found.body, verdict=found.verdict, now=now, until=now + good_for(found))
    connection.execute(SAVE, values)


def leave_alone(connection: Connection, origin: str, *, until: datetime) -> None:
    """No page of the site before `until`: its Crawl-delay."""
    connection.execute(update(robots).where(robots.c.origin == origin).values(next_at=until))


def forget_old_robots(connection: Connection, *, before: datetime, limit: int) -> int:
    """Drops what has not been good since `before`. Returns how many."""
    old = select(robots.c.origin).where(robots.c.good_until < before).limit(limit)
    return connection.execute(delete(robots).where(robots.c.origin.in_(old))).rowcount
