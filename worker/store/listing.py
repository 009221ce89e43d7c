"""The alerts as a list for people: how each stands, who has taken it, what kept it quiet, how its deliveries fare."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, func, select

from worker.store.schema import (
    alert,
    article,
    decision,
    delivery,
    feed,
    judgement,
    news,
    notification,
    revision,
    silence,
    story,
)

VERSIONS = 5  # of an article that are shown
LETTERS = 8_000  # of each one's text, in which an edit is looked for


@dataclass(frozen=True)
class Wanted:
    """Which alerts: every given condition holds. `untaken`: nobody has acknowledged them."""

    rules: Sequence[str] = ()
    severities: Sequence[str] = ()
    since: datetime | None = None
    untaken: bool = False
    silence: str | None = None


def list_alerts(connection: Connection, wanted: Wanted, *, limit: int) -> list[Any]:
    """The newest first; each with its story, the article that raised it, and the silence that kept it quiet if any."""
    statement = _alerts().order_by(alert.c.id.desc()).limit(limit)
    if wanted.rules:
        statement = statement.where(alert.c.rule_id.in_(wanted.rules))
    if wanted.severities:
        statement = statement.where(alert.c.severity.in_(wanted.severities))
    if wanted.since is not None:
        statement = statement.where(alert.c.raised_at >= wanted.since)
    if wanted.untaken:
        statement = statement.where(alert.c.acknowledged_at.is_(None))
    if wanted.silence is not None:
        kept = select(decision.c.alert_id).join(silence, silence.c.id == decision.c.silence_id)
        kept = kept.where(silence.c.public_id.startswith(wanted.silence, autoescape=True))
        statement = statement.where(alert.c.id.in_(kept))
    return list(connection.execute(statement))


def find_alert_row(connection: Connection, name: str) -> Any:
    """By its public id, or the beginning of it, at least six letters; None for no such one, or for several."""
    if len(name) < 6 or not name.isalnum():
        return None
    found = connection.execute(_alerts().where(alert.c.public_id.startswith(name, autoescape=True)).limit(2)).all()
    return found[0] if len(found) == 1 else None


def _alerts() -> Any:
    root = func.coalesce(story.c.merged_into, story.c.id).label("root")
    kept = (decision.c.alert_id == alert.c.id) & (decision.c.article_id == alert.c.article_id)
    statement = select(
        alert,
        root,
        story.c.public_id.label("story"),
        story.c.title.label("story_title"),
        article.c.title,
        article.c.url,
        article.c.published_at,
        article.c.first_seen_at,
        article.c.feed_id,
        article.c.outlet,
        feed.c.title.label("source"),
        silence.c.public_id.label("silence"),
        told_with(),
    )
    statement = statement.join(story, story.c.id == alert.c.story_id).join(article, article.c.id == alert.c.article_id)
    statement = statement.join(feed, feed.c.id == article.c.feed_id)
    statement = statement.outerjoin(decision, kept & decision.c.silence_id.is_not(None))
    return statement.outerjoin(silence, silence.c.id == decision.c.silence_id)


def told_with() -> Any:
    """The public id of the alert whose message told of this one along; null where it has deliveries of its own."""
    own, other, carrier = notification.alias(), notification.alias(), alert.alias()
    found = select(carrier.c.public_id).join(other, other.c.alert_id == carrier.c.id)
    found = found.join(own, own.c.carried_by == other.c.id).where(own.c.alert_id == alert.c.id)
    said = notification.alias()
    sent = exists().where(delivery.c.notification_id == said.c.id, said.c.alert_id == alert.c.id)
    found = found.where(~sent.correlate(alert))
    return found.order_by(own.c.n.desc()).limit(1).correlate(alert).scalar_subquery().label("told_with")


def delivery_states(connection: Connection, alert_ids: Collection[int]) -> Mapping[int, Counter[str]]:
    """How many deliveries of each alert are in which state."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    if alert_ids:
        statement = select(notification.c.alert_id, delivery.c.state, func.count().label("n"))
        statement = statement.join(delivery, delivery.c.notification_id == notification.c.id)
        statement = statement.where(notification.c.alert_id.in_(alert_ids))
        for row in connection.execute(statement.group_by(notification.c.alert_id, delivery.c.state)):
            counts[row.alert_id][row.state] = row.n
    return counts


@dataclass(frozen=True)
class AlertStory:
    """What an alert says in full: its story's first articles, of how many, the versions of those that were edited, its
    messages, the news of each, and when it was analysed."""

    members: Sequence[Any]
    versions: Mapping[int, Sequence[Any]]
    total: int
    messages: Sequence[Any]
    news: Mapping[int | None, Sequence[Any]]  # by the message that told of it; None: it waits
    analysed_at: datetime | None


def _versions(connection: Connection, edited: Sequence[int]) -> Mapping[int, Sequence[Any]]:
    """The last VERSIONS of each of these articles, the oldest first; of the text the beginning."""
    found: dict[int, list[Any]] = defaultdict(list)
    if edited:
        text = func.substr(revision.c.text, 1, LETTERS).label("text")
        columns = (revision.c.article_id, revision.c.n, revision.c.title, revision.c.seen_at, text)
        asked = select(*columns).where(revision.c.article_id.in_(edited)).order_by(revision.c.article_id, revision.c.n)
        asked = asked.join(article, article.c.id == revision.c.article_id)
        for row in connection.execute(asked.where(revision.c.n > article.c.revision - VERSIONS)):
            found[row.article_id].append(row)
    return found


def read_alert_story(connection: Connection, row: Any, *, limit: int) -> AlertStory:
    own = select(news).where(news.c.alert_id == row.id).order_by(news.c.id)
    found = defaultdict(list)
    for one in connection.execute(own):
        found[one.notification_id].append(one)
    of_story = (story.c.id == row.root) | (story.c.merged_into == row.root)
    members = (
        select(article, feed.c.title.label("source"))
        .join(story, story.c.id == article.c.story_id)
        .join(feed, feed.c.id == article.c.feed_id)
        .where(of_story)
        .order_by(article.c.id)
        .limit(limit)
    )
    total = select(func.count()).select_from(article).join(story, story.c.id == article.c.story_id).where(of_story)
    told_by = (notification.c.id, notification.c.carried_by)
    first_sent = select(func.min(delivery.c.sent_at)).where(delivery.c.notification_id.in_(told_by))
    messages = select(notification, first_sent.scalar_subquery().label("sent_at")).where(
        notification.c.alert_id == row.id
    )
    judged = select(func.min(judgement.c.judged_at)).where(judgement.c.article_id == row.article_id)
    shown = list(connection.execute(members))
    return AlertStory(
        members=shown,
        versions=_versions(connection, [one.id for one in shown if one.revision > 1]),
        total=connection.execute(total).scalar_one(),
        messages=list(connection.execute(messages.order_by(notification.c.n))),
        news=found,
        analysed_at=connection.execute(judged).scalar(),
    )
