"""Claiming: attempts and lease are committed before the dangerous work; finishing needs the claim's token (fencing).

A row that was claimed before and not finished is claimed again alone: a batch that a poison row killed is thereby
split, and only the offender reaches MAX_ATTEMPTS.
"""

from __future__ import annotations

import functools
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Select, Table, Update, bindparam, or_, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from worker.store.engine import Lock, Store, read_clock, take_lock
from worker.store.schema import Instant

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


NOW = bindparam("now", type_=Instant())  # a claim's moment, in the looks of what can be claimed


@dataclass(frozen=True)
class Claimable:
    """The rows of a table that may be claimed: those for which one of `looks` holds and no lease runs.

    What the first look finds comes before what the next one finds. Each must follow an index in `order`: a claim that
    sorts what waits holds the write lock for longer the more waits.
    `values` is what a claim makes of a row, besides its lease.
    """

    table: Table
    looks: Sequence[ColumnElement[bool]]
    order: Sequence[ColumnElement[Any]]
    values: Mapping[str, Any] = field(default_factory=dict)

    # Made once, as all that the steps ask for again and again: building a statement costs more than running it.
    @functools.cached_property
    def candidates(self) -> list[Select[Any]]:
        table = self.table
        free = or_(table.c.lease_until.is_(None), table.c.lease_until < NOW)
        first = select(table.c.id, table.c.attempts).order_by(*self.order).limit(bindparam("limit", type_=Integer))
        return [first.where(look, free).with_for_update(skip_locked=True) for look in self.looks]

    @functools.cached_property
    def leasing(self) -> ReturningUpdate[Any]:
        table = self.table
        lease = dict(lease_token=bindparam("token"), lease_until=bindparam("until"))
        chosen = table.c.id.in_(bindparam("ids", expanding=True))
        claimed = update(table).where(chosen).values(attempts=table.c.attempts + 1, **lease, **self.values)
        return claimed.returning(*table.c)

    def find(self, connection: Connection, *, limit: int, **asked: Any) -> list[Any]:
        """Up to `limit` that may be claimed, with their attempts. `asked` has `now`, and what else the looks want."""
        found: list[Any] = []
        for candidates in self.candidates:
            if len(found) < limit:
                found += connection.execute(candidates, {**asked, "limit": limit - len(found)})
        return found

    def lease(self, connection: Connection, ids: Sequence[Any], *, token: str, until: datetime) -> list[Any]:
        """Claims these, and returns their rows in the same order."""
        place = {row_id: n for n, row_id in enumerate(ids)}
        leased = connection.execute(self.leasing, {"ids": ids, "token": token, "until": until}) if ids else ()
        return sorted(leased, key=lambda row: place[row.id])


def claim_rows(store: Store, work: Claimable, *, limit: int, lease: timedelta, lock: Lock | None = None) -> Claim:
    """Claims up to `limit` rows, whose order must begin with the retried. One short write transaction.

    `lock`: of claims that look at what others have claimed, and so must come one after another.
    """
    with store.writing() as connection:
        if lock is not None:
            take_lock(connection, lock)
        now = read_clock(connection)
        found = work.find(connection, limit=limit, now=now)
        retried = [row.id for row in found if row.attempts > 0]
        token = new_token()
        rows = work.lease(connection, retried[:1] or [row.id for row in found], token=token, until=now + lease)
        return Claim(rows=rows, token=token, now=now, full=len(found) == limit or bool(retried))


def finish_row(connection: Connection, table: Table, *, row_id: Any, token: str, values: Mapping[str, Any]) -> bool:
    """Saves a claimed row's outcome and frees it; False when the lease went to another: then save nothing of it."""
    freed = dict(lease_token=None, lease_until=None)
    return connection.execute(_finishing(table), {"row": row_id, "token": token, **freed, **values}).rowcount == 1


@functools.cache
def _finishing(table: Table) -> Update:
    return update(table).where(table.c.id == bindparam("row"), table.c.lease_token == bindparam("token"))
