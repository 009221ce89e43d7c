"""When an alert's next message is due, and which it is. Pure: no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

RAISED: Final = "alert.raised"
UPDATED: Final = "alert.updated"
REMINDER: Final = "alert.reminder"


class Timing(Protocol):
    """Seconds; 0 in `updates` and `remind` is 'never'."""

    @property
    def wait(self) -> float: ...
    @property
    def updates(self) -> float: ...
    @property
    def remind(self) -> float: ...


@dataclass(frozen=True)
class Standing:
    """How far an alert has been told. `told_at`: its last message, None before the first; `news`: something waits."""

    raised_at: datetime
    told_at: datetime | None
    news: bool
    acknowledged: bool
    reminded: bool  # its last message was a reminder


def next_message(timing: Timing, standing: Standing) -> tuple[datetime, str] | None:
    """When the alert's next message is due, and its kind; None when nothing more is to be said for now."""
    if standing.told_at is None:
        return standing.raised_at + timedelta(seconds=timing.wait), RAISED
    due = []  # of two at one time the update, which says what a reminder would
    if standing.news and timing.updates:
        due.append((standing.told_at + timedelta(seconds=timing.updates), UPDATED))
    if timing.remind and not standing.acknowledged and not standing.reminded:
        due.append((standing.told_at + timedelta(seconds=timing.remind), REMINDER))
    return min(due, key=lambda one: one[0], default=None)
