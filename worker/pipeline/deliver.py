"""Deliver: due deliveries are sent, each channel's over connections of its own, and each outcome is saved at once.

The claim and the attempt are committed before a receiver is dialled; only the window between its yes and our commit can
bring a second copy, which carries the same Message-ID or webhook-id.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from worker.crashpoints import crash_point
from worker.delivery.pace import Pace
from worker.delivery.retry import next_attempt
from worker.errors import DeliveryError, DeliveryReason
from worker.model import DeliveryState
from worker.pipeline.digests import fold_overflow
from worker.pipeline.giving_up import tell_of_dead_letter
from worker.pipeline.outages import OUTAGE, note_failure, note_success
from worker.pipeline.runtime import Runtime
from worker.pipeline.sending import Outcome, Sent, Undialled, send_all
from worker.store import deliveries, tallies
from worker.store.channels import Outage
from worker.store.deliveries import DeliveryClaim
from worker.store.engine import Connection, read_clock

log = structlog.get_logger()
RECORD_WAITS = (0.2, 1.0)  # seconds before an outcome is recorded again; then it is put aside, for the others' sake
ANSWERS = (DeliveryReason.REJECTED, DeliveryReason.TEMPORARY)  # a receiver that says so of one message is there
AGAIN = 2.0  # seconds between further tries
RECORDING = 0.95  # of the lease: afterwards another may send it again, whatever we record


def deliver_due(runtime: Runtime) -> bool:
    """Attempts one batch; True when more of what waits may go out now."""
    settings = runtime.config.settings
    lease = settings.timing.deliver_lease
    fold_overflow(runtime)
    began = time.monotonic()
    claim = deliveries.claim_due_deliveries(
        runtime.store, paces=paces(runtime), limit=settings.deliver_batch, lease=timedelta(seconds=lease)
    )
    if not claim.rows:
        return False
    crash_point("claimed_not_dialled")
    if claim.full:
        runtime.hint("deliver")  # another takes the rest: a receiver that does not answer may keep us for long
    # The attempts must all have ended while the lease is still ours; waiting for the claim has used some of it.
    deadline = max(1.0, lease * 0.8 - (time.monotonic() - began))
    ended = send_all(runtime.channels, claim, deadline=deadline)
    recovered = Recording(runtime, claim, until=began + lease * RECORDING).record_all(ended)
    return claim.full or recovered


def paces(runtime: Runtime) -> dict[str, Pace]:
    """Of each channel that can send."""
    return {spec.id: pace_of(spec) for spec in runtime.config.channels if spec.id in runtime.channels}


def pace_of(spec: Any) -> Pace:
    """A kind without bounds of its own dials nobody."""
    return Pace(at_once=getattr(spec, "at_once", 1), per_minute=getattr(spec, "per_minute", 0))


@dataclass
class Recording:
    """What a receiver said is worth many tries: unrecorded, it hears it again. One failure loses no other outcome."""

    runtime: Runtime
    claim: DeliveryClaim
    until: float  # by the monotonic clock
    recovered: bool = False

    def record_all(self, outcomes: Iterator[Outcome]) -> bool:
        """True when a channel works again that had failed."""
        left = [one for one in outcomes if not self._is_recorded(one, RECORD_WAITS)]
        while left and time.monotonic() + AGAIN < self.until:
            time.sleep(AGAIN)
            left = [one for one in left if not self._is_recorded(one, ())]
        for one in left:
            if isinstance(one, Sent):
                log.error("delivery_outcome_lost", delivery=one.row.public_id, failed=one.error is not None)
        return self.recovered

    def _is_recorded(self, outcome: Outcome, waits: Sequence[float]) -> bool:
        for wait in (*waits, None):
            try:
                self._record(outcome)
                return True
            except Exception:
                log.warning("delivery_not_recorded", outcome=_ids(outcome), again_in=wait, exc_info=bool(waits))
            if wait is None or time.monotonic() + wait > self.until:
                break
            time.sleep(wait)
        return False

    def _record(self, outcome: Outcome) -> None:
        if isinstance(outcome, Undialled):
            with self.runtime.store.writing() as connection:
                count = deliveries.hand_back(connection, outcome.rows, token=self.claim.token)
            log.info("deliveries_held", channel=outcome.rows[0].channel, count=count)
            return
        crash_point("sent_not_recorded")
        with self.runtime.store.writing() as connection:
            self.recovered |= _record(self.runtime, connection, outcome, token=self.claim.token)
        crash_point("recorded")


def _ids(outcome: Outcome) -> list[str]:
    rows = outcome.rows if isinstance(outcome, Undialled) else [outcome.row]
    return [row.public_id for row in rows]


def _record(runtime: Runtime, connection: Connection, sent: Sent, *, token: str) -> bool:
    """One outcome, and what it says of the channel. True when the channel works again."""
    row, error = sent.row, sent.error
    now = read_clock(connection)
    recovered, outage = _note(runtime, connection, sent, now)
    due_at = _next(connection, row, error, outage, now) if error is not None else None
    state = DeliveryState.FAILED if due_at else DeliveryState.SENT if error is None else DeliveryState.ABANDONED
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
        unknown=error is not None and error.unknown,
    )
    if saved:
        if error is not None and state is DeliveryState.ABANDONED:
            tell_of_dead_letter(runtime, connection, row, error, now)
        reason = str(error.reason) if error else ""
        tallies.count(connection, deliveries.counts_of_end(connection, row, state=state, reason=reason, now=now))
    log.info(
        "delivery_attempted", delivery=row.public_id, channel=row.channel, n=row.attempts, state=str(state),
        reason=str(error.reason) if error else None, saved=saved,
    )  # fmt: skip
    return recovered


def _note(runtime: Runtime, connection: Connection, sent: Sent, now: datetime) -> tuple[bool, Outage | None]:
    """What the outcome says of the channel; a message's own trouble says no more than that somebody answered. Whether
    the channel works again, or how it fails."""
    if sent.error is None or (sent.error.reason in ANSWERS and not sent.error.whole):
        return note_success(runtime, connection, sent.row, now), None
    if sent.error.whole:
        return False, note_failure(runtime, connection, sent.row.channel, sent.error, now)
    return False, None


def _next(
    connection: Connection, row: Any, error: DeliveryError, outage: Outage | None, now: datetime
) -> datetime | None:
    """None: never again. What the channel as a whole refuses for good waits for somebody to mend it; what it failed at
    as a whole may be what it is tried with next."""
    if error.permanent and not error.whole:
        return None
    at = next_attempt(
        deliveries.count_tries(connection, row),
        now=now,
        first_at=row.window_at or row.created_at,
        jitter=random.random(),  # noqa: S311 - spreads retries, guards nothing
        retry_after=error.retry_after,
    )
    if at is None or outage is None or outage.hold_until is None or outage.failures < OUTAGE:
        return at
    return min(at, outage.hold_until)
