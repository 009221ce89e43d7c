"""How each channel fares: whether it fails as a whole, until when it is held, and how many more may go out now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, bindparam, func, or_, select, text, update

from worker.delivery.retry import DISABLE_AFTER, DISABLE_FAILURES, GIVE_UP, REFUSALS, next_probe
from worker.errors import DeliveryError, DeliveryReason
from worker.model import DeliveryState
from worker.store.engine import Store, read_clock
from worker.store.schema import EPOCH, Instant, channel, delivery

MAKE: Final = text("INSERT INTO channel (id, failures, refusals) VALUES (:id, 0, 0) ON CONFLICT (id) DO NOTHING")
LOCKED: Final = (
    select(channel)
    .where(channel.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(channel.c.id)  # all in one order, so that who waits for a row never holds one that its holder waits for
    .with_for_update()
)
SPEND: Final = (
    update(channel)
    .where(channel.c.id == bindparam("spender"))
    .values(allowance=bindparam("left"), allowance_at=bindparam("now", type_=Instant()))
)
LONG_TRIED: Final = 20  # probes that failed: hours of them, whatever a clock says of the time between
TURN: Final = timedelta(microseconds=1)  # between two that are served at once, so that their next turns differ
WELL: Final = dict(
    failures=0, refusals=0, failing_since=None, hold_until=None, disabled_at=None, reason=None, detail=None
)


def lock_channels(connection: Connection, ids: Collection[str]) -> list[Any]:
    """Their rows, which nobody else changes until the transaction ends; made where a channel is new."""
    rows = list(connection.execute(LOCKED, {"ids": list(ids)}))
    missing = sorted(set(ids) - {row.id for row in rows})
    if not missing:
        return rows
    connection.execute(MAKE, [{"id": name} for name in missing])
    return list(connection.execute(LOCKED, {"ids": list(ids)}))


def is_open(row: Any, now: datetime) -> bool:
    """Something may go out by it."""
    return row.disabled_at is None and (row.hold_until is None or row.hold_until <= now)


def is_shut(now: ColumnElement[datetime] | datetime, *, failing_before: datetime | None = None) -> ColumnElement[bool]:
    """Of a delivery: nothing goes out by its channel now; where asked, because it has failed since that time."""
    held = channel.c.hold_until > now
    if failing_before is not None:
        held &= (channel.c.failing_since < failing_before) & (channel.c.failures >= LONG_TRIED)
    shut = or_(channel.c.disabled_at.is_not(None), held)
    return delivery.c.channel.in_(select(channel.c.id).where(shut))


def spend(connection: Connection, left: Mapping[str, float], *, now: datetime) -> None:
    """Notes how many more may go out by each, infinite where there is no bound; and that they were served, in this
    order."""
    rows = [
        dict(spender=name, left=None if allowance == float("inf") else allowance, now=now + n * TURN)
        for n, (name, allowance) in enumerate(left.items())
    ]
    if rows:
        connection.execute(SPEND, rows)


def give_back(connection: Connection, channel_id: str, count: int) -> None:
    """What was claimed and not sent, it may send later; nothing where there is no bound."""
    more = update(channel).where(channel.c.id == channel_id).values(allowance=channel.c.allowance + count)
    connection.execute(more)


# ---------------------------------------------------------------- trouble


@dataclass(frozen=True)
class Outage:
    """A channel's trouble as it is after one more failure. `locked_out`, `disabled`: this one brought it about."""

    since: datetime
    failures: int
    locked_out: bool
    disabled: bool
    hold_until: datetime | None = None


