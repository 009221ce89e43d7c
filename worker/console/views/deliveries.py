"""A delivery as a page shows it: to whom, how far it is, what went wrong and what to do. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from worker.console.views.names import DETAIL_LETTERS, Names, one_line
from worker.console.words import DELIVERY_TROUBLE, LATER, Moment, distance, span
from worker.model import DeliveryState

KINDS: Final = {"email": "mail", "inbox": "file"}
RECEIVERS: Final = frozenset({"email", "webhook"})  # kinds of channels that have somebody who answers
TRIED: Final = {
    "started": "under way",
    "sent": "sent",
    "unknown": "its worker stopped before it could say how it went",
}


@dataclass(frozen=True)
class DeliveryView:
    """`to` is the recipient, `by` the kind of the channel. `outcome` is the receipt, or what went wrong."""

    state: str
    words: str
    to: str
    by: str
    channel: str
    subject: str
    alert: str
    created: Moment
    attempts: int
    outcome: str
    advice: str
    tries: Sequence[TryView] = ()


@dataclass(frozen=True)
class TryView:
    n: int
    started: Moment
    words: str


def delivery_view(row: Any, names: Names, now: datetime, tried: Sequence[Any] = ()) -> DeliveryView:
    failed = row.state in (DeliveryState.FAILED, DeliveryState.ABANDONED)
    kind = names.channels.get(row.channel, "")
    outcome, advice = went_wrong(row) if failed else (_receipt(row, kind), "")
    if row.state == DeliveryState.ABANDONED and advice == LATER:
        advice = "It was tried for three days. Mend the receiver; the alert itself stays here."
    return DeliveryView(
        state=row.state,
        words=delivery_words(row, now),
        to=one_line(row.recipient),
        by=KINDS.get(kind, kind),
        channel=row.channel,
        subject=one_line(row.subject),
        alert=row.alert_public_id or "",
        created=names.at(row.created_at, now, seconds=True),
        attempts=row.attempts,
        outcome=outcome,
        advice=advice,
        tries=[_try_view(one, names, now) for one in tried],
    )


def delivery_words(row: Any, now: datetime) -> str:
    """'sent after 0.4 s', 'failed; next try in 5 min' …"""
    if row.state == DeliveryState.SENT and row.sent_at is not None:
        again = "; perhaps twice" if row.maybe_duplicate else ""
        return f"sent after {span((row.sent_at - row.created_at).total_seconds())}{again}"
    if row.state == DeliveryState.FAILED:
        return f"failed; next try {distance(row.due_at, now) if row.due_at > now else 'now'}"
    if row.state == DeliveryState.SENDING:
        broken = row.lease_until is not None and row.lease_until < now
        return "its worker stopped while sending; it will be sent again" if broken else "is being sent"
    return {"pending": "waits to be sent", "abandoned": "given up"}.get(row.state, row.state)


def _receipt(row: Any, kind: str) -> str:
    """What the receiver answered. Of a file its name: its folder is long, and the same for all."""
    receipt = one_line(row.receipt, DETAIL_LETTERS)
    if kind in RECEIVERS:
        return f"answer: {receipt}" if receipt else ""
    return receipt.rsplit("/", 1)[-1]


def went_wrong(row: Any) -> tuple[str, str]:
    """What failed, with the receiver's own words where there are any; and what to do."""
    trouble, advice = DELIVERY_TROUBLE.get(row.reason, (f"it failed: {row.reason}", ""))
    detail = one_line(row.detail, DETAIL_LETTERS)
    return f"{trouble} ({detail})" if detail else trouble, advice


def _try_view(row: Any, names: Names, now: datetime) -> TryView:
    words = TRIED.get(row.outcome, "")
    if row.outcome in (DeliveryState.FAILED, DeliveryState.ABANDONED) or (row.outcome == "unknown" and row.reason):
        words, _ = went_wrong(row)
    return TryView(n=row.n, started=names.at(row.started_at, now, seconds=True), words=words or row.outcome)
