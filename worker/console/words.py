"""Times and reasons in plain words, each trouble with what to do about it; a feed's are in `feeds.reasons`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from worker.alerts.wording import local_time
from worker.errors import DeliveryReason

MINUTE, HOUR, DAY = 60, 3_600, 86_400
LATER: Final = "It is tried again by itself, for three days."
DELIVERY_TROUBLE: Final[Mapping[str, tuple[str, str]]] = {
    DeliveryReason.CONNECT: ("the receiver cannot be reached", LATER),
    DeliveryReason.TIMEOUT: ("the receiver does not answer in time", LATER),
    DeliveryReason.TLS: ("the receiver's certificate is not valid, or it offers no encryption", "See to the receiver."),
    DeliveryReason.AUTH: ("the receiver refuses our password or key", "Check the channel's secret in channels.yaml."),
    DeliveryReason.REJECTED: ("the receiver said no", "Check the recipient in people.yaml and channels.yaml."),
    DeliveryReason.TEMPORARY: ("the receiver asks us to come back later", LATER),
    DeliveryReason.REDIRECTED: ("the receiver has moved", "Set its final address in channels.yaml."),
    DeliveryReason.GONE: ("the receiver is gone for good", "Set another address in channels.yaml."),
    DeliveryReason.REFUSED_ADDRESS: (
        "the receiver's address lies in a private network",
        "If that is meant, allow it in network.yaml.",
    ),
    DeliveryReason.NO_CHANNEL: ("its channel is switched off, or gone", "Bring the channel back in channels.yaml."),
    DeliveryReason.INTERNAL: ("something went wrong on our side", "The log says what; please report it."),
}


@dataclass(frozen=True)
class Moment:
    """An instant as a page shows it: `iso` for programs, `clock` for the eye, `full` with the zone, `ago` from now."""

    iso: str
    clock: str
    full: str
    ago: str


def moment(at: datetime, *, now: datetime, zone: str, seconds: bool = False) -> Moment:
    """The date stands only where it is not today's; the clock is that of `zone`."""
    try:
        there, today = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    except OverflowError:  # the year 1 or 9999, as some feeds write
        there, today = at.astimezone(UTC), now.astimezone(UTC)
    clock = f"{there:%H:%M:%S}" if seconds else f"{there:%H:%M}"
    if there.date() != today.date():
        year = f" {there.year}" if there.year != today.year else ""
        clock = f"{there.day} {there:%b}{year}, {clock}"
    iso = at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Moment(iso, clock, local_time(at, zone), distance(at, now))


def distance(at: datetime, now: datetime) -> str:
    """'4 min ago', 'in 7 min', 'now'."""
    seconds = (at - now).total_seconds()
    if abs(seconds) < 1:
        return "now"
    return f"in {span(seconds)}" if seconds > 0 else f"{span(-seconds)} ago"


def span(seconds: float) -> str:
    """'0.4 s', '8 s', '4 min', '3 h', '12 days': one number is enough to judge by."""
    if seconds < 1:
        return f"{max(seconds, 0):.1f} s"
    for unit, length, most in (("s", 1, MINUTE), ("min", MINUTE, HOUR), ("h", HOUR, 2 * DAY)):
        if seconds < most:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds // DAY)} days"


def zone_name(zone: str, now: datetime) -> str:
    """'Asia/Seoul (UTC+09:00)', 'UTC'."""
    return local_time(now, zone).split(", ", 1)[1].split(" ", 1)[1]


def zone_city(zone: str) -> str:
    """'Seoul time' for 'Asia/Seoul', 'UTC': for many lines, where the whole name stands above them."""
    return zone if "/" not in zone else zone.rsplit("/", 1)[-1].replace("_", " ") + " time"


def counted(count: int, one: str, many: str = "") -> str:
    """'1 article', '3 articles'."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
