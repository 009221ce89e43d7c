"""The tick: tells and hints what is due, gives up what never ends, drops what is past its time. Harmless when run
twice."""

from __future__ import annotations

from datetime import timedelta

import structlog

from worker.articles.event_index import KEPT
from worker.metrics import QUARANTINED
from worker.pipeline.giving_up import give_up_lost, give_up_stranded
from worker.pipeline.holding import ignore_old_holds
from worker.pipeline.operator import tell_of_quarantine
from worker.pipeline.pages import give_up_late_pages
from worker.pipeline.runtime import Runtime
from worker.pipeline.silencing import tell_ended_silences
from worker.pipeline.stopped import tell_of_stopped
from worker.pipeline.telling import tell_due_alerts
from worker.pipeline.troubles import look_for_troubles
from worker.store import articles, heartbeats, pages, polls, remembered, robots, tallies
from worker.store.clocks import follow_clock
from worker.store.due import claim_chore, due_queues
from worker.store.engine import read_clock

log = structlog.get_logger()

RETENTION_EVERY = timedelta(hours=1)
CHECKPOINT_EVERY = timedelta(seconds=30)
CHECK_IN_EVERY = timedelta(minutes=1)  # whoever watches the tick from outside looks no closer
GIVE_UP_EVERY = timedelta(minutes=1)
HOLDS_EVERY = timedelta(minutes=10)
TROUBLES_EVERY = timedelta(minutes=1)
RETENTION_BATCH = 500
POLL_HISTORY = timedelta(days=30)
# Of polls that brought nothing: 20,000 feeds make millions a day, which nobody reads; what counts them are tallies.
QUIET_HISTORY = timedelta(hours=2)
ROBOTS_KEPT = timedelta(hours=1)  # after it was good: its turns (`next_at`) are over long before


def tick(runtime: Runtime) -> None:
    """Its work, and word of it to who watches the desk from outside, where somebody does."""
    if runtime.check_in is None:
        return look_around(runtime)
    try:
        look_around(runtime)
        due = claim_chore(runtime.store, "check-in", every=CHECK_IN_EVERY)
    except Exception:
        runtime.check_in(False)
        raise
    if due:
        runtime.check_in(True)
    return None


def look_around(runtime: Runtime) -> None:
    timing = runtime.config.settings.timing
    longest = timedelta(seconds=max(timing.poll_lease, timing.analyse_lease, timing.deliver_lease))
    longest = max(longest, pages.LEASE)
    if step := follow_clock(runtime.store, longest_lease=longest):
        log.error("clock_set_back", seconds=round(step.total_seconds()))
    park_poison(runtime)
    give_up_lost(runtime)
    give_up_late_pages(runtime)
    tell_ended_silences(runtime)
    tell_of_stopped(runtime)
    tell_due_alerts(runtime)
    for queue in due_queues(runtime.store):
        runtime.hint(queue)
    if claim_chore(runtime.store, "checkpoint", every=CHECKPOINT_EVERY):
        heartbeats.forget_silent(runtime.store)
        runtime.store.checkpoint()
    if claim_chore(runtime.store, "give-up", every=GIVE_UP_EVERY):
        give_up_stranded(runtime)
    if claim_chore(runtime.store, "holds", every=HOLDS_EVERY):
        ignore_old_holds(runtime)
    if claim_chore(runtime.store, "troubles", every=TROUBLES_EVERY):
        look_for_troubles(runtime)
    if claim_chore(runtime.store, "retention", every=RETENTION_EVERY):
        drop_expired(runtime)


def drop_expired(runtime: Runtime) -> None:
    """Retention: article text after the configured time, poll history after a month, that of polls which brought
    nothing after two hours, what articles are about once their stories are over. Alerts stay."""
    keep = timedelta(seconds=runtime.config.settings.retention.text)
    while True:
        with runtime.store.writing() as connection:
            now = read_clock(connection)
            kept = dict(before=now - POLL_HISTORY, quiet_before=now - QUIET_HISTORY)
            forgotten = polls.forget_old_polls(connection, **kept, limit=RETENTION_BATCH)
            robots.forget_old_robots(connection, before=now - ROBOTS_KEPT, limit=RETENTION_BATCH)
            dropped = articles.drop_old_text(connection, before=now - keep, limit=RETENTION_BATCH)
            over = remembered.drop_sketches(connection, before=now - KEPT, limit=RETENTION_BATCH)
        if max(forgotten, dropped, over) < RETENTION_BATCH:
            return


def park_poison(runtime: Runtime) -> None:
    """Quarantines the articles that used up their attempts and tells the operator, once for each, in the same save."""
    with runtime.store.writing() as connection:
        now = read_clock(connection)
        parked = articles.quarantine_exhausted(connection, now=now)
        for row in parked:
            tell_of_quarantine(runtime, connection, row, doing="Analysing", now=now)
        tallies.count(connection, {QUARANTINED.of(): len(parked)})
