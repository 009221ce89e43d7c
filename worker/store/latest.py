"""The newest of everything, for the console's pages: alerts, articles, deliveries, one page of feeds. Reads only.

Each query walks an index and stops: what a page costs does not grow with the record. (The feeds are sorted, all of
them: there are thousands at the most.)
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from worker.model import DeliveryState
from worker.store.engine import Store, read_clock
from worker.store.feeds import count_articles, shown_state
from worker.store.holds import waiting_holds
from worker.store.lease import is_token
from worker.store.listing import AlertStory, read_alert_story, told_with
from worker.store.rhythms import RHYTHM
from worker.store.schema import (
    alert,
    article,
    attempt,
    decision,
    delivery,
    feed,
    judgement,
    notification,
    revision,
    silence,
    story,
)

NEWEST = 50
TROUBLED = 20  # deliveries that failed, and as many that were given up: they stay in sight however many are sent
FEEDS_A_PAGE = 50
LETTERS = 20_000  # of an article's text, enough for a quotation
MOST_OF_STORY = 50

# In what order feeds are shown, by their shown state.
RANKS = {"stopped": 0, "failing": 1, "quiet": 2, "new": 3, "active": 4, "dormant": 5, "removed": 6}

ROOT = func.coalesce(story.c.merged_into, story.c.id).label("root")  # the story that one is part of now

# What a page shows of a delivery: never its body, which may be a megabyte.
DELIVERY = [
    delivery.c[name]
    for name in (
        "id public_id notification_id channel recipient state subject created_at due_at sent_at receipt reason detail "
        "attempts lease_until maybe_duplicate"
    ).split()
]


@dataclass(frozen=True)
class AlertFound:
    """`row` is the alert with the article that raised it; `judged` that article's judgement, None without one.

    `articles` and `feeds`: how many the story has of each.
    """

    row: Any
    judged: Any
    deliveries: Sequence[Any]
    articles: int
    feeds: int


@dataclass(frozen=True)
class ArticleFound:
    """`alerts` are those of its story, whichever article raised them."""

    row: Any
    judged: Any
    alerts: Sequence[Any]


@dataclass(frozen=True)
class FeedsFound:
    """One page of the feeds, those in trouble first. `rows` have `shown` and `articles` (at most MOST_COUNTED + 1).

    `states`: how many feeds are shown as what, of all.
    """

    rows: Sequence[Any]
    articles: Mapping[str, int]
    states: Mapping[str, int]
    page: int
    pages: int


@dataclass(frozen=True)
class Latest:
    """One moment's look at the record; `now` is the database's. `troubled` deliveries may be among the newest too."""

    now: datetime
    alerts: Sequence[AlertFound]
    articles: Sequence[ArticleFound]
    feeds: FeedsFound
    holds: Sequence[Any]  # that wait for somebody's word
    deliveries: Sequence[Any]
    troubled: Sequence[Any]


@dataclass(frozen=True)
class AlertWhole:
    """One alert with its story (the first MOST_OF_STORY articles), every attempt of its deliveries, and the silences
    that kept something about it quiet, each with `held`: how many times."""

    now: datetime
    alert: AlertFound
    story: AlertStory
    attempts: Mapping[int, Sequence[Any]]
    silences: Sequence[Any]


def read_latest(store: Store, *, feeds_page: int = 1) -> Latest:
    """Everything of the first page, in one snapshot. `feeds_page` is taken to the nearest that exists."""
    with store.reading() as connection:
        return Latest(
            now=read_clock(connection),
            alerts=_alerts(connection),
            articles=_articles(connection),
            feeds=_feeds(connection, feeds_page),
            holds=waiting_holds(connection, limit=NEWEST),
            deliveries=list(connection.execute(_deliveries().order_by(delivery.c.id.desc()).limit(NEWEST))),
            troubled=_troubled(connection),
        )


def find_alert(store: Store, public_id: str) -> AlertWhole | None:
    """None also for what cannot be an id of ours."""
    if not is_token(public_id):
        return None
    with store.reading() as connection:
        row = connection.execute(_alert_rows().where(alert.c.public_id == public_id)).first()
        if row is None:
            return None
        (found,) = _with_reasons(connection, [row])
        ids = [one.id for one in found.deliveries]
        tried = select(attempt).where(attempt.c.delivery_id.in_(ids)).order_by(attempt.c.delivery_id, attempt.c.n)
        return AlertWhole(
            now=read_clock(connection),
            alert=found,
            story=read_alert_story(connection, row, limit=MOST_OF_STORY),
            attempts=_grouped(connection.execute(tried), "delivery_id"),
            silences=_silences(connection, row.id),
        )


def _silences(connection: Connection, alert_id: int) -> list[Any]:
    held = (
        select(decision.c.silence_id, func.count().label("held"))
        .where(decision.c.alert_id == alert_id, decision.c.silence_id.is_not(None))
        .group_by(decision.c.silence_id)
        .subquery()
    )
    statement = select(silence, held.c.held).join(held, held.c.silence_id == silence.c.id).order_by(silence.c.id)
    return list(connection.execute(statement))


# ---------------------------------------------------------------- alerts


def _alert_rows() -> Any:
    return (
        select(alert, story.c.public_id.label("story_public_id"), story.c.title.label("story_title"))
        .add_columns(story.c.first_seen_at.label("story_first_seen_at"))
        .add_columns(ROOT)
        .add_columns(article.c.url, article.c.feed_id, article.c.title, article.c.published_at, article.c.first_seen_at)
        .add_columns(article.c.outlet)
        .add_columns(feed.c.title.label("source"), told_with())
        .join(story, story.c.id == alert.c.story_id)
        .join(article, article.c.id == alert.c.article_id)
        .join(feed, feed.c.id == article.c.feed_id)
    )


def _alerts(connection: Connection) -> list[AlertFound]:
    newest = _alert_rows().order_by(alert.c.raised_at.desc(), alert.c.id.desc()).limit(NEWEST)
    return _with_reasons(connection, list(connection.execute(newest)))


def _with_reasons(connection: Connection, rows: Sequence[Any]) -> list[AlertFound]:
    judged = _judged(connection, [row.article_id for row in rows], letters=LETTERS)
    sizes = select(ROOT, func.count().label("articles"), func.count(article.c.feed_id.distinct()).label("feeds"))
    sizes = sizes.join(article, article.c.story_id == story.c.id).where(_is_part_of([row.root for row in rows]))
    size = {row.root: row for row in connection.execute(sizes.group_by(ROOT))}
    # Sorted here: asked to sort them, SQLite walks all deliveries by id.
    sent = connection.execute(_deliveries().where(notification.c.alert_id.in_([row.id for row in rows])))
    deliveries = _grouped(sorted(sent, key=lambda row: row.id), "alert_id")
    return [
        AlertFound(
            row=row,
            judged=judged.get(row.article_id),
            deliveries=deliveries.get(row.id, []),
            articles=size[row.root].articles if row.root in size else 1,
            feeds=size[row.root].feeds if row.root in size else 1,
        )
        for row in rows
    ]


def _is_part_of(roots: Sequence[int]) -> ColumnElement[bool]:
    """Of a story: one of these, or merged into one of them."""
    return story.c.id.in_(roots) | story.c.merged_into.in_(roots)


# ---------------------------------------------------------------- articles


def _articles(connection: Connection) -> list[ArticleFound]:
    """In the order of their arrival, the last first."""
    original = article.alias("original")
    publisher = feed.alias("publisher")
    names = "id public_id feed_id outlet state baseline title url first_seen_at settled_at duplicate_of story_id"
    newest = (
        select(*(article.c[name] for name in names.split()), feed.c.title.label("source"))
        .add_columns(original.c.title.label("original_title"), original.c.feed_id.label("original_feed_id"))
        .add_columns(original.c.outlet.label("original_outlet"))
        .add_columns(publisher.c.title.label("original_source"), ROOT)
        .outerjoin(story, story.c.id == article.c.story_id)
        .join(feed, feed.c.id == article.c.feed_id)
        .outerjoin(original, original.c.id == article.c.duplicate_of)
        .outerjoin(publisher, publisher.c.id == original.c.feed_id)
        .order_by(article.c.id.desc())
        .limit(NEWEST)
    )
    rows = list(connection.execute(newest))
    judged = _judged(connection, [row.id for row in rows], letters=0)
    roots = [row.root for row in rows if row.root is not None]
    columns = "public_id rule_id severity story_id article_id raised_at".split()
    raised = select(*(alert.c[name] for name in columns), ROOT).join(story, story.c.id == alert.c.story_id)
    alerts = _grouped(connection.execute(raised.where(_is_part_of(roots)).order_by(alert.c.id)), "root")
    return [ArticleFound(row, judged.get(row.id), alerts.get(row.root, [])) for row in rows]


def _judged(connection: Connection, article_ids: Iterable[int], *, letters: int) -> dict[int, Any]:
    """Each article's last judgement, with the title and the first letters of the revision that was judged."""
    statement = (
        select(judgement, revision.c.title, func.substr(revision.c.text, 1, letters).label("text"))
        .join(revision, (revision.c.article_id == judgement.c.article_id) & (revision.c.n == judgement.c.revision))
        .where(judgement.c.article_id.in_(list(article_ids)))
        .order_by(judgement.c.article_id, judgement.c.revision)
    )
    return {row.article_id: row for row in connection.execute(statement)}


