"""When a feed is polled next, and how its interval adapts. Pure: no I/O, no clock, chance comes in as `jitter`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from worker.errors import FetchReason
from worker.model import Fetched, FetchFailed, NotModified, ParsedFeed, SkipTimes

DAY: Final = 86_400.0
HOUR: Final = 3_600.0
WEEK_HOURS: Final = 7 * 24
Asked = Fetched | NotModified | FetchFailed  # what was postponed was not asked, and stays due
# Nobody answered: perhaps our own line is down, and then every feed is asked again soon after it is back.
SILENT_CAP: Final = HOUR
SILENT: Final = frozenset({FetchReason.DNS, FetchReason.CONNECT, FetchReason.TIMEOUT, FetchReason.PROXY})
JITTER: Final = 0.1  # of the wait, both ways: feeds that once fell due together drift apart
# Seconds of the first wait after a failure; it doubles with each further one, up to a day.
BACK_OFF: Final = {
    FetchReason.GONE: DAY,  # the feed is stopped; the day is for who starts it again by hand
    FetchReason.NOT_FOUND: HOUR,
    FetchReason.FORBIDDEN: HOUR,
    FetchReason.REFUSED_ADDRESS: HOUR,
    FetchReason.REFUSED_URL: HOUR,
    FetchReason.RATE_LIMITED: 900.0,
}
# How the interval follows what polls bring. Slower by a tenth where nothing is new, faster by a quarter where something
# is: at rest about one poll in four brings news (0.75 x 1.1^3 = 1).
SLOWER: Final = 1.1
FASTER: Final = 0.75
# Of a document's entries. More new ones, and the next poll may find that some have come and gone.
OVERFLOWING: Final = 0.5
FILLING: Final = 0.25
FEW: Final = 4  # entries, of which a half is no rush
RUSH: Final = 4.0  # an overflowing feed is asked at most so much oftener than configured


@dataclass(frozen=True)
class Pacing:
    """Seconds: the configured interval, the slowest that it may become, and the host's floor. `ignore_hints`: a host of
    the operator's own, asked at the configured interval whatever it brings or says."""

    interval: float
    floor: float
    slowest: float = HOUR
    ignore_hints: bool = False


@dataclass(frozen=True)
class Pace:
    """What is kept of a feed's polls to plan the next: how many times the configured interval it is by now; in seconds
    the freshness that its answers claim, and what its document asks for."""

    stretch: float = 1.0
    max_age: float | None = None
    wait: float | None = None
    skip: SkipTimes | None = None


def follow(
    pace: Pace, outcome: Asked, *, parsed: ParsedFeed | None, seen: int, new: int, pacing: Pacing, first: bool = False
) -> Pace:
    """The pace after this poll. `parsed` is None where no document was read: what the last one asked holds on.

    `seen` and `new` count entries, 0 for an unchanged feed; of a `first` document all are new, which tells nothing.
    """
    if isinstance(outcome, FetchFailed):
        return pace
    # RFC 9111 §4.3.4: what a 304 says of freshness replaces what is stored, and what it does not say stays.
    kept = pace.max_age if isinstance(outcome, NotModified) else None
    told = outcome.hints.max_age
    pace = replace(pace, max_age=kept if told is None else told)
    if parsed is not None:
        pace = replace(pace, wait=parsed.wait, skip=parsed.skip)
    return pace if first else replace(pace, stretch=_adapted(pace.stretch, seen=seen, new=new, pacing=pacing))


def _adapted(now: float, *, seen: int, new: int, pacing: Pacing) -> float:
    most = max(pacing.slowest / pacing.interval, 1.0)
    if pacing.ignore_hints:
        return 1.0
    if seen >= FEW and new > OVERFLOWING * seen:
        return max(min(now, 1.0) / 2, 1 / RUSH)
    if new and now <= 1.0:
        # Asked oftener than configured, for it overflowed: until it clearly does not any more.
        return now if new > FILLING * seen else min(now * SLOWER, 1.0)
    return max(now * FASTER, 1.0) if new else min(now * SLOWER, most)


def next_poll(outcome: Asked, *, pace: Pace, failures: int, pacing: Pacing, now: datetime, jitter: float) -> datetime:
    """The next time to ask. `pace` is the one after this poll; `failures` counts this one; `jitter` is in [0, 1).

    Never before the floor, nor before what the publisher asked for (Retry-After: RFC 9110 §10.2.3; max-age: RFC 9111
    §5.2.2.1; ttl, skipHours, skipDays: RSS 2.0; sy: RSS 1.0 syndication), nor later than a day from now unless the
    configured interval is longer, or its days of rest are.
    """
    usual = min(pacing.interval * pace.stretch, max(pacing.slowest, pacing.interval))
    longest = max(DAY, pacing.interval, pacing.floor)
    wait = max(usual, pacing.floor) * (1 + JITTER * (2 * jitter - 1))
    least = 0.0 if pacing.ignore_hints else _asked(outcome, pace)
    if isinstance(outcome, FetchFailed):
        least = max(least, _back_off(outcome, failures, pacing, usual))
    # What was asked for, and a back-off, are never cut short: chance only adds to them.
    wait = max(wait, pacing.floor, min(least, longest) * (1 + JITTER * jitter))
    at = now + timedelta(seconds=min(wait, longest))
    return at if pacing.ignore_hints or pace.skip is None else open_at(at, pace.skip, jitter=jitter)


def due_by(polled_at: datetime, *, pace: Pace, pacing: Pacing) -> datetime:
    """When a good poll at that moment, with this pace after it, has the next one planned at the latest."""
    usual = min(pacing.interval * pace.stretch, max(pacing.slowest, pacing.interval))
    hinted = 0.0 if pacing.ignore_hints else min(DAY, max(pace.max_age or 0.0, pace.wait or 0.0))
    wait = min(max(usual, pacing.floor, hinted) * (1 + JITTER), max(DAY, pacing.interval, pacing.floor))
    at = polled_at + timedelta(seconds=wait)
    return at if pacing.ignore_hints or pace.skip is None else open_at(at, pace.skip, jitter=1.0)


def _asked(outcome: Asked, pace: Pace) -> float:
    return min(DAY, max(outcome.hints.retry_after or 0.0, pace.max_age or 0.0, pace.wait or 0.0))


def _back_off(outcome: FetchFailed, failures: int, pacing: Pacing, usual: float) -> float:
    first = next((seconds for reason, seconds in BACK_OFF.items() if reason == outcome.reason), usual)
    if outcome.status == 503 and outcome.hints.retry_after is None:
        first = HOUR  # overloaded, and it does not say for how long
    if pacing.ignore_hints:
        first = pacing.interval
    longest = SILENT_CAP if outcome.reason in SILENT else DAY
    return min(longest, first * 2.0 ** min(max(failures - 1, 0), 20))


def open_at(at: datetime, skip: SkipTimes, *, jitter: float) -> datetime:
    """`at` (UTC), or the first moment after it that its publisher does not rule out; `at` where all are ruled out.

    The hour that opens is entered some minutes late, by chance: everybody else comes on the stroke.
    """
    hour = at.replace(minute=0, second=0, microsecond=0)
    for n in range(WEEK_HOURS):
        candidate = hour + timedelta(hours=n)
        if candidate.hour not in skip.hours and candidate.weekday() not in skip.days:
            return at if n == 0 else candidate + timedelta(minutes=15 * jitter)
    return at
