"""When the database's clock is set back, what is planned by it goes along: else it would all wait for as long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, insert, select, type_coerce, update

from worker.store.deliveries import NEVER
from worker.store.engine import Lock, Store, read_clock, take_lock
from worker.store.schema import alert, article, channel, chore, delivery, feed, page, robots, silence

NOTED: Final = timedelta(minutes=1)  # how often the time is noted; a step back that is no longer does no harm
MICROSECOND: Final = timedelta(microseconds=1)
# When something is due, and what that is counted from. (What was planned after the step and before it was seen is due
# early, which does no harm.)
PLANNED: Final = (
    feed.c.next_poll_at,
    alert.c.raised_at,
    alert.c.told_at,
    alert.c.tell_at,
    delivery.c.due_at,
    delivery.c.window_at,
    page.c.due_at,
    page.c.since,
    robots.c.next_at,
    channel.c.failing_since,
    channel.c.hold_until,
    channel.c.allowance_at,
    chore.c.due_at,
)
LEASES: Final = (feed.c.lease_until, page.c.lease_until, article.c.lease_until, delivery.c.lease_until)
SEEN: Final = "clock"  # the chore in whose row the time is noted


def follow_clock(store: Store, *, longest_lease: timedelta) -> timedelta:
    """By how much the clock has gone back since it was last looked at, to a minute, after what was planned has gone
    back with it; 0 where it has not."""
    with store.reading() as connection:
        now, seen = read_clock(connection), _seen(connection)
        if seen is not None and -NOTED <= now - seen <= NOTED:
            return timedelta(0)
    with store.writing() as connection:
        take_lock(connection, Lock.CHORE)
        now, seen = read_clock(connection), _seen(connection)
        step = seen - now if seen is not None and seen - now > NOTED else timedelta(0)
        if step:
            for column in PLANNED:
                _move(connection, [column], (column > now) & (column < NEVER), step)
            for column in LEASES:  # one that may be of now is left: whoever holds it is at work
                _move(connection, [column], column > now + longest_lease, step)
            made, over = silence.c.created_at, silence.c.expires_at
            _move(connection, [made, over], made > now, step)
        if seen is None:
            connection.execute(insert(chore).values(name=SEEN, due_at=now))
        else:
            connection.execute(update(chore).where(chore.c.name == SEEN).values(due_at=now))
    return step


def _seen(connection: Connection) -> datetime | None:
    return connection.execute(select(chore.c.due_at).where(chore.c.name == SEEN)).scalar()


def _move(connection: Connection, columns: Sequence[Column[Any]], which: ColumnElement[bool], step: timedelta) -> None:
    earlier = {one.name: type_coerce(one, BigInteger) - step // MICROSECOND for one in columns}
    connection.execute(update(columns[0].table).where(which).values(earlier))
