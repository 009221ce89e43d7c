"""Does a rule fire on a judged article, and why: every answer is in words. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from worker.alerts.notes import unjudged_words
from worker.display import one_line
from worker.model import SEVERITIES, UNJUDGED, ArticleText, Judgement, RuleVerdict
from worker.query.evaluate import Miss, weigh
from worker.query.parse import parse_query

NAMED: Final = 4  # of a long list, as many names as a reader takes in
EVERY_TIER: Final = 3  # the tier that every feed has, or a better one
WORDS_LENGTH: Final = 200  # letters of a query, or of what a text says, in a reason


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
    """`words` is a query, '' for none."""

    @property
    def topics(self) -> Topics | None: ...
    @property
    def entities(self) -> Entities | None: ...
    @property
    def words(self) -> str: ...
    @property
    def languages(self) -> Sequence[str]: ...
    @property
    def sources(self) -> Sequence[str]: ...
    @property
    def tags(self) -> Sequence[str]: ...
    @property
    def tier(self) -> int: ...


class Escalation(Protocol):
    @property
    def severity(self) -> str: ...
    @property
    def when(self) -> Conditions: ...


class Rule(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def when(self) -> Conditions: ...
    @property
    def escalate(self) -> Sequence[Escalation]: ...


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


@dataclass(frozen=True)
class _Known:
    """What there is to ask of."""

    article: ArticleText
    judgement: Judgement
    feed: FeedFacts
    entities: Mapping[str, Watched]


def evaluate(
    rule: Rule, *, article: ArticleText, judgement: Judgement, feed: FeedFacts, entities: Mapping[str, Watched]
) -> RuleVerdict:
    """All given conditions must hold. `because` names what held, or the first that did not; its severity is the highest
    of the rule's own and of those escalations that hold, too."""
    known = _Known(article, judgement, feed, entities)
    answer = _answer(rule.when, known)
    if not answer.holds:
        return RuleVerdict(rule.id, fires=False, because=answer.words, severity=rule.severity)
    severity, because = rule.severity, answer.words
    for step in rule.escalate:
        if SEVERITIES.index(step.severity) > SEVERITIES.index(severity) and (higher := _answer(step.when, known)).holds:
            severity, because = step.severity, f"{answer.words}; {step.severity} because of {higher.words}"
    return RuleVerdict(rule.id, fires=True, because=because, severity=severity)


def selected_entities(rule: Rule, judgement: Judgement, entities: Mapping[str, Watched]) -> tuple[str, ...]:
    """The mentioned entities that the rule asks for, in the order of their mention; of a rule that asks for none in
    particular, all that are mentioned."""
    condition, mentioned = rule.when.entities, _mentioned(judgement)
    if condition is None:
        return tuple(mentioned)
    asked = {*condition.all, *_chosen(condition, mentioned, entities)}
    return tuple(name for name in mentioned if name in asked)


def _answer(when: Conditions, known: _Known) -> Answer:
    """The first condition that does not hold, or all of them in one answer."""
    held = []
    for answer in _answers(when, known):
        if not answer.holds:
            return answer
        held.append(answer.words)
    return Answer(bool(held), "; ".join(held) or "the rule asks for nothing")


def _answers(when: Conditions, known: _Known) -> Iterator[Answer]:
    """The cheap ones first: most articles fail one of them, and their text is not read."""
    if when.topics is not None:
        yield _topics(when.topics, known.judgement)
    if when.entities is not None:
        yield _entities(when.entities, known.judgement, known.entities)
    if when.languages:
        yield _one_of("language", known.judgement.language, when.languages)
    if when.sources:
        yield _one_of("feed", known.feed.id, when.sources)
    if when.tags:
        shared = sorted(known.feed.tags & set(when.tags))
        words = f"feed tagged {', '.join(shared)}" if shared else f"feed has no tag {_or(when.tags)}"
        yield Answer(bool(shared), words)
    if when.tier < EVERY_TIER:
        holds = known.feed.tier <= when.tier
        words = f"feed of tier {known.feed.tier}"
        yield Answer(holds, words if holds else f"{words}, not {_or(map(str, range(1, when.tier + 1)))}")
    if when.words:
        yield _words(when.words, known.article)


