"""Feeds fetched and parsed once, outside any store: what `wirewatch poll` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from worker import __version__
from worker.config.schema import Config
from worker.errors import FeedParseError
from worker.feeds.fetch import Fetcher
from worker.feeds.parse import Parser
from worker.model import FetchFailed, FetchRequest, NotModified


def poll_once(config: Config, urls: Sequence[str]) -> Iterator[dict[str, Any]]:
    """One object per entry, with its feed's `feed` URL; {"feed", "error", "detail"} for a feed that gave none."""
    fetcher, parser = new_fetcher(config), Parser()
    try:
        for group in fetcher.fetch_all([FetchRequest(url, url) for url in urls]):
            for result in group:
                yield from _entries(parser, result.request.url, result.outcome)
    finally:
        parser.close()


def new_fetcher(config: Config) -> Fetcher:
    return Fetcher(config.to_policy(), user_agent=f"Wirewatch/{__version__} (+{config.settings.contact})")


def _entries(parser: Parser, url: str, outcome: Any) -> Iterator[dict[str, Any]]:
    if isinstance(outcome, FetchFailed):
        yield {"feed": url, "error": outcome.reason, "detail": outcome.detail}
        return
    if isinstance(outcome, NotModified):
        yield {"feed": url, "error": "status", "detail": "304 to a request that asked for no such thing"}
        return
    try:
        parsed = parser.parse(
            outcome.body, content_type=outcome.content_type, url=outcome.final_url, now=datetime.now(UTC)
        )
    except FeedParseError as error:
        yield {"feed": url, "error": str(error.reason), "detail": error.detail}
        return
    for entry in parsed.entries:
        yield {"feed": url, **asdict(entry), "published": entry.published.isoformat() if entry.published else None}
