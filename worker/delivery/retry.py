"""When a failed delivery is tried again. Pure: no I/O, no clock, chance comes in as `jitter`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

# Seconds after attempt n; the last repeats. Source: the schedule that Standard Webhooks recommends.
SCHEDULE: Final = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0)
GIVE_UP: Final = timedelta(days=3)
JITTER: Final = 0.2  # added only: nothing is ever tried sooner than the schedule says
LONGEST_ASKED: Final = 86_400.0  # a receiver may ask for a day, not for a year


def next_attempt(
    n: int, *, now: datetime, first_at: datetime, jitter: float, retry_after: float | None
) -> datetime | None:
    """The time of attempt n + 1, or None when it would be over three days after `first_at`. `jitter` is in [0, 1)."""
    wait = SCHEDULE[min(max(n, 1), len(SCHEDULE)) - 1] * (1 + JITTER * jitter)
    if retry_after is not None:
        wait = max(wait, min(retry_after, LONGEST_ASKED))
    at = now + timedelta(seconds=wait)
    return at if at <= first_at + GIVE_UP else None
