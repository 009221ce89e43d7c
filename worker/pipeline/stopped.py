"""Feeds that are gone for good (410), told to the operator: the first within a tick, then one message an hour."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog

from worker.display import one_line
from worker.pipeline.operator import tell_operator
from worker.pipeline.runtime import Runtime
from worker.store import feeds
from worker.store.engine import Lock, read_clock, take_lock

log = structlog.get_logger()

EVERY: Final = timedelta(hours=1)  # a publisher that retires three hundred sections is two messages, not three hundred
LISTED: Final = 20
ADVICE: Final = "Find a new address on the publisher's site and set it in feeds.yaml, or remove the feed there."


def tell_of_stopped(runtime: Runtime) -> None:
    """Each feed once for each time that it was stopped."""
    with runtime.store.reading() as connection:
        if not feeds.stopped_untold(connection):
            return
    with runtime.store.writing() as connection:
        take_lock(connection, Lock.CHORE)
        now = read_clock(connection)
        last = feeds.last_stop_told(connection, before=now)
        if last is not None and now - last < EVERY:
            return
        rows = feeds.stopped_untold(connection)
        if not rows:
            return
        named = [f"- {row.id} ({one_line(row.title)})" if row.title else f"- {row.id}" for row in rows[:LISTED]]
        if len(rows) > LISTED:
            named.append(f"and {len(rows) - LISTED} more: `wirewatch feeds list --state stopped` lists them all.")
        one = len(rows) == 1
        said = "Its publisher says that this feed is" if one else f"The publishers say that these {len(rows)} feeds are"
        asked = "It is polled no more." if one else "They are polled no more."
        lines = [f"{said} gone for good (410):", *named, f"{asked} {ADVICE}"]
        subject = f"Feed stopped: {rows[0].id}" if one else f"{len(rows)} feeds stopped"
        key = f"gone:{rows[0].id}:{now.isoformat()}"
        if tell_operator(runtime, connection, key=key, subject=subject, lines=lines, now=now):
            feeds.note_stop_told(connection, [row.id for row in rows], now=now)
    runtime.hint("deliver")