def _topics(condition: Topics, judgement: Judgement) -> Answer:
    scores = {topic.id: topic for topic in judgement.topics}
    asked = [scores[name] for name in condition.any if name in scores]
    least = condition.min_score
    held = [topic for topic in asked if (topic.match if least is None else topic.score >= least)]
    if held:
        return Answer(True, ", ".join(f"topic {topic.id} {topic.score:.2f}" for topic in held))
    if (
        (words := unjudged_words(judgement.notes, judgement.language))
        and asked
        and all(topic.by == UNJUDGED for topic in asked)
    ):
        return Answer(False, words)
    if not asked:
        return Answer(False, f"not judged for the topic {_or(condition.any)}")
    return Answer(False, f"topic below its threshold: {', '.join(f'{topic.id} {topic.score:.2f}' for topic in asked)}")


def _entities(condition: Entities, judgement: Judgement, entities: Mapping[str, Watched]) -> Answer:
    mentioned = _mentioned(judgement)
    missing = [name for name in condition.all if name not in mentioned]
    if missing:
        return Answer(False, f"not mentioned: {', '.join(missing)}")
    chosen = _counted(condition, mentioned, entities)
    if len(chosen) < condition.at_least:
        words = [_or(names) for names in (condition.any, condition.types, condition.tags) if names]
        wanted = " and ".join(words) or "any watched name"
        return Answer(False, f"{len(chosen)} of the needed {condition.at_least} mentions: {wanted}")
    return Answer(True, ", ".join(dict.fromkeys([*condition.all, *_chosen(condition, mentioned, entities)])))


def _mentioned(judgement: Judgement) -> list[str]:
    return list(dict.fromkeys(mention.entity for mention in judgement.mentions))


def _counted(condition: Entities, mentioned: Sequence[str], entities: Mapping[str, Watched]) -> Sequence[str]:
    """Those that `at_least` counts: any watched name where the condition chooses none."""
    if not _is_selective(condition):
        return mentioned
    return [name for name in mentioned if _selected(name, condition, entities)]


def _chosen(condition: Entities, mentioned: Sequence[str], entities: Mapping[str, Watched]) -> Sequence[str]:
    """Those that it asks for beside `all`: where that is everything it asks for, none."""
    if _is_selective(condition) or len(condition.all) < condition.at_least:
        return _counted(condition, mentioned, entities)
    return ()


def _is_selective(condition: Entities) -> bool:
    return bool(condition.any or condition.types or condition.tags)


def _selected(name: str, condition: Entities, entities: Mapping[str, Watched]) -> bool:
    entity = entities.get(name)
    if entity is None:
        return False
    return (
        (not condition.any or name in condition.any)
        and (not condition.types or entity.type in condition.types)
        and (not condition.tags or bool(set(condition.tags) & set(entity.tags)))
    )


def _words(query: str, article: ArticleText) -> Answer:
    found = weigh(parse_query(query), title=article.title, text=article.text)
    if isinstance(found, Miss):
        return Answer(False, one_line(found.words, WORDS_LENGTH))
    quoted = [f'"{words}"' for words in found.quoted()]
    return Answer(True, one_line(f"words {', '.join(quoted)}", WORDS_LENGTH))


def _one_of(what: str, value: str, allowed: Iterable[str]) -> Answer:
    names = list(allowed)
    holds = value in names
    return Answer(holds, f"{what} {value}" if holds else f"{what} {value or 'unknown'} is not {_or(names)}")


def _or(names: Iterable[str]) -> str:
    """'a or b'; of more than NAMED the first ones, and how many others."""
    given = list(names)
    return " or ".join([*given[:NAMED], f"{len(given) - NAMED} others"] if len(given) > NAMED + 1 else given)
