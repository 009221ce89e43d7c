"""Deliver: due deliveries are sent concurrently, each by its own channel, and each outcome is saved at once.

The claim and the attempt are committed before a receiver is dialled; only the window between its yes and our commit can
bring a second copy, which carries the same Message-ID or webhook-id.
"""

from __future__ import annotations

import asyncio
import queue
import random
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from worker.config.schema import OPERATOR
from worker.delivery.retry import GIVE_UP, next_attempt
from worker.errors import DeliveryError, DeliveryReason
from worker.metrics import ATTEMPTS, time_to_alert
from worker.model import DeliveryState, Message
from worker.pipeline.operator import tell_operator
from worker.pipeline.runtime import Runtime
from worker.store import deliveries, tallies
from worker.store.engine import Connection, read_clock
from worker.store.lease import Claim

log = structlog.get_logger()
RECORD_WAITS = (0.2, 1.0)  # seconds before an outcome is recorded again; then it is put aside, for the others' sake
AGAIN = 2.0  # seconds between further tries
RECORDING = 0.95  # of the lease: afterwards another may send it again, whatever we record


@dataclass(frozen=True)
class Sent:
    """One attempt's end: a receipt, or the error."""

    row: Any
    receipt: str = ""
    error: DeliveryError | None = None


def deliver_due(runtime: Runtime) -> bool:
    """Attempts one batch; True when the batch was full."""
    settings = runtime.config.settings
    lease, began = settings.timing.deliver_lease, time.monotonic()
    claim = deliveries.claim_due_deliveries(runtime.store, limit=settings.deliver_batch, lease=timedelta(seconds=lease))
    if not claim.rows:
        return False
    # The attempts must all have ended while the lease is still ours; waiting for the claim has used some of it.
    deadline = max(1.0, lease * 0.8 - (time.monotonic() - began))
    _record_all(runtime, _attempt_all(runtime, claim.rows, deadline=deadline), claim, until=began + lease * RECORDING)
    return claim.full


def _record_all(runtime: Runtime, outcomes: Iterable[Sent], claim: Claim, *, until: float) -> None:
    """What a receiver said is worth many tries: unrecorded, it hears it again. One failure loses no other outcome."""

    def is_recorded(sent: Sent, waits: Sequence[float]) -> bool:
        for wait in (*waits, None):
            try:
                _record(runtime, sent, token=claim.token)
                return True
            except Exception:
                log.warning("delivery_not_recorded", delivery=sent.row.public_id, again_in=wait, exc_info=bool(waits))
            if wait is None or time.monotonic() + wait > until:
                break
            time.sleep(wait)
        return False

    left = [sent for sent in outcomes if not is_recorded(sent, RECORD_WAITS)]
    while left and time.monotonic() + AGAIN < until:
        time.sleep(AGAIN)
        left = [sent for sent in left if not is_recorded(sent, ())]
    for sent in left:
        log.error("delivery_outcome_lost", delivery=sent.row.public_id, failed=sent.error is not None)


def _attempt_all(runtime: Runtime, rows: list[Any], *, deadline: float) -> Iterator[Sent]:
    """Yields each outcome the moment it is known, so that a slow receiver never delays another's record."""
    done: queue.SimpleQueue[Sent | None] = queue.SimpleQueue()

    async def one(row: Any) -> None:
        done.put(await _attempt(runtime, row, deadline=deadline))

    async def every() -> None:
        await asyncio.gather(*(one(row) for row in rows))

    def run() -> None:
        try:
            asyncio.run(every())
        except Exception:
            log.exception("deliver_thread_broke")  # the rows without an outcome are claimed again after their lease
        finally:
            done.put(None)

    threading.Thread(target=run, name="deliver", daemon=True).start()
    while (sent := done.get()) is not None:
        yield sent


