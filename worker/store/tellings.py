"""What there is to tell: the decisions on articles, the news of alerts, and the alerts whose next message is due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, exists, func, insert, or_, select, update

from worker.alerts.timing import REMINDER
from worker.articles.prints import TEXT_LETTERS
from worker.model import News, NewsKind, Silence, SilenceKind
from worker.store.schema import alert, article, decision, judgement, news, notification, revision, story


@dataclass(frozen=True)
class Decided:
    """What became of a rule that fired on an article. `words`: why it fired."""

    article_id: int
    rule_id: str
    reason: str
    words: str
    severity: str
    alert_id: int | None = None
    silence_id: int | None = None


def save_decisions(connection: Connection, decided: Sequence[Decided], *, now: datetime) -> None:
    if decided:
        connection.execute(insert(decision), [vars(one) | {"at": now} for one in decided])


def is_kept_by(connection: Connection, alert_id: int, silence_ids: Collection[int]) -> bool:
    """Whether an article of this alert was kept quiet by one of these silences."""
    kept = decision.c.silence_id.in_(silence_ids) & (decision.c.alert_id == alert_id)
    return bool(silence_ids) and connection.execute(select(exists().where(kept))).scalar_one()


def silence_decision(connection: Connection, *, article_id: int, rule_id: str, silence_id: int) -> None:
    """Of an alert that was silenced before its first message went out."""
    this = (decision.c.article_id == article_id) & (decision.c.rule_id == rule_id)
    connection.execute(update(decision).where(this).values(reason="silenced", silence_id=silence_id))


def save_news(connection: Connection, *, alert_id: int, article_id: int, found: Iterable[News], now: datetime) -> None:
    """It waits for the alert's next message."""
    rows = [
        dict(alert_id=alert_id, article_id=article_id, kind=one.kind, words=one.words, at=now, notification_id=None)
        for one in found
    ]
    if rows:
        connection.execute(insert(news), rows)


def take_back_news(connection: Connection, *, alert_id: int, kind: NewsKind) -> None:
    """What waits of this kind is overtaken: it is told no more."""
    waits = (news.c.alert_id == alert_id) & (news.c.kind == kind) & news.c.notification_id.is_(None)
    connection.execute(delete(news).where(waits))


def note_told(connection: Connection, news_ids: Collection[int], *, notification_id: int) -> None:
    if news_ids:
        connection.execute(update(news).where(news.c.id.in_(news_ids)).values(notification_id=notification_id))


def due_alerts(connection: Connection, *, now: datetime, limit: int, only: Collection[int] | None = None) -> list[Any]:
    """Those whose next message is due, in the order of their dues; with the public id, headline and first sight of the
    story on which each was raised, the story that it is part of now, the number of its messages so far, the first one's
    subject, and whether an `elder` alert of its rule, as grave and taken by nobody, tells of that story too: from
    before stories merged."""
    root = func.coalesce(story.c.merged_into, story.c.id).label("root")
    of_story = (story.c.public_id.label("story"), story.c.title.label("story_title"), story.c.first_seen_at, root)
    said = select(func.count()).where(notification.c.alert_id == alert.c.id).scalar_subquery().label("said")
    of_messages = (said, _last_kind(), _first_subject(), _has_elder(root))
    statement = select(alert, *of_story, *of_messages).join(story, story.c.id == alert.c.story_id)
    statement = statement.where(alert.c.tell_at <= now)
    if only is not None:
        statement = statement.where(alert.c.id.in_(only))
    return list(connection.execute(statement.order_by(alert.c.tell_at, alert.c.id).limit(limit)))


def _last_kind() -> Any:
    last = select(notification.c.kind).where(notification.c.alert_id == alert.c.id)
    return last.order_by(notification.c.n.desc()).limit(1).scalar_subquery().label("last_kind")


def _first_subject() -> Any:
    first = select(notification.c.subject).where(notification.c.alert_id == alert.c.id)
    return first.order_by(notification.c.n).limit(1).scalar_subquery().label("first_subject")


