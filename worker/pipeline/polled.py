"""Polls that are decided, saved: a group in one transaction, a savepoint for each feed that brought anything."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from worker.alerts.news import headline_news
from worker.config.pages import wants_page
from worker.crashpoints import crash_point
from worker.errors import FetchReason
from worker.feeds.rhythm import after_poll, rhythm_of, unwatched
from worker.feeds.rounds import hold_seconds
from worker.feeds.schedule import Pace, Pacing, due_by, follow, next_poll
from worker.guard import host_of
from worker.metrics import ARTICLES, ENTRIES, ENTRY_KINDS, POLLS, Counts, Key
from worker.model import (
    FeedUpdate,
    Fetched,
    FetchFailed,
    News,
    NewsKind,
    NotModified,
    Postponed,
    SilenceKind,
    Validators,
)
from worker.pipeline.holding import tell_of_storms
from worker.pipeline.operator import tell_operator
from worker.pipeline.reading import PollResult, unstorable
from worker.pipeline.runtime import Runtime
from worker.store import feeds, polls, silences, tallies, tellings
from worker.store.engine import Connection, read_clock, will_pass
from worker.store.lease import MAX_ATTEMPTS

log = structlog.get_logger()

# Asked oftener, a feed whose answers carry no validator costs its publisher the whole document each time.
UNVALIDATED: Final = 1800.0


def save(runtime: Runtime, results: Sequence[PollResult]) -> int:
    """One transaction. Returns how many new articles were stored."""
    quiet = [one for one in results if _is_quiet(one)]
    # A host that asks to be left alone is put off before its other feeds are given back.
    rest = sorted((one for one in results if not _is_quiet(one)), key=lambda one: one.outcome == "postponed")
    with runtime.store.writing() as connection:
        now = read_clock(connection)
        ended = _save_quiet(runtime, connection, quiet, now)
        ended += [_save_or_note(runtime, connection, result, now=now) for result in rest]
        tallies.count(connection, _counted(result for result, saved in ended if saved))
        tell_of_storms(runtime, connection, [(one.row, one.update) for one, saved in ended if saved], now)
        crash_point("poll_before_commit")
    crash_point("poll_after_commit")
    # Told after the commit: a reader of our log that stalls must not hold the write lock.
    for result, saved in ended:
        tell = log.debug if result.outcome == "unchanged" else log.info  # most polls: they are rows, not lines
        new = len(result.update.new) if result.update else 0
        tell("feed_polled", feed_id=result.row.id, outcome=result.outcome, new=new, reason=result.reason, saved=saved)
    return sum(len(result.update.new) for result, saved in ended if saved and result.update)


def _is_quiet(result: PollResult) -> bool:
    return result.outcome == "unchanged" and result.row.attempts <= MAX_ATTEMPTS


def _save_quiet(
    runtime: Runtime, connection: Connection, results: Sequence[PollResult], now: datetime
) -> list[tuple[PollResult, bool]]:
    if not results:
        return []
    planned = [(one.row, _planned(runtime, one, now), int(one.fetched.seconds * 1000)) for one in results]
    saved = polls.save_quiet_polls(connection, planned, now=now)
    return [(one, one.row.id in saved) for one in results]


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
    runtime: Runtime, connection: Connection, result: PollResult, *, now: datetime
) -> tuple[PollResult, bool]:
    """Saves one feed's poll; one that the record refuses is saved as a failure, and holds up no other feed."""
    try:
        with connection.begin_nested():
            return result, _save_one(runtime, connection, result, now=now)
    except Exception as error:
        if will_pass(error):
            raise  # no fault of the feed's: its lease runs out, and it is polled again
        log.exception("feed_not_saved", feed_id=result.row.id)
        if result.outcome == "postponed":
            return result, False  # nobody was asked, so nothing failed: its lease runs out, and it is due
        refused = unstorable(result, error)
        with connection.begin_nested():
            return refused, _save_one(runtime, connection, refused, now=now)


def _save_one(runtime: Runtime, connection: Connection, result: PollResult, *, now: datetime) -> bool:
    """False when the lease went to another."""
    row = result.row
    if result.outcome == "postponed":
        return polls.release_feed(connection, row, until=_put_off(runtime, result, now))
    edits = _headline_edits(connection, result.update)
    last_read = min(now, row.succeeded_at or now)
    saved = polls.save_poll(
        connection,
        row,
        now=now,
        values=_planned(runtime, result, now),
        outcome=result.outcome,
        reason=result.reason,
        found=result.update,
        items=result.items,
        missed=result.missed,
        full_text=wants_page(runtime.config, runtime.config.feed(row.id)),
        old_before=last_read - timedelta(seconds=runtime.config.settings.old_news),
        milliseconds=int(result.fetched.seconds * 1000),
    )
    if saved:
        _note_edits(runtime, connection, row.id, edits, now)
        _hold_siblings(runtime, connection, result, now)
        _tell_trouble(runtime, connection, result, now)
    return saved


def _put_off(runtime: Runtime, result: PollResult, now: datetime) -> datetime | None:
    """Until when a feed is promised to be left alone, or its host is held, by the database's clock.

    A hold is on record for the feeds that were there when it began; one that has become due since would be claimed and
    given back without end.
    """
    outcome = result.fetched.outcome
    held = outcome.held if isinstance(outcome, Postponed) else 0.0
    left = max(held, runtime.recent.left(result.row.current_url) if runtime.recent else 0.0)
    return now + timedelta(seconds=left) if left else None


