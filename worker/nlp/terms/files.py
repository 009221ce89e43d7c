"""Term rules read from their files, each mistake with its file and line. Decides no topic.

A folder holds `rules.yaml`, what counts for a topic, in concepts; and a file a language, the terms of each concept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
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
    """`base` moves topics' bases for this language; `rules` are more of them."""

    name: str
    concepts: Mapping[str, tuple[str, ...]]
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
    """By language code: the shipped ones, and over them those of a desk's `own` folder. Raises ConfigError.

    A desk's language file stands for the shipped one of its name; so does its `rules.yaml`, for all languages.
    """
    places = {path.name: path for folder in (SHIPPED, own) if folder for path in sorted(folder.glob("*.yaml"))}
    sources = {name: read_source(path) for name, path in places.items()}
    rules = _typed(sources[RULES], _RulesFile)
    files = {name: _typed(source, _LanguageFile) for name, source in sources.items() if name != RULES}
    for name, file in files.items():
        if file and rules:
            _check_language(sources[name], file, rules)
    if rules:
        _check_rules(sources[RULES], rules, {concept for file in files.values() if file for concept in file.concepts})
    problems = [problem for source in sources.values() for problem in source.problems]
    if problems or rules is None:
        raise ConfigError(problems)
    return {
        (code := name.removesuffix(".yaml")): _language(code, file, rules, (places[RULES], places[name]))
        for name, file in files.items()
        if file
    }


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
    for topic, more in file.rules.items():
        _check_concepts(source, ("rules", topic), more, file.concepts.keys())


def _check_rules(source: Source, rules: _RulesFile, known: set[str]) -> None:
    for concept, others in rules.includes.items():
        for other in (concept, *others):
            if other not in known:
                source.add(("includes", concept), f"no language has terms for the concept {other!r}")
    for topic, spec in rules.topics.items():
        _check_concepts(source, ("topics", topic, "rules"), spec.rules, known)


def _check_concepts(source: Source, path: tuple[str, ...], rules: tuple[RuleSpec, ...], known: Any) -> None:
    """A rule that names a concept without terms could never count, and nobody would know."""
    for at, rule in enumerate(rules):
        for concept in sorted(frozenset().union(*rule.parts)):
            if concept not in known or concept == SWALLOWED:
                source.add((*path, at), f"no language has terms for the concept {concept!r}")


def _language(code: str, file: _LanguageFile, rules: _RulesFile, read: tuple[Path, ...]) -> Language:
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in read)).hexdigest()
    topics = {
        topic: spec.model_copy(
            update={"base": spec.base + file.base.get(topic, 0.0), "rules": spec.rules + file.rules.get(topic, ())}
        )
        for topic, spec in rules.topics.items()
    }
    concepts = dict(file.concepts)
    for concept, others in rules.includes.items():
        terms = (term for one in (concept, *others) for term in file.concepts.get(one, ()))
        concepts[concept] = tuple(dict.fromkeys(terms))
    return Language(code, f"terms-{code}-{digest[:12]}", concepts, topics)
