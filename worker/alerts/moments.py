"""An alert's times in words: how late it was seen, and how soon it was told. Pure: no I/O, no clock."""

from __future__ import annotations

from typing import Final

from worker.alerts.wording import local_time
from worker.model import AlertArticle, AlertContent

# Below so many seconds, counted in units of so many, called so. A unit begins where its number is at least 2.
SPANS: Final = (
    (100, 1, "s"),
    (120 * 60, 60, "min"),
    (48 * 3600, 3600, "hours"),
    (730 * 86400, 86400, "days"),
    (float("inf"), 31_557_600, "years"),
)
CLOCKS_APART: Final = 60  # seconds by which a publisher's clock may be ahead of ours, without a word about it


def span(seconds: float) -> str:
    """'12 s', '4 min', '5 hours', '3 days', '2 years'; rounded, never below 1 s."""
    return next(f"{max(1, round(seconds / unit))} {name}" for below, unit, name in SPANS if seconds < below)


def seen_words(article: AlertArticle, zone: str) -> str:
    """'published 8 Nov 2023, 14:05 Asia/Seoul (UTC+09:00) · seen 4 min after publication'; where the feed's date
    cannot be right, that it is not."""
    seen = local_time(article.first_seen, zone)
    if article.published is None:
        return f"no date given; seen {seen}"
    behind = (article.first_seen - article.published).total_seconds()
    if behind < -CLOCKS_APART:
        return f"dated {local_time(article.published, zone)} by its feed, which is later than it was seen: {seen}"
    return f"published {local_time(article.published, zone)} · seen {span(behind)} after publication"


def times_line(content: AlertContent, zone: str) -> str:
    """When the newest of its articles was first seen, and how soon after that it was analysed and told; a reminder is
    late by its rule's own will."""
    first_seen = max((article.first_seen for article in content.articles), default=content.story_first_seen)
    analysed = (content.analysed - first_seen).total_seconds()
    line = f"First seen {local_time(first_seen, zone)} · analysed within {span(analysed)}"
    told = {"alert.raised": "raised", "alert.updated": "told"}.get(content.kind)
    return f"{line} · {told} within {span((content.raised - first_seen).total_seconds())}" if told else line


def first_raised(content: AlertContent, zone: str) -> str:
    """'8 Nov 2023, 14:05 Asia/Seoul (UTC+09:00), 2 hours before this'; of a reminder without how long before."""
    when = local_time(content.first_raised or content.raised, zone)
    ago = (content.raised - (content.first_raised or content.raised)).total_seconds()
    return f"{when}, {span(ago)} before this" if ago > 0 else when
