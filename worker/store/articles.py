"""Articles on their way: claimed for analysis, judged, settled into a story. Old text is dropped by retention."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, insert, select, update

from worker.articles.stories import StoryKey
from worker.metrics import JUDGEMENTS, TOPIC_MATCHES, Counts
from worker.model import ArticleState, Judgement, Mention, TopicScore
from worker.store.engine import Store, read_clock
from worker.store.lease import MAX_ATTEMPTS, Claim, claim_rows, new_token
from worker.store.schema import article, judgement, revision, story, story_key
from worker.store.tallies import count

# Made once: building a statement costs more than running it, and the serial step runs these for each article.
# Kinds and values apart, the pairs sorted out here: for pairs of them SQLite would read the whole table.
HELD_KEYS = select(story_key).where(
    story_key.c.kind.in_(bindparam("kinds", expanding=True)), story_key.c.value.in_(bindparam("values", expanding=True))
)
MERGED_INTO = select(story.c.merged_into).where(story.c.id == bindparam("story"))
OPEN_STORY = insert(story).returning(story.c.id)
SETTLE = update(article).where(article.c.id == bindparam("settled"))


def is_unjudged() -> ColumnElement[bool]:
    """Waits for analysis, and has not failed too often."""
    return article.c.state.in_((ArticleState.NEW, ArticleState.ANALYSING)) & (article.c.attempts < MAX_ATTEMPTS)


def is_judged() -> ColumnElement[bool]:
    """Waits for its story."""
    return article.c.state == ArticleState.JUDGED


def is_open() -> ColumnElement[bool]:
    """Has not come to its end yet."""
    return article.c.state.in_((ArticleState.NEW, ArticleState.ANALYSING, ArticleState.JUDGED))


def claim_new_articles(store: Store, *, limit: int, lease: timedelta) -> Claim:
    return claim_rows(
        store,
        article,
        limit=limit,
        lease=lease,
        looks=lambda now: (is_unjudged(),),
        values={"state": ArticleState.ANALYSING},
        # By its index, and "analysing" before "new": the retried must not wait behind a flood.
        order=(article.c.state, article.c.id),
    )


def save_judgements(
    store: Store, claim: Claim, judged: Sequence[tuple[Any, Judgement]], *, config_version: int
) -> list[int]:
    """Saves what this claim judged; returns the ids saved. A row whose lease went to another is left to the other."""
    found = {row.id: (row, result) for row, result in judged}
    with store.writing() as connection:
        now = read_clock(connection)
        values = dict(state=ArticleState.JUDGED, attempts=0, lease_token=None, lease_until=None)
        ours = article.c.id.in_(list(found)) & (article.c.lease_token == claim.token)
        saved = list(connection.execute(update(article).where(ours).values(**values).returning(article.c.id)).scalars())
        rows = [
            dict(
                article_id=article_id,
                revision=found[article_id][0].revision,
                **_judgement_values(found[article_id][1]),
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


def _judgement_values(result: Judgement) -> dict[str, Any]:
    return dict(
        language=result.language,
        topics=[asdict(topic) for topic in result.topics],
        mentions=[asdict(mention) for mention in result.mentions],
        model_id=result.model_id,
    )


def judged_articles(connection: Connection, *, limit: int) -> list[Any]:
    """The articles that wait for the serial step, in arrival order, with the judgement of their judged revision."""
    statement = (
        select(article, judgement.c.language, judgement.c.topics, judgement.c.mentions, judgement.c.model_id)
        .add_columns(judgement.c.judged_at, judgement.c.revision.label("judged_revision"))
        .add_columns(revision.c.title.label("judged_title"), revision.c.text.label("judged_text"))
        .join(judgement, judgement.c.article_id == article.c.id)
        .join(revision, (revision.c.article_id == article.c.id) & (revision.c.n == judgement.c.revision))
        .where(is_judged())
        .order_by(article.c.id)
        .limit(limit)
    )
    return list(connection.execute(statement))


def read_judgement(row: Any) -> Judgement:
    """A stored judgement as the type that the pure steps take."""
    topics = tuple(TopicScore(**{**topic, "evidence": tuple(topic["evidence"])}) for topic in row.topics)
    mentions = tuple(Mention(**mention) for mention in row.mentions)
    return Judgement(language=row.language, topics=topics, mentions=mentions, model_id=row.model_id)


HeldKeys = Mapping[StoryKey, Any]


def held_keys(connection: Connection, keys: Sequence[StoryKey]) -> HeldKeys:
    """Those of these keys that some story holds, with their rows."""
    if not keys:
        return {}
    rows = connection.execute(HELD_KEYS, {"kinds": [key.kind for key in keys], "values": [key.value for key in keys]})
    return {key: row for row in rows if (key := StoryKey(row.kind, row.value)) in keys}


def find_story(
    connection: Connection, keys: Iterable[StoryKey], held: HeldKeys, *, seen_at: datetime
) -> tuple[int, int] | None:
    """The (story, first article) that holds one of these keys at `seen_at`, strongest key first; else None."""
    for key in keys:
        row = held.get(key)
        if row is not None and key.finds(last_seen=row.last_seen_at, at=seen_at):
            return _resolve(connection, row.story_id), row.article_id
    return None


def _resolve(connection: Connection, story_id: int) -> int:
    while True:
        merged = connection.execute(MERGED_INTO, {"story": story_id}).scalar_one()
        if merged is None:
            return story_id
        story_id = merged


def open_story(connection: Connection, *, title: str, first_seen_at: datetime) -> int:
    values = dict(public_id=new_token(), title=title, first_seen_at=first_seen_at)
    return connection.execute(OPEN_STORY, values).scalar_one()


def settle_article(
    connection: Connection,
    article_id: int,
    *,
    story_id: int,
    duplicate_of: int | None,
    keys: Iterable[StoryKey],
    held: HeldKeys,
    seen_at: datetime,
    config_version: int,
    now: datetime,
) -> None:
    """Puts the article into its story, and adds or refreshes the keys by which later articles will find it."""
    fresh = []
    for key in keys:
        row = held.get(key)
        ours = dict(story_id=story_id, article_id=article_id, last_seen_at=seen_at)
        if row is None:
            fresh.append(dict(kind=key.kind, value=key.value, **ours))
            continue
        if key.finds(last_seen=row.last_seen_at, at=seen_at):
            ours = dict(last_seen_at=max(seen_at, row.last_seen_at))
        this = (story_key.c.kind == key.kind) & (story_key.c.value == key.value)
        connection.execute(update(story_key).where(this).values(**ours))
    if fresh:
        connection.execute(insert(story_key), fresh)
    values = dict(story_id=story_id, duplicate_of=duplicate_of, settled_at=now, config_version=config_version)
    connection.execute(SETTLE, {"settled": article_id, "state": ArticleState.SETTLED, **values})


def count_failure(connection: Connection, article_id: int) -> bool:
    """Counts a failed try to settle a judged article; True when that was the last, and it is parked."""
    counted = update(article).where(article.c.id == article_id).values(attempts=article.c.attempts + 1)
    attempts = connection.execute(counted.returning(article.c.attempts)).scalar_one()
    if attempts < MAX_ATTEMPTS:
        return False
    parked = update(article).where(article.c.id == article_id).values(state=ArticleState.QUARANTINED)
    connection.execute(parked)
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
        connection.execute(update(revision).where(revision.c.article_id.in_(ids)).values(text=None))
    return len(ids)
