"""Heartbeats: which processes work for the desk, and since when each has been silent. By the database's clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update

from worker.store.engine import Store, read_clock
from worker.store.schema import heartbeat

FORGOTTEN_AFTER = timedelta(minutes=15)  # long enough for people to see who fell silent


@dataclass(frozen=True)
class Heartbeat:
    """One process of one role; `silent_for` is the time since its last beat."""

    id: str
    role: str
    host: str
    pid: int
    started_at: datetime
    beat_at: datetime
    silent_for: timedelta


def save_beat(store: Store, *, heartbeat_id: str, role: str, host: str, pid: int, age: timedelta) -> None:
    """This process has beaten just now. `age` is since its start: its row may have been forgotten meanwhile."""
    with store.writing() as connection:
        now = read_clock(connection)
        beaten = connection.execute(update(heartbeat).where(heartbeat.c.id == heartbeat_id).values(beat_at=now))
        if beaten.rowcount == 0:
            values = dict(id=heartbeat_id, role=role, host=host, pid=pid, started_at=now - age, beat_at=now)
            connection.execute(insert(heartbeat).values(**values))


def remove_heartbeat(store: Store, heartbeat_id: str) -> None:
    """At an orderly stop. Doing it twice does nothing."""
    with store.writing() as connection:
        connection.execute(delete(heartbeat).where(heartbeat.c.id == heartbeat_id))


def sweep_dead(store: Store, *, host: str, keep: str, is_dead: Callable[[int], bool]) -> int:
    """Removes the rows of this host whose process is gone, `keep` apart; of other hosts nobody here can tell. Returns
    how many.

    Two containers may have one host's name and not each other's processes: who was taken for dead comes back with its
    next beat.
    """
    with store.writing() as connection:
        others = (heartbeat.c.host == host) & (heartbeat.c.id != keep)
        rows = connection.execute(select(heartbeat.c.id, heartbeat.c.pid).where(others)).all()
        dead = [row.id for row in rows if is_dead(row.pid)]
        connection.execute(delete(heartbeat).where(heartbeat.c.id.in_(dead)))
    return len(dead)


def forget_silent(store: Store, *, after: timedelta = FORGOTTEN_AFTER) -> int:
    """Drops who has been silent for so long: it was killed, or its host is gone. Returns how many."""
    with store.writing() as connection:
        before = read_clock(connection) - after
        return connection.execute(delete(heartbeat).where(heartbeat.c.beat_at < before)).rowcount


def list_heartbeats(store: Store) -> list[Heartbeat]:
    """Every process that beats, or did until a while ago, by role and start."""
    with store.reading() as connection:
        now = read_clock(connection)
        rows = connection.execute(select(heartbeat).order_by(heartbeat.c.role, heartbeat.c.started_at, heartbeat.c.id))
        return [Heartbeat(**row._mapping, silent_for=now - row.beat_at) for row in rows]
