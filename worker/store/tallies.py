"""Tallies: what has happened so often, ever. Every process counts into one place, in the transaction that does it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select, text

from worker.metrics import Counts
from worker.store.engine import Store
from worker.store.schema import tally

COUNT: Final = text(
    "INSERT INTO tally (name, labels, count) VALUES (:name, :labels, :count)"
    " ON CONFLICT (name, labels) DO UPDATE SET count = tally.count + excluded.count"
)


def count(connection: Connection, counts: Counts) -> None:
    """The last thing that a transaction does: PostgreSQL then holds these rows, which all processes count into, for
    the commit only; and in order, so that who holds one never waits for who waits for it."""
    rows = [dict(name=name, labels=labels, count=n) for (name, labels), n in sorted(counts.items()) if n]
    if rows:
        connection.execute(COUNT, rows)


def read_tallies(store: Store) -> Counts:
    """Every count by its key; what never happened is not there."""
    with store.reading() as connection:
        return {(row.name, row.labels): row.count for row in connection.execute(select(tally))}