def _has_elder(root: Any) -> Any:
    """One whose own reminder is of this story: still to come, or gone out since this one stands."""
    other, of = alert.alias(), story.alias()
    of_other = (notification.c.alert_id == other.c.id) & (notification.c.kind == REMINDER)
    reminded = exists().where(of_other, notification.c.created_at >= alert.c.raised_at).correlate(alert, other)
    same = or_(of.c.id == root, of.c.merged_into == root) & (other.c.rule_id == alert.c.rule_id)
    elder = (other.c.id < alert.c.id) & (other.c.severity == alert.c.severity)
    told = other.c.told_at.is_not(None) & other.c.acknowledged_at.is_(None)
    reminds = or_(other.c.tell_at.is_not(None), reminded)
    found = exists().where(other.c.story_id == of.c.id, same, elder, told, reminds)
    return found.correlate(alert, story).label("elder")


def wake_alerts(connection: Connection, silence: Silence, *, now: datetime) -> None:
    """Alerts of a rule or a story whose silence was ended before its time: what is planned of them is due now, and
    whoever tells it finds out whether it is."""
    if silence.kind is SilenceKind.RULE:
        about = alert.c.rule_id == silence.value
    elif silence.kind is SilenceKind.STORY:
        about = alert.c.story_id.in_(
            select(story.c.id).where(func.coalesce(story.c.merged_into, story.c.id) == silence.story_id)
        )
    else:
        return
    put_off = about & alert.c.told_at.is_not(None) & (alert.c.tell_at > now)
    connection.execute(update(alert).where(put_off).values(tell_at=now))


def waiting_news(connection: Connection, alert_ids: Collection[int]) -> Mapping[int, list[Any]]:
    """By alert, in the order of their coming."""
    found = defaultdict(list)
    waits = news.c.alert_id.in_(alert_ids) & news.c.notification_id.is_(None)
    for row in connection.execute(select(news).where(waits).order_by(news.c.id)) if alert_ids else ():
        found[row.alert_id].append(row)
    return found


def alerts_with_news(connection: Connection) -> list[Any]:
    """Those that were told, and about which something waits to be told, each with the story that it is part of now."""
    waits = select(news.c.alert_id).where(news.c.notification_id.is_(None))
    root = func.coalesce(story.c.merged_into, story.c.id).label("root")
    told = select(alert, root).join(story, story.c.id == alert.c.story_id).where(alert.c.told_at.is_not(None))
    return list(connection.execute(told.where(alert.c.id.in_(waits))))


def told_articles(connection: Connection, article_ids: Collection[int]) -> Mapping[int, Any]:
    """The articles that a message shows, each with its first judgement and the revision that was judged."""
    if not article_ids:
        return {}
    statement = (
        select(article, judgement.c.language, judgement.c.topics, judgement.c.mentions, judgement.c.model_id)
        .add_columns(judgement.c.watchlist, judgement.c.notes)
        .add_columns(judgement.c.judged_at, revision.c.title.label("judged_title"))
        .add_columns(revision.c.text.label("judged_text"))
        .join(judgement, judgement.c.article_id == article.c.id)
        .join(revision, (revision.c.article_id == article.c.id) & (revision.c.n == judgement.c.revision))
        .where(article.c.id.in_(article_ids))
    )
    return {row.id: row for row in connection.execute(statement.order_by(article.c.id, judgement.c.revision.desc()))}


def words_of(connection: Connection, article_ids: Collection[int]) -> Mapping[tuple[int, str], str]:
    """Why each rule fired on these articles, by (article, rule)."""
    if not article_ids:
        return {}
    rows = connection.execute(select(decision).where(decision.c.article_id.in_(article_ids)))
    return {(row.article_id, row.rule_id): row.words for row in rows}


def raised_by(connection: Connection, article_ids: Collection[int]) -> list[Any]:
    """(alert id, rule, article id, headline as its readers know it) of the alerts that these articles raised and that
    were told."""
    if not article_ids:
        return []
    known = func.coalesce(alert.c.headline, article.c.title).label("headline")
    statement = select(alert.c.id, alert.c.rule_id, alert.c.article_id, known)
    statement = statement.join(article, article.c.id == alert.c.article_id)
    return list(connection.execute(statement.where(alert.c.article_id.in_(article_ids), alert.c.told_at.is_not(None))))


def originals(connection: Connection, article_ids: Collection[int]) -> Mapping[int, Any]:
    """Of the articles of which others are copies, by id: feed, first seen, baseline, headline, the text's beginning."""
    if not article_ids:
        return {}
    head = func.substr(article.c.text, 1, TEXT_LETTERS).label("text")
    columns = (article.c.id, article.c.feed_id, article.c.first_seen_at, article.c.baseline, article.c.title, head)
    return {row.id: row for row in connection.execute(select(*columns).where(article.c.id.in_(article_ids)))}
