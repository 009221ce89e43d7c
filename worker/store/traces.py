"""Everything on record about one article, for `explain`: found by its id or its address. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from worker.model import KeyKind
from worker.store.engine import Store
from worker.store.schema import (
    alert,
    article,
    article_key,
    attempt,
    config_version,
    decision,
    delivery,
    denial,
    feed,
    former_judgement,
    hold,
    judgement,
    news,
    notification,
    page,
    poll,
    revision,
    silence,
    story,
    story_change,
)


@dataclass(frozen=True)
class Trace:
    """Rows, each None or empty where there is none (yet, or any more). `hold` keeps it, or kept it; `former` is what
    was said of the judged revision before, the first first; `config` is the version that settled it, or judged it;
    `denials` what analysts said of its mentions; `story` the one that it is part of now; `first` the article that it
    copies; `grown` the story's articles as they came, `changes` what became of it; `decisions` what became of the
    rules that fired on it; `alerts` those of its story, `notifications` theirs, `news` what it brought them."""

    article: Any
    feed: Any
    poll: Any
    hold: Any
    page: Any
    revisions: Sequence[Any]
    judgement: Any
    former: Sequence[Any]
    denials: Sequence[Any]
    config: Any
    story: Any
    grown: Sequence[Any]
    changes: Sequence[Any]
    first: Any
    decisions: Sequence[Any]
    alerts: Sequence[Any]
    notifications: Sequence[Any]
    news: Sequence[Any]
    deliveries: Sequence[Any]
    attempts: Sequence[Any]


def find_articles(store: Store, *, public_id: str, link: str) -> list[int]:
    """The articles of this id, or else of this canonical address in any feed, the first seen first."""
    with store.reading() as connection:
        found = connection.execute(select(article.c.id).where(article.c.public_id == public_id)).scalars().all()
        if found or not link:
            return list(found)
        # Feed by feed: the keys are indexed under their feeds.
        keys = select(article_key.c.article_id).where(
            article_key.c.feed_id.in_(select(feed.c.id)),
            article_key.c.kind == KeyKind.LINK,
            article_key.c.value == link,
        )
        return sorted(set(connection.execute(keys).scalars()))


def read_trace(store: Store, article_id: int) -> Trace:
    with store.reading() as connection:
        row = connection.execute(select(article).where(article.c.id == article_id)).one()
        judged = _last(connection, select(judgement).where(judgement.c.article_id == article_id), judgement.c.revision)
        root = _root(connection, row.story_id)
        alerts = _alerts(connection, root)
        ids = [one.id for one in alerts]
        deliveries = _deliveries(connection, ids)
        version = row.config_version or (judged.config_version if judged else None)
        return Trace(
            article=row,
            feed=_one(connection, select(feed).where(feed.c.id == row.feed_id)),
            poll=_one(connection, select(poll).where(poll.c.feed_id == row.feed_id, poll.c.at == row.first_seen_at)),
            hold=_one(connection, select(hold).where(hold.c.id == row.hold_id)),
            page=_one(connection, select(page).where(page.c.article_id == article_id)),
            revisions=_all(
                connection, select(revision).where(revision.c.article_id == article_id).order_by(revision.c.n)
            ),
            judgement=judged,
            former=_former(connection, judged),
            denials=_all(connection, select(denial).where(denial.c.article_id == article_id).order_by(denial.c.id)),
            config=_one(connection, select(config_version).where(config_version.c.id == version)),
            story=_one(connection, select(story).where(story.c.id == root)),
            grown=_grown(connection, root),
            changes=_changes(connection, root),
            first=_one(connection, select(article).where(article.c.id == row.duplicate_of)),
            decisions=_decisions(connection, article_id),
            alerts=alerts,
            notifications=_all(connection, _notifications(ids)),
            news=_all(connection, select(news).where(news.c.article_id == article_id).order_by(news.c.id)),
            deliveries=deliveries,
            attempts=_attempts(connection, [one.id for one in deliveries]),
        )


def _former(connection: Connection, judged: Any) -> list[Any]:
    if judged is None or judged.again_at is None:
        return []
    mine = former_judgement.c.article_id == judged.article_id, former_judgement.c.revision == judged.revision
    return _all(connection, select(former_judgement).where(*mine).order_by(former_judgement.c.n))


def _root(connection: Connection, story_id: int | None) -> int | None:
    """The story that this one is part of now."""
    root = func.coalesce(story.c.merged_into, story.c.id)
    return connection.execute(select(root).where(story.c.id == story_id)).scalar()


def _part_of(root: int | None) -> ColumnElement[bool]:
    return (story.c.id == root) | (story.c.merged_into == root)


def _grown(connection: Connection, root: int | None) -> list[Any]:
    """The articles of a story in order of arrival, with the language of each."""
    names = ("public_id", "feed_id", "first_seen_at", "duplicate_of", "relays")
    statement = select(*(article.c[name] for name in names), judgement.c.language)
    statement = statement.join(story, story.c.id == article.c.story_id)
    last = (judgement.c.article_id == article.c.id) & (judgement.c.revision == article.c.revision)
    return _all(connection, statement.outerjoin(judgement, last).where(_part_of(root)).order_by(article.c.id))


def _changes(connection: Connection, root: int | None) -> list[Any]:
    """What became of a story, with the other's headline, the first first."""
    mine, other = story_change.c.story_id == root, story_change.c.other_id == root
    named = case((mine, story_change.c.other_id), else_=story_change.c.story_id)
    statement = select(story_change, story.c.title.label("other"), mine.label("mine")).join(story, story.c.id == named)
    return _all(connection, statement.where(mine | other).order_by(story_change.c.id))


