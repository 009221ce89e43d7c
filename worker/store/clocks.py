"""When the database's clock is set back, what is planned by it goes along: else it would all wait for as long."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, Connection, insert, select, type_coerce, update

from worker.store.deliveries import NEVER
from worker.store.engine import Lock, Store, read_clock, take_lock
from worker.store.schema import alert, article, channel, chore, delivery, feed

NOTED: Final = timedelta(minutes=1)  # how often the time is noted; a step back that is no longer does no harm
MICROSECOND: Final = timedelta(microseconds=1)
PLANNED: Final = (
    feed.c.next_poll_at,
    feed.c.lease_until,
    article.c.lease_until,
    alert.c.tell_at,
    delivery.c.due_at,
    delivery.c.lease_until,
    channel.c.failing_since,
    channel.c.hold_until,
    channel.c.allowance_at,
    chore.c.due_at,
)
SEEN: Final = "clock"  # the chore in whose row the time is noted


def follow_clock(store: Store) -> timedelta:
    """By how much the clock has gone back since it was last looked at, to a minute, after what was planned has gone
    back with it; 0 where it has not."""
    with store.reading() as connection:
        now, seen = read_clock(connection), _seen(connection)
        if seen is not None and -NOTED <= now - seen <= NOTED:
            return timedelta(0)
    with store.writing() as connection:
        take_lock(connection, Lock.CHORE)
        now, seen = read_clock(connection), _seen(connection)
        step = max(seen - now, timedelta(0)) if seen is not None else timedelta(0)
        step = step if step > NOTED else timedelta(0)
        if step:
            _move_back(connection, step, now)
        if seen is None:
            connection.execute(insert(chore).values(name=SEEN, due_at=now))
        else:
            connection.execute(update(chore).where(chore.c.name == SEEN).values(due_at=now))
    return step


def _seen(connection: Connection) -> datetime | None:
    return connection.execute(select(chore.c.due_at).where(chore.c.name == SEEN)).scalar()


def _move_back(connection: Connection, step: timedelta, now: datetime) -> None:
    for column in PLANNED:
        planned = (column > now) & (column < NEVER)
        earlier = type_coerce(column, BigInteger) - step // MICROSECOND
        connection.execute(update(column.table).where(planned).values({column.name: earlier}))
