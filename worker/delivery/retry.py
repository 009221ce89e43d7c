"""When a failed delivery is tried again, and a failed channel. Pure: no I/O, no clock, chance comes in as `jitter`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

# Seconds after attempt n; the last repeats. Source: the schedule that Standard Webhooks recommends.
SCHEDULE: Final = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0)
GIVE_UP: Final = timedelta(days=3)
LEAST_TRIES: Final = 5  # whatever the time: after a standstill, the first failure may be the network's that comes up
JITTER: Final = 0.2  # added only: nothing is ever tried sooner than the schedule says
LONGEST_ASKED: Final = 86_400.0  # a receiver may ask for a day, not for a year
# Seconds after the nth failure in a row until one delivery is sent to see whether the channel works again.
HOLDS: Final = (5.0, 30.0, 120.0, 300.0, 600.0)
REFUSALS: Final = 3  # logins that are refused, and then one an hour: more lock an account
LOCKED_OUT: Final = 3_600.0
DISABLE_AFTER: Final = timedelta(days=5)  # Standard Webhooks: who fails for so long is not there any more
DISABLE_FAILURES: Final = 5  # and so often: a quiet channel's two bad moments may lie days apart


def next_attempt(
    n: int, *, now: datetime, first_at: datetime, jitter: float, retry_after: float | None
) -> datetime | None:
    """The time of attempt n + 1; the last is three days after `first_at`, or as soon as the receiver asks for. None
    when that was attempt n. `jitter` is in [0, 1)."""
    wait = SCHEDULE[min(max(n, 1), len(SCHEDULE)) - 1] * (1 + JITTER * jitter)
    last = first_at + GIVE_UP
    if n < LEAST_TRIES:
        return now + _as_asked(wait, retry_after)
    if now >= last:
        return None
    return min(now + _as_asked(wait, retry_after), max(last, now + _as_asked(SCHEDULE[0], retry_after)))


def next_probe(failures: int, *, refusals: int, now: datetime, jitter: float, retry_after: float | None) -> datetime:
    """Until when nothing goes out by a channel that has failed so often in a row, with so many logins refused."""
    wait = LOCKED_OUT if refusals >= REFUSALS else HOLDS[min(max(failures, 1), len(HOLDS)) - 1]
    return now + _as_asked(wait * (1 + JITTER * jitter), retry_after)


def _as_asked(wait: float, retry_after: float | None) -> timedelta:
    """No sooner than the receiver asked."""
    return timedelta(seconds=max(wait, min(retry_after or 0.0, LONGEST_ASKED)))
