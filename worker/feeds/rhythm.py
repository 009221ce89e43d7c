"""A feed's own rhythm: the silences between the polls that brought something new, and when a silence is more than that.

A silence ends where somebody last looked: while nobody asks a feed, or it fails, nobody knows whether it is quiet.
Pure: no I/O, no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

HOUR: Final = 3_600.0
DAY: Final = 86_400.0
# Before so many silences are known there is no rhythm to speak of.
KNOWN_GAPS: Final = 8
# Once and a half the longest would blame, in real histories, one feed in three for a silence like any other: the
# longest of some dozen is often surpassed by as much. Twice is almost only what did stop, and costs hours, not days.
QUIET_FACTOR: Final = 2.0
LEAST_QUIET: Final = 6 * HOUR  # nobody minds a feed of every ten minutes that rests for an hour
# Until two weekends have been seen, a silence may be the first from Friday afternoon to Monday morning.
YOUNG: Final = 15 * DAY
LEAST_QUIET_YOUNG: Final = 3 * DAY
# So slow that its silence says nothing; and so long silent that nobody waits for it any more.
SLOW: Final = 14 * DAY
DORMANT_AFTER: Final = 90 * DAY
WEIGHT: Final = 0.1  # of the newest silence in the usual one: of the last twenty, the older half hardly counts


@dataclass(frozen=True)
class Rhythm:
    """`news_at`: the last poll that brought something new. `gaps`: how many silences are known; `usual_gap`, their
    moving average, and `longest_gap` in seconds. `since`: the first successful poll."""

    news_at: datetime | None = None
    gaps: int = 0
    usual_gap: float | None = None
    longest_gap: float | None = None
    since: datetime | None = None

    def columns(self) -> dict[str, Any]:
        """What a feed's row keeps of it; `since` is its `baseline_at`, which the poll itself sets."""
        return dict(news_at=self.news_at, gaps=self.gaps, usual_gap=self.usual_gap, longest_gap=self.longest_gap)


def rhythm_of(row: Any) -> Rhythm:
    """Of a feed's row."""
    return Rhythm(row.news_at, row.gaps, row.usual_gap, row.longest_gap, row.baseline_at)


def after_poll(rhythm: Rhythm, *, new: int, now: datetime, unwatched: timedelta = timedelta(0)) -> Rhythm:
    """After a successful poll at `now` that brought `new` entries. The first only starts it: when what it holds was
    new, nobody knows. `unwatched`: for how much of the silence nobody looked, see below; that is not silence."""
    if rhythm.news_at is None:
        return replace(rhythm, news_at=now, since=rhythm.since or now)
    if not new:
        return rhythm
    gap = (now - rhythm.news_at - unwatched).total_seconds()
    if gap < 0:  # a clock was set back
        return replace(rhythm, news_at=now)
    usual = gap if rhythm.usual_gap is None else rhythm.usual_gap + WEIGHT * (gap - rhythm.usual_gap)
    return replace(
        rhythm, news_at=now, gaps=rhythm.gaps + 1, usual_gap=usual, longest_gap=max(gap, rhythm.longest_gap or 0.0)
    )


def unwatched(row: Any, now: datetime, *, due_by: datetime | None) -> timedelta:
    """For how long before this poll the feed, as its row was, was not looked at although it should have been: it
    failed, or nobody polled it when it was due. `due_by`: when its last good poll wanted it asked again at the latest;
    what is due is put off, by a start or for its host's sake, and then the row says less than that."""
    began: datetime = row.failing_since if row.failing_since is not None else row.next_poll_at
    if due_by is not None:
        began = min(began, due_by)
    if row.succeeded_at is not None:
        began = max(began, row.succeeded_at)
    return max(timedelta(0), now - began)


def quiet_after(rhythm: Rhythm, seen: datetime) -> float | None:
    """After how many seconds of silence the feed is quiet, for who looked last at `seen`; None without a rhythm."""
    if rhythm.gaps < KNOWN_GAPS or rhythm.longest_gap is None or (rhythm.usual_gap or 0.0) > SLOW:
        return None
    young = rhythm.since is not None and (seen - rhythm.since).total_seconds() < YOUNG
    return max(QUIET_FACTOR * rhythm.longest_gap, LEAST_QUIET_YOUNG if young else LEAST_QUIET)


def is_quiet(rhythm: Rhythm, now: datetime) -> bool:
    """It answers, and has brought nothing for clearly longer than ever. `now`: when it last answered."""
    bound = quiet_after(rhythm, now)
    return bound is not None and not is_dormant(rhythm, now) and _silence(rhythm, now) > bound


def is_dormant(rhythm: Rhythm, now: datetime) -> bool:
    """Slow by nature, or silent for so long that nobody waits for it: no trouble. `now`: when it last answered."""
    slow = rhythm.usual_gap is not None and rhythm.usual_gap > SLOW
    return slow or _silence(rhythm, now) > DORMANT_AFTER


def _silence(rhythm: Rhythm, seen: datetime) -> float:
    return (seen - rhythm.news_at).total_seconds() if rhythm.news_at is not None else 0.0


def gap_span(seconds: float) -> str:
    """'10 min', '3 h', '4 days': rounded, for a usual length is no measured one."""
    for unit, length, most in (("min", 60.0, HOUR), ("h", HOUR, 2 * DAY), ("days", DAY, float("inf"))):
        if round(seconds / length) * length < most:
            return f"{max(1, round(seconds / length))} {unit}"
    return ""


def rhythm_words(rhythm: Rhythm) -> str:
    """'usually every 3 h, longest 14 h'; '' while too little is known."""
    if rhythm.gaps < KNOWN_GAPS or rhythm.usual_gap is None or rhythm.longest_gap is None:
        return ""
    return f"usually every {gap_span(rhythm.usual_gap)}, longest {gap_span(rhythm.longest_gap)}"
