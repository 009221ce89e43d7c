"""Digests: the deliveries that wait for one recipient, folded into one that tells of all and whose fate they share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, exists, func, insert, select, update

from worker.model import CRITICAL, DeliveryState, Message
from worker.store.alerts import new_delivery
from worker.store.channels import is_shut
from worker.store.deliveries import NEVER, tried_since
from worker.store.engine import Store, read_clock
from worker.store.lease import new_token
from worker.store.schema import alert, article, delivery, notification, story

if TYPE_CHECKING:
    from worker.delivery.channel import Channel


def crowded(store: Store, limits: Mapping[str, int]) -> list[tuple[str, str]]:
    """The (channel, recipient) pairs for whom more than so many alerts wait that a digest may tell of, by channels that
    are open: what waits for another may yet go out one by one."""
    with store.reading() as connection:
        now = read_clock(connection)
        waits = _may_be_folded(now) & delivery.c.channel.in_(list(limits)) & ~is_shut(now)
        counts = select(delivery.c.channel, delivery.c.recipient, func.count().label("n")).where(waits)
        found = connection.execute(counts.group_by(delivery.c.channel, delivery.c.recipient))
        return [(row.channel, row.recipient) for row in found if row.n > limits[row.channel]]


def foldable(connection: Connection, channel_id: str, recipient: str, *, now: datetime, limit: int) -> list[Any]:
    """What waits for them, the oldest first, with what a digest says of it. Hold the channel's row, so that nobody
    claims any meanwhile; what another gives up at this moment is left out."""
    theirs = (delivery.c.channel == channel_id) & (delivery.c.recipient == recipient)
    told = (notification.c.kind, alert.c.public_id.label("alert"), alert.c.rule_id, alert.c.severity)
    since = tried_since().label("since")
    statement = (
        select(delivery.c.id, delivery.c.created_at, since, *told, story.c.title, article.c.url)
        .join(notification, notification.c.id == delivery.c.notification_id)
        .join(alert, alert.c.id == notification.c.alert_id)
        .join(story, story.c.id == alert.c.story_id)
        .outerjoin(article, article.c.id == alert.c.article_id)
        .where(theirs, _may_be_folded(now))
        .with_for_update(of=delivery, skip_locked=True)  # who gives up holds deliveries, and waits for our channel
    )
    return list(connection.execute(statement.order_by(delivery.c.id).limit(limit)))


def _may_be_folded(now: datetime) -> ColumnElement[bool]:
    """The message of an alert that is not critical, not tried so far, in no digest."""
    said, of = notification.alias(), alert.alias()
    of_alert = exists().where(
        said.c.id == delivery.c.notification_id, of.c.id == said.c.alert_id, of.c.severity != CRITICAL
    )
    waits = (delivery.c.state == DeliveryState.PENDING) & (delivery.c.due_at <= now) & (delivery.c.attempts == 0)
    return waits & delivery.c.digest_id.is_(None) & of_alert


def save_digest(
    connection: Connection,
    channel: Channel,
    message: Message,
    folded: Collection[int],
    *,
    now: datetime,
    since: datetime,
) -> str:
    """Its notification and its delivery, due now, tried as if it had waited since `since`, which has its own id as its
    digest's. Its public id."""
    values = dict(public_id=new_token(), n=1, kind="digest", subject=message.subject, created_at=now)
    made = connection.execute(insert(notification).values(**values).returning(notification.c.id)).scalar_one()
    row = new_delivery(made, channel, message, now=now, since=since)
    digest_id = connection.execute(insert(delivery).values(**row).returning(delivery.c.id)).scalar_one()
    connection.execute(update(delivery).where(delivery.c.id == digest_id).values(digest_id=digest_id))
    # Out of the way of who looks for what is due: a claim would have to pass over thousands of them.
    hidden = dict(digest_id=digest_id, due_at=NEVER)
    connection.execute(update(delivery).where(delivery.c.id.in_(list(folded))).values(**hidden))
    return str(row["public_id"])
