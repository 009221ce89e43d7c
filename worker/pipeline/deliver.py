"""Deliver: due deliveries are sent concurrently, each by its own channel, and each outcome is saved at once.

The claim and the attempt are committed before a receiver is dialled; only the window between its yes and our commit can
bring a second copy, which carries the same Message-ID or webhook-id.
"""

from __future__ import annotations

import asyncio
import queue
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from worker.config.schema import OPERATOR
from worker.delivery.retry import next_attempt
from worker.errors import DeliveryError, DeliveryReason
from worker.model import DeliveryState, Message
from worker.pipeline.operator import tell_operator
from worker.pipeline.runtime import Runtime
from worker.store import deliveries
from worker.store.engine import Connection, read_clock

log = structlog.get_logger()


@dataclass(frozen=True)
class Sent:
    """One attempt's end: a receipt, or the error."""

    row: Any
    receipt: str = ""
    error: DeliveryError | None = None


def deliver_due(runtime: Runtime) -> bool:
    """Attempts one batch; True when the batch was full."""
    settings = runtime.config.settings
    claim = deliveries.claim_due_deliveries(
        runtime.store, limit=settings.deliver_batch, lease=timedelta(seconds=settings.timing.deliver_lease)
    )
    if not claim.rows:
        return False
    deliveries.start_attempts(runtime.store, claim)
    # The attempts must all have ended while the lease is still ours.
    deadline = settings.timing.deliver_lease * 0.8
    for sent in _attempt_all(runtime, claim.rows, deadline=deadline):
        _record(runtime, sent, token=claim.token)
    return claim.full


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
            return Sent(row, receipt=await channel.send(message, now=datetime.now(UTC)))
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
    log.info(
        "delivery_attempted", delivery=row.public_id, channel=row.channel, n=row.attempts, state=str(state),
        reason=str(error.reason) if error else None, saved=saved,
    )  # fmt: skip


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
