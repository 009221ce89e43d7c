"""The verbs about the outbox: what went out or waits, one delivery whole, and sending again what failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import typer

from worker.alerts.wording import local_time
from worker.cli.options import (
    HERE,
    KEPT,
    ConfigOption,
    DataOption,
    JsonOption,
    NoSuch,
    SinceOption,
    adder,
    duration,
    existing_store,
    iso,
    print_line,
    read_config,
)
from worker.cli.table import print_table, print_text
from worker.console.words import DELIVERY_TROUBLE
from worker.display import SHORT, escaped, one_line
from worker.model import DeliveryState

cli = typer.Typer(no_args_is_help=True, help="The deliveries: what went out, what waits, what was given up.")

PARTS: Final = frozenset({"settings"})
LATELY: Final = "8d"  # a channel is disabled after five days of failing, and what waits is given up three days later
SAID: Final = 100  # letters of what a receiver said, in a list
OUTCOMES: Final = {"started": "under way", "unknown": "nobody knows whether it arrived", "abandoned": "failed for good"}

StateOption = Annotated[list[DeliveryState] | None, typer.Option("--state", help="Only these; may be given again.")]
ChannelOption = Annotated[list[str] | None, typer.Option("--channel", help="Only by this channel; may be given again.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="How many, the newest first.")]
AgainOption = Annotated[
    str | None, typer.Option("--since", metavar="30m|24h|7d", help=f"With --channel: as new as this, else {LATELY}.")
]
DeliveryArgument = Annotated[str, typer.Argument(metavar="DELIVERY", help="A delivery's id, or how it begins.")]
DeliveriesArgument = Annotated[list[str] | None, typer.Argument(metavar="DELIVERY", help="Ids, or how they begin.")]


def list_(
    state: StateOption = None,
    channel: ChannelOption = None,
    since: SinceOption = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
    config: ConfigOption = HERE,
    data: DataOption = KEPT,
) -> None:
    """The deliveries, the newest first: to whom, by what, how far each is and what went wrong."""
    from worker.store.engine import read_clock
    from worker.store.outbox import Wanted, list_deliveries

    zone = read_config(config, only=PARTS).settings.time_zone
    ago = duration(since, "--since") if since else None
    with existing_store(data) as store, store.reading() as connection:
        now = read_clock(connection)
        wanted = Wanted(state or (), channel or (), now - timedelta(seconds=ago) if ago is not None else None)
        rows = list_deliveries(connection, wanted, limit=limit)
    if as_json:
        for row in rows:
            print_line(_as_json(row))
        return
    heads = f"made ({zone})", "delivery", "state", "tries", "channel", "to", "subject", f"next try ({zone})", "said"
    print_table(heads, [_line(row, zone) for row in rows])
    counts = ", ".join(f"{count:,} {name}" for name, count in Counter(row.state for row in rows).most_common())
    print_text(f"{len(rows)} deliveries: {counts}." if rows else "No delivery fits.")


def _line(row: Any, zone: str) -> list[str]:
    subject, said = one_line(row.subject, 70), one_line(row.receipt or row.detail or row.reason or "", SAID)
    tries = f"{row.attempts}{' (perhaps twice)' if row.maybe_duplicate else ''}"
    following = _clock(row.due_at, zone) if row.state == DeliveryState.FAILED else ""
    who = row.channel, row.recipient, subject
    return [_clock(row.created_at, zone), row.public_id[:SHORT], row.state, tries, *who, following, said]


def _clock(moment: datetime | None, zone: str) -> str:
    return local_time(moment, zone).removesuffix(f" {zone}") if moment else ""


def _as_json(row: Any) -> dict[str, Any]:
    names = "channel", "recipient", "state", "kind", "alert", "subject", "message_id", "attempts", "maybe_duplicate"
    moments = {"made": row.created_at, "sent": row.sent_at, "next_try": _next_try(row)}
    return {
        "id": row.public_id,
        **{name: getattr(row, name) for name in names},
        "receipt": row.receipt,
        "reason": row.reason,
        "detail": row.detail,
        **{name: iso(moment) for name, moment in moments.items()},
    }


def _next_try(row: Any) -> datetime | None:
    """None for what is at its end, is being sent, or is told of in a digest."""
    alone = row.digest_id in (None, row.id)
    return row.due_at if alone and row.state in (DeliveryState.PENDING, DeliveryState.FAILED) else None


def show(
    delivery: DeliveryArgument, as_json: JsonOption = False, config: ConfigOption = HERE, data: DataOption = KEPT
) -> None:
    """One delivery whole: its attempts and how each ended, its next try, and the text that its reader gets."""
    from worker.delivery.shown import stored_text
    from worker.store.outbox import find_digest, list_attempts

    zone = read_config(config, only=PARTS).settings.time_zone
    with existing_store(data) as store, store.reading() as connection:
        row = _get(connection, delivery)
        tries, digest = list_attempts(connection, row), find_digest(connection, row)
    found = _as_json(row) | {"digest": digest, "tries": [_try(one) for one in tries], "text": stored_text(row.body)}
    if as_json:
        print_line(found)
        return
    for line in _lines(found, row, tries, zone):
        print_text(line)


def _try(one: Any) -> dict[str, Any]:
    moments = {"started": iso(one.started_at), "ended": iso(one.finished_at)}
    return {"n": one.n, **moments, "outcome": one.outcome, "reason": one.reason, "detail": one.detail}


def _lines(found: Mapping[str, Any], row: Any, tries: list[Any], zone: str) -> Iterator[str]:
    yield escaped(one_line(row.subject))
    yield f"  {row.state}, by {row.channel} to {escaped(row.recipient)}"
    yield f"  made      {_clock(row.created_at, zone)} {zone}"
    if row.sent_at:
        yield f"  sent      {_clock(row.sent_at, zone)}"
    if found["digest"]:
        yield f"  told of in the digest {found['digest']}, and shares its fate"
    if found["next_try"]:
        yield f"  next try  {_clock(row.due_at, zone)}, or when its channel may send again"
    if row.receipt:
        yield f"  answer    {escaped(one_line(row.receipt, 300))}"
    if row.maybe_duplicate:
        yield f"  perhaps received more than once ({row.maybe_duplicate}), each time under the same id {row.message_id}"
    for one in tries:
        words = OUTCOMES.get(one.outcome, one.outcome)
        yield f"  try {one.n:<6}{_clock(one.started_at, zone)}  {words}{_why(one)}"
    yield ""
    yield from (escaped(line) for line in found["text"].splitlines())


def _why(one: Any) -> str:
    trouble, _ = DELIVERY_TROUBLE.get(one.reason, (one.reason, ""))
    return f": {trouble} ({escaped(one_line(one.detail or '', 300))})" if one.reason else ""


def retry(
    delivery: DeliveriesArgument = None,
    channel: ChannelOption = None,
    since: AgainOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = HERE,
    data: DataOption = KEPT,
) -> None:
    """Sends again what failed or was given up: now, for three days, under the same ids. Name it, or a channel's all of
    the last eight days."""
    from worker.store.engine import read_clock
    from worker.store.outbox import Wanted, list_deliveries, send_again

    if bool(delivery) == bool(channel):
        raise typer.BadParameter("name deliveries by id, or give --channel", param_hint="deliveries")
    if since and not channel:
        raise typer.BadParameter("goes with --channel", param_hint="--since")
    read_config(config, only=PARTS)
    ago = timedelta(seconds=duration(since or LATELY, "--since"))
    with existing_store(data) as store, store.writing() as connection:
        if channel and not list_deliveries(connection, Wanted((), channel), limit=1):
            raise NoSuch(f"Nothing was ever to go out by {', '.join(channel)}. `wirewatch channels list` shows them.")
        now = read_clock(connection)
        which: Any = Wanted((), channel, now - ago) if channel else [_get(connection, one).id for one in delivery or ()]
        count = send_again(connection, which, now=now)
    if as_json:
        print_line({"sent_again": count})
    elif count:
        print_text(
            f"{count} {'delivery goes' if count == 1 else 'deliveries go'} out again, when the channel may send."
        )
    else:
        print_text("None of them has failed or was given up.")


def _get(connection: Any, name: str) -> Any:
    """Raises NoSuch."""
    from worker.store.outbox import find_delivery

    row = find_delivery(connection, name)
    if row is None:
        raise NoSuch(f"There is no delivery {name!r}, or several begin so. `wirewatch deliveries list` shows the ids.")
    return row


add_to = adder(list_, show, retry)
