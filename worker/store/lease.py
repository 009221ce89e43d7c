"""Claiming: attempts and lease are committed before the dangerous work; finishing needs the claim's token (fencing).

A row that was claimed before and not finished is claimed again alone: a batch that a poison row killed is thereby
split, and only the offender reaches MAX_ATTEMPTS.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, or_, select, update

from worker.store.engine import Store, read_clock

MAX_ATTEMPTS = 3


@dataclass(frozen=True)
class Claim:
    """`rows` are this claim's until their lease ends by the database's clock, and only for who holds `token`."""

    rows: Sequence[Any]
    token: str
    now: datetime
    full: bool  # there may be more: hint again


def new_token() -> str:
    """An opaque name, never a row number; also the public ids."""
    return secrets.token_hex(12)


def is_token(text: str) -> bool:
    """Whether it has the form of `new_token`'s. What a stranger typed may hold what a database refuses, such as NUL."""
    return re.fullmatch(r"[0-9a-f]{24}", text) is not None


def claim_rows(
    store: Store,
    table: Table,
    *,
    limit: int,
    lease: timedelta,
    looks: Callable[[datetime], Sequence[ColumnElement[bool]]],
    values: dict[str, Any],
    order: Sequence[ColumnElement[Any]],
    split: bool = True,
    beside: Callable[[Connection, Claim], None] | None = None,
) -> Claim:
    """Claims up to `limit` rows for which one of `looks(now)` holds and no lease runs. One short write transaction.

    What the first look finds comes before what the next one finds. Each must follow an index in `order`: a claim that
    sorts what waits holds the write lock for longer the more waits. With `split`, the retried must be first in it.
    `split`: a row claimed before and never finished comes alone; off where an attempt is no sign of danger.
    `beside` writes what must be on record with the claim.
    """
    with store.writing() as connection:
        now = read_clock(connection)
        free = or_(table.c.lease_until.is_(None), table.c.lease_until < now)
        candidates = select(table.c.id, table.c.attempts).order_by(*order).with_for_update(skip_locked=True)
        found: list[Any] = []
        for look in looks(now):
            if len(found) < limit:
                found += connection.execute(candidates.where(look, free).limit(limit - len(found)))
        retried = [row.id for row in found if row.attempts > 0] if split else []
        chosen = retried[:1] or [row.id for row in found]
        token = new_token()
        rows = _lease(connection, table, ids=chosen, token=token, until=now + lease, values=values)
        claim = Claim(rows=rows, token=token, now=now, full=len(found) == limit or bool(retried))
        if beside is not None:
            beside(connection, claim)
    return claim


def _lease(
    connection: Connection, table: Table, *, ids: list[Any], token: str, until: datetime, values: dict[str, Any]
) -> list[Any]:
    if not ids:
        return []
    statement = (
        update(table)
        .where(table.c.id.in_(ids))
        .values(attempts=table.c.attempts + 1, lease_token=token, lease_until=until, **values)
        .returning(*table.c)
    )
    rows = connection.execute(statement).all()
    return sorted(rows, key=lambda row: ids.index(row.id))


def finish_row(connection: Connection, table: Table, *, row_id: Any, token: str, values: dict[str, Any]) -> bool:
    """Saves a claimed row's outcome and frees it; False when the lease went to another: then save nothing of it."""
    statement = (
        update(table)
        .where(table.c.id == row_id, table.c.lease_token == token)
        .values(lease_token=None, lease_until=None, **values)
    )
    return connection.execute(statement).rowcount == 1
