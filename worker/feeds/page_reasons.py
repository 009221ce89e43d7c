"""What became of an article's own page, in plain words for people. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from worker.errors import PageReason

# What goes on from "its page was not used: ".
WORDS: Final[Mapping[str, str]] = {
    PageReason.ROBOTS: "the publisher's robots.txt keeps robots out",
    PageReason.ROBOTS_AWAY: "the publisher's robots.txt could not be read, which keeps robots out for the hour",
    PageReason.REFUSED: "its address, or one that it leads to, is none that is fetched",
    PageReason.FORBIDDEN: "the publisher lets only subscribers or people in (401, 402, 403 or 451)",
    PageReason.NOT_FOUND: "nothing is at its address (404 or 410)",
    PageReason.UNREACHABLE: "its host takes no connection",
    PageReason.TIMEOUT: "it did not answer in time",
    PageReason.BROKEN: "its answer broke off, or was none that can be read",
    PageReason.RATE_LIMITED: "the publisher asks us to come less often",
    PageReason.SERVER: "its server has trouble of its own (5xx)",
    PageReason.STATUS: "it answered in a way that is no page's",
    PageReason.REDIRECT: "its address leads on and on, or from https to http",
    PageReason.TOO_LARGE: "it is larger than 5 MB",
    PageReason.NOT_HTML: "it is no web page",
    PageReason.TOO_DEAR: "it took too long or too much memory to read",
    PageReason.NO_TEXT: "no article's text was found in it",
    PageReason.SHORTER: "it has no more text than the feed",
    PageReason.OUT_OF_TIME: "its turn did not come in time",
}
FETCHED: Final = "its page was fetched, and its text is judged"
WAITING: Final = "its page is waited for"


def page_words(state: str, reason: str | None) -> str:
    """Of a row of `page`; a reason that we do not know stands for itself."""
    if state == "waiting":
        return WAITING
    if state == "fetched":
        return FETCHED
    return f"its page was not used: {WORDS.get(reason or '', (reason or 'unknown').replace('_', ' '))}"
