"""Whose an article is, and how far it is, in words for every view of it. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from worker.model import ArticleState

# Of a settled one, what came of it is to be said, and not that it is settled.
WAITING: Final[Mapping[ArticleState, str]] = {
    ArticleState.AWAITING: "waits for its own page",
    ArticleState.NEW: "waits to be judged",
    ArticleState.ANALYSING: "is being judged",
    ArticleState.JUDGED: "is judged, and waits for its story",
    ArticleState.QUARANTINED: "was parked after three failed tries, and raised nothing; the operator was told",
}


def source_words(outlet: str, feed: str) -> str:
    """Whose it is: its feed's name, and before it the outlet's where the feed only passes on what others write."""
    if not outlet or outlet.casefold() == feed.casefold():
        return feed
    return f"{outlet}, by {feed}" if feed else outlet
