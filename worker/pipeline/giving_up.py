"""Dead letters: what was given up, and that the operator hears of it; of a flood in one message, not in each."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

import structlog

from worker.config.schema import OPERATOR
from worker.delivery.retry import GIVE_UP
from worker.errors import DeliveryError, DeliveryReason
from worker.metrics import Key
from worker.model import DeliveryState
from worker.pipeline.operator import tell_operator
from worker.pipeline.runtime import Runtime
from worker.store import channels, deliveries, tallies
from worker.store.engine import Connection, read_clock

log = structlog.get_logger()
BATCH = 500  # a transaction: other writers wait no longer
LOST = DeliveryError(
    DeliveryReason.INTERNAL, "its last attempt never came to its end, so it is not known whether it arrived"
)


def give_up_lost(runtime: Runtime) -> None:
    """Abandons what is too old and never failed, because its attempts do not come to their end; tells the operator."""
    with runtime.store.writing() as connection:
        now = read_clock(connection)
        rows = deliveries.lost_deliveries(connection, now=now, before=now - GIVE_UP)
        counts: Counter[Key] = Counter()
        for row in rows:
            ended = dict(state=DeliveryState.ABANDONED, reason=str(LOST.reason), now=now)
            said = dict(due_at=now, detail=LOST.detail, unknown=True)
            deliveries.finish_delivery(connection, row, token=row.lease_token, **said, **ended)
            tell_of_dead_letter(runtime, connection, row, LOST, now)
            counts += deliveries.counts_of_end(connection, row, **ended)
        tallies.count(connection, counts)
    for row in rows:
        log.error("delivery_given_up", delivery=row.public_id, channel=row.channel, attempts=row.attempts)


def give_up_stranded(runtime: Runtime) -> None:
    """Abandons what has waited for three days for a channel by which nothing goes out."""
    while True:
        with runtime.store.writing() as connection:
            now = read_clock(connection)
            asked = dict(before=now - GIVE_UP, now=now, known=list(runtime.channels))
            rows = deliveries.stranded_deliveries(connection, **asked, limit=BATCH)
            by_channel = defaultdict(list)
            for row in rows:
                by_channel[row.channel].append(row)
            for channel_id, waiting in sorted(by_channel.items()):
                count = deliveries.count_stranded(connection, channel_id, **asked)  # what later batches take, too
                _strand(runtime, connection, channel_id, waiting, count, now)
        if len(rows) < BATCH:
            return


def _strand(
    runtime: Runtime, connection: Connection, channel_id: str, rows: list[Any], count: int, now: datetime
) -> None:
    (standing,) = channels.lock_channels(connection, [channel_id])
    known = channel_id in runtime.channels
    reason = (standing.reason if known else None) or str(DeliveryReason.NO_CHANNEL)
    why = f"the channel {channel_id} failed: {reason}" if known else f"there is no channel {channel_id} any more"
    deliveries.strand(connection, rows, reason=reason, detail=f"it waited for three days; {why}", now=now)
    log.error("deliveries_given_up", channel=channel_id, count=len(rows), reason=reason)
    if channel_id == OPERATOR:
        return
    several = f"{count} deliveries" if count > 1 else "A delivery"
    since = standing.failing_since.isoformat() if known and standing.failing_since else "none"
    tell_operator(
        runtime,
        connection,
        key=f"stranded:{channel_id}:{since}:{now:%Y-%m-%d}",
        subject=f"Not delivered by {channel_id}",
        lines=[
            f"{several} by the channel {channel_id} {'were' if count > 1 else 'was'} given up after three days; "
            f"{why}. Others that wait for it follow, each after three days; told once a day at the most.",
            "The alerts stand in the record. When the channel works, send them again:",
            f"wirewatch deliveries retry --channel {channel_id}",
        ],
        now=now,
    )


def tell_of_dead_letter(
    runtime: Runtime, connection: Connection, row: Any, error: DeliveryError, now: datetime
) -> None:
    """Once an hour for each channel: the first one of the hour, for all."""
    if row.channel == OPERATOR:
        return
    tell_operator(
        runtime,
        connection,
        key=f"abandoned:{row.channel}:{now:%Y-%m-%dT%H}",
        subject=f"Not delivered: {row.subject[:80]}",
        lines=[
            f"The delivery {row.public_id} by the channel {row.channel} to {row.recipient} was given up after "
            f"{row.attempts} attempt{'s' if row.attempts > 1 else ''}: {error}.",
            "The alert stands in the record. Check the channel and the recipient in channels.yaml and people.yaml.",
            "Further ones by this channel are not told of within the hour. All of them, and how to send one again:",
            f"wirewatch deliveries list --state abandoned --channel {row.channel}",
            f"wirewatch deliveries retry {row.public_id}",
        ],
        now=now,
    )
