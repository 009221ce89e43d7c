"""What a feed's document asks of our timing: how long to leave between two polls, when not to come. Pure: no I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
# RSS 1.0 module "syndication"; a month and a year are nearly enough: nobody is asked to wait for longer than a day.
PERIODS: Final = {"hourly": HOUR, "daily": DAY, "weekly": 7 * DAY, "monthly": 30 * DAY, "yearly": 365 * DAY}
WEEK: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FIRST_ITEM: Final = re.compile(rb"<(?:[\w.-]+:)?(?:item|entry)[\s>/]", re.I)
LAST_ITEM: Final = re.compile(rb"</(?:[\w.-]+:)?(?:item|entry)\s*>", re.I)
SKIP: Final = re.compile(rb"<skip(hours|days)\s*>(.{0,4000}?)</skip\1\s*>", re.I | re.DOTALL)
SKIPPED: Final = re.compile(r"<(?:hour|day)\s*>\s*(\w{1,9})\s*</", re.I)


def wait_of(channel: Mapping[str, Any]) -> float | None:
    """Seconds between two polls: the longer of RSS `ttl` (minutes) and of what `sy:` says; None where neither does."""
    minutes = _number(channel.get("ttl"))
    period = PERIODS.get(str(channel.get("sy_updateperiod", "")).strip().lower())
    times = _number(channel.get("sy_updatefrequency")) or 1.0
    asked = [minutes * 60] if minutes else []
    return max([*asked, period / times] if period else asked, default=None)


def _number(value: Any) -> float | None:
    """None for what is none, and for one that nobody means."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if 0 < found < 100_000 else None


def skip_of(plain: bytes) -> dict[str, list[int]] | None:
    """RSS `skipHours` and `skipDays` as a SkipTimes' fields, from the document in UTF-8; None where it has neither.

    Only what stands outside of the items counts: an article may quote them. Who skips every hour, or every day, says
    nothing: a feed that may never be asked is a mistake.
    """
    found: dict[str, set[int]] = {"hours": set(), "days": set()}
    for match in SKIP.finditer(_outside(plain)):
        kind = match[1].decode().lower()
        for value in SKIPPED.findall(match[2].decode("utf-8", "replace")):
            found[kind] |= _hour(value) if kind == "hours" else _day(value)
    kept = {kind: sorted(values) for kind, values in found.items() if len(values) < (24 if kind == "hours" else 7)}
    return {"hours": [], "days": []} | kept if any(kept.values()) else None


def _outside(plain: bytes) -> bytes:
    """The document before its first item, and behind its last."""
    first = FIRST_ITEM.search(plain)
    if first is None:
        return plain
    end = max((found.end() for found in LAST_ITEM.finditer(plain)), default=len(plain))
    return plain[: first.start()] + plain[end:]


def _hour(value: str) -> set[int]:
    """0 to 23, as RSS 2.0 has it; RSS 0.91 counts from 1 to 24."""
    return {int(value) % 24} if value.isascii() and value.isdecimal() and int(value) <= 24 else set()


def _day(value: str) -> set[int]:
    return {WEEK.index(value.lower())} if value.lower() in WEEK else set()