def _planned(runtime: Runtime, result: PollResult, now: datetime) -> dict[str, Any]:
    """What the feed's row becomes. Its wait is promised before it is on record: the publisher was asked, either way."""
    values = feed_values(runtime, result, now)
    if runtime.recent is not None and not runtime.fetcher.policy.host(result.row.host).ignore_hints:
        url = values.get("current_url", result.row.current_url)
        runtime.recent.promise(url, seconds=(values["next_poll_at"] - now).total_seconds())
    return values


def _hold_siblings(runtime: Runtime, connection: Connection, result: PollResult, now: datetime) -> None:
    """A host that wants one of its feeds left alone is not asked for the others either, for a while."""
    outcome = result.fetched.outcome
    limited = isinstance(outcome, FetchFailed) and outcome.reason == FetchReason.RATE_LIMITED
    if limited and not runtime.fetcher.policy.host(result.row.host).ignore_hints:
        feeds.hold_host(connection, result.row.host, until=now + timedelta(seconds=hold_seconds(outcome)))


def _tell_trouble(runtime: Runtime, connection: Connection, result: PollResult, now: datetime) -> None:
    row = result.row
    if row.attempts > MAX_ATTEMPTS:
        lines = [
            f"{MAX_ATTEMPTS} polls in a row of the feed {row.id} ({row.title}) never came to their end: "
            "it may have ended the worker each time.",
            "It is polled again, later each time. If it stays so, disable it in feeds.yaml, and report it to us.",
        ]
        _tell(runtime, connection, row, key="lost", subject="Feed whose polls never end", lines=lines, now=now)


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


# ---------------------------------------------------------------- what the feed's row becomes


def feed_values(runtime: Runtime, result: PollResult, now: datetime) -> dict[str, Any]:
    """Validators advance only with a document that was read and is saved beside them."""
    row, outcome = result.row, _judged(result)
    failed = isinstance(outcome, FetchFailed)
    whole = not failed and not (result.parsed is not None and result.parsed.cut)
    kept = outcome.validators if whole else Validators(row.etag, row.last_modified)
    pacing = _pacing(runtime, row, kept)
    pace = follow(_pace(row), outcome, parsed=result.parsed, **_brought(result), pacing=pacing)
    failures = row.failures + 1 if failed else 0
    values: dict[str, Any] = dict(
        failures=failures,
        failing_since=(row.failing_since or now) if failed else None,
        reason=result.reason,
        detail=result.detail,
        etag=kept.etag,
        last_modified=kept.last_modified,
        stretch=pace.stretch,
        max_age=pace.max_age,
        next_poll_at=next_poll(
            outcome,
            pace=pace,
            failures=failures,
            pacing=pacing,
            now=now,
            jitter=random.random(),  # noqa: S311 - spreads requests, guards nothing
        ),
    )
    if failed:
        gone = dict(state="stopped", stop_told_at=None)  # which the tick tells, of all that are together
        return values | (gone if result.reason == FetchReason.GONE else {})
    body = outcome.body_hash if whole and isinstance(outcome, Fetched) else row.body_hash
    url = outcome.permanent_url if whole and isinstance(outcome, Fetched) and outcome.permanent_url else row.current_url
    values |= dict(succeeded_at=now, body_hash=body, current_url=url, host=host_of(url))
    values |= after_poll(rhythm_of(row), new=_news(result), now=now, unwatched=_unwatched(runtime, row, now)).columns()
    return values | (_document_values(row, result, pace, now) if result.parsed is not None else {})


def _unwatched(runtime: Runtime, row: Any, now: datetime) -> timedelta:
    pacing = _pacing(runtime, row, Validators(row.etag, row.last_modified))
    planned = due_by(row.succeeded_at, pace=_pace(row), pacing=pacing) if row.succeeded_at is not None else None
    return unwatched(row, now, due_by=planned)


def _judged(result: PollResult) -> Fetched | NotModified | FetchFailed:
    """The fetch's outcome; a failure also where its document was none, with what the server asked of us."""
    outcome = result.fetched.outcome
    if result.outcome == "failed" and not isinstance(outcome, FetchFailed):
        return FetchFailed(result.reason or "", result.detail or "", hints=outcome.hints)
    return outcome


def _document_values(row: Any, result: PollResult, pace: Pace, now: datetime) -> Mapping[str, Any]:
    title = row.title or result.parsed.title[:200]
    values = dict(title=title, baseline_at=row.baseline_at or now)
    return values | dict(document_wait=pace.wait, skip=polls.write_skip(pace.skip))


def _news(result: PollResult) -> int:
    """How many entries say that the feed is alive: an import of old ones does not."""
    return sum(not new.held for new in result.update.new) if result.update else 0


def _brought(result: PollResult) -> dict[str, Any]:
    found = result.update
    counts = dict(seen=found.seen, new=len(found.new)) if found else dict(seen=0, new=0)
    # After a failure all that came meanwhile is new at once: it says as little of the feed's pace as a first document.
    return counts | dict(first=result.row.baseline_at is None or result.row.failures > 0)


def _pace(row: Any) -> Pace:
    return Pace(stretch=row.stretch, max_age=row.max_age, wait=row.document_wait, skip=polls.read_skip(row.skip))


def _pacing(runtime: Runtime, row: Any, validators: Validators) -> Pacing:
    spec = runtime.config.feed(row.id)
    policy = runtime.fetcher.policy.host(host_of(row.current_url))
    interval = spec.interval
    if "interval" not in spec.model_fields_set and validators == Validators():
        interval = max(interval, UNVALIDATED)
    return Pacing(
        interval=interval, floor=policy.interval_floor, slowest=spec.slowest, ignore_hints=policy.ignore_hints
    )
