"""Which feeds this process has asked a short while ago, by a clock that nobody sets. In memory; decides nothing else.

When a feed is due stands in the record, by the database's clock. One that is set forward, by an hour or a year, makes
every feed due at once, and a publisher who asked for a day would be asked again after a minute. So a worker remembers
the waits that it has itself promised, and keeps them. Of another worker's, and of those before its start, it knows
nothing but the record.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def boot_clock() -> float:
    """Seconds since the machine started; also those that it slept, where the system counts them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Recent:
    """The waits that were promised to publishers, by the address of the feed. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = boot_clock) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._until: dict[str, float] = {}

    def promise(self, url: str, *, seconds: float) -> None:
        """The address was asked, and will not be asked again for so long. What was promised before counts no more."""
        with self._lock:
            self._until[url] = self._clock() + seconds

    def left(self, url: str) -> float:
        """Seconds until it may be asked; 0 for an address that this process has not asked."""
        with self._lock:
            left = self._until.get(url, 0.0) - self._clock()
            if left <= 0:
                self._until.pop(url, None)
            return max(left, 0.0)
