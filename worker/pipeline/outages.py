"""A channel that fails as a whole: nothing goes out by it but a probe now and then, and the operator hears of it once.

What waits keeps its place meanwhile, and goes out when a probe comes through.
"""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any

import structlog

from worker.config.schema import OPERATOR
from worker.delivery.retry import DISABLE_AFTER, LOCKED_OUT, REFUSALS
from worker.errors import DeliveryError, DeliveryReason
from worker.pipeline.operator import tell_operator
from worker.pipeline.runtime import Runtime
from worker.store import channels
from worker.store.engine import Connection

log = structlog.get_logger()
# A single failure may be a message's own fault, whatever it looks like: then the others had no trouble to come back
# from, and such a message must not be sent again along with each of them.
OUTAGE = 2


def note_failure(
    runtime: Runtime, connection: Connection, channel_id: str, error: DeliveryError, now: datetime
) -> channels.Outage:
    jitter = random.random()  # noqa: S311 - spreads probes, guards nothing
    outage = channels.note_failure(connection, channel_id, error, now=now, jitter=jitter)
    if channel_id == OPERATOR:
        return outage
    if outage.disabled:
        log.error("channel_disabled", channel=channel_id, reason=str(error.reason), failing_since=str(outage.since))
        _tell_of_end(runtime, connection, channel_id, error, outage, now)
    elif outage.locked_out:
        _tell_of_refused_login(runtime, connection, channel_id, error, outage, now)
    return outage


def note_success(runtime: Runtime, connection: Connection, row: Any, now: datetime) -> bool:
    """True when the channel of this delivery had failed before: what waits besides it need not wait any longer."""
    channel_id = row.channel
    over = channels.note_success(connection, channel_id)
    if over is None:
        return False
    count = channels.wake(connection, channel_id, now=now, besides=row.id) if over.failures >= OUTAGE else 0
    log.info("channel_works_again", channel=channel_id, failures=over.failures, woken=count)
    if over.locked_out and channel_id != OPERATOR:
        tell_operator(
            runtime,
            connection,
            key=f"let-in:{channel_id}:{over.since.isoformat()}",
            subject=f"The channel {channel_id} is let in again",
            lines=[f"The channel {channel_id} works again: its login is accepted, and what waited goes out now."],
            now=now,
        )
    return True


def _tell_of_refused_login(
    runtime: Runtime, connection: Connection, channel_id: str, error: DeliveryError, outage: channels.Outage,
    now: datetime,
) -> None:  # fmt: skip
    tell_operator(
        runtime,
        connection,
        key=f"locked-out:{channel_id}:{outage.since.isoformat()}",
        subject=f"The channel {channel_id} is not let in",
        lines=[
            f"The login of the channel {channel_id} was refused {REFUSALS} times: {error}.",
            f"It is tried once in {LOCKED_OUT / 3600:g} h from now on, so that the account is not locked; all that is "
            "to go out by it waits. Mend its user name or password in channels.yaml, start again, and run:",
            f"wirewatch channels enable {channel_id}",
        ],
        now=now,
    )


def _tell_of_end(
    runtime: Runtime, connection: Connection, channel_id: str, error: DeliveryError, outage: channels.Outage,
    now: datetime,
) -> None:  # fmt: skip
    gone = error.reason is DeliveryReason.GONE
    why = "answered that it is gone for good" if gone else f"has failed for {DISABLE_AFTER.days} days"
    tell_operator(
        runtime,
        connection,
        key=f"disabled:{channel_id}:{now.isoformat()}",
        subject=f"The channel {channel_id} is disabled",
        lines=[
            f"The channel {channel_id} {why}: {error}.",
            "Nothing goes out by it any more. What waits for it is given up three days after it was to go out, and can "
            "be sent again. When the receiver is there again, run:",
            f"wirewatch channels enable {channel_id}",
            f"wirewatch deliveries retry --channel {channel_id}",
        ],
        now=now,
    )
