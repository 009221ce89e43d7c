"""What happened since the last look, for who watches: polls, articles, alerts, ended deliveries. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from worker.model import ArticleState, DeliveryState
from worker.store.engine import Connection, Store
from worker.store.schema import EPOCH, alert, article, delivery, feed, judgement, notification, poll, revision

ENDED = (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.ABANDONED)


@dataclass
class Watcher:
    """Each `look` yields (kind, row) of what is new since the last, in the order of its kind's clock.

    An instant may hold several rows and is looked at again, so what was shown is remembered by id.
    """

    store: Store
    since: dict[str, datetime] = field(default_factory=dict)
    shown: set[tuple[Any, ...]] = field(default_factory=set)

    def look(self) -> Iterator[tuple[str, Any]]:
        with self.store.reading() as connection:
            found = [(kind, row) for kind, query in QUERIES.items() for row in self._new(connection, kind, query)]
        yield from sorted(found, key=lambda item: item[1].at)

    def _new(self, connection: Connection, kind: str, query: Any) -> Iterator[Any]:
        for row in connection.execute(query(self.since.get(kind, EPOCH))):
            self.since[kind] = max(self.since.get(kind, EPOCH), row.at)
            if (kind, row.key) not in self.shown:
                self.shown.add((kind, row.key))
                yield row


def _polls(since: datetime) -> Select[Any]:
    statement = select(poll.c.id.label("key"), poll.c.at, poll.c.feed_id, poll.c.outcome, poll.c.reason, poll.c.new)
    statement = statement.add_columns(poll.c.seen, poll.c.changed, feed.c.title, feed.c.detail, feed.c.baseline_at)
    return statement.join(feed, feed.c.id == poll.c.feed_id).where(poll.c.at >= since).order_by(poll.c.at)


def _articles(since: datetime) -> Select[Any]:
    statement = select(article.c.id.label("key"), article.c.settled_at.label("at"), article.c.title, article.c.feed_id)
    statement = statement.add_columns(article.c.baseline, article.c.duplicate_of, judgement.c.topics)
    statement = statement.add_columns(judgement.c.mentions, judgement.c.language)
    statement = statement.join(judgement, judgement.c.article_id == article.c.id)
    return statement.where(article.c.settled_at >= since).order_by(article.c.settled_at)


def _alerts(since: datetime) -> Select[Any]:
    statement = select(alert.c.id.label("key"), alert.c.raised_at.label("at"), alert.c.rule_id, alert.c.severity)
    statement = statement.add_columns(alert.c.because, revision.c.title)
    statement = statement.join(revision, (revision.c.article_id == alert.c.article_id) & (revision.c.n == 1))
    return statement.where(alert.c.raised_at >= since).order_by(alert.c.raised_at)


def _deliveries(since: datetime) -> Select[Any]:
    at = func.coalesce(delivery.c.sent_at, delivery.c.created_at, type_=delivery.c.created_at.type)
    statement = select(delivery.c.id.label("key"), at.label("at"), delivery.c.channel, delivery.c.recipient)
    statement = statement.add_columns(delivery.c.state, delivery.c.subject, delivery.c.reason, delivery.c.detail)
    statement = statement.add_columns(notification.c.created_at, notification.c.kind)
    statement = statement.join(notification, notification.c.id == delivery.c.notification_id)
    return statement.where(delivery.c.state.in_(ENDED), at >= since).order_by(at)


QUERIES = {"poll": _polls, "article": _articles, "alert": _alerts, "delivery": _deliveries}


def all_settled(store: Store) -> bool:
    """True when no article waits for analysis or its story, and no delivery waits to be sent."""
    open_articles = select(func.count()).where(
        article.c.state.in_((ArticleState.NEW, ArticleState.ANALYSING, ArticleState.JUDGED))
    )
    open_deliveries = select(func.count()).where(delivery.c.state.in_((DeliveryState.PENDING, DeliveryState.SENDING)))
    with store.reading() as connection:
        return not any(connection.execute(statement).scalar_one() for statement in (open_articles, open_deliveries))
