"""Silences: who wants to hear nothing of what, until when, and what each has kept quiet."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, insert, select, update

from worker.model import Silence, SilenceKind
from worker.store.lease import new_token
from worker.store.schema import alert, article, decision, silence, story

MOST_HELD = 200  # of one silence's articles that are told of at its end


def add_silence(
    connection: Connection,
    *,
    kind: SilenceKind,
    value: str,
    because: str,
    author: str,
    expires_at: datetime,
    now: datetime,
) -> str:
    """The public id of the new silence. `value` is a rule's, entity's or feed's id, a story's public id, or a query."""
    public_id = new_token()
    values = dict(public_id=public_id, kind=kind, value=value, because=because, author=author)
    connection.execute(insert(silence).values(**values, created_at=now, expires_at=expires_at))
    return public_id


def is_running(now: datetime) -> ColumnElement[bool]:
    return silence.c.ended_at.is_(None) & (silence.c.expires_at > now)


def running_silences(connection: Connection, *, now: datetime) -> tuple[Silence, ...]:
    """In the order of their making."""
    rows = connection.execute(_silences().where(is_running(now)).order_by(silence.c.id))
    return tuple(_read(row) for row in rows)


def newest_silences(connection: Connection, *, limit: int) -> list[Any]:
    """Rows, those that run and those that have ended, the newest first, with how many articles each kept quiet."""
    held = select(func.count()).where(decision.c.silence_id == silence.c.id).scalar_subquery()
    return list(connection.execute(select(silence, held.label("held")).order_by(silence.c.id.desc()).limit(limit)))


def is_story(connection: Connection, public_id: str) -> bool:
    return connection.execute(select(story.c.id).where(story.c.public_id == public_id)).first() is not None


def find_running(connection: Connection, name: str, *, now: datetime) -> str | None:
    """The public id of the one that runs and begins so, with at least six letters; None for none, or for several."""
    if len(name) < 6 or not name.isalnum():
        return None
    named = silence.c.public_id.startswith(name, autoescape=True)
    found = connection.execute(select(silence.c.public_id).where(named, is_running(now)).limit(2)).scalars().all()
    return found[0] if len(found) == 1 else None


def end_silence(connection: Connection, public_id: str, *, by: str, now: datetime) -> bool:
    """Ends it before its time; the next tick tells of it. False when it does not run (any more)."""
    statement = update(silence).where(silence.c.public_id == public_id, is_running(now))
    return connection.execute(statement.values(expires_at=now, ended_by=by)).rowcount == 1


def ended_silences(connection: Connection, *, now: datetime) -> tuple[Silence, ...]:
    """Those whose time is over and whose end was not told yet."""
    over = silence.c.ended_at.is_(None) & (silence.c.expires_at <= now)
    return tuple(_read(row) for row in connection.execute(_silences().where(over).order_by(silence.c.id)))


def close_silence(connection: Connection, silence_id: int, *, now: datetime) -> None:
    connection.execute(update(silence).where(silence.c.id == silence_id).values(ended_at=now))


def held_by(connection: Connection, silence_id: int) -> list[Any]:
    """(rule_id, alert's public id or None, severity, headline, when) of each article that it kept quiet, in order."""
    statement = (
        select(decision.c.rule_id, alert.c.public_id, decision.c.severity, article.c.title, decision.c.at)
        .join(article, article.c.id == decision.c.article_id)
        .outerjoin(alert, alert.c.id == decision.c.alert_id)
        .where(decision.c.silence_id == silence_id)
        .order_by(decision.c.at, decision.c.article_id)
        .limit(MOST_HELD + 1)
    )
    return list(connection.execute(statement))


def _silences() -> Select[Any]:
    """A story that has merged into another is silenced there."""
    root = func.coalesce(story.c.merged_into, story.c.id).label("story_id")
    found = (silence.c.kind == SilenceKind.STORY) & (story.c.public_id == silence.c.value)
    return select(silence, root).outerjoin(story, found)


def _read(row: Any) -> Silence:
    return Silence(
        id=row.id,
        public_id=row.public_id,
        kind=SilenceKind(row.kind),
        value=row.value,
        because=row.because,
        author=row.author,
        created_at=row.created_at,
        expires_at=row.expires_at,
        story_id=row.story_id,
        ended_by=row.ended_by,
    )
