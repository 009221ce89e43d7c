"""Storms: a poll that brings unusually much at once is seen through; what is held is told, and let go in the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from worker.display import one_line
from worker.feeds.held import decision_commands, held_words
from worker.feeds.storms import decide_storm, is_suspicious
from worker.model import FeedUpdate
from worker.pipeline.operator import tell_operator
from worker.pipeline.runtime import Runtime
from worker.store import holds
from worker.store.engine import Connection, read_clock
from worker.store.holds import Verdict

log = structlog.get_logger()

KEPT_FOR: Final = timedelta(days=7)  # a hold waits for somebody's word, then it is ignored
LISTED: Final = 20  # holds that one message names


def see_through(runtime: Runtime, row: Any, update: FeedUpdate, *, now: datetime) -> FeedUpdate:
    """The update as it is to be stored. Reads the record only where the document is suspicious: nearly never."""
    old_after = timedelta(seconds=runtime.config.settings.old_news)
    last_read = min(now, row.succeeded_at or now)
    if row.baseline_at is None or not is_suspicious(update, old_before=last_read - old_after):
        return update
    return decide_storm(
        update,
        recent=holds.recent_articles(runtime.store, row.id),
        last_read=last_read,
        baseline=False,
        usual=holds.usual_count(runtime.store, row),
        now=now,
        old_after=old_after,
    )


def tell_of_storms(
    runtime: Runtime, connection: Connection, saved: Iterable[tuple[Any, FeedUpdate | None]], now: datetime
) -> None:
    """Of the feeds whose polls were saved at `now`: one message on all that is held, and one, once for each feed at its
    address, where the articles came under new identities."""
    held = []
    for row, update in saved:
        if update is not None and update.renamed:
            log.warning("feed_changed_identities", feed_id=row.id, known_again=update.renamed)
            _tell_of_identities(runtime, connection, row, update, now)
        if update is not None and any(new.held for new in update.new):
            held.append(row.id)
    if held:
        _tell_of_holds(
            runtime, connection, _first_of_feed(connection, holds.holds_of_poll(connection, held, at=now)), now
        )


def _first_of_feed(connection: Connection, rows: Sequence[Any]) -> list[Any]:
    """Without those of feeds of which a hold waits already: an archive that comes in pieces is one thing to decide."""
    known = holds.waiting_feeds(connection, [row.feed_id for row in rows], before=rows[0].at) if rows else set()
    for row in rows:
        log.warning("entries_held", feed_id=row.feed_id, held=row.count, hold=row.public_id)
    return [row for row in rows if row.feed_id not in known]


def _tell_of_identities(runtime: Runtime, connection: Connection, row: Any, update: FeedUpdate, now: datetime) -> None:
    lines = [
        f"The feed {row.id} ({one_line(row.title)}) brought {update.renamed} of its articles again under new ids or "
        "addresses.",
        "They were recognised: nothing is stored or told twice, and you need do nothing.",
        "If it now lives at another address for good, set that in feeds.yaml.",
    ]
    key = f"identities:{row.id}:{row.current_url}"[:200]
    tell_operator(runtime, connection, key=key, subject=f"Feed changed identities: {row.id}", lines=lines, now=now)


def _tell_of_holds(runtime: Runtime, connection: Connection, rows: Sequence[Any], now: datetime) -> None:
    if not rows:
        return
    titles = holds.sample_titles(connection, [row.id for row in rows[:LISTED]])
    lines = []
    for row in rows[:LISTED]:
        release, ignore = decision_commands(row)
        lines += [
            f"{held_words(row)} are held: release or ignore.",
            *(f"  - {one_line(title, 100)}" for title in titles[row.id]),
            f"  {release}: they are news, and may raise alerts.",
            f"  {ignore}: they are stored and judged, and raise nothing.",
        ]
    if len(rows) > LISTED:
        lines.append(f"and {len(rows) - LISTED} more: `wirewatch feeds held` lists them all.")
    lines.append(
        "What the same feed brings of this kind until then is held, too, and told no more: `wirewatch feeds held`."
    )
    lines.append(f"What nobody decides within {KEPT_FOR.days} days is ignored.")
    entries = sum(row.count for row in rows)
    whose = rows[0].feed_id if len(rows) == 1 else f"{len(rows)} feeds"
    subject = f"{entries} old entries held: {whose}"
    tell_operator(runtime, connection, key=f"held:{rows[0].public_id}", subject=subject, lines=lines, now=now)


def ignore_old_holds(runtime: Runtime) -> None:
    """What nobody has decided within KEPT_FOR is ignored, and told in one message."""
    with runtime.store.writing() as connection:
        now = read_clock(connection)
        over = [
            row
            for row in holds.expired_holds(connection, before=now - KEPT_FOR)
            if holds.decide_hold(connection, row.id, Verdict.IGNORED, by=None, now=now)
        ]
        if not over:
            return
        lines = [held_words(row) for row in over[:LISTED]]
        if len(over) > LISTED:
            lines.append(f"and {len(over) - LISTED} more")
        lines.append(
            f"They were held for {KEPT_FOR.days} days, and nobody decided. They are stored and judged, can be found, "
            "and raise nothing."
        )
        subject = f"Held entries ignored: {sum(row.count for row in over)}"
        tell_operator(runtime, connection, key=f"unheld:{over[0].public_id}", subject=subject, lines=lines, now=now)
    runtime.hint("analyse")