async def _attempt(runtime: Runtime, row: Any, *, deadline: float) -> Sent:
    channel = runtime.channels.get(row.channel)
    if channel is None:
        return Sent(row, error=DeliveryError(DeliveryReason.NO_CHANNEL, f"channel {row.channel} is not configured"))
    message = Message(message_id=row.message_id, body=bytes(row.body), recipient=row.recipient, subject=row.subject)
    try:
        async with asyncio.timeout(deadline):
            async with channel.open() as line:
                return Sent(row, receipt=await line.send(message, now=datetime.now(UTC)))
    except TimeoutError:
        return Sent(row, error=DeliveryError(DeliveryReason.TIMEOUT, f"no answer within {deadline:g} s"))
    except DeliveryError as error:
        return Sent(row, error=error)
    except Exception as error:
        log.exception("delivery_attempt_broke", delivery=row.public_id, channel=row.channel)
        return Sent(row, error=DeliveryError(DeliveryReason.INTERNAL, type(error).__name__))


def _record(runtime: Runtime, sent: Sent, *, token: str) -> None:
    row, error = sent.row, sent.error
    with runtime.store.writing() as connection:
        now = read_clock(connection)
        state, due_at = DeliveryState.SENT, None
        if error is not None:
            due_at = None if error.permanent else _next(row, error, now)
            state = DeliveryState.FAILED if due_at else DeliveryState.ABANDONED
        saved = _finish(runtime, connection, sent, token=token, state=state, due_at=due_at, now=now)
    log.info(
        "delivery_attempted", delivery=row.public_id, channel=row.channel, n=row.attempts, state=str(state),
        reason=str(error.reason) if error else None, saved=saved,
    )  # fmt: skip


def _finish(
    runtime: Runtime,
    connection: Connection,
    sent: Sent,
    *,
    token: str,
    state: DeliveryState,
    due_at: datetime | None,
    now: datetime,
) -> bool:
    row, error = sent.row, sent.error
    saved = deliveries.finish_delivery(
        connection,
        row,
        token=token,
        state=state,
        now=now,
        due_at=due_at,
        receipt=sent.receipt or None,
        reason=str(error.reason) if error else None,
        detail=error.detail[:500] if error else None,
    )
    if saved and error is not None and state is DeliveryState.ABANDONED and row.channel != OPERATOR:
        _tell_of_dead_letter(runtime, connection, row, error, now)
    if saved:
        _count(connection, sent, state, now)
    return saved


def give_up_lost(runtime: Runtime) -> None:
    """Abandons what is too old and never failed, because its attempts do not come to their end; tells the operator."""
    error = DeliveryError(
        DeliveryReason.INTERNAL, "its last attempt never came to its end, so it is not known whether it arrived"
    )
    with runtime.store.writing() as connection:
        now = read_clock(connection)
        rows = deliveries.lost_deliveries(connection, now=now, before=now - GIVE_UP)
        for row in rows:
            ended = dict(token=row.lease_token, state=DeliveryState.ABANDONED, due_at=now, now=now)
            _finish(runtime, connection, Sent(row, error=error), **ended)
    for row in rows:
        log.error("delivery_given_up", delivery=row.public_id, channel=row.channel, attempts=row.attempts)


def _count(connection: Connection, sent: Sent, state: DeliveryState, now: datetime) -> None:
    reason = str(sent.error.reason) if sent.error else ""
    seen_at = deliveries.find_first_seen(connection, sent.row) if state is DeliveryState.SENT else None
    waited = time_to_alert(now - seen_at) if seen_at else {}
    tallies.count(connection, {ATTEMPTS.of(sent.row.channel, str(state), reason): 1, **waited})


def _tell_of_dead_letter(
    runtime: Runtime, connection: Connection, row: Any, error: DeliveryError, now: datetime
) -> None:
    tell_operator(
        runtime,
        connection,
        key=f"abandoned:{row.public_id}",
        subject=f"Not delivered: {row.subject[:80]}",
        lines=[
            f"The delivery {row.public_id} by the channel {row.channel} to {row.recipient} was given up after "
            f"{row.attempts} attempt{'s' if row.attempts > 1 else ''}: {error}.",
            "The alert stands in the record. Check the channel and the recipient in channels.yaml and people.yaml.",
        ],
        now=now,
    )


def _next(row: Any, error: DeliveryError, now: datetime) -> datetime | None:
    return next_attempt(
        row.attempts,
        now=now,
        first_at=row.created_at,
        jitter=random.random(),  # noqa: S311 - spreads retries, guards nothing
        retry_after=error.retry_after,
    )
