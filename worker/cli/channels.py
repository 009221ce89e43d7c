"""The verbs about channels: how each fares, letting one send again, and a test of one."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from worker.alerts.wording import local_time
from worker.cli.options import (
    HERE,
    KEPT,
    ConfigOption,
    DataOption,
    JsonOption,
    NoSuch,
    NothingYet,
    adder,
    existing_store,
    iso,
    print_line,
    read_config,
)
from worker.cli.table import print_table, print_text
from worker.console.words import DELIVERY_TROUBLE, LATER
from worker.display import escaped, one_line
from worker.errors import DeliveryError

if TYPE_CHECKING:
    from worker.config.schema import Config
    from worker.delivery.channel import Channel
    from worker.store.channels import ChannelStanding

cli = typer.Typer(no_args_is_help=True, help="The channels: how each fares, a test of one, letting one send again.")

PARTS: Final = frozenset({"channels", "people", "settings", "network"})
DAY: Final = timedelta(days=1)

ChannelArgument = Annotated[str, typer.Argument(metavar="CHANNEL", help="Its id from channels.yaml.")]


def list_(as_json: JsonOption = False, config: ConfigOption = HERE, data: DataOption = KEPT) -> None:
    """Every channel: whether it works, since when it does not and why, what waits for it, what it sent within a day."""
    desk = read_config(config, only=PARTS)
    now, standings = _standings(data)
    kinds = {spec.id: spec.kind if spec.enabled else f"{spec.kind}, off" for spec in desk.channels}
    names = [*kinds, *(name for name in standings if name not in kinds)]
    found = [_as_json(name, kinds.get(name), standings.get(name), now) for name in names]
    if as_json:
        for one in found:
            print_line(one)
        return
    zone = desk.settings.time_zone
    heads = "channel", "kind", "state", f"since ({zone})", "why", "waiting", "sent in a day", "given up in 3 days"
    print_table(heads, [_line(one, zone) for one in found])


def _standings(data: Path) -> tuple[datetime, dict[str, ChannelStanding]]:
    from worker.store.channels import read_channels

    try:
        with existing_store(data) as store:
            return read_channels(store, within=DAY)
    except NothingYet:
        return datetime.now(UTC), {}


def _as_json(name: str, kind: str | None, standing: ChannelStanding | None, now: datetime) -> dict[str, Any]:
    row = standing.row if standing else None
    counts = {part: getattr(standing, part, 0) for part in ("waiting", "sent", "given_up")}
    state, since = _state(row, now)
    held = row.hold_until if row is not None and state == "held" else None
    return {
        "id": name,
        "kind": kind or "not in channels.yaml",
        "state": state,
        "since": iso(since),
        "next_try": iso(held),
        "failures": row.failures if row is not None else 0,
        "reason": row.reason if row is not None else None,
        "detail": row.detail if row is not None else None,
        **counts,
    }


def _state(row: Any, now: datetime) -> tuple[str, datetime | None]:
    """disabled, held, failing (its next message is a probe), works; since when, where that is a trouble."""
    if row is None:
        return "not used yet", None
    if row.disabled_at is not None:
        return "disabled", row.disabled_at
    if row.failures:
        return "held" if row.hold_until is not None and row.hold_until > now else "failing", row.failing_since
    return "works", None


def _line(one: dict[str, Any], zone: str) -> list[str]:
    def clock(moment: str | None) -> str:
        return local_time(datetime.fromisoformat(moment), zone).removesuffix(f" {zone}") if moment else ""

    state = f"held until {clock(one['next_try'])}" if one["next_try"] else one["state"]
    trouble, _ = DELIVERY_TROUBLE.get(one["reason"], ("", ""))
    why = f"{trouble} ({one_line(one['detail'], 120)})" if one["detail"] else trouble
    counts = (f"{one[part]:,}" if one[part] else "" for part in ("waiting", "sent", "given_up"))
    return [one["id"], one["kind"], state, clock(one["since"]), why, *counts]


def enable(
    channel: ChannelArgument, as_json: JsonOption = False, config: ConfigOption = HERE, data: DataOption = KEPT
) -> None:
    """Lets a channel that was disabled or is held send again, at once. What was given up is for `deliveries retry`."""
    from worker.store.channels import enable_channel

    _spec(read_config(config, only=PARTS), channel)
    with existing_store(data) as store:
        changed = enable_channel(store, channel)
    if as_json:
        print_line({"channel": channel, "changed": changed})
    elif changed:
        print_text(f"{channel} sends again: what waits for it goes out within seconds, if the desk runs.")
    else:
        print_text(f"{channel} was neither disabled nor held.")


def test(
    channel: ChannelArgument, as_json: JsonOption = False, config: ConfigOption = HERE, data: DataOption = KEPT
) -> None:
    """Sends a test message at once, past the outbox, to every recipient: did it arrive, or what went wrong?"""
    import asyncio

    from worker.delivery.build import build_channels

    desk = read_config(config, only=PARTS)
    if not _spec(desk, channel).enabled:
        raise NoSuch(f"The channel {channel} is switched off in channels.yaml: nothing goes out by it.")
    if _spec(desk, channel).kind == "feed":
        raise NoSuch(
            f"The channel {channel} is a feed: nobody is sent anything. Its readers fetch it from the console, at "
            "/feeds/, where alerts stand once they are raised."
        )
    built = build_channels(desk, policy=desk.to_policy(), inbox_root=data)[channel]
    tried = asyncio.run(send_test(built))
    if as_json:
        print_line({"channel": channel, "tried": tried})
    for one in () if as_json else tried:
        print_text(f"{escaped(one['to'])}: {'taken' if one['taken'] else 'NOT TAKEN'}: {escaped(one['said'])}")
    raise typer.Exit(0 if all(one["taken"] for one in tried) else 1)


async def send_test(channel: Channel) -> list[dict[str, Any]]:
    from worker.delivery.channel import NotTried

    now, tried = datetime.now(UTC), []
    lines = [
        f"This is a test of the channel {channel.id}, sent by hand. Nothing has happened.",
        "If you can read it, alerts reach you here.",
    ]
    async with channel.open() as line:
        for to in channel.recipients():
            message = channel.render_operator(
                f"Test of the channel {channel.id}", lines, recipient=to, message_id=secrets.token_hex(12), now=now
            )
            try:
                taken, said = True, await line.send(message, now=now)
            except DeliveryError as error:
                trouble, advice = DELIVERY_TROUBLE[error.reason]
                taken, said = False, f"{trouble} ({error.detail}). {'' if advice == LATER else advice}"
            except NotTried:
                taken, said = False, "Not tried: the channel has just let nobody in."
            tried.append({"to": to, "taken": taken, "said": one_line(said, 400)})
    return tried


def _spec(desk: Config, name: str) -> Any:
    """Raises NoSuch."""
    known = {spec.id: spec for spec in desk.channels}
    if name not in known:
        raise NoSuch(f"There is no channel {name!r} in channels.yaml, only: {', '.join(known) or 'none yet'}.")
    return known[name]


add_to = adder(list_, enable, test)
