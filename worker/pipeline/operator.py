"""What the operator must hear of, in the transaction that found it: one message for each trouble, to one channel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from worker.pipeline.runtime import Runtime
from worker.store import alerts
from worker.store.engine import Connection
from worker.store.lease import new_token

OPERATOR = "operator"  # the channel of this id; the configuration must have it


def tell_operator(
    runtime: Runtime, connection: Connection, *, key: str, subject: str, lines: Sequence[str], now: datetime
) -> bool:
    """One message per `key`, ever, to every recipient of the channel; False if it was told before."""
    channel = runtime.channels.get(OPERATOR)
    if channel is None:
        return False
    messages = [
        (OPERATOR, channel.render_operator(subject, lines, recipient=to, message_id=new_token(), now=now))
        for to in channel.recipients()
    ]
    return alerts.save_notification(connection, messages, kind="operator", subject=subject, now=now, operator_key=key)
