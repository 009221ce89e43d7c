"""What a message about an alert says, from the record as it is now. Renders nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from worker.alerts.news import WEIGHT
from worker.alerts.timing import RAISED, UPDATED
from worker.articles.shown import source_words
from worker.articles.text import quote
from worker.config.schema import Config, RuleSpec
from worker.links import alert_page
from worker.model import AlertArticle, AlertContent, Judgement, News, NewsKind
from worker.pipeline.runtime import Runtime
from worker.store.articles import read_judgement

QUOTE_LIMIT: Final = 300


@dataclass(frozen=True)
class Telling:
    """One alert's next message. `shown`: the articles in it, the first its reason."""

    row: Any
    rule: RuleSpec
    kind: str
    shown: Sequence[Any]
    why: str
    news: Sequence[Any] = ()


def alert_content(runtime: Runtime, telling: Telling, members: Sequence[Any], now: datetime) -> AlertContent:
    config, row, rule = runtime.config, telling.row, telling.rule
    shown = [(one, read_judgement(one)) for one in telling.shown]
    # Told in the transaction that raised it, it says the same whichever articles are settled with its own.
    at_once = telling.kind == RAISED and not rule.timing.wait
    known = [one for one in members if not at_once or one.id <= row.article_id]
    mentioned = {mention.entity for _, judgement in shown for mention in judgement.mentions}
    first, judgement = shown[0]
    return AlertContent(
        kind=telling.kind,
        alert_id=row.public_id,
        revision=row.said + 1,
        rule_id=rule.id,
        rule_name=rule.name,
        severity=row.severity,
        url=alert_page(config.settings.public_url, row.public_id),
        story_id=row.story,
        story_title=row.story_title,
        story_first_seen=row.first_seen_at,
        outlets=len({one.feed_id for one in known}),
        originals=max(1, len(originals_of(known))),
        original_sources=tuple(dict.fromkeys(_source_name(config, one) for one in originals_of(known))),
        first_why=(row.because,),
        first_subject=row.first_subject or "",
        articles=tuple(_shown(config.feed(one.feed_id).title, one, judged) for one, judged in shown),
        topics=judgement.topics,
        topic_names={topic.id: topic.name for topic in config.topics},
        entity_names={key: entity.name for key, entity in config.entities_by_id.items() if key in mentioned},
        why=(telling.why, *(one.words for one in telling.news if telling.kind == RAISED)),
        analysed=first.judged_at,
        raised=row.raised_at if telling.kind == RAISED else now,
        story_articles=len(known),
        new=tuple(sorted(map(_news, telling.news if telling.kind == UPDATED else ()), key=_weight)),
        first_raised=None if row.told_at is None else row.raised_at,
    )


def _news(row: Any) -> News:
    return News(NewsKind(row.kind), row.words)


def _weight(one: News) -> int:
    return WEIGHT.index(one.kind)


def count_originals(members: Collection[Any], *, until: int) -> int:
    """How many sources report for themselves; at least one."""
    return max(1, len(originals_of(one for one in members if one.id <= until)))


def originals_of(members: Iterable[Any]) -> list[tuple[str | None, str | None]]:
    """Who reports for itself, the first to report first: an agency, however many pass its report on, or else a feed
    with an article of the story that is no copy."""
    reports = (one for one in members if one.duplicate_of is None)
    return list(dict.fromkeys((one.relays, None if one.relays else one.feed_id) for one in reports))


def _source_name(config: Config, original: tuple[str | None, str | None]) -> str:
    agency, feed = original
    return agency or config.feed(feed or "").title or feed or ""


def _shown(feed: str, row: Any, judgement: Judgement) -> AlertArticle:
    text = row.judged_text or ""
    first = next((mention for mention in judgement.mentions if mention.field == "text"), None)
    start, end = (first.start, first.end) if first else (0, 0)
    edited = row.title != row.judged_title  # and then the offsets into its headline are of another
    return AlertArticle(
        title=row.title,
        url=row.url,
        source=source_words(row.outlet, feed),
        published=row.published_at,
        first_seen=row.first_seen_at,
        language=judgement.language,
        quote=quote(text, start, end, limit=QUOTE_LIMIT),
        mentions=tuple(one for one in judgement.mentions if not (edited and one.field == "title")),
    )
