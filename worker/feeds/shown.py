"""How a configured feed stands, in words: the configuration's line and the record's row together. Pure: no I/O."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from worker.config.schema import FeedSpec
from worker.feeds.reasons import explain, wording


class FeedState(enum.StrEnum):
    NEW = "new"
    ACTIVE = "active"
    FAILING = "failing"
    STOPPED = "stopped"
    DISABLED = "disabled"
    REMOVED = "removed"


STATE_WORDS: Final[Mapping[FeedState, str]] = {
    FeedState.NEW: "never polled",
    FeedState.ACTIVE: "answers",
    FeedState.FAILING: "failing",
    FeedState.STOPPED: "stopped",  # its publisher said that it is gone
    FeedState.DISABLED: "disabled",
    FeedState.REMOVED: "waits for the next start",  # it was taken out of the configuration, and is there again
}


MOST_COUNTED: Final = 1_000  # articles of a feed; one more means "more": counting a million takes a second


def article_words(count: int) -> str:
    """How many articles of a feed are stored, for people; a count beyond MOST_COUNTED stands for any such number."""
    return f"over {MOST_COUNTED:,}" if count > MOST_COUNTED else f"{count:,}"


@dataclass(frozen=True)
class ShownFeed:
    """`next_poll` is None while it is not polled; `wrong` and `advice` are '' where nothing is. `articles` is at most
    MOST_COUNTED; `more_articles`: there are more."""

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


def show_feed(spec: FeedSpec, row: Any | None) -> ShownFeed:
    """`row` is the feed's of `store.feeds.list_feeds`; None where the record has none. The title may be the feed's."""
    base = dict(id=spec.id, url=spec.url, language=spec.language, tags=spec.tags, tier=spec.tier)
    state = FeedState(row.shown) if row is not None else FeedState.NEW
    if not spec.enabled:
        state = FeedState.DISABLED
    base |= dict(title=spec.title, state=state, words=STATE_WORDS[state])
    if row is None:
        return ShownFeed(**base)
    polled = state in (FeedState.NEW, FeedState.ACTIVE, FeedState.FAILING)
    wrong, advice = _trouble(spec, row) if spec.enabled else ("", "")
    return ShownFeed(
        **base | dict(title=spec.title or row.title),
        articles=min(row.articles, MOST_COUNTED),
        more_articles=row.articles > MOST_COUNTED,
        last_success=row.succeeded_at,
        next_poll=row.next_poll_at if polled else None,
        failures=row.failures,
        reason=row.reason or "",
        wrong=wrong,
        advice=advice,
    )


def _trouble(spec: FeedSpec, row: Any) -> tuple[str, str]:
    """What is wrong and what to do; a reason stands also at a feed that answers, where not all of it came."""
    if row.configured_url != spec.url:
        return "its address in feeds.yaml is new", "It is polled there from the next start on."
    if row.reason:
        times = f" ({row.failures} times in a row)" if row.failures > 1 else ""
        return explain(row.reason, row.detail) + times, wording(row.reason).advice
    if row.current_url != row.configured_url:
        return f"it moved for good to {row.current_url}", "It is polled there. Set this address in feeds.yaml."
    return "", ""
