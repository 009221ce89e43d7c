"""Articles to be judged again, and what comes of it: the newest judgement stands, those before it are kept beside it.

A judgement that somebody else has replaced meanwhile is left alone: two that judge again at once do no harm.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, func, insert, literal, not_, select, update

from worker.model import MODEL_MISSING, ArticleState, Judgement
from worker.store.articles import judgement_values
from worker.store.schema import article, config_version, decision, former_judgement, judgement, revision

MADE_AT: Final = func.coalesce(judgement.c.again_at, judgement.c.judged_at)
SAID: Final = ("language", "topics", "mentions", "model_id", "watchlist", "notes", "config_version")


@dataclass(frozen=True)
class Range:
    """Which articles: first seen at `since` or later, of one feed; without those that were judged by this
    configuration (its version's id) and one of these models; only those that the topic model `missed` (True), or only
    the others (False). None for no such bound."""

    since: datetime | None = None
    feed_id: str | None = None
    judged_by: tuple[int, Collection[str]] | None = None
    missed: bool | None = None


def _chosen(wanted: Range) -> ColumnElement[bool]:
    """Settled, with its text: what retention took cannot be judged."""
    asked = [article.c.state == ArticleState.SETTLED, revision.c.text.is_not(None)]
    if wanted.since is not None:
        asked.append(article.c.first_seen_at >= wanted.since)
    if wanted.feed_id is not None:
        asked.append(article.c.feed_id == wanted.feed_id)
    if wanted.judged_by is not None:
        version, models = wanted.judged_by
        asked.append(not_((judgement.c.config_version == version) & judgement.c.model_id.in_(models)))
    if wanted.missed is False:
        asked.append(not_(is_missed()))
    if wanted.missed:
        # Of the few that their index has, those of which it is the last judgement.
        any_of = judgement.alias("missed")
        asked += [article.c.id.in_(select(any_of.c.article_id).where(_is_missed(any_of.c.model_id))), is_missed()]
    return and_(*asked)


def is_missed() -> ColumnElement[bool]:
    """Judged while the topic model could not be loaded."""
    return _is_missed(judgement.c.model_id)


def _is_missed(model_id: ColumnElement[str]) -> ColumnElement[bool]:
    """The value stands in the statement: an index of some rows is used for none that is bound later."""
    return model_id == literal(MODEL_MISSING, literal_execute=True)


def _joined(statement: Select[Any]) -> Select[Any]:
    """Each article with its last judgement, and the revision that was judged."""
    any_of = judgement.alias("any_of")
    last = select(func.max(any_of.c.revision)).where(any_of.c.article_id == article.c.id).correlate(article)
    is_last = (judgement.c.article_id == article.c.id) & (judgement.c.revision == last.scalar_subquery())
    is_judged = (revision.c.article_id == article.c.id) & (revision.c.n == judgement.c.revision)
    return statement.select_from(article.join(judgement, is_last).join(revision, is_judged))


def count_judged(connection: Connection, wanted: Range) -> int:
    statement = _joined(select(func.count())).where(_chosen(wanted))
    return connection.execute(statement).scalar_one()


def count_without_text(connection: Connection, wanted: Range) -> int:
    """Of the range's articles those that cannot be judged again: their text is kept no more."""
    gone = (article.c.state == ArticleState.SETTLED) & article.c.text.is_(None)
    bounds = [gone]
    if wanted.since is not None:
        bounds.append(article.c.first_seen_at >= wanted.since)
    if wanted.feed_id is not None:
        bounds.append(article.c.feed_id == wanted.feed_id)
    return connection.execute(select(func.count()).select_from(article).where(*bounds)).scalar_one()


def judged_after(connection: Connection, wanted: Range, *, after: int, limit: int) -> list[Any]:
    """The next ones by id, with what was last said of them and the text it was said of."""
    statement = select(article, *(judgement.c[name] for name in SAID if name != "config_version"))
    statement = statement.add_columns(judgement.c.config_version.label("judged_version"))
    statement = statement.add_columns(judgement.c.judged_at, MADE_AT.label("made_at"))
    statement = statement.add_columns(judgement.c.revision.label("judged_revision"))
    statement = statement.add_columns(revision.c.title.label("judged_title"), revision.c.text.label("judged_text"))
    statement = _joined(statement).where(_chosen(wanted), article.c.id > after)
    return list(connection.execute(statement.order_by(article.c.id).limit(limit)))


def save_again(
    connection: Connection, found: Sequence[tuple[Any, Judgement]], *, config_version: int | None, now: datetime
) -> list[tuple[Any, Judgement]]:
    """Keeps what was said beside what is said now; returns what was saved: not where another was faster.

    `config_version` is None where the judgement stays that of its own version and model, and only one answer is new.
    """
    held = _held(connection, [row.id for row, _ in found])
    saved = []
    for row, said in found:
        before = held.get((row.id, row.judged_revision))
        if before is None or before.made_at != row.made_at:
            continue
        _keep(connection, before)
        values = judgement_values(said) | {"config_version": config_version or before.config_version, "again_at": now}
        connection.execute(update(judgement).where(*_is(before)).values(**values))
        saved.append((row, said))
    return saved


def not_replaced(connection: Connection, rows: Sequence[Any]) -> frozenset[int]:
    """The articles of these rows whose judgement is still the one that was read."""
    held = _held(connection, [row.id for row in rows])
    found = ((row.id, row.made_at, held.get((row.id, row.judged_revision))) for row in rows)
    return frozenset(row_id for row_id, made_at, before in found if before is not None and before.made_at == made_at)


def _held(connection: Connection, article_ids: Sequence[int]) -> dict[tuple[int, int], Any]:
    statement = select(judgement, MADE_AT.label("made_at")).where(judgement.c.article_id.in_(article_ids))
    return {(row.article_id, row.revision): row for row in connection.execute(statement.with_for_update())}


def _is(row: Any) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return judgement.c.article_id == row.article_id, judgement.c.revision == row.revision


def _keep(connection: Connection, row: Any) -> None:
    mine = (former_judgement.c.article_id == row.article_id) & (former_judgement.c.revision == row.revision)
    count = connection.execute(select(func.count()).select_from(former_judgement).where(mine)).scalar_one()
    values = {name: getattr(row, name) for name in ("article_id", "revision", *SAID)}
    connection.execute(insert(former_judgement).values(**values, n=count + 1, judged_at=row.made_at))


def find_config_version(connection: Connection, digest: str) -> int | None:
    return connection.execute(select(config_version.c.id).where(config_version.c.hash == digest)).scalar()


def decided_rules(connection: Connection, article_ids: Sequence[int]) -> Mapping[int, set[str]]:
    """The rules of which something was decided already, by article."""
    found: dict[int, set[str]] = {article_id: set() for article_id in article_ids}
    statement = select(decision.c.article_id, decision.c.rule_id).where(decision.c.article_id.in_(article_ids))
    for row in connection.execute(statement):
        found[row.article_id].add(row.rule_id)
    return found


def decide_by(connection: Connection, article_ids: Sequence[int], *, config_version: int) -> None:
    """These rules have decided of the articles last."""
    if article_ids:
        connection.execute(update(article).where(article.c.id.in_(article_ids)).values(config_version=config_version))
