"""What a feed's subscribers read: the newest of what its channel has sent. Reads only."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, or_, select

from worker.model import DeliveryState
from worker.store.schema import delivery, notification

READ: Final = 4  # deliveries for each that is shown: an alert may have been told of again that often


def newest_published(connection: Connection, channel: str, *, limit: int) -> list[bytes]:
    """The stored bodies, the latest first: of an alert that of its last notification, of any other message its own.

    Walks an index and stops: a channel's first year costs no more than its first day.
    """
    statement = (
        select(delivery.c.body, notification.c.id, notification.c.alert_id, notification.c.n)
        .join(notification, notification.c.id == delivery.c.notification_id)
        .where(delivery.c.channel == channel, delivery.c.state == DeliveryState.SENT)
        .where(or_(delivery.c.kind.is_(None), delivery.c.kind == "feed"))
        .order_by(delivery.c.due_at.desc(), delivery.c.id.desc())
        .limit(READ * limit)
    )
    rows = list(connection.execute(statement))
    last: dict[tuple[bool, int], tuple[int, bytes]] = {}
    for row in rows:
        name = (True, row.alert_id) if row.alert_id is not None else (False, row.id)
        if name not in last or row.n > last[name][0]:
            last[name] = (row.n, bytes(row.body))
    return [body for _, body in last.values()][:limit]
