"""When a feed is polled next. Pure: no I/O, no clock, chance comes in as `jitter`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from worker.errors import FetchReason
from worker.model import Fetched, FetchFailed, NotModified

DAY: Final = 86_400.0
HOUR: Final = 3_600.0
Asked = Fetched | NotModified | FetchFailed  # what was postponed was not asked, and stays due
# Nobody answered: perhaps our own line is down, and then every feed is asked again soon after it is back.
SILENT_CAP: Final = HOUR
SILENT: Final = frozenset({FetchReason.DNS, FetchReason.CONNECT, FetchReason.TIMEOUT})
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


@dataclass(frozen=True)
class Pacing:
    """Seconds: the configured interval and the host's floor. `ignore_hints`: a host of the operator's own."""

    interval: float
    floor: float
    ignore_hints: bool = False


def next_poll(
    outcome: Asked, *, parsed_ttl: float | None, failures: int, pacing: Pacing, now: datetime, jitter: float
) -> datetime:
    """The next time to ask. `failures` counts this one; `jitter` is in [0, 1).

    Never before the floor, nor before what the publisher asked for (Retry-After: RFC 9110 §10.2.3; max-age: RFC 9111
    §5.2.2.1; ttl: RSS 2.0), nor later than a day from now unless the configured interval is longer.
    """
    longest = max(DAY, pacing.interval, pacing.floor)
    asked = 0.0 if pacing.ignore_hints else _asked(outcome, parsed_ttl)
    wait = max(pacing.interval, pacing.floor)
    if isinstance(outcome, FetchFailed):
        wait = max(wait, _back_off(outcome, failures, pacing))
    wait *= 1 + JITTER * (2 * jitter - 1)
    return now + timedelta(seconds=min(longest, max(wait, pacing.floor, min(asked, DAY))))


def _asked(outcome: Asked, ttl: float | None) -> float:
    hints = outcome.hints
    return max(hints.retry_after or 0.0, hints.max_age or 0.0, ttl or 0.0)


def _back_off(outcome: FetchFailed, failures: int, pacing: Pacing) -> float:
    first = next((seconds for reason, seconds in BACK_OFF.items() if reason == outcome.reason), pacing.interval)
    if outcome.status == 503 and outcome.hints.retry_after is None:
        first = HOUR  # overloaded, and it does not say for how long
    if pacing.ignore_hints:
        first = pacing.interval
    longest = SILENT_CAP if outcome.reason in SILENT else DAY
    return min(longest, first * 2.0 ** min(max(failures - 1, 0), 20))
