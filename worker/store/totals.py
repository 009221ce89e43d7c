"""What a store holds as a whole: counts, refused polls, alerts with their stories. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from worker.model import ArticleState
from worker.store.articles import is_open
from worker.store.schema import alert, article, feed, news, notification, poll, revision, story


@dataclass(frozen=True)
class AlertsFound:
    """`alerts` in the order in which they were raised, each with the story that it is part of now; `articles` are those
    of their stories; `updates` what was told of each later, and when."""

    alerts: Sequence[Any]
    articles: Sequence[Any]
    updates: Sequence[Any]


def count_all(connection: Connection) -> dict[str, int]:
    """feeds, polls, entries (as read, again at each poll that showed them), articles, and what became of them."""

    def one(statement: Any) -> int:
        return int(connection.execute(statement).scalar_one() or 0)

    def articles(*conditions: Any) -> int:
        return one(select(func.count()).select_from(article).where(*conditions))

    return {
        "feeds": one(select(func.count()).select_from(feed)),
        "polls": one(select(func.count()).select_from(poll)),
        "entries": one(select(func.sum(poll.c.seen))),
        "skipped_entries": one(select(func.sum(poll.c.skipped))),
        "articles": articles(),
        "edits": one(select(func.count()).select_from(revision).where(revision.c.n > 1)),
        "baseline": articles(article.c.baseline),
        "duplicates": articles(article.c.duplicate_of.is_not(None)),
        "held": articles(article.c.state == ArticleState.HELD),
        "quarantined": articles(article.c.state == ArticleState.QUARANTINED),
        "unsettled": count_unsettled(connection),
        "stories": one(select(func.count()).select_from(story).where(story.c.merged_into.is_(None))),
    }


def count_unsettled(connection: Connection) -> int:
    """The articles that wait to be judged, or to join their story."""
    return connection.execute(select(func.count()).where(is_open())).scalar_one()


def quarantined_articles(connection: Connection) -> list[Any]:
    """The articles that were parked, in their order of arrival."""
    columns = (article.c[name] for name in ("feed_id", "title", "url", "published_at", "first_seen_at"))
    parked = article.c.state == ArticleState.QUARANTINED
    return list(connection.execute(select(*columns).where(parked).order_by(article.c.id)))


def refused_polls(connection: Connection) -> list[Any]:
    """The polls that failed, in order of time."""
    statement = select(poll.c.feed_id, poll.c.at, poll.c.reason).where(poll.c.outcome == "failed")
    return list(connection.execute(statement.order_by(poll.c.id)))


def alerts_with_stories(connection: Connection) -> AlertsFound:
    root = func.coalesce(story.c.merged_into, story.c.id)
    alerts = select(alert, story.c.title, story.c.first_seen_at, root.label("root"))
    alerts = alerts.join(story, story.c.id == alert.c.story_id)
    told = select(root).join(alert, alert.c.story_id == story.c.id)
    columns = "id feed_id title url canonical_url published_at first_seen_at duplicate_of relays".split()
    members = select(*(article.c[name] for name in columns), root.label("root"))
    members = members.join(story, story.c.id == article.c.story_id).where(root.in_(told))
    updates = select(notification.c.alert_id, notification.c.created_at, news.c.words)
    updates = updates.join(news, news.c.notification_id == notification.c.id)
    return AlertsFound(
        alerts=list(connection.execute(alerts.order_by(alert.c.id))),
        articles=list(connection.execute(members.order_by(article.c.id))),
        updates=list(connection.execute(updates.order_by(notification.c.id, news.c.id))),
    )
