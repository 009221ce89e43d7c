"""Pages: the own page of each article that waits for it is asked, read, and saved in the article's place.

Each site is visited by itself, in a thread: a slow one holds no other back. The threads fetch and read; the record is
this step's alone. Whatever a page does, its article goes on, with the page's text or with its feed's.
"""

from __future__ import annotations

import queue
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from worker.crashpoints import crash_point
from worker.errors import FetchReason, PageError, PageReason
from worker.feeds.child import NoneFree
from worker.feeds.pages import PASSING, page_fetcher, page_reason, robots_fetcher
from worker.feeds.robots import DISALLOW, Robots, origin_of, read_answer
from worker.model import Fetched, FetchFailed, FetchRequest, FetchResult, LedOn, Postponed
from worker.pipeline.runtime import Runtime
from worker.store import pages, robots, tallies
from worker.store.engine import Connection, read_clock
from worker.store.lease import Claim
from worker.store.robots import Known

log = structlog.get_logger()

BATCH: Final = 32
START_WITHIN: Final = 12.0  # seconds; see pages.LEASE
TRY_AGAIN: Final = timedelta(seconds=10)
TRIES: Final = 2
MOST_HOPS: Final = 5
# Seconds of a claim's lease until the last document is given to be read, which takes 5: the readers are few, a document
# may be dear, and whoever waits for one longer loses its lease, or ends this process (tasks.HANGS_AFTER).
RULE_WITHIN: Final = 14.0
READ_WITHIN: Final = 38.0


@dataclass(frozen=True)
class Seen:
    """What came of one page. `outcome`: read, failed; and of one that stays due: again (after a failure that will
    pass), led (another address is to be asked), later (it was not asked)."""

    row: Any
    outcome: str
    text: str = ""
    reason: PageReason | None = None
    detail: str = ""
    wait: timedelta = timedelta(0)
    record: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Learnt:
    """What a site's robots.txt said just now, and for how long its Crawl-delay wants to be left alone."""

    origin: str
    robots: Robots | None = None
    delay: float = 0.0


def fetch_due_pages(runtime: Runtime) -> bool:
    """Fetches one batch of due pages; True when there may be more at once. Hints `analyse` when articles went on."""
    if not pages.are_waiting(runtime.store):
        return False
    give_up_late_pages(runtime)
    claim = pages.claim_due_pages(runtime.store, limit=BATCH, lease=pages.LEASE)
    if not claim.rows:
        return False
    sites: dict[str, list[Any]] = {}
    for row in claim.rows:
        sites.setdefault(origin_of(asked(row)), []).append(row)
    known = robots.read_robots(runtime.store, sites, now=claim.now)
    # A host that gave all that one claim takes of it may have more.
    most = Counter(row.host for row in claim.rows).most_common(1)[0][1]
    more = claim.full or most == pages.PER_HOST
    for group in _visit_all(runtime, claim, sites, known):
        if _save(runtime, claim, group):
            runtime.hint("analyse")
        more |= any(isinstance(one, Seen) and one.outcome in ("led", "later") and not one.wait for one in group)
    return more


def give_up_late_pages(runtime: Runtime) -> None:
    """Frees the articles that have waited long enough. Harmless when run twice."""
    with runtime.store.reading() as connection:
        now = read_clock(connection)
    freed = pages.give_up_pages(runtime.store, now=now)
    if freed:
        log.info("pages_given_up", count=freed)
        runtime.hint("analyse")


def asked(row: Any) -> str:
    """The address that is asked next."""
    return row.final_url or row.url


# ---------------------------------------------------------------- the visits: no record in here


