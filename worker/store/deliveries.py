"""The outbox: deliveries claimed, attempted, recorded. An attempt is a row before the receiver is dialled."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Integer,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from worker.delivery.pace import Pace
from worker.metrics import ATTEMPTS, MAYBE_DUPLICATES, Key, time_to_alert
from worker.model import DeliveryState
from worker.store import channels
from worker.store.engine import Store, read_clock
from worker.store.holds import waits_since
from worker.store.lease import MAX_ATTEMPTS, NOW, Claimable, finish_row, new_token
from worker.store.schema import EPOCH, Instant, alert, article, attempt, channel, delivery, notification
from worker.store.tallies import count

OPEN = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.FAILED)
# A digest tells of it, and it shares the digest's fate (whose own row has its own id there).
IS_FOLDED = delivery.c.digest_id.is_not(None) & (delivery.c.digest_id != delivery.c.id)
IS_ON_ITS_OWN = or_(delivery.c.digest_id.is_(None), delivery.c.digest_id == delivery.c.id)
PATIENCE = timedelta(hours=1)  # that a retry which is due waits for what is new
NEVER = EPOCH + timedelta(days=365_000)  # when what is folded is due by itself
FIRST_SEEN = (
    select(waits_since())
    .select_from(article)
    .join(alert, alert.c.article_id == article.c.id)
    .join(notification, notification.c.alert_id == alert.c.id)
    .join(delivery, delivery.c.notification_id == notification.c.id)
    .where(or_(delivery.c.id == bindparam("delivery"), delivery.c.digest_id == bindparam("delivery")))
)


def tried_since() -> ColumnElement[Any]:
    """The start of the three days in which it may be tried."""
    return func.coalesce(delivery.c.window_at, delivery.c.created_at)


def is_due(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Waits to be tried, for the first time or again, and may be; SENDING ones too, once their lease is over."""
    return delivery.c.state.in_(OPEN) & (delivery.c.due_at <= now) & IS_ON_ITS_OWN & ~channels.is_shut(now)


# ---------------------------------------------------------------- claiming


# What is SENDING when its lease is over may have arrived: its next copy may be a second one.
ONE_MORE_WHERE_SENDING = delivery.c.maybe_duplicate + (delivery.c.state == DeliveryState.SENDING).cast(Integer)
OVERDUE = bindparam("overdue", type_=Instant())
DUE_DELIVERIES = Claimable(
    delivery,
    looks=[
        (delivery.c.channel == bindparam("channel")) & (delivery.c.state == state) & due & IS_ON_ITS_OWN
        for state, due in (
            # Where more comes than may go out, what is new would keep what was tried once waiting for ever.
            (DeliveryState.SENDING, delivery.c.due_at <= OVERDUE),
            (DeliveryState.FAILED, delivery.c.due_at <= OVERDUE),
            # Otherwise what is new is first: a pile of retries must not keep it waiting.
            (DeliveryState.PENDING, delivery.c.due_at <= NOW),
            (DeliveryState.SENDING, (delivery.c.due_at <= NOW) & (delivery.c.due_at > OVERDUE)),
            (DeliveryState.FAILED, (delivery.c.due_at <= NOW) & (delivery.c.due_at > OVERDUE)),
        )
    ],
    order=(delivery.c.due_at,),
    values={
        "state": DeliveryState.SENDING,
        "maybe_duplicate": ONE_MORE_WHERE_SENDING,
    },
)  # fmt: skip
OF_CHANNEL = delivery.c.channel == channel.c.id
IN_FLIGHT = (
    select(func.count())
    .where(OF_CHANNEL, delivery.c.state == DeliveryState.SENDING, delivery.c.lease_until >= NOW)
    .scalar_subquery()
)
WAITS = exists().where(
    OF_CHANNEL,
    delivery.c.state.in_(OPEN),
    delivery.c.due_at <= NOW,
    or_(delivery.c.lease_until.is_(None), delivery.c.lease_until < NOW),
)
LOOK = select(channel.c.id, IN_FLIGHT.label("in_flight")).where(
    channel.c.id.in_(bindparam("ids", expanding=True)), WAITS
)


@dataclass(frozen=True)
class DeliveryClaim:
    """`rows` are this claim's until their lease ends by the database's clock, and only for who holds `token`.

    `lanes`: connections that each channel may use for them. `full`: there may be more that can be claimed now.
    """

    rows: Sequence[Any]
    token: str
    now: datetime
    lanes: Mapping[str, int]
    full: bool


