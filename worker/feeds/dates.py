"""When an entry was published, from what its feed wrote: the standards, and what publishers write instead.

Decides also what no article's date can be. It guesses nothing: a wrong moment is worse than none, since an entry
without one counts from the moment at which it was first seen. Pure: no I/O, no clock.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from worker.feeds.datenames import BY_LANGUAGE, LANGUAGE_ZONES, MONTHS, OFFSETS, PLACES, fold

EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)  # before it there was no web to publish on
AHEAD: Final = timedelta(minutes=15)  # a publisher's clock may be so fast; more is a wrong zone, or no date
LONGEST: Final = 100  # letters: the longest form has half of it
FARTHEST: Final = 14 * 60  # minutes that a zone can be from UTC

EPOCH: Final = re.compile(r"(\d{9,10}|\d{12,13})(?:\.\d{1,9})?")
COMPACT: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(?:[T ]?(\d\d)(\d\d)(\d\d)?)?(?!\d)")
YEAR_FIRST: Final = re.compile(r"(?<!\d)(\d{4})\s?[-/.年년]\s?(\d{1,2})\s?[-/.月월]\s?(\d{1,2})(?!\d)\s?[.日일]?")
YEAR_LAST: Final = re.compile(r"(?<!\d)(\d{1,2})([./-])\s?(\d{1,2})\2\s?(\d{4})(?!\d)")
OF: Final = r"(?:(?:de|del|of)\s)?"  # 28 de julio de 2022
DAY_MONTH: Final = re.compile(
    rf"(?<!\d)(\d{{1,2}})(?:st|nd|rd|th|er|º|\.)?[\s,/-]*{OF}([^\W\d_]{{3,12}})[.,]*[\s/-]*{OF}(\d{{4}}|\d\d)(?!\d)",
    re.I,
)
MONTH_DAY: Final = re.compile(r"(?<!\w)([^\W\d_]{3,12})\.?[\s-]*(\d{1,2})(?:st|nd|rd|th)?\s*,?\s+(\d{4})(?!\d)", re.I)
TIME: Final = re.compile(
    r"(?:(?P<before>오전|오후|午前|午後|上午|下午)\s?)?(?<![\d:+-])(?P<hour>\d{1,2}):(?P<minute>\d{1,2})"
    r"(?::(?P<second>\d{1,2})(?:[.,]\d{1,9})?)?(?![\d:])(?:\s?(?P<after>[ap])\.?m\b\.?)?",
    re.I,
)
BASIC_TIME: Final = re.compile(r"(?<=\d)T(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?(?!\d)")
ZONE: Final = re.compile(
    r"\s?[\[(]?(?:(?:(?:GMT|UTC|UT|Z)\s?)?(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d\d))?(?!\d)"
    r"|(?P<name>[A-Za-z]{1,5})(?![A-Za-z]))"
)
AFTERNOON: Final = frozenset(("오후", "午後", "下午", "p"))
# Arabic and Persian dates are often written with marks of direction; feeds in other scripts with any kind of dash.
DASHES: Final = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\uff0d", "-"))


def published_at(raws: Iterable[str], *, now: datetime, zone: str = "", language: str = "") -> datetime | None:
    """The first of these that is a date an article can have, seen at `now`, in UTC; None if none is."""
    for raw in raws:
        found = within_reason(read_date(raw, zone=zone, language=language), now)
        if found is not None:
            return found
    return None


def within_reason(moment: datetime | None, now: datetime) -> datetime | None:
    """None for one that no article seen at `now` can have; one a little ahead of us is now."""
    if moment is None or not EARLIEST <= moment <= now + AHEAD:
        return None
    return min(moment, now)


def zone_of(language: str) -> str:
    """The zone that a language is written in, where that is one; '' where it is not."""
    return LANGUAGE_ZONES.get(_primary(language), "")


def read_date(raw: str, *, zone: str = "", language: str = "") -> datetime | None:
    """What `raw` says, in UTC; None for what cannot be read for sure.

    `zone` (an IANA name) is for dates that name none, and tells which of two zones a name means (CST, IST); without it
    the `language` does. Where neither helps, a date without a zone is taken for UTC, as most that are, are.
    """
    text = _plain(raw) if len(raw) <= 4 * LONGEST else ""
    if not text or len(text) > LONGEST:
        return None
    try:
        if (seconds := _epoch(text)) is not None:
            return datetime.fromtimestamp(seconds, UTC)
        return _written(text, zone=zone or zone_of(language), language=language)
    except (ValueError, OverflowError):
        return None


def _epoch(text: str) -> float | None:
    """Seconds since 1970. Twelve digits may be milliseconds, or a written date: 202207280435."""
    found = EPOCH.fullmatch(text)
    if not found or (len(found[1]) == 12 and found[1].startswith(("19", "20"))):
        return None
    return int(found[1]) / (1 if len(found[1]) < 11 else 1000)


def _plain(raw: str) -> str:
    """With ASCII digits, dashes and spaces, whatever script they were in."""
    kept = (character for character in unicodedata.normalize("NFKC", raw) if unicodedata.category(character) != "Cf")
    digits = (str(unicodedata.digit(c)) if c.isdecimal() else c for c in kept)
    return " ".join("".join(digits).translate(DASHES).split())


def _written(text: str, *, zone: str, language: str) -> datetime | None:
    if found := COMPACT.match(text):
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
        clock, rest, before = (hour, minute, second), text[found.end() :], ""
    else:
        time = TIME.search(text) or BASIC_TIME.search(text)
        clock = _clock(time) if time else (0, 0, 0)
        before, rest = (text[: time.start()], text[time.end() :]) if time else (text, "")
        date = _date(f"{before} {_without_zone(rest)}")
        if date is None:
            return None
        year, month, day = date
        if not time:  # a date may have a zone without a time
            last = YEAR_FIRST.match(text)
            rest = text[last.end() :] if last and ZONE.fullmatch(text, last.end()) else ""
    hour, minute, second = clock
    if minute > 59 or second > 60 or hour > 24 or (hour == 24 and (minute or second)):
        return None
    local = datetime(year, month, day, tzinfo=UTC) + timedelta(hours=hour, minutes=minute, seconds=second)
    there = _zone(rest, local, zone=zone, language=language)
    return None if there is None else local.replace(tzinfo=there).astimezone(UTC)


def _clock(found: re.Match[str]) -> tuple[int, int, int]:
    parts = found.groupdict()
    hour, half = int(parts["hour"]), (parts.get("before") or parts.get("after") or "").lower()
    if half and hour <= 12:
        hour = hour % 12 + (12 if half in AFTERNOON else 0)
    return hour, int(parts["minute"]), int(parts["second"] or 0)


def _date(text: str) -> tuple[int, int, int] | None:
    """Year, month and day; None too where day and month could be either way round."""
    if found := YEAR_FIRST.search(text):
        return int(found[1]), int(found[2]), int(found[3])
    if found := YEAR_LAST.search(text):
        one, other, year = int(found[1]), int(found[3]), int(found[4])
        if found[2] == "." or one > 12 or one == other:
            return year, other, one
        return (year, one, other) if other > 12 else None
    for found in DAY_MONTH.finditer(text):
        if month := MONTHS.get(fold(found[2])):
            return _full_year(found[3]), month, int(found[1])
    for found in MONTH_DAY.finditer(text):
        if month := MONTHS.get(fold(found[1])):
            return int(found[3]), month, int(found[2])
    return None


def _full_year(year: str) -> int:
    """RFC 2822 §4.3: 49 is 2049, 50 is 1950."""
    return int(year) + (0 if len(year) == 4 else 2000 if int(year) < 50 else 1900)


# ---------------------------------------------------------------- zones


def _without_zone(rest: str) -> str:
    """What follows the time, without its zone: 'Thu Jul 28 04:35:05 KST 2022' has its year behind it."""
    found = ZONE.match(rest)
    if not found or (found["name"] and fold(found["name"]) in MONTHS):
        return rest
    return rest[found.end() :]


def _zone(rest: str, local: datetime, *, zone: str, language: str) -> tzinfo | None:
    """The zone that `rest` begins with, else the publisher's; None for one that cannot be, or that nobody knows."""
    found = ZONE.match(rest)
    own = ZoneInfo(zone) if zone else None
    if found and found["sign"]:
        minutes = int(found["hours"]) * 60 + int(found["minutes"] or 0)
        if minutes > FARTHEST or int(found["minutes"] or 0) > 59:
            return None
        return timezone(timedelta(minutes=-minutes if found["sign"] == "-" else minutes))
    name = found["name"] if found else ""
    known = _named(name.upper(), local, own, language) if name else None
    if known is None and name.isupper() and fold(name) not in MONTHS:
        return own  # a zone, and one that we do not know
    return known or own or UTC


def _named(name: str, local: datetime, own: ZoneInfo | None, language: str) -> tzinfo | None:
    """What a zone's abbreviation means, to this publisher first of all: IST is India's, Israel's and Ireland's."""
    for month in (1, 7) if own else ():
        moment = datetime(local.year, month, 1, tzinfo=own)
        offset = moment.utcoffset()
        if moment.tzname() == name and offset is not None:
            return timezone(offset)
    if name in PLACES:
        return ZoneInfo(PLACES[name])
    tags = (language.lower().replace("_", "-"), _primary(language))
    minutes = next((BY_LANGUAGE[name, tag] for tag in tags if (name, tag) in BY_LANGUAGE), OFFSETS.get(name))
    return None if minutes is None else timezone(timedelta(minutes=minutes))


def _primary(language: str) -> str:
    return re.split("[-_]", language.strip().lower())[0]