def _visit_all(
    runtime: Runtime, claim: Claim, sites: Mapping[str, Sequence[Any]], known: Mapping[str, Known]
) -> Iterator[list[Seen | Learnt]]:
    """Groups of what was seen and learnt, as they come. Raises what a visit raised, after the others are through."""
    done: queue.SimpleQueue[list[Seen | Learnt] | BaseException | None] = queue.SimpleQueue()

    def visit(origin: str, rows: Sequence[Any]) -> None:
        try:
            for group in Visit(runtime, claim, origin, known.get(origin, Known())).groups(rows):
                done.put(group)
        except BaseException as error:
            done.put(error)
        else:
            done.put(None)

    failure: BaseException | None = None
    with ThreadPoolExecutor(len(sites), thread_name_prefix="pages") as pool:
        for origin, rows in sites.items():
            pool.submit(visit, origin, rows)
        left = len(sites)
        while left:
            found = done.get()
            if isinstance(found, list):
                yield found
            else:
                left, failure = left - 1, failure or found
    if failure is not None:
        raise failure


class Visit:
    """One site's turn: its robots.txt where that is not known, then those of its pages that it allows."""

    def __init__(self, runtime: Runtime, claim: Claim, origin: str, known: Known) -> None:
        self.runtime, self.claim, self.origin, self.known = runtime, claim, origin, known
        self.started = time.monotonic()

    def groups(self, rows: Sequence[Any]) -> Iterator[list[Seen | Learnt]]:
        if not self.origin:
            yield [Seen(row, "failed", reason=PageReason.REFUSED, detail="not an address") for row in rows]
            return
        rest = self.known.next_at - self.claim.now if self.known.next_at else timedelta(0)
        if timedelta(0) < rest <= pages.PATIENCE:  # more: the clock was set back
            yield [Seen(row, "later", wait=rest) for row in rows]
            return
        found = self.known.robots
        if found is None:
            found, refused = self._ask_robots()
            if refused is not None:
                yield [Seen(row, "failed", reason=PageReason.REFUSED, detail=refused) for row in rows]
                return
            yield [Learnt(self.origin, found)]
        try:
            urls = [asked(row) for row in rows]
            ruling = self.runtime.page_reader.rule(found, urls, patience=self._left(RULE_WITHIN))
        except NoneFree:
            yield [Seen(row, "later") for row in rows]
            return
        why = PageReason.ROBOTS_AWAY if found.verdict == DISALLOW else PageReason.ROBOTS
        kept_out = [row for row in rows if asked(row) not in ruling.allowed]
        let_in = [row for row in rows if asked(row) in ruling.allowed]
        if kept_out:
            yield [Seen(row, "failed", reason=why) for row in kept_out]
        if let_in and ruling.delay > self._spacing(let_in[0]):
            put_off = [
                Seen(row, "later", wait=timedelta(seconds=ruling.delay * place))
                for place, row in enumerate(let_in[1:], start=1)
            ]
            yield [Learnt(self.origin, delay=ruling.delay), *put_off]
            let_in = let_in[:1]
        yield from self._ask_pages(let_in)

    def _left(self, seconds: float) -> float:
        return seconds - (time.monotonic() - self.started)

    def _spacing(self, row: Any) -> float:
        return self.runtime.fetcher.policy.host(row.host).spacing

    def _ask_robots(self) -> tuple[Robots, str | None]:
        """With the guard's words where it refused the address: then nobody was asked."""
        request = FetchRequest(self.origin, f"{self.origin}/robots.txt")
        outcome: Any = FetchFailed(FetchReason.STATUS, "no answer")
        for group in robots_fetcher(self.runtime.fetcher).fetch_all([request]):
            outcome = group[0].outcome
        if isinstance(outcome, Fetched):
            return read_answer(outcome.status, outcome.body), None
        refused = outcome.reason in (FetchReason.REFUSED_ADDRESS, FetchReason.REFUSED_URL)
        return read_answer(outcome.status), outcome.detail if refused else None

    def _ask_pages(self, rows: Sequence[Any]) -> Iterator[list[Seen | Learnt]]:
        by_id = {str(row.id): row for row in rows}
        requests = [FetchRequest(number, asked(row)) for number, row in by_id.items()]
        for group in page_fetcher(self.runtime.fetcher).fetch_all(requests, start_within=START_WITHIN):
            yield [self._read(by_id[result.request.feed_id], result) for result in group]

    def _read(self, row: Any, result: FetchResult) -> Seen:
        outcome = result.outcome
        if isinstance(outcome, Postponed):
            return Seen(row, "later")
        if isinstance(outcome, LedOn):
            return self._led_on(row, outcome)
        if isinstance(outcome, FetchFailed):
            return self._failed(row, outcome)
        record = dict(
            status=outcome.status, final_url=outcome.final_url, hash=outcome.body_hash, bytes=len(outcome.body)
        )
        try:
            kind = outcome.content_type
            text = self.runtime.page_reader.read(outcome.body, content_type=kind, patience=self._left(READ_WITHIN))
        except NoneFree:
            return Seen(row, "failed", reason=PageReason.OUT_OF_TIME, record=record)
        except PageError as error:
            return Seen(row, "failed", reason=error.reason, detail=error.detail, record=record)
        return Seen(row, "read", text=text, record=record)

    def _led_on(self, row: Any, outcome: LedOn) -> Seen:
        record = dict(status=outcome.status, final_url=outcome.url)
        if row.hops >= MOST_HOPS or outcome.url in (row.url, asked(row)):
            detail = f"more than {MOST_HOPS} redirects, or in a circle"
            return Seen(row, "failed", reason=PageReason.REDIRECT, detail=detail, record=record)
        return Seen(row, "led", record=record | dict(host=pages.host_of(outcome.url), hops=row.hops + 1))

    def _failed(self, row: Any, failed: FetchFailed) -> Seen:
        """What will pass is tried once more, if there is time for it."""
        wait = max(TRY_AGAIN, timedelta(seconds=failed.hints.retry_after or 0.0))
        at = self.claim.now + timedelta(seconds=time.monotonic() - self.started) + wait
        fits = row.tries + 1 < TRIES and at < row.since + pages.PATIENCE
        outcome = "again" if failed.reason in PASSING and fits else "failed"
        record = dict(status=failed.status)
        return Seen(row, outcome, reason=page_reason(failed), detail=failed.detail, wait=wait, record=record)


