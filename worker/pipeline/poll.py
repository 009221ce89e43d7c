"""Poll: due feeds are fetched together; each group that is done is parsed, decided and saved in one transaction."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import structlog

from worker.alerts.news import headline_news
from worker.crashpoints import crash_point
from worker.errors import FeedParseError, FetchReason, ParseReason
from worker.feeds.schedule import Pacing, next_poll
from worker.feeds.update import decide_update, entry_keys
from worker.metrics import ARTICLES, ENTRIES, ENTRY_KINDS, POLLS, Counts, Key
from worker.model import (
    ArticleKey,
    FeedUpdate,
    Fetched,
    FetchFailed,
    FetchRequest,
    FetchResult,
    News,
    NewsKind,
    NotModified,
    ParsedFeed,
    Postponed,
    SilenceKind,
    Validators,
)
from worker.pipeline.operator import tell_operator
from worker.pipeline.runtime import Runtime
from worker.store import feeds, silences, tallies, tellings
from worker.store.engine import Connection, is_away, read_clock, will_pass
from worker.store.lease import MAX_ATTEMPTS, Claim

log = structlog.get_logger()

ASKING: Final = 0.5  # of the lease may pass before the last request; the rest is for its answer, parsing and saving
SAVE_SECONDS: Final = 1.0  # of parsing, then what is read is saved: a dear document must not cost others their lease


@dataclass(frozen=True)
class PollResult:
    """One feed's poll, decided and ready to be saved. `outcome` is 'new', 'unchanged', 'failed' or 'postponed'."""

    row: Any
    fetched: FetchResult
    outcome: str
    reason: str | None
    detail: str | None
    update: FeedUpdate | None
    parsed: ParsedFeed | None


def poll_due_feeds(runtime: Runtime) -> bool:
    """Polls one batch of due feeds; True when the batch was full. Hints `analyse` when anything new was stored."""
    settings = runtime.config.settings
    lease = settings.timing.poll_lease
    claim = feeds.claim_due_feeds(runtime.store, limit=settings.poll_batch, lease=timedelta(seconds=lease))
    lost = [row for row in claim.rows if row.attempts > MAX_ATTEMPTS]
    if lost:
        _save(runtime, [_lost(row) for row in lost], claim)
    requests = [_request(row) for row in claim.rows if row not in lost]
    postponed = False
    for group in runtime.fetcher.fetch_all(requests, start_within=lease * ASKING):
        for results in _read_all(runtime, group, claim):
            postponed |= any(result.outcome == "postponed" for result in results)
            if _save(runtime, results, claim):
                runtime.hint("analyse")
    return claim.full or postponed


def _request(row: Any) -> FetchRequest:
    return FetchRequest(row.id, row.current_url, Validators(row.etag, row.last_modified))


def _lost(row: Any) -> PollResult:
    """The failed poll of a feed that used up its attempts: it is not asked, for asking it may end this worker too."""
    outcome = FetchFailed(str(ParseReason.CRASHED), f"{MAX_ATTEMPTS} polls in a row never came to their end")
    fetched = FetchResult(_request(row), outcome, 0.0)
    return PollResult(row, fetched, "failed", outcome.reason, outcome.detail, update=None, parsed=None)


def _read_all(runtime: Runtime, group: Sequence[FetchResult], claim: Claim) -> Iterator[list[PollResult]]:
    """The group's results in parts that took no longer to read than SAVE_SECONDS and one document."""
    rows = {row.id: row for row in claim.rows}
    part, until = [], time.monotonic() + SAVE_SECONDS
    for result in group:
        part.append(_read(runtime, rows[result.request.feed_id], result, claim))
        if time.monotonic() > until:
            yield part
            part, until = [], time.monotonic() + SAVE_SECONDS
    if part:
        yield part


def _read(runtime: Runtime, row: Any, result: FetchResult, claim: Claim) -> PollResult:
    """Parses and decides; whatever the document does is this feed's outcome and nobody else's."""
    outcome = result.outcome
    base = dict(row=row, fetched=result, reason=None, detail=None, update=None, parsed=None)
    if isinstance(outcome, Postponed):
        return PollResult(**base | dict(outcome="postponed"))
    if isinstance(outcome, FetchFailed):
        return PollResult(**base | dict(outcome="failed", reason=str(outcome.reason), detail=outcome.detail))
    if isinstance(outcome, NotModified) or outcome.body_hash == row.body_hash:
        return PollResult(**base | dict(outcome="unchanged"))
    try:
        parsed, update = _decide(runtime, row, outcome, claim)
    except FeedParseError as error:
        return PollResult(**base | dict(outcome="failed", reason=str(error.reason), detail=error.detail))
    except Exception as error:
        if is_away(error):
            raise
        log.exception("feed_not_read", feed_id=row.id)
        return _unstorable(PollResult(**base | dict(outcome="failed")), error)
    base |= dict(outcome="new", update=update, parsed=parsed)
    if parsed.cut:
        base |= dict(reason=str(FetchReason.TRUNCATED), detail="it ends inside an entry; the rest is asked for again")
    elif _may_have_missed(runtime, row, update):
        base |= dict(reason=str(ParseReason.POSSIBLE_GAP), detail=f"all of its {update.seen} entries are new")
    return PollResult(**base)


