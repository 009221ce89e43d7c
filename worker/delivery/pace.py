"""How much of a channel's work may go out now: connections at a time, messages a minute. Pure: no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

RUN: Final = 8  # deliveries a connection: more in one claim would only wait there, out of other workers' reach


@dataclass(frozen=True)
class Pace:
    """`at_once`: connections at a time, over all workers. `per_minute`: messages in any minute; 0 for no limit."""

    at_once: int = 1
    per_minute: int = 0

    def free_lanes(self, *, in_flight: int, failing: bool) -> int:
        """Connections that may be opened. Each delivery in flight may hold one; of a channel in trouble one is dialled
        at a time, to see whether it is over."""
        return max(0, (1 if failing else self.at_once) - in_flight)

    def room(self, *, lanes: int, failing: bool, allowance: float) -> int:
        """Deliveries that may be claimed for so many connections."""
        return int(min(lanes if failing else lanes * RUN, allowance))

    def allowance(self, left: float | None, *, since: datetime | None, now: datetime) -> float:
        """How many more may go out, where `left` were left then (None: never used).

        A bucket of a quarter of a minute's messages, filled in a minute by the other three quarters: so no minute,
        wherever it begins, sees more than `per_minute`.
        """
        if not self.per_minute:
            return float("inf")
        bucket = max(1.0, self.per_minute / 4)
        if left is None or since is None:
            return bucket
        filled = max(0.0, (now - since).total_seconds()) * self._a_second(bucket)
        return min(bucket, left + filled)

    def _a_second(self, bucket: float) -> float:
        return max(self.per_minute - bucket, self.per_minute / 2) / 60
