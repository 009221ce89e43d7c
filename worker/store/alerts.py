"""Alerts, their notifications and the configuration versions they were judged by."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from worker.model import DeliveryState, Message
from worker.store.engine import Lock, Store, read_clock, take_lock
from worker.store.lease import new_token
from worker.store.schema import alert, article, config_version, delivery, notification, story


def save_config_version(store: Store, *, digest: str, body: dict[str, Any]) -> int:
    """The id of this configuration; an unchanged one keeps its row. Secrets in `body` are placeholders already."""
    with store.writing() as connection:
        take_lock(connection, Lock.START)
        found = connection.execute(select(config_version.c.id).where(config_version.c.hash == digest)).scalar()
        if found is not None:
            return found
        values = dict(hash=digest, body=body, created_at=read_clock(connection))
        return connection.execute(insert(config_version).values(**values).returning(config_version.c.id)).scalar_one()


def alerted_rules(connection: Connection, story_ids: Collection[int]) -> set[tuple[int, str]]:
    """The (story, rule) pairs of these stories that have an alert already."""
    if not story_ids:
        return set()
    held = select(alert.c.story_id, alert.c.rule_id).where(alert.c.story_id.in_(story_ids))
    return {(row.story_id, row.rule_id) for row in connection.execute(held)}


def acknowledge(connection: Connection, public_id: str, *, by: str, now: datetime) -> str | None:
    """Notes that somebody has taken the alert: no reminder goes out, and what is new about it is told all the same.

    Returns who has acknowledged it: `by`, or whoever was first; None for no such alert.
    """
    free = (alert.c.public_id == public_id) & alert.c.acknowledged_at.is_(None)
    connection.execute(update(alert).where(free).values(acknowledged_at=now, acknowledged_by=by))
    return connection.execute(select(alert.c.acknowledged_by).where(alert.c.public_id == public_id)).scalar()


def story_row(connection: Connection, story_id: int) -> Any:
    return connection.execute(select(story).where(story.c.id == story_id)).one()


def measure_story(connection: Connection, story_id: int, *, until: int) -> tuple[int, int]:
    """How many settled articles the story has, and of how many feeds; none that came after the article `until`, so that
    an alert says the same whichever articles were settled along with its own."""
    these = (article.c.story_id == story_id) & (article.c.id <= until)
    counts = select(func.count(), func.count(article.c.feed_id.distinct())).where(these)
    articles, outlets = connection.execute(counts).one()
    return articles, outlets


def save_alert(
    connection: Connection, *, public_id: str, rule_id: str, story_id: int, severity: str, article_id: int,
    because: str, config_version: int, now: datetime
) -> int:  # fmt: skip
    statement = insert(alert).values(
        public_id=public_id,
        rule_id=rule_id,
        story_id=story_id,
        severity=severity,
        article_id=article_id,
        because=because,
        config_version=config_version,
        raised_at=now,
    )
    return connection.execute(statement.returning(alert.c.id)).scalar_one()


def save_notification(
    connection: Connection,
    messages: Sequence[tuple[str, Message]],
    *,
    kind: str,
    subject: str,
    now: datetime,
    alert_id: int | None = None,
    n: int = 1,
    operator_key: str | None = None,
) -> bool:
    """A notification and one pending delivery per (channel, message). False: the operator was told of this already."""
    if operator_key is not None:
        held = select(notification.c.id).where(notification.c.operator_key == operator_key)
        if connection.execute(held).first() is not None:
            return False
    values = dict(public_id=new_token(), alert_id=alert_id, n=n, kind=kind, operator_key=operator_key)
    statement = insert(notification).values(**values, subject=subject, created_at=now)
    notification_id = connection.execute(statement.returning(notification.c.id)).scalar_one()
    for channel, message in messages:
        connection.execute(
            insert(delivery).values(
                public_id=new_token(),
                notification_id=notification_id,
                channel=channel,
                recipient=message.recipient,
                state=DeliveryState.PENDING,
                message_id=message.message_id,
                subject=message.subject,
                body=message.body,
                created_at=now,
                due_at=now,
                maybe_duplicate=0,
                attempts=0,
            )
        )
    return True
