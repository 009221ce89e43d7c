"""The rhythm of all feeds of a tag or a language together, and when they are all quiet. Pure: no I/O, no clock.

Where one feed rests, another brings something: that all rest for longer than ever is a line, a filter or a war.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from worker.alerts.languages import language_name

if TYPE_CHECKING:
    from worker.config.schema import FeedSpec

LEAST_FEEDS: Final = 3
KNOWN_GAPS: Final = 8
LEARNT: Final = timedelta(days=10)  # the nights and one whole weekend: in seven days, the first may not be over
QUIET_FACTOR: Final = 1.5
LEAST_QUIET: Final = timedelta(hours=1)
WATCHED_SHARE: Final = 0.5  # of its feeds must have been asked in time, and have answered, for us to know anything
IN_TIME: Final = timedelta(minutes=5)
LOOKS: Final = timedelta(minutes=10)  # it is looked at every minute; a longer pause is none of its own
TAG, LANGUAGE = "tag:", "language:"


@dataclass(frozen=True)
class GroupRhythm:
    """`since` it is watched; `seen_at`: the last look at which enough of its feeds had been asked and answered.
    `longest_gap` in seconds."""

    name: str
    since: datetime
    seen_at: datetime
    news_at: datetime | None = None
    gaps: int = 0
    longest_gap: float | None = None


def groups_of(feeds: Iterable[FeedSpec]) -> dict[str, list[str]]:
    """The ids of the enabled feeds of each tag and language that has enough of them, by the group's name."""
    found = defaultdict(list)
    for feed in feeds:
        if feed.enabled:
            names = {f"{TAG}{tag}" for tag in feed.tags}
            if feed.language:
                names.add(f"{LANGUAGE}{feed.language.split('-')[0].lower()}")
            for name in names:
                found[name].append(feed.id)
    return {name: ids for name, ids in sorted(found.items()) if len(ids) >= LEAST_FEEDS}


def group_words(name: str) -> str:
    """'in Korean', 'with the tag korea'."""
    if name.startswith(LANGUAGE):
        return f"in {language_name(name.removeprefix(LANGUAGE))}"
    return f"with the tag {name.removeprefix(TAG)}"


def is_watched(members: Sequence[Any], now: datetime) -> bool:
    """Enough of its feeds answer and were asked in time: else it is not they who are quiet. Members are feeds' rows."""
    watched = sum(1 for row in members if not row.failures and row.next_poll_at > now - IN_TIME)
    return watched > 0 and watched >= WATCHED_SHARE * len(members)


def seen_until(members: Sequence[Any]) -> datetime | None:
    """Until when enough of its feeds have been asked, and have answered; None where too few ever have. Plans do not
    count: after a pause they are made anew, and nobody has been asked yet."""
    answered = sorted((row.succeeded_at for row in members if row.succeeded_at is not None), reverse=True)
    enough = max(1, math.ceil(WATCHED_SHARE * len(members)))
    return answered[enough - 1] if len(answered) >= enough else None


def look_at_group(known: GroupRhythm | None, name: str, members: Sequence[Any], now: datetime) -> GroupRhythm:
    """Its rhythm after this look. While nobody could have seen any news, the time is not counted as silence."""
    newest = max((row.news_at for row in members if row.news_at is not None), default=None)
    if known is None:
        return GroupRhythm(name, since=now, seen_at=now, news_at=newest)
    unseen = now - known.seen_at if now - known.seen_at > LOOKS else timedelta(0)
    seen = seen_until(members)
    again = not unseen or (seen is not None and seen > known.seen_at + LOOKS)
    found = replace(known, seen_at=now) if again and is_watched(members, now) else known
    if newest is None or (known.news_at is not None and newest <= known.news_at):
        return found
    if known.news_at is None:
        return replace(found, news_at=newest)
    gap = max(timedelta(0), newest - known.news_at - unseen).total_seconds()
    return replace(found, news_at=newest, gaps=known.gaps + 1, longest_gap=max(gap, known.longest_gap or 0.0))


def is_group_quiet(rhythm: GroupRhythm, members: Sequence[Any], now: datetime) -> bool:
    """All of its feeds together have brought nothing for longer than ever, and it is not that they were not asked."""
    if rhythm.news_at is None or rhythm.longest_gap is None or rhythm.gaps < KNOWN_GAPS:
        return False
    if now - rhythm.since < LEARNT or not is_watched(members, now):
        return False
    seen = seen_until(members)
    least = max(QUIET_FACTOR * timedelta(seconds=rhythm.longest_gap), LEAST_QUIET)
    return seen is not None and seen - rhythm.news_at > least