def claim_due_deliveries(store: Store, *, paces: Mapping[str, Pace], limit: int, lease: timedelta) -> DeliveryClaim:
    """Claims up to `limit` by the channels of `paces`, writes an attempt's row for each, and commits, before anything
    is dialled.

    Each channel gets an equal share, and what the ones before it left over. A row SENDING with an expired lease is of
    unknown fate: its next copy may be a second one.
    """
    with store.writing() as connection:
        rows = channels.lock_channels(connection, paces)  # nobody else claims by them meanwhile
        now = read_clock(connection)
        ids: list[int] = []
        lanes: dict[str, int] = {}
        left: dict[str, float] = {}
        ready = _ready(connection, rows, paces, now)
        # Of more than there is place for, those that were served longest ago.
        turns = sorted(ready, key=lambda one: (one.served_at, one.id))[:limit]
        full = len(turns) < len(ready)
        # The last gets what others leave over: so those in trouble are first, which take one, then who was served last.
        in_trouble, well = ([one for one in turns if one.failing is failing] for failing in (True, False))
        for n, one in enumerate([*in_trouble, *reversed(well)]):
            room = min(one.room, math.ceil((limit - len(ids)) / (len(turns) - n)))
            found = DUE_DELIVERIES.find(connection, limit=room, now=now, overdue=now - PATIENCE, channel=one.id)
            left[one.id] = one.allowance - len(found)
            if found:
                ids += [row.id for row in found]
                lanes[one.id] = min(one.lanes, len(found))
                full = full or (len(found) == room and not one.failing and left[one.id] >= 1)
        token = new_token()
        rows = DUE_DELIVERIES.lease(connection, ids, token=token, until=now + lease)
        channels.spend(connection, {one.id: left[one.id] for one in turns}, now=now)
        _start_attempts(connection, rows, now=now)
    return DeliveryClaim(rows=rows, token=token, now=now, lanes=lanes, full=full)


@dataclass(frozen=True)
class _Ready:
    """A channel by which so many deliveries may go out now, over so many connections."""

    id: str
    failing: bool
    served_at: datetime
    lanes: int
    allowance: float
    room: int


def _ready(connection: Connection, rows: Sequence[Any], paces: Mapping[str, Pace], now: datetime) -> list[_Ready]:
    """The open channels that have work and may do some."""
    opened = {row.id: row for row in rows if channels.is_open(row, now)}
    found = []
    for looked in connection.execute(LOOK, {"ids": list(opened), "now": now}):
        row, pace = opened[looked.id], paces[looked.id]
        failing = row.failures > 0
        allowance = pace.allowance(row.allowance, since=row.allowance_at, now=now)
        lanes = pace.free_lanes(in_flight=looked.in_flight, failing=failing)
        room = pace.room(lanes=lanes, failing=failing, allowance=allowance)
        if room >= 1:
            found.append(_Ready(row.id, failing, row.allowance_at or EPOCH, lanes, allowance, room))
    return found


def _start_attempts(connection: Connection, rows: Sequence[Any], *, now: datetime) -> None:
    if not rows:
        return
    unknown = _forget_attempts(connection, [row.id for row in rows], now=now)
    started = [dict(delivery_id=row.id, n=row.attempts, started_at=now, outcome="started") for row in rows]
    connection.execute(insert(attempt), started)
    count(connection, {MAYBE_DUPLICATES.of(): unknown})


def _forget_attempts(connection: Connection, ids: Sequence[int], *, now: datetime) -> int:
    """Those that never ended are of unknown fate; how many."""
    lost = attempt.c.delivery_id.in_(ids) & (attempt.c.outcome == "started")
    return connection.execute(update(attempt).where(lost).values(outcome="unknown", finished_at=now)).rowcount


def hand_back(connection: Connection, rows: Sequence[Any], *, token: str) -> int:
    """Claimed and never dialled: they keep their place, and it was no attempt. How many were still this claim's."""
    state = case((delivery.c.attempts > 1, DeliveryState.FAILED), else_=DeliveryState.PENDING)
    ours = delivery.c.id.in_([row.id for row in rows]) & (delivery.c.lease_token == token)
    freed = dict(state=state, attempts=delivery.c.attempts - 1, lease_token=None, lease_until=None)
    returned = [
        row.id for row in connection.execute(update(delivery).where(ours).values(**freed).returning(delivery.c.id))
    ]
    begun = attempt.c.delivery_id.in_(returned) & (attempt.c.outcome == "started")
    connection.execute(delete(attempt).where(begun))
    names = [row.channel for row in rows if row.id in set(returned)]
    for name in sorted(set(names)):
        channels.give_back(connection, name, names.count(name))
    return len(returned)


# ---------------------------------------------------------------- the end of an attempt


def finish_delivery(
    connection: Connection,
    row: Any,
    *,
    token: str,
    state: DeliveryState,
    now: datetime,
    due_at: datetime | None = None,
    receipt: str | None = None,
    reason: str | None = None,
    detail: str | None = None,
    unknown: bool = False,
) -> bool:
    """Records one attempt's end; False when the lease went to another (its outcome counts, not ours).

    `unknown`: the receiver may have got it; if it is tried again, now or by hand, it may get a second copy. What a
    digest told of ends with it.
    """
    values: dict[str, Any] = dict(state=state, receipt=receipt, reason=reason, detail=detail)
    if state is DeliveryState.SENT:
        values["sent_at"] = now
    if due_at is not None:
        values["due_at"] = due_at
    if unknown:
        values["maybe_duplicate"] = row.maybe_duplicate + 1
    if not finish_row(connection, delivery, row_id=row.id, token=token, values=values):
        return False
    this = (attempt.c.delivery_id == row.id) & (attempt.c.n == row.attempts)
    outcome = dict(outcome="unknown" if unknown else str(state), finished_at=now, reason=reason, detail=detail)
    connection.execute(update(attempt).where(this).values(**outcome))
    if row.digest_id == row.id and state is not DeliveryState.FAILED:
        _end_folded(connection, row, state=state, now=now, reason=reason, detail=detail)
    return True


