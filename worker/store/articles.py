"""Articles on their way: claimed for analysis, judged, settled into a story. Old text is dropped by retention."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, bindparam, insert, select, update

from worker.metrics import JUDGEMENTS, TOPIC_MATCHES, Counts
from worker.model import ArticleState, ArticleText, Judgement, JudgementNote, Mention, Span, TopicScore
from worker.store.engine import Store, read_clock
from worker.store.lease import MAX_ATTEMPTS, Claim, Claimable, claim_rows
from worker.store.schema import article, judgement, revision
from worker.store.stories import drop_prints
from worker.store.tallies import count


def is_unjudged() -> ColumnElement[bool]:
    """Waits for analysis, and has not failed too often."""
    return article.c.state.in_((ArticleState.NEW, ArticleState.ANALYSING)) & (article.c.attempts < MAX_ATTEMPTS)


def is_judged() -> ColumnElement[bool]:
    """Waits for its story."""
    return article.c.state == ArticleState.JUDGED


def is_open() -> ColumnElement[bool]:
    """Has not come to its end yet."""
    return article.c.state.in_((ArticleState.AWAITING, ArticleState.NEW, ArticleState.ANALYSING, ArticleState.JUDGED))


READ_TOGETHER = 200  # texts
NEW_ARTICLES = Claimable(
    article,
    looks=(is_unjudged(),),
    # By its index, and "analysing" before "new": the retried must not wait behind a flood.
    order=(article.c.state, article.c.id),
    values={"state": ArticleState.ANALYSING},
)
FREE_JUDGED = (
    update(article)
    .where(article.c.id.in_(bindparam("ids", expanding=True)), article.c.lease_token == bindparam("token"))
    .values(state=ArticleState.JUDGED, attempts=0, lease_token=None, lease_until=None)
    .returning(article.c.id)
)
WAITING_JUDGED = (
    select(article, judgement.c.language, judgement.c.topics, judgement.c.mentions, judgement.c.model_id)
    .add_columns(judgement.c.watchlist, judgement.c.notes)
    .add_columns(judgement.c.judged_at, judgement.c.revision.label("judged_revision"))
    .add_columns(revision.c.title.label("judged_title"), revision.c.text.label("judged_text"))
    .join(judgement, judgement.c.article_id == article.c.id)
    .join(revision, (revision.c.article_id == article.c.id) & (revision.c.n == judgement.c.revision))
    .where(is_judged())
    .order_by(article.c.id)
    .limit(bindparam("limit", type_=Integer))
)


def claim_new_articles(store: Store, *, limit: int, lease: timedelta) -> Claim:
    return claim_rows(store, NEW_ARTICLES, limit=limit, lease=lease)


def save_judgements(
    store: Store, claim: Claim, judged: Sequence[tuple[Any, Judgement]], *, config_version: int
) -> list[int]:
    """Saves what this claim judged; returns the ids saved. A row whose lease went to another is left to the other."""
    found = {row.id: (row, result) for row, result in judged}
    with store.writing() as connection:
        now = read_clock(connection)
        saved = list(connection.execute(FREE_JUDGED, {"ids": list(found), "token": claim.token}).scalars())
        rows = [
            dict(
                article_id=article_id,
                revision=found[article_id][0].revision,
                **judgement_values(found[article_id][1]),
                config_version=config_version,
                judged_at=now,
            )
            for article_id in saved
        ]
        if rows:
            connection.execute(insert(judgement), rows)
        count(connection, _counted([found[article_id][1] for article_id in saved]))
    return saved


def _counted(judged: Sequence[Judgement]) -> Counts:
    matched = Counter(TOPIC_MATCHES.of(topic.id) for result in judged for topic in result.topics if topic.match)
    return {JUDGEMENTS.of(): len(judged), **matched}


def judgement_values(result: Judgement) -> dict[str, Any]:
    return dict(
        language=result.language,
        topics=[asdict(topic) for topic in result.topics],
        mentions=[asdict(mention) for mention in result.mentions],
        model_id=result.model_id,
        watchlist=result.watchlist,
        notes=[*result.notes],
    )


def judged_articles(connection: Connection, *, limit: int, only: int | None = None) -> list[Any]:
    """The articles that wait for the serial step, in arrival order, with the judgement of their judged revision.

    `only`: the one with this id, if it waits.
    """
    statement = WAITING_JUDGED if only is None else WAITING_JUDGED.where(article.c.id == only)
    return list(connection.execute(statement, {"limit": limit}))


def read_judgement(row: Any) -> Judgement:
    """A stored judgement as the type that the pure steps take."""
    return Judgement(
        language=row.language,
        topics=tuple(_read_topic(topic) for topic in row.topics),
        mentions=tuple(Mention(**mention) for mention in row.mentions),
        model_id=row.model_id,
        watchlist=row.watchlist,
        notes=tuple(map(JudgementNote, row.notes)),
    )


def _read_topic(stored: Mapping[str, Any]) -> TopicScore:
    spans = tuple(Span(*span) for span in stored.get("spans", ()))
    return TopicScore(**{**stored, "evidence": tuple(stored["evidence"]), "spans": spans})


def newest_texts(store: Store, *, limit: int) -> Iterator[ArticleText]:
    """The newest articles that still have their text, a few hundred a transaction: no reader holds up the WAL."""
    last: int | None = None
    while limit > 0:
        statement = select(article.c.id, article.c.public_id, article.c.title, article.c.text, article.c.feed_id)
        statement = statement.where(article.c.text.is_not(None)).order_by(article.c.id.desc())
        if last is not None:
            statement = statement.where(article.c.id < last)
        with store.reading() as connection:
            rows = list(connection.execute(statement.limit(min(limit, READ_TOGETHER))))
        for row in rows:
            yield ArticleText(id=row.public_id, title=row.title, text=row.text, source=row.feed_id)
        if not rows:
            return
        last, limit = rows[-1].id, limit - len(rows)


def count_failure(connection: Connection, article_id: int) -> bool:
    """Counts a failed try to settle an article that still waits; True when that was the last, and it is parked."""
    waits = (article.c.id == article_id) & is_judged()
    counted = update(article).where(waits).values(attempts=article.c.attempts + 1).returning(article.c.attempts)
    attempts = connection.execute(counted).scalar()
    if attempts is None or attempts < MAX_ATTEMPTS:
        return False
    connection.execute(update(article).where(waits).values(state=ArticleState.QUARANTINED))
    return True


def quarantine_exhausted(connection: Connection, *, now: datetime) -> list[Any]:
    """Parks the articles whose every attempt killed or outlived its worker. Returns their rows, for the operator."""
    statement = (
        update(article)
        .where(
            article.c.state == ArticleState.ANALYSING, article.c.attempts >= MAX_ATTEMPTS, article.c.lease_until < now
        )
        .values(state=ArticleState.QUARANTINED, lease_token=None, lease_until=None)
        .returning(article.c.public_id, article.c.title, article.c.feed_id)
    )
    return list(connection.execute(statement))


def drop_old_text(connection: Connection, *, before: datetime, limit: int) -> int:
    """Retention: forgets text first seen before `before`, in batches: ingestion never waits. Returns how many."""
    old = select(article.c.id).where(article.c.first_seen_at < before, article.c.text.is_not(None)).limit(limit)
    ids = list(connection.execute(old).scalars())
    if ids:
        connection.execute(update(article).where(article.c.id.in_(ids)).values(text=None))
        connection.execute(update(revision).where(revision.c.article_id.in_(ids)).values(text=None, feed_text=None))
        drop_prints(connection, ids)
    return len(ids)
