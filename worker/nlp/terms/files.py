"""Term rules read from their files, each mistake with its file and line. Decides no topic.

A folder holds `rules.yaml`, what counts for a topic, in concepts; and a file a language, the terms of each concept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from worker.config.source import Source, read_source
from worker.config.typed import typed_item
from worker.errors import ConfigError
from worker.nlp.terms.find import SWALLOWED, term_problem

SHIPPED: Final = Path(__file__).parent
RULES: Final = "rules.yaml"

Part = str | tuple[str, ...]  # a concept, or some of which any will do


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RuleSpec(_Strict):
    """Counts `weight` where its concepts stand: all of them near each other, or any one."""

    any: tuple[str, ...] = ()
    all: tuple[Part, ...] = ()
    within: Literal["sentence", "text"] | Annotated[int, Field(ge=1, le=100)] = "sentence"
    weight: float = Field(ge=-20, le=20)

    @model_validator(mode="after")
    def _has_one_kind(self) -> RuleSpec:
        if bool(self.any) == bool(self.all):
            raise ValueError("write any: [concept, …] or all: [concept, …], one of the two")
        return self

    @property
    def parts(self) -> tuple[frozenset[str], ...]:
        if self.any:
            return (frozenset(self.any),)
        return tuple(frozenset((part,) if isinstance(part, str) else part) for part in self.all)


class TopicRules(_Strict):
    """`base` is what counts for nothing found; `threshold` and `review` as in topics.yaml."""

    base: float = Field(ge=-20, le=20)
    threshold: float = Field(default=0.5, gt=0, lt=1)
    review: tuple[float, float] = (0.3, 0.7)
    rules: tuple[RuleSpec, ...]


class _RulesFile(_Strict):
    """`includes`: a concept's terms are another's, too: who names the leader names the country."""

    topics: Mapping[str, TopicRules]
    includes: Mapping[str, tuple[str, ...]] = {}


class _LanguageFile(_Strict):
    """`base` moves topics' bases for this language; `rules` are more of them. `without` takes terms out again."""

    concepts: Mapping[str, tuple[str, ...]] = {}
    without: Mapping[str, tuple[str, ...]] = {}
    base: Mapping[str, float] = {}
    rules: Mapping[str, tuple[RuleSpec, ...]] = {}


@dataclass(frozen=True)
class Language:
    """What one language's articles are judged by. `id` changes with every term and weight."""

    code: str
    id: str
    concepts: Mapping[str, tuple[str, ...]]
    topics: Mapping[str, TopicRules]


def read_languages(own: Path | None = None) -> dict[str, Language]:
    """By language code: the shipped ones, with what a desk's `own` folder adds. Raises ConfigError.

    A desk's terms and concepts are added to the shipped ones of their language, its topics to the shipped topics; a
    topic of a shipped one's name stands in its place.
    """
    read = [(path, read_source(path)) for folder in (SHIPPED, own) if folder for path in sorted(folder.glob("*.yaml"))]
    rules = _merge_rules([_typed(source, _RulesFile) for path, source in read if path.name == RULES])
    files = [(path, source, _typed(source, _LanguageFile)) for path, source in read if path.name != RULES]
    whole: dict[str, _LanguageFile] = {}
    for path, source, file in files:
        if file:
            _check_language(source, file, rules)
            code = path.name.removesuffix(".yaml")
            whole[code] = _merge_language(whole[code], file) if code in whole else file
    known = {concept for file in whole.values() for concept in file.concepts}
    for path, source in read:
        if path.name == RULES:
            _check_rules(source, known)
    problems = [problem for _, source in read for problem in source.problems]
    if problems:
        raise ConfigError(problems)
    return {code: _language(code, file, rules, [path for path, _ in read]) for code, file in whole.items()}


def _merge_rules(files: Sequence[_RulesFile | None]) -> _RulesFile:
    topics: dict[str, TopicRules] = {}
    includes: dict[str, tuple[str, ...]] = {}
    for file in files:
        topics |= file.topics if file else {}
        includes |= file.includes if file else {}
    return _RulesFile(topics=topics, includes=includes)


def _merge_language(shipped: _LanguageFile, own: _LanguageFile) -> _LanguageFile:
    concepts = {
        concept: tuple(dict.fromkeys(shipped.concepts.get(concept, ()) + own.concepts.get(concept, ())))
        for concept in (*shipped.concepts, *own.concepts)
    }
    rules = {topic: shipped.rules.get(topic, ()) + own.rules.get(topic, ()) for topic in (*shipped.rules, *own.rules)}
    base = {**shipped.base, **own.base}
    return _LanguageFile(concepts=concepts, without=own.without, base=base, rules=rules)


def _typed(source: Source, kind: type[BaseModel]) -> Any:
    return typed_item(source, (), source.value, kind) if source.readable else None


def _check_language(source: Source, file: _LanguageFile, rules: _RulesFile) -> None:
    for concept, terms in file.concepts.items():
        for at, term in enumerate(terms):
            if problem := term_problem(term):
                source.add(("concepts", concept, at), f"{term!r} can never match well: {problem}")
    for key, given in (("base", file.base), ("rules", file.rules)):
        for topic in given:
            if topic not in rules.topics:
                source.add((key, topic), f"no topic of {RULES}; it has {', '.join(rules.topics)}")


def _check_rules(source: Source, known: set[str]) -> None:
    """A rule that names a concept without terms could never count, and nobody would know."""
    file = _typed(source, _RulesFile)
    if file is None:
        return
    for concept, others in file.includes.items():
        _check_concepts(source, ("includes", concept), (concept, *others), known)
    for topic, spec in file.topics.items():
        for at, rule in enumerate(spec.rules):
            _check_concepts(source, ("topics", topic, "rules", at), frozenset().union(*rule.parts), known)


def _check_concepts(source: Source, path: tuple[str | int, ...], named: Iterable[str], known: set[str]) -> None:
    for concept in sorted(named):
        if concept not in known or concept == SWALLOWED:
            source.add(path, f"no language has terms for the concept {concept!r}")


def _language(code: str, file: _LanguageFile, rules: _RulesFile, read: Sequence[Path]) -> Language:
    mine = [path.read_bytes() for path in read if path.name in (RULES, f"{code}.yaml")]
    topics = {
        topic: spec.model_copy(
            update={"base": spec.base + file.base.get(topic, 0.0), "rules": spec.rules + file.rules.get(topic, ())}
        )
        for topic, spec in rules.topics.items()
    }
    taken = {concept: frozenset(terms) for concept, terms in file.without.items()}
    concepts = {
        concept: tuple(term for term in terms if term not in taken.get(concept, ()))
        for concept, terms in file.concepts.items()
    }
    for concept, others in rules.includes.items():
        terms = (term for one in (concept, *others) for term in concepts.get(one, ()))
        concepts[concept] = tuple(dict.fromkeys(terms))
    return Language(code, f"terms-{code}-{hashlib.sha256(b''.join(mine)).hexdigest()[:12]}", concepts, topics)
