"""Denials: an analyst's "not this one", kept until somebody takes it back. Knows nothing of matching."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from worker.model import ArticleText, Denial
from worker.store.articles import read_judgement
from worker.store.lease import new_token
from worker.store.schema import article, denial, judgement, revision

MOST: Final = 5_000  # that judging goes by: the newest


def add_denials(
    connection: Connection, article_id: int, denials: Iterable[Denial], *, author: str, because: str, now: datetime
) -> list[str]:
    """The public ids of the new ones; what stands already is not added again."""
    standing = {
        (row.entity, row.text) for row in connection.execute(_standing().where(denial.c.article_id == article_id))
    }
    added = []
    for one in denials:
        if (one.entity, one.text) in standing:
            continue
        public_id = new_token()
        values = dict(public_id=public_id, entity=one.entity, text=one.text, words=sorted(one.words))
        values |= dict(article_id=article_id, author=author, because=because, created_at=now)
        connection.execute(insert(denial).values(values))
        added.append(public_id)
        standing.add((one.entity, one.text))
    return added


def standing_denials(connection: Connection) -> tuple[Denial, ...]:
    """What judging goes by."""
    rows = connection.execute(_standing().order_by(denial.c.id.desc()).limit(MOST))
    return tuple(Denial(row.entity, row.text, row.article, frozenset(row.words)) for row in rows)


def newest_denials(connection: Connection, *, limit: int) -> list[Any]:
    """Rows, those that stand and those that were taken back, the newest first, each with its article and headline."""
    statement = select(denial, article.c.public_id.label("article"), article.c.title)
    statement = statement.join(article, article.c.id == denial.c.article_id).order_by(denial.c.id.desc())
    return list(connection.execute(statement.limit(limit)))


def end_denial(connection: Connection, name: str, *, by: str, now: datetime) -> str | None:
    """Takes back the one that stands and whose id begins so, with at least six letters. Its public id; None for none,
    or for several."""
    if len(name) < 6 or not name.isalnum():
        return None
    named = denial.c.public_id.startswith(name, autoescape=True) & denial.c.ended_at.is_(None)
    found = connection.execute(select(denial.c.public_id).where(named).limit(2)).scalars().all()
    if len(found) != 1:
        return None
    connection.execute(update(denial).where(denial.c.public_id == found[0]).values(ended_at=now, ended_by=by))
    return found[0]


def find_judged(connection: Connection, public_id: str) -> tuple[int, ArticleText, Any] | None:
    """An article with its last judgement, and the text that was judged; None for one that is not stored or judged."""
    statement = (
        select(article.c.id, article.c.public_id, article.c.feed_id, revision.c.title, revision.c.text, judgement)
        .join(judgement, judgement.c.article_id == article.c.id)
        .join(revision, (revision.c.article_id == article.c.id) & (revision.c.n == judgement.c.revision))
        .where(article.c.public_id == public_id)
        .order_by(judgement.c.revision.desc())
    )
    row = connection.execute(statement.limit(1)).first()
    if row is None:
        return None
    text = ArticleText(id=row.public_id, title=row.title, text=row.text or "", source=row.feed_id)
    return row.id, text, read_judgement(row)


def _standing() -> Any:
    statement = select(denial.c.entity, denial.c.text, denial.c.words, article.c.public_id.label("article"))
    return statement.join(article, article.c.id == denial.c.article_id).where(denial.c.ended_at.is_(None))
