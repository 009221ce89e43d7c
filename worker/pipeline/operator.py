"""What the operator must hear of, in the transaction that found it: one message for each trouble, to one channel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog

from worker.config.schema import OPERATOR
from worker.pipeline.runtime import Runtime
from worker.store import alerts
from worker.store.engine import Connection
from worker.store.lease import new_token

log = structlog.get_logger()


def tell_operator(
    runtime: Runtime, connection: Connection, *, key: str, subject: str, lines: Sequence[str], now: datetime
) -> bool:
    """One message per `key`, ever, to every recipient of the channel; False if it was told before."""
    channel = runtime.channels.get(OPERATOR)
    if channel is None or alerts.is_told(connection, key):
        return False
    messages = [
        (channel, channel.render_operator(subject, lines, recipient=to, message_id=new_token(), now=now))
        for to in channel.recipients()
    ]
    alerts.save_notification(connection, messages, kind="operator", subject=subject, now=now, operator_key=key)
    return True


def tell_of_quarantine(runtime: Runtime, connection: Connection, row: Any, *, doing: str, now: datetime) -> None:
    """Once for each article; `row` is its row, `doing` begins the sentence that says what failed."""
    log.error("article_quarantined", article=row.public_id, feed_id=row.feed_id)
    tell_operator(
        runtime,
        connection,
        key=f"quarantine:{row.public_id}",
        subject=f"Article quarantined: {row.title[:80]}",
        lines=[
            f"{doing} the article {row.public_id} of the feed {row.feed_id} failed three times.",
            "It is stored, and raised no alert. Read it, and report the text to us.",
        ],
        now=now,
    )
