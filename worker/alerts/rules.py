"""Does a rule fire on a judged article, and why: every answer is in words. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from worker.model import ArticleText, Judgement, RuleVerdict

NAMED: Final = 4  # of a long list, as many names as a reader takes in


class Watched(Protocol):
    """What a rule needs to know of an entity."""

    @property
    def type(self) -> str: ...
    @property
    def tags(self) -> Sequence[str]: ...


class Topics(Protocol):
    @property
    def any(self) -> Sequence[str]: ...
    @property
    def min_score(self) -> float | None: ...


class Entities(Protocol):
    @property
    def any(self) -> Sequence[str]: ...
    @property
    def all(self) -> Sequence[str]: ...
    @property
    def types(self) -> Sequence[str]: ...
    @property
    def tags(self) -> Sequence[str]: ...
    @property
    def at_least(self) -> int: ...


class Conditions(Protocol):
    @property
    def topics(self) -> Topics | None: ...
    @property
    def entities(self) -> Entities | None: ...
    @property
    def languages(self) -> Sequence[str]: ...
    @property
    def sources(self) -> Sequence[str]: ...
    @property
    def tags(self) -> Sequence[str]: ...


class Rule(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def when(self) -> Conditions: ...


@dataclass(frozen=True)
class FeedFacts:
    """What a rule may ask of the article's feed."""

    id: str
    tags: frozenset[str]
    tier: int


@dataclass(frozen=True)
class Answer:
    """One condition's answer, and the words for it."""

    holds: bool
    words: str


def evaluate(
    rule: Rule, *, article: ArticleText, judgement: Judgement, feed: FeedFacts, entities: Mapping[str, Watched]
) -> RuleVerdict:
    """All given conditions must hold. `because` names what held, or the first that did not."""
    when, answers = rule.when, []
    if when.topics is not None:
        answers.append(_topics(when.topics, judgement))
    if when.entities is not None:
        answers.append(_entities(when.entities, judgement, entities))
    if when.languages:
        answers.append(_one_of("language", judgement.language, when.languages))
    if when.sources:
        answers.append(_one_of("feed", feed.id, when.sources))
    if when.tags:
        shared = sorted(feed.tags & set(when.tags))
        words = f"feed tagged {', '.join(shared)}" if shared else f"feed has no tag {_or(when.tags)}"
        answers.append(Answer(bool(shared), words))
    for answer in answers:
        if not answer.holds:
            return RuleVerdict(id=rule.id, fires=False, because=answer.words)
    because = "; ".join(answer.words for answer in answers) or "the rule asks for nothing"
    return RuleVerdict(id=rule.id, fires=bool(answers), because=because)


def _topics(condition: Topics, judgement: Judgement) -> Answer:
    scores = {topic.id: topic for topic in judgement.topics}
    asked = [scores[name] for name in condition.any if name in scores]
    least = condition.min_score
    held = [topic for topic in asked if (topic.match if least is None else topic.score >= least)]
    if held:
        return Answer(True, ", ".join(f"topic {topic.id} {topic.score:.2f}" for topic in held))
    if not asked:
        return Answer(False, f"not judged for the topic {_or(condition.any)}")
    return Answer(False, f"topic below its threshold: {', '.join(f'{topic.id} {topic.score:.2f}' for topic in asked)}")


def _entities(condition: Entities, judgement: Judgement, entities: Mapping[str, Watched]) -> Answer:
    mentioned = list(dict.fromkeys(mention.entity for mention in judgement.mentions))
    missing = [name for name in condition.all if name not in mentioned]
    if missing:
        return Answer(False, f"not mentioned: {', '.join(missing)}")
    selective = bool(condition.any or condition.types or condition.tags)
    chosen = [name for name in mentioned if _selected(name, condition, entities)] if selective else mentioned
    if len(chosen) < condition.at_least:
        words = [_or(names) for names in (condition.any, condition.types, condition.tags) if names]
        wanted = " and ".join(words) or "any watched name"
        return Answer(False, f"{len(chosen)} of the needed {condition.at_least} mentions: {wanted}")
    shown = chosen if selective or len(condition.all) < condition.at_least else []
    return Answer(True, ", ".join(dict.fromkeys([*condition.all, *shown])))


def _selected(name: str, condition: Entities, entities: Mapping[str, Watched]) -> bool:
    entity = entities.get(name)
    if entity is None:
        return False
    return (
        (not condition.any or name in condition.any)
        and (not condition.types or entity.type in condition.types)
        and (not condition.tags or bool(set(condition.tags) & set(entity.tags)))
    )


def _one_of(what: str, value: str, allowed: Iterable[str]) -> Answer:
    names = list(allowed)
    holds = value in names
    return Answer(holds, f"{what} {value}" if holds else f"{what} {value or 'unknown'} is not {_or(names)}")


def _or(names: Iterable[str]) -> str:
    """'a or b'; of more than NAMED the first ones, and how many others."""
    given = list(names)
    return " or ".join([*given[:NAMED], f"{len(given) - NAMED} others"] if len(given) > NAMED + 1 else given)
