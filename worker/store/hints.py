"""Hints that were lost: counted, and remembered for a while, so that a desk without its Redis is seen to be one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, select, text

from worker.metrics import HINTS_LOST
from worker.store.engine import Store, read_clock
from worker.store.schema import Instant, chore
from worker.store.tallies import count

NAME: Final = "redis-away"  # its row among the chores: until when Redis is held to be away
REMEMBERED: Final = timedelta(minutes=1)  # a few ticks, each of which sends a hint where there is work
NOTE: Final = text(
    "INSERT INTO chore (name, due_at) VALUES (:name, :until) ON CONFLICT (name) DO UPDATE SET due_at = excluded.due_at"
).bindparams(name=NAME)


def note_lost_hint(store: Store, queue: str) -> None:
    """The work itself is on record: a worker's own clock finds it."""
    with store.writing() as connection:
        until = Instant().process_bind_param(read_clock(connection) + REMEMBERED, connection.dialect)
        connection.execute(NOTE, {"until": until})
        count(connection, {HINTS_LOST.of(queue): 1})


def are_hints_lost(connection: Connection, now: datetime) -> bool:
    until = connection.execute(select(chore.c.due_at).where(chore.c.name == NAME)).scalar()
    return until is not None and until > now
