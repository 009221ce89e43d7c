"""How a feed stands, in words, for every command and page: the configuration's line and the record's row together.

Pure: no I/O, no clock.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from worker.errors import ParseReason
from worker.feeds.gaps import gap_words
from worker.feeds.reasons import wording
from worker.feeds.rhythm import gap_span, rhythm_of, rhythm_words

if TYPE_CHECKING:
    from worker.config.schema import FeedSpec


class FeedState(enum.StrEnum):
    NEW = "new"
    ACTIVE = "active"
    FAILING = "failing"
    QUIET = "quiet"
    DORMANT = "dormant"
    STOPPED = "stopped"
    DISABLED = "disabled"
    REMOVED = "removed"


STATE_WORDS: Final[Mapping[FeedState, str]] = {
    FeedState.STOPPED: "gone",  # as its publisher said
    FeedState.FAILING: "failing",
    FeedState.QUIET: "quiet",  # it answers, and has brought nothing for longer than ever
    FeedState.NEW: "never polled",
    FeedState.ACTIVE: "working",
    FeedState.DORMANT: "dormant",  # it brings something so rarely, or has not for so long, that nobody waits for it
    FeedState.DISABLED: "disabled",
    FeedState.REMOVED: "disabled or taken out",  # which of them the record does not know
}
# What the configuration knows better: a feed that was taken out, or is there again.
TAKEN_OUT: Final = "taken out of feeds.yaml"
AWAITED: Final = "waits for the next start"
POLLED: Final = frozenset({FeedState.NEW, FeedState.ACTIVE, FeedState.FAILING, FeedState.QUIET, FeedState.DORMANT})


@dataclass(frozen=True)
class Trouble:
    """`says` is about "it", the feed. `detail` may be the publisher's own words, and `times` how often in a row; either
    may be ''."""

    says: str
    advice: str
    detail: str = ""
    times: str = ""

    @property
    def whole(self) -> str:
        """All but the advice, in one line."""
        said = f"{self.says}: {self.detail}" if self.detail else self.says
        return f"{said} ({self.times})" if self.times else said


@dataclass(frozen=True)
class Stand:
    """`trouble` is None where nothing is wrong, or nobody asks it any more."""

    state: FeedState
    words: str
    trouble: Trouble | None = None

    @property
    def polled(self) -> bool:
        return self.state in POLLED


def stand_of(spec: FeedSpec | None, row: Any | None) -> Stand:
    """`spec` is None where the configuration has no such feed or is not known, `row` where the record has none. The
    row has `shown`, `reason`, `detail`, `failures`, `configured_url`, `current_url`, and what its rhythm is read from.
    """
    state = FeedState(row.shown) if row is not None else FeedState.NEW
    if spec is not None and not spec.enabled:
        return Stand(FeedState.DISABLED, STATE_WORDS[FeedState.DISABLED])
    if state is FeedState.REMOVED and spec is None:
        return Stand(state, TAKEN_OUT)
    words = AWAITED if state is FeedState.REMOVED else STATE_WORDS[state]
    return Stand(state, words, _trouble(spec, row) if row is not None else None)


def _trouble(spec: FeedSpec | None, row: Any) -> Trouble | None:
    """A reason stands also at a feed that works, where not all of it came."""
    if spec is not None and row.configured_url != spec.url:
        return Trouble("its address in feeds.yaml is new", "It is polled there from the next start on.")
    if row.reason:
        found = wording(row.reason)
        times = f"{row.failures} times in a row" if row.failures > 1 else ""
        return Trouble(found.says, found.advice, detail=row.detail or "", times=times)
    if row.shown == FeedState.QUIET:
        found = wording(ParseReason.QUIET)
        return Trouble(found.says, found.advice, detail=_silence(row))
    if row.current_url != row.configured_url:
        return Trouble(f"it moved for good to {row.current_url}", "It is polled there. Set this address in feeds.yaml.")
    return None


def reason_of(row: Any) -> str:
    """What is wrong with it, as a FetchReason or ParseReason; '' for nothing."""
    return row.reason or (str(ParseReason.QUIET) if row.shown == FeedState.QUIET else "")


def _wait(row: Any) -> float | None:
    return max(0.0, (row.next_poll_at - row.polled_at).total_seconds()) if row.polled_at else None


def _silence(row: Any) -> str:
    """'for 3 days, usually every 3 h, longest 14 h'."""
    lasted = gap_span((row.succeeded_at - row.news_at).total_seconds())
    return ", ".join(words for words in (f"for {lasted}", rhythm_words(rhythm_of(row))) if words)


def count_states(counts: Mapping[str, int]) -> list[str]:
    """'1 gone', '104 working': of how many feeds are in which state, by the states' ids, the worst first."""
    return [f"{counts[state]:,} {words}" for state, words in STATE_WORDS.items() if counts.get(state)]


MOST_COUNTED: Final = 1_000  # articles of a feed; one more means "more": counting a million takes a second


def article_words(count: int) -> str:
    """How many articles of a feed are stored, for people; a count beyond MOST_COUNTED stands for any such number."""
    return f"over {MOST_COUNTED:,}" if count > MOST_COUNTED else f"{count:,}"


@dataclass(frozen=True)
class ShownFeed:
    """`next_poll` is None while it is not polled; `wrong` and `advice` are '' where nothing is. `articles` is at most
    MOST_COUNTED; `more_articles`: there are more.

    `last_news` is the last poll that brought something new, `quiet_since` the same while the feed is quiet; `usual_gap`
    and `longest_gap` (seconds) are its silences, which `rhythm` says in words, '' while too little is known. `interval`
    in seconds is the wait that its last poll has planned, whatever it is for. `missed`: about how many entries came and
    went before its last poll.
    """

    id: str
    url: str
    title: str
    language: str
    tags: tuple[str, ...]
    tier: int
    state: FeedState
    words: str
    articles: int = 0
    more_articles: bool = False
    last_success: datetime | None = None
    next_poll: datetime | None = None
    failures: int = 0
    reason: str = ""
    wrong: str = ""
    advice: str = ""
    last_news: datetime | None = None
    quiet_since: datetime | None = None
    rhythm: str = ""
    usual_gap: float | None = None
    longest_gap: float | None = None
    interval: float | None = None
    missed: int = 0

    @property
    def missed_words(self) -> str:
        return gap_words(self.missed) if self.missed else ""


def show_feed(spec: FeedSpec, row: Any | None) -> ShownFeed:
    """`row` is the feed's of `store.feeds.list_feeds`; None where the record has none. The title may be the feed's."""
    stand = stand_of(spec, row)
    base = dict(id=spec.id, url=spec.url, language=spec.language, tags=spec.tags, tier=spec.tier)
    base |= dict(title=spec.title, state=stand.state, words=stand.words)
    if row is None:
        return ShownFeed(**base)
    return ShownFeed(
        **base | dict(title=spec.title or row.title),
        articles=min(row.articles, MOST_COUNTED),
        more_articles=row.articles > MOST_COUNTED,
        last_success=row.succeeded_at,
        next_poll=row.next_poll_at if stand.polled else None,
        failures=row.failures,
        reason=reason_of(row),
        wrong=stand.trouble.whole if stand.trouble else "",
        advice=stand.trouble.advice if stand.trouble else "",
        last_news=row.news_at,
        quiet_since=row.news_at if stand.state is FeedState.QUIET else None,
        rhythm=rhythm_words(rhythm_of(row)),
        usual_gap=row.usual_gap,
        longest_gap=row.longest_gap,
        interval=_wait(row) if stand.polled else None,
        missed=row.missed or 0,
    )
