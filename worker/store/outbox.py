"""The outbox for people: which deliveries there are, one of them whole, and sending again what failed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select, update

from worker.model import DeliveryState
from worker.store.deliveries import IS_FOLDED, NEVER
from worker.store.schema import alert, attempt, delivery, notification

SHOWN = tuple(column for column in delivery.c if column.name not in ("body", "lease_token"))
AGAIN = (DeliveryState.FAILED, DeliveryState.ABANDONED)


@dataclass(frozen=True)
class Wanted:
    """Which deliveries: every given condition holds. `since`: made then or later."""

    states: Sequence[str] = ()
    channels: Sequence[str] = ()
    since: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.states:
            found.append(delivery.c.state.in_(self.states))
        if self.channels:
            found.append(delivery.c.channel.in_(self.channels))
        if self.since is not None:
            found.append(delivery.c.created_at >= self.since)
        return found


def list_deliveries(connection: Connection, wanted: Wanted, *, limit: int) -> list[Any]:
    """The newest first, without their bodies."""
    listed = _deliveries().where(*wanted.conditions()).order_by(delivery.c.id.desc()).limit(limit)
    return list(connection.execute(listed))


def find_delivery(connection: Connection, name: str) -> Any:
    """By its public id, or the beginning of it, at least six letters; None for no such one, or for several."""
    if len(name) < 6 or not name.isalnum():
        return None
    named = delivery.c.public_id.startswith(name, autoescape=True)
    found = connection.execute(_deliveries().add_columns(delivery.c.body).where(named).limit(2)).all()
    return found[0] if len(found) == 1 else None


def find_digest(connection: Connection, row: Any) -> str | None:
    """The public id of the digest that tells of it; None where it goes by itself."""
    if row.digest_id in (None, row.id):
        return None
    return connection.execute(select(delivery.c.public_id).where(delivery.c.id == row.digest_id)).scalar()


def list_attempts(connection: Connection, row: Any) -> list[Any]:
    """The first one first."""
    return list(connection.execute(select(attempt).where(attempt.c.delivery_id == row.id).order_by(attempt.c.n)))


def send_again(connection: Connection, which: Collection[int] | Wanted, *, now: datetime) -> int:
    """Those of them that failed or were given up wait as if they were new: due now, for three days, under the same ids.
    How many.

    A digest brings along what it tells of; what is sent again by itself is no longer told of by one.
    """
    chosen = which.conditions() if isinstance(which, Wanted) else [delivery.c.id.in_(list(which))]
    if isinstance(which, Wanted):
        chosen.append(~IS_FOLDED)
    ids = list(connection.execute(select(delivery.c.id).where(*chosen, delivery.c.state.in_(AGAIN))).scalars())
    values = dict(state=DeliveryState.PENDING, due_at=now, window_at=now, reason=None, detail=None)
    count = 0
    for some in _in_parts(ids):
        ours = delivery.c.id.in_(some) & delivery.c.state.in_(AGAIN)
        connection.execute(update(delivery).where(ours, IS_FOLDED).values(digest_id=None))
        count += connection.execute(update(delivery).where(ours).values(**values)).rowcount
        told = delivery.c.digest_id.in_(some) & IS_FOLDED & delivery.c.state.in_(AGAIN)
        hidden = values | dict(due_at=NEVER)
        connection.execute(update(delivery).where(told).values(**hidden))
    return count


def _in_parts(ids: Sequence[int], size: int = 500) -> list[Sequence[int]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]


def _deliveries() -> Select[Any]:
    return (
        select(*SHOWN, notification.c.kind, alert.c.public_id.label("alert"))
        .join(notification, notification.c.id == delivery.c.notification_id)
        .outerjoin(alert, alert.c.id == notification.c.alert_id)
    )