# ---------------------------------------------------------------- feeds


def _feeds(connection: Connection, page: int) -> FeedsFound:
    shown = shown_state().label("shown")
    counts = connection.execute(select(shown, func.count().label("n")).group_by(shown))
    states = {row.shown: row.n for row in counts}
    pages = max(1, math.ceil(sum(states.values()) / FEEDS_A_PAGE))
    page = min(max(1, page), pages)
    names = "id title polled_at next_poll_at failures reason detail configured_url current_url".split()
    statement = (
        select(*(feed.c[name] for name in (*names, *RHYTHM)), shown)
        .order_by(case(RANKS, value=shown, else_=len(RANKS)), feed.c.title, feed.c.id)
        .limit(FEEDS_A_PAGE)
        .offset((page - 1) * FEEDS_A_PAGE)
    )
    rows = list(connection.execute(statement))
    return FeedsFound(rows, _count_articles(connection, [row.id for row in rows]), states, page=page, pages=pages)


def _count_articles(connection: Connection, feed_ids: Sequence[str]) -> dict[str, int]:
    """Of these feeds only: counted beside the rows, they would be counted for every feed that is sorted."""
    counts = select(feed.c.id, count_articles().label("articles")).where(feed.c.id.in_(feed_ids))
    return {row.id: row.articles for row in connection.execute(counts)}


# ---------------------------------------------------------------- deliveries


def _deliveries() -> Any:
    return (
        select(*DELIVERY, notification.c.kind, notification.c.alert_id)
        .add_columns(alert.c.public_id.label("alert_public_id"))
        .join(notification, notification.c.id == delivery.c.notification_id)
        .outerjoin(alert, alert.c.id == notification.c.alert_id)
    )


def _troubled(connection: Connection) -> list[Any]:
    """Those that will be tried again, the next first; then those that were given up, the last first."""
    failed = _deliveries().where(delivery.c.state == DeliveryState.FAILED).order_by(delivery.c.due_at)
    abandoned = _deliveries().where(delivery.c.state == DeliveryState.ABANDONED).order_by(delivery.c.due_at.desc())
    return [row for statement in (failed, abandoned) for row in connection.execute(statement.limit(TROUBLED))]


def _grouped(rows: Iterable[Any], key: str) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, key)].append(row)
    return dict(found)
