"""Parsing in a warm child process with limits and a deadline: a hostile document ends its child, and nothing else.

The child (parse_child.py) is the only place that runs feedparser; child.py keeps it warm and within its limits.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from worker.errors import FeedParseError, ParseReason
from worker.feeds.child import ChildLost, Children
from worker.feeds.discover import NamedFeed
from worker.model import ParsedEntry, ParsedFeed, SkipTimes


class Parser:
    """Up to `children` warm children, started when they are first needed. Safe to call from several threads.

    `cpu_seconds` and `memory_mb` are the child's own limits, `deadline` the wall seconds for one document.
    """

    def __init__(
        self, *, cpu_seconds: int = 10, memory_mb: int = 300, deadline: float = 20.0, children: int = 2
    ) -> None:
        limits = dict(cpu_seconds=cpu_seconds, memory_mb=memory_mb)
        self.children = Children("worker.feeds.parse_child", **limits, deadline=deadline, count=children)

    def parse(self, body: bytes, *, content_type: str, url: str, now: datetime, zone: str = "") -> ParsedFeed:
        """The document as a feed, entries in document order. Raises FeedParseError, and nothing else for any bytes.

        `zone` is the feed's own, for dates that name none.
        """
        refuse_early(body)
        header = {"want": "feed", "content_type": content_type, "url": url, "now": now.isoformat(), "zone": zone}
        return read_feed(self._ask(header, body))

    def find_feeds(self, body: bytes, *, content_type: str, url: str) -> list[NamedFeed]:
        """The feeds that a web page names. Raises FeedParseError."""
        answer = self._ask({"want": "named", "content_type": content_type, "url": url}, body)
        return [NamedFeed(**one) for one in answer["named"]]

    def _ask(self, header: dict[str, str], body: bytes) -> dict[str, Any]:
        try:
            answer = self.children.ask(header, body)
        except ChildLost as error:
            raise FeedParseError(error.reason, error.detail) from error
        if "error" in answer:
            raise FeedParseError(ParseReason(answer["error"]), answer["detail"])
        return answer

    def close(self) -> None:
        """Ends the children that are not at work. The parser stays usable: it starts others."""
        self.children.close()


def refuse_early(body: bytes) -> None:
    """What needs no parser to refuse. Raises FeedParseError."""
    if not body.strip():
        raise FeedParseError(ParseReason.EMPTY, "the answer has no content")


def read_feed(answer: dict[str, Any]) -> ParsedFeed:
    """A child's answer as types."""
    entries = tuple(
        ParsedEntry(
            **{**entry, "published": datetime.fromisoformat(entry["published"]) if entry["published"] else None}
        )
        for entry in answer.pop("entries")
    )
    skip = answer.pop("skip", None)
    times = SkipTimes(hours=frozenset(skip["hours"]), days=frozenset(skip["days"])) if skip else None
    return ParsedFeed(**answer, entries=entries, skip=times)
