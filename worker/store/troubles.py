"""The troubles of feeds on record, and what of the feeds' rows they are judged by."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, or_, select, update

from worker.errors import ParseReason
from worker.feeds.groups import GroupRhythm
from worker.feeds.troubles import FLAPPING, Known, TroubleKind, Wrong
from worker.store.rhythms import is_dormant, is_quiet
from worker.store.schema import feed, quiet_group, trouble

KEPT: Final = timedelta(days=90)  # what is over longer is of no use: a flap is a matter of days
CHUNK: Final = 400  # ids in one statement


def troubled_feeds(connection: Connection) -> Sequence[Any]:
    """The polled feeds with which something may be wrong: with `quiet`, by their rhythm."""
    quiet = is_quiet()
    names = "id title failures failing_since reason detail news_at".split()
    statement = select(*(feed.c[name] for name in names), quiet.label("quiet"))
    wrong = or_(feed.c.failures > 0, quiet, feed.c.reason == ParseReason.NO_ENTRIES)
    return connection.execute(statement.where(feed.c.state == "active", wrong).order_by(feed.c.id)).all()


def polled_feeds(connection: Connection) -> Sequence[Any]:
    """What groups are judged by, of every feed that is polled and has been."""
    names = "id failures next_poll_at news_at succeeded_at".split()
    is_polled = and_(feed.c.state == "active", feed.c.polled_at.is_not(None))
    return connection.execute(select(*(feed.c[name] for name in names)).where(is_polled)).all()


def unpolled(connection: Connection, feed_ids: Collection[str]) -> set[str]:
    """Which of these are not polled any more."""
    return set(feed_ids) - _of(connection, feed_ids, feed.c.state == "active")


def dormant(connection: Connection, feed_ids: Collection[str]) -> set[str]:
    return _of(connection, feed_ids, is_dormant())


def _of(connection: Connection, feed_ids: Collection[str], condition: Any) -> set[str]:
    ids, found = sorted(feed_ids), set()
    for start in range(0, len(ids), CHUNK):
        chosen = select(feed.c.id).where(feed.c.id.in_(ids[start : start + CHUNK]), condition)
        found |= set(connection.execute(chosen).scalars())
    return found


# ---------------------------------------------------------------- troubles


def known_troubles(connection: Connection, *, now: datetime) -> list[Known]:
    """The open ones, and those that were told and whose end was not."""
    over = trouble.c.ended_at.is_not(None)
    lately = select(trouble.c.kind, trouble.c.subject, func.count().label("n"))
    lately = lately.where(over, trouble.c.told_at.is_not(None), trouble.c.ended_at > now - FLAPPING)
    counts = {(row.kind, row.subject): row.n for row in connection.execute(lately.group_by("kind", "subject"))}
    untold = and_(trouble.c.told_at.is_not(None), trouble.c.end_told_at.is_(None))
    rows = connection.execute(select(trouble).where(or_(~over, untold)).order_by(trouble.c.id))
    return [
        Known(
            id=row.id,
            kind=TroubleKind(row.kind),
            subject=row.subject,
            reason=row.reason or "",
            since=row.since,
            told_at=row.told_at,
            ended_at=row.ended_at,
            ends=counts.get((row.kind, row.subject), 0),
        )
        for row in rows
    ]


def last_told(connection: Connection, *, before: datetime) -> datetime | None:
    """When the operator last heard that something is wrong with single feeds. What is to come after `before` was told
    by a clock that has been set back since."""
    single = (trouble.c.kind != TroubleKind.GROUP) & (trouble.c.told_at < before)
    return connection.execute(select(func.max(trouble.c.told_at)).where(single)).scalar_one()


def open_troubles(connection: Connection, found: Iterable[Wrong]) -> None:
    rows = [dict(kind=one.kind, subject=one.subject, **_said(one)) for one in found]
    if rows:
        connection.execute(insert(trouble), rows)


def note_told(connection: Connection, found: Iterable[Wrong], *, at: datetime) -> None:
    """By subject: of each, one is open."""
    rows = [dict(of=one.kind, about=one.subject, told_at=at, **_said(one)) for one in found]
    if rows:
        mine = (
            trouble.c.kind == bindparam("of"),
            trouble.c.subject == bindparam("about"),
            trouble.c.ended_at.is_(None),
        )
        connection.execute(update(trouble).where(*mine), rows)


def _said(one: Wrong) -> dict[str, Any]:
    return dict(reason=one.reason, detail=one.detail or None, since=one.since)


def change_troubles(connection: Connection, found: Iterable[Known], **values: Any) -> None:
    ids = [one.id for one in found]
    for start in range(0, len(ids), CHUNK):
        connection.execute(update(trouble).where(trouble.c.id.in_(ids[start : start + CHUNK])).values(**values))


def drop_troubles(connection: Connection, found: Iterable[Known]) -> None:
    ids = [one.id for one in found]
    for start in range(0, len(ids), CHUNK):
        connection.execute(delete(trouble).where(trouble.c.id.in_(ids[start : start + CHUNK])))


def forget_old_troubles(connection: Connection, *, now: datetime) -> None:
    connection.execute(delete(trouble).where(trouble.c.ended_at < now - KEPT))


# ---------------------------------------------------------------- groups


def read_groups(connection: Connection) -> dict[str, GroupRhythm]:
    return {row.name: GroupRhythm(**row._mapping) for row in connection.execute(select(quiet_group))}


def save_groups(connection: Connection, held: Collection[str], found: Iterable[GroupRhythm]) -> None:
    """Those of `held`, the names on record, that are not among `found` are dropped."""
    rows = [asdict(one) for one in found]
    names = {row["name"] for row in rows}
    gone = sorted(set(held) - names)
    if gone:
        connection.execute(delete(quiet_group).where(quiet_group.c.name.in_(gone)))
    if fresh := [row for row in rows if row["name"] not in held]:
        connection.execute(insert(quiet_group), fresh)
    for row in rows:
        if row["name"] in held:
            connection.execute(update(quiet_group).where(quiet_group.c.name == row["name"]).values(row))


def count_quiet_groups(connection: Connection) -> int:
    mine = and_(trouble.c.kind == TroubleKind.GROUP, trouble.c.ended_at.is_(None))
    return connection.execute(select(func.count()).where(mine)).scalar_one()
