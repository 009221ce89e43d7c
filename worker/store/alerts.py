"""Alerts, their notifications and the configuration versions they were judged by."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from worker.model import DeliveryState, Message
from worker.store.engine import Lock, Store, read_clock, take_lock
from worker.store.lease import new_token
from worker.store.schema import alert, article, config_version, delivery, notification, story

if TYPE_CHECKING:
    from worker.delivery.channel import Channel

ADD_DELIVERY = insert(delivery)


def save_config_version(store: Store, *, digest: str, body: dict[str, Any]) -> int:
    """The id of this configuration; an unchanged one keeps its row. Secrets in `body` are placeholders already."""
    with store.writing() as connection:
        take_lock(connection, Lock.START)
        found = connection.execute(select(config_version.c.id).where(config_version.c.hash == digest)).scalar()
        if found is not None:
            return found
        values = dict(hash=digest, body=body, created_at=read_clock(connection))
        return connection.execute(insert(config_version).values(**values).returning(config_version.c.id)).scalar_one()


def standing_alerts(connection: Connection, roots: Collection[int]) -> dict[tuple[int, str], Any]:
    """The alerts of these stories and of those that merged into them, by story and rule; of several one
    that was told, the oldest."""
    if not roots:
        return {}
    root = func.coalesce(story.c.merged_into, story.c.id).label("root")
    held = select(alert, root).join(story, story.c.id == alert.c.story_id).where(_is_part_of(roots))
    found: dict[tuple[int, str], Any] = {}
    for row in connection.execute(held.order_by(alert.c.told_at.is_(None), alert.c.id)):
        found.setdefault((row.root, row.rule_id), row)
    return found


def _is_part_of(roots: Collection[int]) -> ColumnElement[bool]:
    return story.c.id.in_(roots) | story.c.merged_into.in_(roots)


def get_alert(connection: Connection, alert_id: int) -> Any:
    return connection.execute(select(alert).where(alert.c.id == alert_id)).one()


def story_roots(connection: Connection, story_ids: Collection[int]) -> dict[int, int]:
    """By each of these stories, the one that it is part of now."""
    root = func.coalesce(story.c.merged_into, story.c.id)
    return {row[0]: row[1] for row in connection.execute(select(story.c.id, root).where(story.c.id.in_(story_ids)))}


def story_members(connection: Connection, roots: Collection[int]) -> dict[int, list[Any]]:
    """The settled articles of these stories, those that merged into them included, in order of arrival."""
    root = func.coalesce(story.c.merged_into, story.c.id).label("root")
    columns = (article.c.id, article.c.feed_id, article.c.duplicate_of, article.c.relays, root)
    statement = select(*columns).join(story, story.c.id == article.c.story_id).where(_is_part_of(roots))
    found: dict[int, list[Any]] = {number: [] for number in roots}
    if roots:
        for row in connection.execute(statement.order_by(article.c.id)):
            found[row.root].append(row)
    return found


def acknowledge(connection: Connection, public_id: str, *, by: str, now: datetime) -> str | None:
    """Notes that somebody has taken the alert: no reminder goes out, and what is new about it is told all the same.

    Returns who has acknowledged it: `by`, or whoever was first; None for no such alert.
    """
    free = (alert.c.public_id == public_id) & alert.c.acknowledged_at.is_(None)
    connection.execute(update(alert).where(free).values(acknowledged_at=now, acknowledged_by=by))
    return connection.execute(select(alert.c.acknowledged_by).where(alert.c.public_id == public_id)).scalar()


def save_alert(
    connection: Connection, *, public_id: str, rule_id: str, story_id: int, severity: str, article_id: int,
    because: str, config_version: int, told: Mapping[str, Any], tell_at: datetime | None, now: datetime
) -> int:  # fmt: skip
    """`tell_at`: when its first message is due; None for one that a silence keeps quiet."""
    statement = insert(alert).values(
        public_id=public_id,
        rule_id=rule_id,
        story_id=story_id,
        severity=severity,
        article_id=article_id,
        because=because,
        config_version=config_version,
        told=dict(told),
        tell_at=tell_at,
        raised_at=now,
    )
    return connection.execute(statement.returning(alert.c.id)).scalar_one()


def update_alert(connection: Connection, alert_id: int, **values: Any) -> None:
    connection.execute(update(alert).where(alert.c.id == alert_id).values(**values))


def is_told(connection: Connection, operator_key: str) -> bool:
    """Whether a message of this key, which names a trouble, has been saved before."""
    held = select(notification.c.id).where(notification.c.operator_key == operator_key)
    return connection.execute(held).first() is not None


def save_notification(
    connection: Connection,
    messages: Sequence[tuple[Channel, Message]],
    *,
    kind: str,
    subject: str,
    now: datetime,
    alert_id: int | None = None,
    n: int = 1,
    carried_by: int | None = None,
    operator_key: str | None = None,
) -> int:
    """A notification and one pending delivery per (channel, message); its id. `carried_by`: the notification that
    tells of it where both would go by one channel. `operator_key`: told once, see `is_told`."""
    values = dict(public_id=new_token(), alert_id=alert_id, n=n, kind=kind, operator_key=operator_key)
    values |= dict(carried_by=carried_by)
    statement = insert(notification).values(**values, subject=subject, created_at=now)
    notification_id = connection.execute(statement.returning(notification.c.id)).scalar_one()
    if messages:
        connection.execute(ADD_DELIVERY, [new_delivery(notification_id, *one, now=now) for one in messages])
    return int(notification_id)


def new_delivery(
    notification_id: int, channel: Channel, message: Message, *, now: datetime, since: datetime | None = None
) -> dict[str, Any]:
    """A delivery's row: due now, and tried as if it had waited since `since`."""
    return dict(
        public_id=new_token(),
        notification_id=notification_id,
        channel=channel.id,
        kind=channel.kind,
        recipient=message.recipient,
        state=DeliveryState.PENDING,
        message_id=message.message_id,
        subject=message.subject,
        body=message.body,
        created_at=now,
        due_at=now,
        window_at=since or now,
        maybe_duplicate=0,
        attempts=0,
    )
