"""The compiled watchlist: which forms of which names are looked for. Decides nothing about a text. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import ahocorasick

from worker.articles.folding import fold
from worker.articles.wordbounds import ARABIC_ARTICLE, ARABIC_TO_THE, cyrillic_stem, script_of
from worker.nlp.names.bearers import Bearer, bearer_of, by_surname

# Capitals up to here are matched as capitals: IS, NIS, KPA are words otherwise, and so is ИГ (ХАМАС is also Хамас).
ACRONYM_LENGTH: Final = {"latin": 5, "cyrillic": 4}
RULES: Final = "2"  # goes up with every change of what is found: a judgement is stamped with it


class Entity(Protocol):
    """What is watched: all that matching needs to know of it.

    `weak` aliases count only where one of `context` stands in the article, too, or a strong name of the entity;
    none of its names counts beside a word of `not_context`.
    """

    @property
    def id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def aliases(self) -> Sequence[str]: ...
    @property
    def weak(self) -> Sequence[str]: ...
    @property
    def context(self) -> Sequence[str]: ...
    @property
    def not_context(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Pattern:
    """One form of one alias. `exact` must stand in the text as it is: an acronym."""

    entity: str
    alias: str
    form: str
    script: str
    exact: bool
    how: str


@dataclass(frozen=True)
class NameIndex:
    """A compiled watchlist; `automaton` maps a folded form to its patterns. `version` tells two of them apart.

    `surnames` and `bearers` are of the persons on it.
    """

    automaton: Any
    count: int
    version: str
    surnames: Mapping[str, tuple[Bearer, ...]]  # by their sound
    bearers: Mapping[tuple[str, str], tuple[Bearer, ...]]  # by entity and alias


def alias_problem(alias: str) -> str | None:
    """Why an alias can never match, or would match everywhere; None for a good one."""
    form = form_of(alias)
    if not any(character.isalnum() for character in form):
        return "it has no letter or digit"
    if len(form) == 1:
        return "one letter matches almost everything; write the whole name"
    if len(form) > 200:
        return "it is longer than any name"
    return None


def form_of(alias: str) -> str:
    return fold(alias).text.strip()


def compile_watchlist(entities: Iterable[Entity]) -> NameIndex:
    """The index of all names and aliases. Aliases that can never match are left out: `wirewatch check` names them."""
    automaton = ahocorasick.Automaton()
    held: dict[str, list[Pattern]] = {}
    stamp = hashlib.sha256(RULES.encode())
    persons: dict[tuple[str, str], tuple[Bearer, ...]] = {}
    for entity in entities:
        stamp.update(_stamped(entity))
        for alias in names_of(entity):
            if alias_problem(alias) is None:
                for pattern in _patterns(entity, alias):
                    held.setdefault(pattern.form, []).append(pattern)
                bearer = bearer_of(entity.id, alias) if entity.type == "person" else None
                if bearer is not None:
                    persons[entity.id, alias] = (bearer,)
    for form, patterns in held.items():
        automaton.add_word(form, tuple(patterns))
    if held:
        automaton.make_automaton()
    surnames = by_surname(bearer for group in persons.values() for bearer in group)
    return NameIndex(automaton if held else None, len(held), stamp.hexdigest()[:12], surnames, persons)


def names_of(entity: Entity) -> Iterable[str]:
    return dict.fromkeys((entity.name, *entity.aliases, *entity.weak))


def _stamped(entity: Entity) -> bytes:
    lists = (entity.aliases, entity.weak, entity.context, entity.not_context)
    return repr((entity.id, entity.type, entity.name, *map(tuple, lists))).encode()


def _patterns(entity: Entity, alias: str) -> Iterable[Pattern]:
    form, script = form_of(alias), script_of(alias)
    letters = [c for c in alias if c.isalpha()]
    exact = 0 < len(letters) <= ACRONYM_LENGTH.get(script, 0) and all(c.isupper() for c in letters)
    how = "name" if alias == entity.name else "acronym" if exact else "alias"
    yield Pattern(entity.id, alias, form, script, exact, how)
    if script == "arabic" and form.startswith(ARABIC_ARTICLE):
        to_the = ARABIC_TO_THE + form.removeprefix(ARABIC_ARTICLE)
        yield Pattern(entity.id, alias, to_the, script, False, "prefix")
    if script == "cyrillic" and not exact:
        # Every word of a name is inflected: look for the first word's stem, judge the rest word by word.
        yield Pattern(entity.id, alias, cyrillic_stem(form.split(" ")[0]), "cyrillic-stem", False, "inflected")
