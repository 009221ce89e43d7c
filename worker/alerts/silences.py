"""Which silence keeps a rule quiet about an article. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from worker.alerts.rules import FeedFacts, Rule, Watched, evaluate
from worker.errors import QueryError
from worker.model import ArticleText, Judgement, Silence, SilenceKind
from worker.query.evaluate import find
from worker.query.parse import parse_query


@dataclass(frozen=True)
class Report:
    """One judged article as silences look at it. `story_id`: the story that it is part of."""

    article: ArticleText
    judgement: Judgement
    feed: FeedFacts
    story_id: int
    entities: Mapping[str, Watched]


def find_silence(silences: Iterable[Silence], rule: Rule, report: Report) -> Silence | None:
    """The first that holds for this rule and article, by the order of their making."""
    return next((one for one in silences if HOLDS[one.kind](one, rule, report)), None)


def _without_entity(silence: Silence, rule: Rule, report: Report) -> bool:
    """A rule that fires without the name is about more than it, and is heard: in doubt nobody loses an alert."""
    mentions = tuple(one for one in report.judgement.mentions if one.entity != silence.value)
    if len(mentions) == len(report.judgement.mentions):
        return False
    judged = replace(report.judgement, mentions=mentions)
    return not evaluate(
        rule, article=report.article, judgement=judged, feed=report.feed, entities=report.entities
    ).fires


def _says(silence: Silence, _: Rule, report: Report) -> bool:
    """One that this version cannot read any more silences nothing."""
    try:
        query = parse_query(silence.value)
    except QueryError:
        return False
    return find(query, title=report.article.title, text=report.article.text) is not None


HOLDS: Final[Mapping[SilenceKind, Callable[[Silence, Any, Report], bool]]] = {
    SilenceKind.RULE: lambda silence, rule, _: silence.value == rule.id,
    SilenceKind.STORY: lambda silence, _, report: silence.story_id == report.story_id,
    SilenceKind.SOURCE: lambda silence, _, report: silence.value == report.feed.id,
    SilenceKind.ENTITY: _without_entity,
    SilenceKind.QUERY: _says,
}
