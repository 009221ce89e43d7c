"""Which feeds an address leads to: it is one itself, or a page that names some. Each is asked once. Stores nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from worker.config.schema import Config
from worker.errors import FeedParseError, ParseReason
from worker.feedcheck import Asking, FeedCheck, check_answer, check_with, wait_for
from worker.feeds.discover import NamedFeed
from worker.model import Fetched, FetchRequest

MOST_ASKED: Final = 10


@dataclass(frozen=True)
class Discovery:
    """`check` is of the address itself: it answers where that is a feed. `found` are the feeds that its page names, as
    each of them answered, `unasked` those beyond MOST_ASKED."""

    check: FeedCheck
    found: Sequence[tuple[NamedFeed, FeedCheck]] = ()
    unasked: Sequence[NamedFeed] = ()


def discover(config: Config, url: str, *, rows: Sequence[Any] = ()) -> Discovery:
    """`rows` are the record's feeds: who asked us to wait is not asked."""
    if waiting := wait_for(config, url, rows):
        return Discovery(waiting)
    with Asking.by(config) as asking:
        ((result,),) = asking.fetcher.fetch_all([FetchRequest(url, url)])
        check, page = check_answer(asking.parser, result, now=datetime.now(UTC)), result.outcome
        if check.reason != ParseReason.NOT_A_FEED or not isinstance(page, Fetched):
            return Discovery(check)
        try:
            named = asking.parser.find_feeds(page.body, content_type=page.content_type, url=page.final_url)
        except FeedParseError:
            return Discovery(check)  # a page that cannot be read names none
        asked = named[:MOST_ASKED]
        checks = {one.url: one for one in check_with(asking, config, [(one.url, one.url) for one in asked], rows=rows)}
        return Discovery(check, [(one, checks[one.url]) for one in asked], named[MOST_ASKED:])