def _may_have_missed(runtime: Runtime, row: Any, update: FeedUpdate) -> bool:
    """Whether a feed that brought articles before shows none of them any more. A feed of one entry always would."""
    all_new = len(update.new) == update.seen > 1
    return all_new and row.baseline_at is not None and feeds.has_articles(runtime.store, row.id)


def _decide(runtime: Runtime, row: Any, fetched: Fetched, claim: Claim) -> tuple[ParsedFeed, FeedUpdate]:
    """What the document holds, and what of it is news. Raises FeedParseError."""
    parsed = runtime.parser.parse(fetched.body, content_type=fetched.content_type, url=fetched.final_url, now=claim.now)
    keys: list[ArticleKey] = [key for entry in parsed.entries for key in entry_keys(entry)]
    return parsed, decide_update(parsed, feeds.find_known(runtime.store, row.id, keys))


def _save(runtime: Runtime, results: Sequence[PollResult], claim: Claim) -> int:
    """One transaction, a savepoint a feed. Returns how many new articles were stored."""
    with runtime.store.writing() as connection:
        now = read_clock(connection)
        ended = [_save_or_note(runtime, connection, result, token=claim.token, now=now) for result in results]
        tallies.count(connection, _counted(result for result, saved in ended if saved))
        crash_point("poll_before_commit")
    crash_point("poll_after_commit")
    # Told after the commit: a reader of our log that stalls must not hold the write lock.
    for result, saved in ended:
        tell = log.debug if result.outcome == "unchanged" else log.info  # most polls: they are rows, not lines
        new = len(result.update.new) if result.update else 0
        tell("feed_polled", feed_id=result.row.id, outcome=result.outcome, new=new, reason=result.reason, saved=saved)
    return sum(len(result.update.new) for result, saved in ended if saved and result.update)


def _counted(saved: Iterable[PollResult]) -> Counts:
    counts: Counter[Key] = Counter()
    for result in saved:
        if result.outcome != "postponed":  # nobody was asked
            counts[POLLS.of(result.outcome, result.reason or "")] += 1
        if result.update is not None:
            found = result.update
            numbers = (found.seen, len(found.new), len(found.changed), found.skipped)
            counts.update({ENTRIES.of(kind): n for kind, n in zip(ENTRY_KINDS, numbers, strict=True)})
            counts[ARTICLES.of()] += len(found.new)
    return counts


def _save_or_note(
    runtime: Runtime, connection: Connection, result: PollResult, *, token: str, now: datetime
) -> tuple[PollResult, bool]:
    """Saves one feed's poll; one that the record refuses is saved as a failure, and holds up no other feed."""
    try:
        with connection.begin_nested():
            return result, _save_one(runtime, connection, result, token=token, now=now)
    except Exception as error:
        if will_pass(error):
            raise  # no fault of the feed's: its lease runs out, and it is polled again
        log.exception("feed_not_saved", feed_id=result.row.id)
        if result.outcome == "postponed":
            return result, False  # nobody was asked, so nothing failed: its lease runs out, and it is due
        refused = _unstorable(result, error)
        with connection.begin_nested():
            return refused, _save_one(runtime, connection, refused, token=token, now=now)


def _unstorable(result: PollResult, error: Exception) -> PollResult:
    """The same poll as a failure: its validators do not advance, and its next time obeys the back-off."""
    detail = f"what it brought could not be read or stored ({type(error).__name__}); please report it"
    return replace(
        result, outcome="failed", reason=str(ParseReason.UNSTORABLE), detail=detail, update=None, parsed=None
    )


