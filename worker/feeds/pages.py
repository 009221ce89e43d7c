"""Articles' pages and their robots.txt: asked by the fetcher's own slots and guard, read in a child process.

Decides what an answer means for an article; not which page is asked when (pipeline/pages.py), nor what a page says
(page_child.py).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from worker import net
from worker.errors import FetchError, FetchReason, PageError, PageReason
from worker.feeds.child import ChildLost, Children
from worker.feeds.fetch import Fetcher, read_answer
from worker.feeds.robots import MAX_BYTES, RULES, Robots, Ruling
from worker.model import FetchFailed, FetchOutcome, FetchRequest, FetchResult, LedOn

log = structlog.get_logger()

ACCEPT_PAGE: Final = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"
ACCEPT_ROBOTS: Final = "text/plain, */*;q=0.1"
# A page's redirects are followed one by one: each address is asked of its own robots.txt, in its own host's turn.
PAGE: Final = net.Limits(deadline=12.0, max_body=5 * net.MIB, follow=False)
ROBOTS: Final = net.Limits(deadline=6.0, max_body=MAX_BYTES, cut=True)
REASONS: Final[Mapping[str, PageReason]] = {
    FetchReason.REFUSED_ADDRESS: PageReason.REFUSED,
    FetchReason.REFUSED_URL: PageReason.REFUSED,
    FetchReason.DNS: PageReason.UNREACHABLE,
    FetchReason.CONNECT: PageReason.UNREACHABLE,
    FetchReason.TLS: PageReason.UNREACHABLE,
    FetchReason.PROXY: PageReason.UNREACHABLE,
    FetchReason.TIMEOUT: PageReason.TIMEOUT,
    FetchReason.RESET: PageReason.BROKEN,
    FetchReason.TRUNCATED: PageReason.BROKEN,
    FetchReason.ENCODING: PageReason.BROKEN,
    FetchReason.TOO_LARGE: PageReason.TOO_LARGE,
    FetchReason.REDIRECT: PageReason.REDIRECT,
    FetchReason.GONE: PageReason.NOT_FOUND,
    FetchReason.NOT_FOUND: PageReason.NOT_FOUND,
    FetchReason.FORBIDDEN: PageReason.FORBIDDEN,
    FetchReason.RATE_LIMITED: PageReason.RATE_LIMITED,
    FetchReason.SERVER: PageReason.SERVER,
}
PASSING: Final = frozenset(
    {FetchReason.TIMEOUT, FetchReason.CONNECT, FetchReason.RESET, FetchReason.TRUNCATED, FetchReason.SERVER}
    | {FetchReason.RATE_LIMITED}
)


class PageFetcher(Fetcher):
    """The desk's fetcher, but for what is asked: its slots, policy and name are the same, so a host has one turn.

    A range that is open to feeds is not to pages: an article of any feed may lead to them.
    """

    use = "page"

    def __init__(self, fetcher: Fetcher, *, accept: str, limits: net.Limits) -> None:
        vars(self).update(vars(fetcher))
        self._accept, self._asked = accept, limits

    async def fetch_one(self, session: Any, request: FetchRequest) -> FetchResult:
        """One request within its deadline: unconditional, and without what belongs to the feed's own server."""
        started = time.monotonic()
        outcome: FetchOutcome
        try:
            answer = await net.get(
                session,
                request.url,
                headers={"Accept": self._accept},
                use=self.use,
                policy=self.policy,
                limits=self._asked,
            )
            led = not self._asked.follow and answer.hops
            outcome = (
                LedOn(answer.hops[-1][1], answer.status) if led else read_answer(request, answer, now=datetime.now(UTC))
            )
        except FetchError as error:
            outcome = FetchFailed(error.reason, error.detail)
        except Exception as error:
            log.exception("page_fetch_broke", page=request.feed_id)
            outcome = FetchFailed(FetchReason.STATUS, f"unexpected {type(error).__name__}")
        return FetchResult(request, outcome, time.monotonic() - started)


def page_fetcher(fetcher: Fetcher) -> PageFetcher:
    return PageFetcher(fetcher, accept=ACCEPT_PAGE, limits=PAGE)


def robots_fetcher(fetcher: Fetcher) -> PageFetcher:
    return PageFetcher(fetcher, accept=ACCEPT_ROBOTS, limits=ROBOTS)


def page_reason(failed: FetchFailed) -> PageReason:
    """Why a page that failed so is not used."""
    if failed.status == 402:
        return PageReason.FORBIDDEN
    return REASONS.get(failed.reason, PageReason.STATUS)


class PageReader:
    """Reads pages and robots.txt in warm children, started when the first is needed. Safe from several threads."""

    def __init__(self, *, cpu_seconds: int = 4, memory_mb: int = 400, deadline: float = 5.0, children: int = 2) -> None:
        limits = dict(cpu_seconds=cpu_seconds, memory_mb=memory_mb)
        self.children = Children("worker.feeds.page_child", **limits, deadline=deadline, count=children)

    def read(self, body: bytes, *, content_type: str, patience: float | None = None) -> str:
        """The article's text, in paragraphs. Raises PageError, and nothing else for any bytes; NoneFree where no child
        is within `patience` seconds."""
        try:
            answer = self.children.ask({"content_type": content_type}, body, patience=patience)
        except ChildLost as error:
            raise PageError(PageReason.TOO_DEAR, error.detail) from error
        if "error" in answer:
            raise PageError(PageReason(answer["error"]), answer["detail"])
        return str(answer["text"])

    def rule(self, robots: Robots, urls: Sequence[str], *, patience: float | None = None) -> Ruling:
        """What a robots.txt says of these addresses; one that cannot be read in time lets nobody in. Raises NoneFree
        where no child is within `patience` seconds."""
        if robots.verdict != RULES:
            return Ruling(frozenset(urls if robots.verdict == "allow" else ()))
        try:
            header = {"verdict": robots.verdict, "urls": list(urls)}
            answer = self.children.ask(header, robots.body.encode(), patience=patience)
        except ChildLost as error:
            log.warning("robots_not_read", detail=error.detail)
            return Ruling(frozenset())
        return Ruling(frozenset(answer["allowed"]), delay=answer["delay"])

    def close(self) -> None:
        """Ends the children that are not at work. It stays usable: it starts others."""
        self.children.close()