# ---------------------------------------------------------------- the record


def _save(runtime: Runtime, claim: Claim, group: Sequence[Seen | Learnt]) -> int:
    """One transaction. Returns how many articles went on."""
    ended: list[tuple[Seen, PageReason | None]] = []
    with runtime.store.writing() as connection:
        now = read_clock(connection)
        for one in group:
            if isinstance(one, Learnt):
                _save_learnt(connection, one, now)
            elif one.outcome in ("read", "failed"):
                ended += _save_end(connection, claim, one, now)
            else:
                _put_off(connection, claim, one, now)
        tallies.count(connection, pages.counted(reason for _, reason in ended))
        crash_point("page_before_commit")
    for one, reason in ended:
        log.info("page_fetched", article_id=one.row.article_id, reason=reason, characters=len(one.text))
    return len(ended)


def _save_learnt(connection: Connection, one: Learnt, now: datetime) -> None:
    if one.robots is not None:
        robots.save_robots(connection, one.origin, one.robots, now=now)
    if one.delay:
        robots.leave_alone(connection, one.origin, until=now + timedelta(seconds=one.delay))


def _save_end(connection: Connection, claim: Claim, one: Seen, now: datetime) -> list[tuple[Seen, PageReason | None]]:
    """Nothing where the lease went to another."""
    kept = dict(token=claim.token, now=now)
    if one.outcome == "read":
        reason = pages.save_text(connection, one.row, text=one.text, record=one.record, **kept)
        return [] if reason is PageReason.OUT_OF_TIME else [(one, reason)]
    assert one.reason is not None  # noqa: S101 - for the type checker
    record = dict(one.record) | {"detail": one.detail or None}
    saved = pages.save_failure(connection, one.row, reason=one.reason, record=record, **kept)
    return [(one, one.reason)] if saved else []


def _put_off(connection: Connection, claim: Claim, one: Seen, now: datetime) -> None:
    """A retry keeps why: if its time is over before it comes, that is the reason."""
    values = dict(one.record)
    if one.outcome == "again":
        values |= dict(tries=one.row.tries + 1, reason=one.reason, detail=one.detail or None)
    due_at = now + one.wait if one.wait else one.row.due_at
    pages.put_off(connection, one.row, token=claim.token, due_at=due_at, **values)
