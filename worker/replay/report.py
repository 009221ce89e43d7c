"""What a replay found, as one JSON object; reads the scratch store. Nothing in it depends on chance."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from worker.config.schema import Config
from worker.store.engine import Store
from worker.store.totals import alerts_with_stories, count_all, quarantined_articles, refused_polls


def make_report(store: Store, config: Config) -> dict[str, Any]:
    """Counts, what was not read or not judged, then every alert in the order in which it was raised."""
    with store.reading() as connection:
        counts = count_all(connection)
        refused = [
            {"feed": row.feed_id, "at": _time(row.at), "reason": row.reason} for row in refused_polls(connection)
        ]
        parked = quarantined_articles(connection)
        found = alerts_with_stories(connection)
    articles: dict[int, list[Any]] = defaultdict(list)
    for row in found.articles:
        articles[row.root].append(row)
    updates: dict[int, list[Any]] = defaultdict(list)
    for row in found.updates:
        updates[row.alert_id].append(row)
    names = {feed.id: feed.title or feed.id for feed in config.feeds}
    alerts = [_alert(row, articles[row.root], names) | _told(updates[row.id]) for row in found.alerts]
    quarantined = [_article(row, names) for row in parked]
    return counts | {"refused_polls": refused, "quarantined_articles": quarantined, "alerts": alerts}


def _alert(row: Any, articles: Iterable[Any], names: dict[str, str]) -> dict[str, Any]:
    """The article that raised it comes first, then the others of its story, as they were first seen."""
    ordered = sorted(articles, key=lambda one: (one.id != row.article_id, one.first_seen_at, one.id))
    return {
        "time": _time(row.raised_at),
        "rule": row.rule_id,
        "severity": row.severity,
        "story": {
            "id": _story_id(min(ordered, key=lambda one: one.id)),
            "title": row.title,
            "first_seen": _time(row.first_seen_at),
            "articles": len(ordered),
            "outlets": len({one.feed_id for one in ordered}),
            "original_sources": len({one.relays or (one.feed_id,) for one in ordered if one.duplicate_of is None}),
        },
        "articles": [_article(one, names) for one in ordered],
        "reasons": row.because.split("; "),
    }


def _told(updates: Sequence[Any]) -> dict[str, Any]:
    """What was told of the alert after its first message: one line an update."""
    found: dict[datetime, list[str]] = defaultdict(list)
    for row in updates:
        found[row.created_at].append(row.words)
    return {"updates": [{"time": _time(at), "new": words} for at, words in found.items()]}


def _article(row: Any, names: dict[str, str]) -> dict[str, Any]:
    return {
        "title": row.title,
        "url": row.url,
        "source": names.get(row.feed_id, row.feed_id),
        "published": _time(row.published_at),
        "first_seen": _time(row.first_seen_at),
    }


def _story_id(first: Any) -> str:
    """A name that the story has in every replay of one history: made from its first article."""
    known_by = "\n".join((first.feed_id, first.canonical_url, first.title, _time(first.first_seen_at) or ""))
    return hashlib.sha256(known_by.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
