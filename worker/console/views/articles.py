"""An article as a page shows it: what it is about, whom it names, what came of it. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from worker.alerts.languages import language_name
from worker.alerts.notes import unjudged_words
from worker.alerts.wording import marked, web_link
from worker.articles.shown import WAITING, source_words
from worker.console.views.names import NO_HEADLINE, Headline, Names, one_line, source_of
from worker.console.words import Moment
from worker.store.latest import ArticleFound

NAMES_SHOWN: Final = 8


@dataclass(frozen=True)
class ArticleView:
    """`topics` holds (name, score, whether we are sure). `alert` is one that tells of its story, or ''; `severity`
    that one's, or '' where this article had no part in it. `again`: when it was judged again, last."""

    id: str
    headline: Headline
    language: str
    seen: Moment
    topics: Sequence[tuple[str, str, bool]]
    names: Sequence[str]
    more_names: int
    copy_of: str
    fate: str
    alert: str
    severity: str
    again: Moment | None = None


def article_view(found: ArticleFound, names: Names, now: datetime) -> ArticleView:
    row, judged = found.row, found.judged
    mentioned = list(dict.fromkeys(mention["entity"] for mention in judged.mentions)) if judged else []
    words = list(dict.fromkeys(one_line(mention["text"]) for mention in judged.mentions)) if judged else []
    fate, alert, part = article_fate(found, names)
    title = one_line(row.title) or NO_HEADLINE
    return ArticleView(
        id=row.public_id,
        headline=Headline(
            list(marked(title, [word for word in words if word])),
            web_link(row.url),
            judged.language if judged else "",
            source_of(row),
        ),
        language=language_name(judged.language) if judged else "",
        seen=names.at(row.first_seen_at, now),
        topics=[
            (names.topics.get(topic["id"], topic["id"]), f"{topic['score']:.2f}", bool(topic["match"]))
            for topic in sorted(judged.topics if judged else (), key=lambda topic: -topic["score"])
            if topic["match"] or topic["review"]
        ],
        names=[names.entities.get(entity, entity) for entity in mentioned[:NAMES_SHOWN]],
        more_names=max(0, len(mentioned) - NAMES_SHOWN),
        copy_of=_copied(row, title),
        fate=fate,
        alert=alert.public_id if alert else "",
        severity=alert.severity if part else "",
        again=names.at(judged.again_at, now) if judged and judged.again_at else None,
    )


def _copied(row: Any, title: str) -> str:
    """Whose report it repeats; with its headline only where that is another one."""
    if row.duplicate_of is None:
        return ""
    feed = one_line(row.original_source) or row.original_feed_id or "a feed that is gone"
    source = source_words(one_line(row.original_outlet or ""), feed)
    original = one_line(row.original_title)
    return source if original == title else f"{source}: {original}"


def article_fate(found: ArticleFound, names: Names) -> tuple[str, Any, bool]:
    """What came of the article, in words; the alert of its story, None without one; and whether that is its own, or
    was there before it and kept it quiet."""
    row = found.row
    if row.state in WAITING:
        return WAITING[row.state], None, False
    own = [alert for alert in found.alerts if alert.article_id == row.id]
    if own:
        return "; ".join(names.rule(one.rule_id) for one in own), own[0], True
    if row.baseline:
        return "there before we watched: never an alert", None, False
    # Those of one batch have one moment, and are settled in the order of their arrival.
    before = [alert for alert in found.alerts if (alert.raised_at, alert.article_id) < (row.settled_at, row.id)]
    if before:
        return "its story was told already", before[0], True
    if found.alerts:
        return "no rule was met; its story was told by another article", found.alerts[0], False
    if found.judged and (words := unjudged_words(found.judged.notes, found.judged.language)):
        return f"no rule was met: {words}", None, False
    return "no rule was met", None, False
