"""What a fetch brought, parsed and decided: one feed's PollResult. Whatever a document does is its feed's own outcome.

Items that were in the feed's last document, byte for byte, are not parsed again; where that could make a difference,
the document is read whole (see feeds/items.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from worker.errors import FeedParseError, FetchReason, ParseReason
from worker.feeds.items import Items, find_items, read_remembered
from worker.feeds.update import decide_update, entry_keys
from worker.model import (
    ArticleKey,
    FeedUpdate,
    Fetched,
    FetchFailed,
    FetchResult,
    KnownArticle,
    NotModified,
    ParsedEntry,
    ParsedFeed,
    Postponed,
)
from worker.pipeline.runtime import Runtime
from worker.store import polls
from worker.store.engine import is_away
from worker.store.lease import Claim

log = structlog.get_logger()


@dataclass(frozen=True)
class PollResult:
    """One feed's poll, decided and ready to be saved. `outcome` is 'new', 'unchanged', 'failed' or 'postponed'.

    `parsed` has the entries that were parsed, which need not be all of the document's; `items` are its items, where
    they can be told apart.
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
    except FeedParseError as error:
        return replace(base, reason=str(error.reason), detail=error.detail)
    except Exception as error:
        if is_away(error):
            raise
        log.exception("feed_not_read", feed_id=row.id)
        return unstorable(base, error)
    base = replace(base, outcome="new", update=found.update, parsed=found.parsed, items=found.items)
    if found.parsed.cut:
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
        return replace(result, reason=str(ParseReason.POSSIBLE_GAP), detail=f"all of its {update.seen} entries are new")
    return result


def unstorable(result: PollResult, error: Exception) -> PollResult:
    """The same poll as a failure: its validators do not advance, and its next time obeys the back-off."""
    detail = f"what it brought could not be read or stored ({type(error).__name__}); please report it"
    return PollResult(
        result.row, result.claim, result.fetched, "failed", reason=str(ParseReason.UNSTORABLE), detail=detail
    )


@dataclass(frozen=True)
class _Found:
    parsed: ParsedFeed
    update: FeedUpdate
    items: Items | None


def _decide(runtime: Runtime, row: Any, fetched: Fetched, claim: Claim) -> _Found:
    """What the document holds, and what of it is news. Raises FeedParseError."""
    spec = runtime.config.feed(row.id)
    around = (fetched.final_url, fetched.content_type, spec.time_zone, spec.language)
    items = find_items(fetched.body, around=around)
    seen = read_remembered(row.items, items)
    if items is not None and seen:
        found = _decide_rest(runtime, row, fetched, claim, items, seen)
        if found is not None:
            return found
    parsed = _parse(runtime, row, fetched, fetched.body, claim)
    update = decide_update(parsed, _known(runtime, row, parsed.entries))
    return _Found(parsed, update, None if parsed.loose or parsed.cut else items)


def _decide_rest(
    runtime: Runtime, row: Any, fetched: Fetched, claim: Claim, items: Items, seen: Mapping[int, int]
) -> _Found | None:
    """The same from the items that were not `seen` in the last document; None where only the whole document tells."""
    fresh = [n for n in range(len(items.hashes)) if n not in seen]
    if not fresh:
        return _Found(_nothing(row), FeedUpdate(seen=len(seen), placed=seen), items)
    try:
        parsed = _parse(runtime, row, fetched, items.only(set(fresh)), claim)
    except FeedParseError:
        return None  # a document of nothing but what cannot be read
    if parsed.loose or parsed.cut:
        return None
    known = _known(runtime, row, parsed.entries)
    if not {one.article_id for one in known.values()}.isdisjoint(seen.values()):
        return None  # one entry twice in a document: which stands is decided by their order
    update = decide_update(parsed, known)
    placed = {fresh[n]: number for n, number in update.placed.items()} | dict(seen)
    return _Found(parsed, replace(update, seen=update.seen + len(seen), placed=placed), items)


def _nothing(row: Any) -> ParsedFeed:
    """A document whose every item is known, and whose wishes therefore are: they are told apart with its items."""
    return ParsedFeed(
        version="", title="", link="", language="", entries=(), wait=row.document_wait, skip=polls.read_skip(row.skip)
    )


def _parse(runtime: Runtime, row: Any, fetched: Fetched, body: bytes, claim: Claim) -> ParsedFeed:
    return runtime.parser.parse(body, content_type=fetched.content_type, url=fetched.final_url, now=claim.now)


def _known(runtime: Runtime, row: Any, entries: Sequence[ParsedEntry]) -> dict[ArticleKey, KnownArticle]:
    return polls.find_known(runtime.store, row.id, [key for entry in entries for key in entry_keys(entry)])
