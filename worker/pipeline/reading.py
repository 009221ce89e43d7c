"""What a fetch brought, parsed and decided: one feed's PollResult. Whatever a document does is its feed's own outcome.

Items that were in the feed's last document, byte for byte, are not parsed again (feeds/document.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import structlog

from worker.errors import FeedParseError, FetchReason, ParseReason
from worker.feeds.dates import zone_of
from worker.feeds.document import Document, decide_document
from worker.feeds.gaps import estimate_missed, gap_words
from worker.feeds.items import Items
from worker.feeds.update import entry_keys
from worker.model import FeedUpdate, Fetched, FetchFailed, FetchResult, NotModified, ParsedFeed, Postponed
from worker.pipeline.holding import see_through
from worker.pipeline.runtime import Runtime
from worker.store import polls
from worker.store.engine import is_away
from worker.store.lease import Claim

log = structlog.get_logger()


@dataclass(frozen=True)
class PollResult:
    """One feed's poll, decided and ready to be saved. `outcome` is 'new', 'unchanged', 'failed' or 'postponed'.

    `parsed` is None where not all of the document had to be; `items` are its items, where they can be told apart.
    """

    row: Any
    claim: Claim
    fetched: FetchResult
    outcome: str
    reason: str | None = None
    detail: str | None = None
    update: FeedUpdate | None = None
    parsed: ParsedFeed | None = None
    items: Items | None = None
    missed: int | None = None


def read(runtime: Runtime, row: Any, claim: Claim, result: FetchResult) -> PollResult:
    """Parses and decides."""
    outcome, base = result.outcome, PollResult(row, claim, result, "failed")
    if isinstance(outcome, Postponed):
        return replace(base, outcome="postponed")
    if isinstance(outcome, FetchFailed):
        return replace(base, reason=str(outcome.reason), detail=outcome.detail)
    if isinstance(outcome, NotModified) or outcome.body_hash == row.body_hash:
        return replace(base, outcome="unchanged", reason=_lasting(row))
    try:
        found = _decide(runtime, row, outcome, claim)
        update = see_through(runtime, row, found.update, now=claim.now)
    except FeedParseError as error:
        return replace(base, reason=str(error.reason), detail=error.detail)
    except Exception as error:
        if is_away(error):
            raise
        log.exception("feed_not_read", feed_id=row.id)
        return unstorable(base, error)
    base = replace(base, outcome="new", update=update, parsed=found.parsed, items=found.items)
    if found.parsed is not None and found.parsed.cut:
        return replace(
            base, reason=str(FetchReason.TRUNCATED), detail="it ends inside an entry; the rest is asked for again"
        )
    return _with_doubts(runtime, base)


def _lasting(row: Any) -> str | None:
    """What was wrong with the last document is so while it stands."""
    return row.reason if row.reason == ParseReason.NO_ENTRIES else None


def _with_doubts(runtime: Runtime, result: PollResult) -> PollResult:
    """What is odd about a document that was read: no entry although there were some, none that was there before."""
    row, update = result.row, result.update
    if update is None or row.baseline_at is None or not polls.has_articles(runtime.store, row.id):
        return result
    if not update.seen:
        return replace(result, reason=str(ParseReason.NO_ENTRIES))
    # A feed of one entry always shows another one.
    if len(update.new) == update.seen > 1:
        missed = estimate_missed(
            [fresh.entry.published for fresh in update.new],
            previous=row.succeeded_at,
            now=result.claim.now,
            usual_gap=row.usual_gap,
        )
        return replace(result, reason=str(ParseReason.POSSIBLE_GAP), detail=gap_words(missed), missed=missed)
    return result


def unstorable(result: PollResult, error: Exception) -> PollResult:
    """The same poll as a failure: its validators do not advance, and its next time obeys the back-off."""
    detail = f"what it brought could not be read or stored ({type(error).__name__}); please report it"
    return PollResult(
        result.row, result.claim, result.fetched, "failed", reason=str(ParseReason.UNSTORABLE), detail=detail
    )


def _decide(runtime: Runtime, row: Any, fetched: Fetched, claim: Claim) -> Document:
    """What the document holds, and what of it is news. Raises FeedParseError."""
    spec = runtime.config.feed(row.id)
    zone = spec.time_zone or zone_of(spec.language)
    read_as = dict(content_type=fetched.content_type, url=fetched.final_url, now=claim.now, zone=zone)
    return decide_document(
        fetched.body,
        around=(fetched.final_url, fetched.content_type, zone),
        remembered=row.items,
        parse=lambda body: runtime.parser.parse(body, **read_as),
        find_known=lambda entries: polls.find_known(
            runtime.store, row.id, [key for entry in entries for key in entry_keys(entry)]
        ),
    )