def count_tries(connection: Connection, row: Any) -> int:
    """Its attempts, with the one under way, since it was made or, if it was sent again later, since then."""
    if row.window_at is None or row.window_at <= row.created_at:
        return int(row.attempts)
    since = (attempt.c.delivery_id == row.id) & (attempt.c.started_at >= row.window_at)
    return connection.execute(select(func.count()).where(since)).scalar_one()


def _end_folded(
    connection: Connection, digest: Any, *, state: DeliveryState, now: datetime, reason: str | None, detail: str | None
) -> None:
    values: dict[str, Any] = dict(state=state, due_at=now, reason=reason, detail=detail)
    if state is DeliveryState.SENT:
        values |= dict(sent_at=now, receipt=f"in digest {digest.public_id}")
    folded = (delivery.c.digest_id == digest.id) & IS_FOLDED
    connection.execute(update(delivery).where(folded).values(**values))


def counts_of_end(
    connection: Connection, row: Any, *, state: DeliveryState, reason: str, now: datetime
) -> Counter[Key]:
    """The attempt, and how long each alert took that it told of."""
    counts: Counter[Key] = Counter({ATTEMPTS.of(row.channel, str(state), reason): 1})
    if state is DeliveryState.SENT:
        for seen_at in find_first_seen(connection, row):
            counts.update(time_to_alert(now - seen_at))
    return counts


def find_first_seen(connection: Connection, row: Any) -> list[datetime]:
    """When the article was first seen, or let go on, that raised this delivery's alert, or each alert of a digest; none
    for a message to the operator."""
    return list(connection.execute(FIRST_SEEN, {"delivery": row.id}).scalars())


# ---------------------------------------------------------------- giving up


def lost_deliveries(connection: Connection, *, now: datetime, before: datetime) -> list[Any]:
    """Those tried since before `before` that are SENDING without a lease, not for the first time: their attempts do not
    end.

    (After a long standstill, one that was tried once or twice is tried again.) Without their bodies.
    """
    names = "id public_id notification_id channel recipient subject attempts lease_token digest_id maybe_duplicate"
    lost = (delivery.c.state == DeliveryState.SENDING) & (delivery.c.lease_until < now)
    old = (tried_since() < before) & (delivery.c.attempts >= MAX_ATTEMPTS)
    return list(connection.execute(select(*(delivery.c[name] for name in names.split())).where(lost, old)))


def stranded_deliveries(
    connection: Connection, *, before: datetime, now: datetime, known: Collection[str], limit: int
) -> list[Any]:
    """Those that have waited since before `before` for a channel by which nothing goes out: one that is disabled, not
    among the `known`, or is held, has failed since then, too, and often (after a standstill it may come back soon).
    SENDING ones too, once their lease is over: nobody claims them again."""
    columns = (delivery.c.id, delivery.c.public_id, delivery.c.channel, delivery.c.digest_id)
    found = select(*columns).where(*_stranded(before, now, known)).order_by(delivery.c.id).limit(limit)
    return list(connection.execute(found.with_for_update(skip_locked=True)))


def count_stranded(
    connection: Connection, channel_id: str, *, before: datetime, now: datetime, known: Collection[str]
) -> int:
    """Of one channel, all there are."""
    found = select(func.count()).where(delivery.c.channel == channel_id, *_stranded(before, now, known))
    return connection.execute(found).scalar_one()


def _stranded(before: datetime, now: datetime, known: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    shut = channels.is_shut(now, failing_before=before) | delivery.c.channel.not_in(known)
    left = (delivery.c.state == DeliveryState.SENDING) & (delivery.c.lease_until < now)
    waits = or_(delivery.c.state.in_((DeliveryState.PENDING, DeliveryState.FAILED)), left)
    return waits & IS_ON_ITS_OWN, shut, tried_since() < before


def strand(connection: Connection, rows: Sequence[Any], *, reason: str, detail: str, now: datetime) -> None:
    """Gives them up, and what digests among them told of."""
    ids = [row.id for row in rows]
    these = delivery.c.id.in_(ids) | (delivery.c.digest_id.in_(ids) & IS_FOLDED)
    values = dict(state=DeliveryState.ABANDONED, reason=reason, detail=detail, due_at=now)
    values |= dict(lease_token=None, lease_until=None, maybe_duplicate=ONE_MORE_WHERE_SENDING)
    _forget_attempts(connection, ids, now=now)
    connection.execute(update(delivery).where(these).values(**values))