def note_failure(
    connection: Connection, channel_id: str, error: DeliveryError, *, now: datetime, jitter: float
) -> Outage:
    """The channel failed as a whole: nothing goes out until its hold is over.

    What was dialled along with the first that failed adds nothing, except to the logins that were refused.
    """
    (row,) = lock_channels(connection, [channel_id])
    refused = error.reason is DeliveryReason.AUTH
    counts = row.hold_until is None or row.hold_until <= now
    failures, refusals, since = row.failures + counts, row.refusals + refused, row.failing_since or now
    asked = dict(refusals=refusals, now=now, jitter=jitter, retry_after=error.retry_after)
    hold = next_probe(failures, **asked) if counts or refused or error.retry_after else row.hold_until
    gone = error.reason is DeliveryReason.GONE
    lasting = now - since >= DISABLE_AFTER and failures >= DISABLE_FAILURES
    disabled = (gone or lasting) and row.disabled_at is None
    until = max(hold, row.hold_until or EPOCH)
    values = dict(failures=failures, refusals=refusals, failing_since=since, hold_until=until)
    values |= dict(reason=str(error.reason), detail=error.detail[:500])
    if disabled:
        values["disabled_at"] = now
    connection.execute(update(channel).where(channel.c.id == channel_id).values(**values))
    locked_out = row.refusals < REFUSALS <= refusals
    return Outage(since=since, failures=failures, locked_out=locked_out, disabled=disabled, hold_until=until)


def note_success(connection: Connection, channel_id: str) -> Outage | None:
    """The trouble that is over with this success; None where there was none."""
    found = connection.execute(select(channel).where(channel.c.id == channel_id)).first()
    if found is None or not found.failures or found.disabled_at is not None:
        return None
    # Whoever has disabled it meanwhile, or seen to its trouble, keeps the last word.
    still = (channel.c.id == channel_id) & (channel.c.failures > 0) & channel.c.disabled_at.is_(None)
    if not connection.execute(update(channel).where(still).values(**WELL)).rowcount:
        return None
    locked_out = found.refusals >= REFUSALS
    return Outage(since=found.failing_since, failures=found.failures, locked_out=locked_out, disabled=False)


def enable_channel(store: Store, channel_id: str) -> bool:
    """As if it had never failed; what waits for it is due now. False where it was neither disabled nor failing."""
    with store.writing() as connection:
        now = read_clock(connection)
        (row,) = lock_channels(connection, [channel_id])
        connection.execute(update(channel).where(channel.c.id == channel_id).values(**WELL))
        wake(connection, channel_id, now=now)
        return bool(row.failures) or row.disabled_at is not None


def wake(connection: Connection, channel_id: str, *, now: datetime, besides: int = 0) -> int:
    """What has failed and waits for its time is due now, but for the delivery `besides`; how many."""
    waits = (delivery.c.channel == channel_id) & (delivery.c.state == DeliveryState.FAILED) & (delivery.c.due_at > now)
    waits &= delivery.c.id != besides
    # Whoever is at one of them says itself when it is due.
    free = select(delivery.c.id).where(waits).with_for_update(skip_locked=True)
    return connection.execute(update(delivery).where(delivery.c.id.in_(free)).values(due_at=now)).rowcount


# ---------------------------------------------------------------- for who looks


@dataclass(frozen=True)
class ChannelStanding:
    """`row` is None for a channel that was never used. `waiting`: deliveries that are not at their end; `sent`: within
    the time that was asked for; `given_up`: within the three days in which a delivery may be tried."""

    row: Any
    waiting: int
    sent: int
    given_up: int


def read_channels(store: Store, *, within: timedelta) -> tuple[datetime, dict[str, ChannelStanding]]:
    """Every channel that has a row or a delivery, and when that was so."""
    unsent = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.FAILED)
    with store.reading() as connection:
        now = read_clock(connection)
        rows = {row.id: row for row in connection.execute(select(channel))}
        waiting = _count(connection, delivery.c.state.in_(unsent))
        sent = _count(connection, (delivery.c.state == DeliveryState.SENT) & (delivery.c.sent_at >= now - within))
        lost = (delivery.c.state == DeliveryState.ABANDONED) & (delivery.c.due_at >= now - GIVE_UP)
        given_up = _count(connection, lost)
    names = {*rows, *waiting, *sent, *given_up}
    return now, {
        name: ChannelStanding(rows.get(name), waiting.get(name, 0), sent.get(name, 0), given_up.get(name, 0))
        for name in sorted(names)
    }


def _count(connection: Connection, condition: ColumnElement[bool]) -> dict[str, int]:
    counts = select(delivery.c.channel, func.count().label("n")).where(condition).group_by(delivery.c.channel)
    return {row.channel: row.n for row in connection.execute(counts)}