def _alerts(connection: Connection, root: int | None) -> list[Any]:
    """With the public id and headline of the article that raised each."""
    raiser = select(alert, article.c.public_id.label("raiser"), article.c.title.label("raiser_title"))
    statement = raiser.join(article, article.c.id == alert.c.article_id).join(story, story.c.id == alert.c.story_id)
    return _all(connection, statement.where(_part_of(root)).order_by(alert.c.id))


def _decisions(connection: Connection, article_id: int) -> list[Any]:
    """With the public ids of the alert and of the silence that each is about, and who made that."""
    statement = select(decision, alert.c.public_id.label("alert"), silence.c.public_id.label("silence"))
    statement = statement.add_columns(silence.c.author, silence.c.kind.label("silence_kind"), silence.c.value)
    statement = statement.outerjoin(alert, alert.c.id == decision.c.alert_id)
    statement = statement.outerjoin(silence, silence.c.id == decision.c.silence_id)
    return _all(connection, statement.where(decision.c.article_id == article_id))


def _notifications(alert_ids: Sequence[int]) -> Any:
    """With the alert that told of each along, where one did."""
    other = notification.alias("other")
    carrier = alert.alias("carrier")
    statement = select(notification, carrier.c.public_id.label("carrier"))
    statement = statement.outerjoin(other, other.c.id == notification.c.carried_by)
    statement = statement.outerjoin(carrier, carrier.c.id == other.c.alert_id)
    return statement.where(notification.c.alert_id.in_(alert_ids)).order_by(notification.c.alert_id, notification.c.n)


def _deliveries(connection: Connection, alert_ids: Sequence[int]) -> list[Any]:
    columns = [column for column in delivery.c if column.name != "body"]
    statement = select(*columns, notification.c.alert_id, notification.c.n.label("revision"))
    statement = statement.join(notification, notification.c.id == delivery.c.notification_id)
    return _all(connection, statement.where(notification.c.alert_id.in_(alert_ids)).order_by(delivery.c.id))


def _attempts(connection: Connection, delivery_ids: Sequence[int]) -> list[Any]:
    statement = select(attempt).where(attempt.c.delivery_id.in_(delivery_ids))
    return _all(connection, statement.order_by(attempt.c.delivery_id, attempt.c.n))


def _one(connection: Connection, statement: Any) -> Any:
    return connection.execute(statement).first()


def _all(connection: Connection, statement: Any) -> list[Any]:
    return list(connection.execute(statement))


def _last(connection: Connection, statement: Any, column: Any) -> Any:
    return connection.execute(statement.order_by(column.desc()).limit(1)).first()