def _save_one(runtime: Runtime, connection: Connection, result: PollResult, *, token: str, now: datetime) -> bool:
    """False when the lease went to another."""
    row = result.row
    if result.outcome == "postponed":
        return feeds.release_feed(connection, row, token=token)
    edits = _headline_edits(connection, result.update)
    last_read = min(now, row.succeeded_at or now)
    saved = feeds.save_poll(
        connection,
        row,
        token=token,
        now=now,
        values=_feed_values(runtime, result, now),
        outcome=result.outcome,
        reason=result.reason,
        found=result.update,
        old_before=last_read - timedelta(seconds=runtime.config.settings.old_news),
        milliseconds=int(result.fetched.seconds * 1000),
    )
    if saved:
        _note_edits(runtime, connection, row.id, edits, now)
    if saved and result.reason == FetchReason.GONE:
        lines = [
            f"The publisher says that the feed {row.id} ({row.title}) is gone for good (410).",
            "It is polled no more. Find its new address and set it in feeds.yaml, or remove the feed there.",
        ]
        _tell(runtime, connection, row, key="gone", subject="Feed stopped", lines=lines, now=now)
    elif saved and row.attempts > MAX_ATTEMPTS:
        lines = [
            f"{MAX_ATTEMPTS} polls in a row of the feed {row.id} ({row.title}) never came to their end: "
            "it may have ended the worker each time.",
            "It is polled again, later each time. If it stays so, disable it in feeds.yaml, and report it to us.",
        ]
        _tell(runtime, connection, row, key="lost", subject="Feed whose polls never end", lines=lines, now=now)
    return saved


def _headline_edits(connection: Connection, update: FeedUpdate | None) -> list[tuple[Any, News | None]]:
    """The alerts whose first source was edited, with the words for what its headline says now that its readers have
    not read; None where that is nothing."""
    changed = {one.article_id: one.entry.title for one in update.changed} if update else {}
    rows = tellings.raised_by(connection, changed)
    return [(row, headline_news(row.headline, changed[row.article_id])) for row in rows]


def _note_edits(
    runtime: Runtime, connection: Connection, feed_id: str, edits: Sequence[tuple[Any, News | None]], now: datetime
) -> None:
    """An edit alerts nobody by itself; who was told hears of the last one with the next update, which the tick plans,
    and of none where the last one took the others back. Those of a feed that is silenced are on record only."""
    again = {rule.id: rule.tell_again for rule in runtime.config.rules if rule.timing.updates}
    stopped = silences.running_silences(connection, now=now) if edits else ()
    silenced = any(one.kind is SilenceKind.SOURCE and one.value == feed_id for one in stopped)
    for row, news in edits:
        tellings.take_back_news(connection, alert_id=row.id, kind=NewsKind.HEADLINE)
        if news is not None and not silenced and news.kind in again.get(row.rule_id, ()):
            tellings.save_news(connection, alert_id=row.id, article_id=row.article_id, found=[news], now=now)


def _tell(
    runtime: Runtime, connection: Connection, row: Any, *, key: str, subject: str, lines: Sequence[str], now: datetime
) -> None:
    """Once for each trouble of a feed at its present address."""
    key = f"{key}:{row.id}:{row.current_url}"[:200]
    tell_operator(runtime, connection, key=key, subject=f"{subject}: {row.id}", lines=lines, now=now)


def _feed_values(runtime: Runtime, result: PollResult, now: datetime) -> dict[str, Any]:
    """What the feed's row becomes. Validators advance only with a document that was read and is saved beside them."""
    row, outcome = result.row, result.fetched.outcome
    failed = result.outcome == "failed"
    failures = row.failures + 1 if failed else 0
    judged = (
        FetchFailed(result.reason or "", result.detail or "") if failed and isinstance(outcome, Fetched) else outcome
    )
    values: dict[str, Any] = dict(
        failures=failures,
        reason=result.reason,
        detail=result.detail,
        next_poll_at=next_poll(
            judged,
            parsed_ttl=result.parsed.wait if result.parsed else None,
            failures=failures,
            pacing=_pacing(runtime, row),
            now=now,
            jitter=random.random(),  # noqa: S311 - spreads requests, guards nothing
        ),
    )
    if failed:
        return values | ({"state": "stopped"} if result.reason == FetchReason.GONE else {})
    values["succeeded_at"] = now
    if result.parsed is None or not result.parsed.cut:
        values |= dict(etag=outcome.validators.etag, last_modified=outcome.validators.last_modified)
        if isinstance(outcome, Fetched):
            values |= dict(body_hash=outcome.body_hash, current_url=outcome.permanent_url or row.current_url)
    if result.parsed is not None:
        values["title"] = row.title or result.parsed.title[:200]
        values["baseline_at"] = row.baseline_at or now
    return values


def _pacing(runtime: Runtime, row: Any) -> Pacing:
    spec = runtime.config.feed(row.id)
    policy = runtime.fetcher.policy.host(urlsplit(row.current_url).hostname or "")
    return Pacing(interval=spec.interval, floor=policy.interval_floor, ignore_hints=policy.ignore_hints)
