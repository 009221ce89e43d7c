"""The outbox: deliveries claimed, attempted, recorded. An attempt is a row before the receiver is dialled."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, Integer, bindparam, insert, select, update

from worker.metrics import MAYBE_DUPLICATES
from worker.model import DeliveryState
from worker.store.engine import Store
from worker.store.lease import MAX_ATTEMPTS, NOW, Claim, Claimable, claim_rows, finish_row
from worker.store.schema import alert, article, attempt, delivery, notification
from worker.store.tallies import count

# What is new first: a pile of retries must not keep it waiting.
OPEN = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.FAILED)
FIRST_SEEN = (
    select(article.c.first_seen_at)
    .join(alert, alert.c.article_id == article.c.id)
    .join(notification, notification.c.alert_id == alert.c.id)
    .where(notification.c.id == bindparam("notification"))
)


def is_due(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Waits to be tried, for the first time or again; SENDING ones too, once their lease is over."""
    return delivery.c.state.in_(OPEN) & (delivery.c.due_at <= now)


def _start_attempts(connection: Connection, claim: Claim) -> None:
    unknown = 0
    for row in claim.rows:
        lost = (attempt.c.delivery_id == row.id) & (attempt.c.outcome == "started")
        forgotten = update(attempt).where(lost).values(outcome="unknown", finished_at=claim.now)
        unknown += connection.execute(forgotten).rowcount
        values = dict(delivery_id=row.id, n=row.attempts, started_at=claim.now, outcome="started")
        connection.execute(insert(attempt).values(**values))
    count(connection, {MAYBE_DUPLICATES.of(): unknown})


DUE_DELIVERIES = Claimable(
    delivery,
    looks=[(delivery.c.state == state) & (delivery.c.due_at <= NOW) for state in OPEN],
    order=(delivery.c.due_at,),
    values={
        "state": DeliveryState.SENDING,
        # A claim of a SENDING row is a claim of the unknown.
        "maybe_duplicate": delivery.c.maybe_duplicate + (delivery.c.state == DeliveryState.SENDING).cast(Integer),
    },
    split=False,
    beside=_start_attempts,
)


def claim_due_deliveries(store: Store, *, limit: int, lease: timedelta) -> Claim:
    """Claims, writes an attempt's row for each, and commits, before anything is dialled.

    A row SENDING with an expired lease is of unknown fate: its next copy may be a second one.
    """
    return claim_rows(store, DUE_DELIVERIES, limit=limit, lease=lease)


def finish_delivery(
    connection: Connection,
    row: Any,
    *,
    token: str,
    state: DeliveryState,
    now: datetime,
    due_at: datetime | None = None,
    receipt: str | None = None,
    reason: str | None = None,
    detail: str | None = None,
) -> bool:
    """Records one attempt's end; False when the lease went to another (its outcome counts, not ours)."""
    values: dict[str, Any] = dict(state=state, receipt=receipt, reason=reason, detail=detail)
    if state is DeliveryState.SENT:
        values["sent_at"] = now
    if due_at is not None:
        values["due_at"] = due_at
    if not finish_row(connection, delivery, row_id=row.id, token=token, values=values):
        return False
    this = (attempt.c.delivery_id == row.id) & (attempt.c.n == row.attempts)
    outcome = dict(outcome=str(state), finished_at=now, reason=reason, detail=detail)
    connection.execute(update(attempt).where(this).values(**outcome))
    return True


def lost_deliveries(connection: Connection, *, now: datetime, before: datetime) -> list[Any]:
    """Those made before `before` that are SENDING without a lease, not for the first time: their attempts do not end.

    (After a long standstill, one that was tried once or twice is tried again.) Without their bodies.
    """
    names = "id public_id notification_id channel recipient subject attempts lease_token".split()
    lost = (delivery.c.state == DeliveryState.SENDING) & (delivery.c.lease_until < now)
    old = (delivery.c.created_at < before) & (delivery.c.attempts >= MAX_ATTEMPTS)
    return list(connection.execute(select(*(delivery.c[name] for name in names)).where(lost, old)))


def find_first_seen(connection: Connection, row: Any) -> datetime | None:
    """When the article that raised this delivery's alert was first seen; None for a message to the operator."""
    return connection.execute(FIRST_SEEN, {"notification": row.notification_id}).scalar()
