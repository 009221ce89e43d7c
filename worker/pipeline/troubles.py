"""What is wrong with feeds for long enough to be told, and what is over: found, saved and told in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from worker.errors import ParseReason
from worker.feeds.groups import groups_of, is_group_quiet, look_at_group
from worker.feeds.trouble_words import end_words, start_words
from worker.feeds.troubles import (
    Known,
    Plan,
    Standing,
    Subject,
    TroubleKind,
    Wrong,
    find_wrong,
    is_line_down,
    plan,
)
from worker.pipeline.operator import tell_operator
from worker.pipeline.runtime import Runtime
from worker.store import troubles
from worker.store.engine import Connection, Lock, read_clock, take_lock

log = structlog.get_logger()


def look_for_troubles(runtime: Runtime) -> None:
    """A chore of the tick. What it decides follows from the record alone: done twice, it tells nothing twice."""
    after = timedelta(seconds=runtime.config.settings.trouble_after)
    with runtime.store.writing() as connection:
        take_lock(connection, Lock.CHORE)
        now = read_clock(connection)
        known = troubles.known_troubles(connection, now=now)
        standing, titles = _stand(runtime, connection, known, now=now, after=after)
        last_told = troubles.last_told(connection, before=now + after)
        found = plan(standing, known, now=now, after=after, last_told=last_told)
        _save(connection, found, now)
        told = _tell(runtime, connection, found, titles, standing, now)
        troubles.forget_old_troubles(connection, now=now)
    if told:
        runtime.hint("deliver")
    if found.told:  # which they are, the message and the rows say: three hundred lines would say no more
        log.warning("feed_troubles", count=len(found.told), first=found.told[0].subject, reason=found.told[0].reason)
    if found.ends:
        log.info("feed_troubles_over", count=len(found.ends), first=found.ends[0].subject)


def _stand(
    runtime: Runtime, connection: Connection, known: Sequence[Known], *, now: datetime, after: timedelta
) -> tuple[Standing, Mapping[str, str]]:
    """All that is wrong now, and what the feeds concerned are called."""
    rows, polled = troubles.troubled_feeds(connection), troubles.polled_feeds(connection)
    held: dict[Subject, Known] = {one.key: one for one in known}
    line_down = is_line_down(rows, polled=len(polled))
    wrong = [one for row in rows for one in find_wrong(row, held, now=now, after=after, line_down=line_down)]
    quiet, groups = _look_at_groups(runtime, connection, polled, held, now)
    concerned = {one.subject for one in known if one.kind is not TroubleKind.GROUP}
    gone = troubles.unpolled(connection, concerned)
    dormant = troubles.dormant(connection, {one.subject for one in known if one.kind is TroubleKind.SILENT})
    passed = {(kind, name) for kind in (TroubleKind.FAILING, TroubleKind.SILENT) for name in gone}
    passed |= {(TroubleKind.SILENT, name) for name in dormant}
    passed |= {one.key for one in known if one.kind is TroubleKind.GROUP and one.subject not in groups}
    titles = {row.id: row.title for row in rows} | {spec.id: spec.title for spec in runtime.config.feeds if spec.title}
    return Standing([*wrong, *quiet], passed=passed, line_down=line_down), titles


def _look_at_groups(
    runtime: Runtime, connection: Connection, polled: Sequence[Any], known: Mapping[Subject, Known], now: datetime
) -> tuple[list[Wrong], set[str]]:
    """The groups that are quiet, and all that there are; each one's rhythm goes on. One that was found quiet is so
    until it brings something, also while its feeds fail and nobody could say."""
    held, by_id = troubles.read_groups(connection), {row.id: row for row in polled}
    rhythms, wrong = [], []
    for name, ids in groups_of(runtime.config.feeds).items():
        members = [by_id[one] for one in ids if one in by_id]
        rhythm = look_at_group(held.get(name), name, members, now)
        rhythms.append(rhythm)
        quiet, before = is_group_quiet(rhythm, members, now), known.get((TroubleKind.GROUP, name))
        if rhythm.news_at is not None and (quiet or (before and before.since == rhythm.news_at)):
            said = dict(reason=str(ParseReason.QUIET), since=rhythm.news_at, opens=quiet, ripe=quiet)
            wrong.append(Wrong(TroubleKind.GROUP, name, **said))
    troubles.save_groups(connection, held.keys(), rhythms)
    return wrong, {one.name for one in rhythms}


def _save(connection: Connection, found: Plan, now: datetime) -> None:
    troubles.change_troubles(connection, found.reopened, ended_at=None)
    troubles.change_troubles(connection, found.ended, ended_at=now)
    troubles.change_troubles(connection, found.settled, ended_at=now, end_told_at=now)
    troubles.drop_troubles(connection, found.forgotten)
    troubles.open_troubles(connection, found.opened)
    if found.along_at is not None:
        troubles.note_told(connection, found.along, at=found.along_at)


def _tell(
    runtime: Runtime,
    connection: Connection,
    found: Plan,
    titles: Mapping[str, str],
    standing: Standing,
    now: datetime,
) -> bool:
    """At most two messages, one of what is wrong and one of what is over. What nobody could be told, for want of the
    operator's channel, is told when there is one."""
    told = False
    if found.told:
        subject, lines = start_words(found.told, titles, now=now, line_down=standing.line_down)
        key = f"trouble:{now.isoformat()}:{len(found.told)}:{found.told[0].kind}:{found.told[0].subject}"
        if tell_operator(runtime, connection, key=key, subject=subject, lines=lines, now=now):
            troubles.note_told(connection, found.told, at=now)
            told = True
    if found.ends:
        subject, lines = end_words(found.ends, titles, still=found.still)
        key = f"trouble-over:{found.ends[0].id}:{now.isoformat()}:{len(found.ends)}"
        told |= tell_operator(runtime, connection, key=key, subject=subject, lines=lines, now=now)
        troubles.change_troubles(connection, found.ends, end_told_at=now)
    return told
