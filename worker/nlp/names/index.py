"""The compiled watchlist: which forms of which names are looked for. Decides nothing about a text. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import ahocorasick

from worker.articles.folding import fold
from worker.articles.wordbounds import ARABIC_ARTICLE, ARABIC_TO_THE, cyrillic_stem, script_of
from worker.nlp.names.alike import Alike, alike
from worker.nlp.names.bearers import Bearer, bearer_of, by_surname
from worker.nlp.names.shortened import shortened
from worker.nlp.names.weak import Context, context_of, is_weak

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
    single: bool = False  # whether others than persons bear it, and it is a strong name
    needs: str = ""  # "context" of a weak name, "full" of a short one: what else the article must have


@dataclass(frozen=True)
class NameIndex:
    """A compiled watchlist; `automaton` maps a folded form to its patterns. `version` tells two of them apart.

    `surnames` and `bearers` are of the persons on it.
    """

    automaton: Any
    count: int
    version: str
    surnames: Mapping[str, tuple[Bearer, ...]]  # by their sound
    bearers: Mapping[tuple[str, str], Bearer]  # by entity and alias
    contexts: Mapping[str, Context]  # of the entities that have one
    qualifiers: Mapping[tuple[str, str], frozenset[str]]  # by entity and short form: what it leaves out
    single: Mapping[str, tuple[str, str]]  # entity and alias of the names of one word that are nobody's, folded
    alike: Alike


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
    held: dict[str, list[Pattern]] = {}
    bearers: dict[tuple[str, str], Bearer] = {}
    contexts: dict[str, Context] = {}
    qualifiers: dict[tuple[str, str], frozenset[str]] = {}
    stamp = hashlib.sha256(RULES.encode())
    for entity in entities:
        stamp.update(_stamped(entity))
        names = [alias for alias in names_of(entity) if alias_problem(alias) is None]
        weak = {alias for alias in names if is_weak(entity, alias)}
        if weak or entity.not_context:
            contexts[entity.id] = context_of(entity, weak)
        for alias in names:
            for pattern in _patterns(entity, alias, "context" if alias in weak else ""):
                held.setdefault(pattern.form, []).append(pattern)
            bearer = bearer_of(entity.id, alias) if entity.type == "person" else None
            if bearer is not None:
                bearers[entity.id, alias] = bearer
        if entity.type == "organisation":
            for short, left_out in shortened(names).items():
                form = form_of(short)
                held.setdefault(form, []).append(Pattern(entity.id, short, form, "latin", False, "short", needs="full"))
                qualifiers[entity.id, short] = left_out
    version = stamp.hexdigest()[:12]
    single = _single(held)
    return NameIndex(
        automaton=_automaton(held),
        count=len(held),
        version=version,
        surnames=by_surname(bearers.values()),
        bearers=bearers,
        contexts=contexts,
        qualifiers=qualifiers,
        single=single,
        alike=alike((bearer.surname for bearer in bearers.values() if bearer.given), single),
    )


def _single(held: Mapping[str, Sequence[Pattern]]) -> dict[str, tuple[str, str]]:
    """One-word names in Latin letters that one entity bears."""
    return {
        form: (patterns[0].entity, patterns[0].alias)
        for form, patterns in held.items()
        if form.isalpha() and len(patterns) == 1 and patterns[0].script == "latin" and patterns[0].single
    }


def _automaton(held: Mapping[str, Sequence[Pattern]]) -> Any:
    """None for no name. A short form that several bear says nothing, and is left out."""
    if not held:
        return None
    automaton = ahocorasick.Automaton()
    for form, patterns in held.items():
        several = len({pattern.entity for pattern in patterns}) > 1
        kept = tuple(pattern for pattern in patterns if not (several and pattern.needs == "full"))
        if kept:
            automaton.add_word(form, kept)
    automaton.make_automaton()
    return automaton


def names_of(entity: Entity) -> Iterable[str]:
    return dict.fromkeys((entity.name, *entity.aliases, *entity.weak))


def _stamped(entity: Entity) -> bytes:
    lists = (entity.aliases, entity.weak, entity.context, entity.not_context)
    return repr((entity.id, entity.type, entity.name, *map(tuple, lists))).encode()


def _patterns(entity: Entity, alias: str, needs: str) -> Iterable[Pattern]:
    form, script = form_of(alias), script_of(alias)
    letters = [c for c in alias if c.isalpha()]
    exact = 0 < len(letters) <= ACRONYM_LENGTH.get(script, 0) and all(c.isupper() for c in letters)
    how = "name" if alias == entity.name else "acronym" if exact else "alias"
    single = entity.type != "person" and not exact and not needs
    yield Pattern(entity.id, alias, form, script, exact, how, single, needs)
    if script == "arabic" and form.startswith(ARABIC_ARTICLE):
        to_the = ARABIC_TO_THE + form.removeprefix(ARABIC_ARTICLE)
        yield Pattern(entity.id, alias, to_the, script, False, "prefix", needs=needs)
    if script == "cyrillic" and not exact:
        # Every word of a name is inflected: look for the first word's stem, judge the rest word by word.
        stem = cyrillic_stem(form.split(" ")[0])
        yield Pattern(entity.id, alias, stem, "cyrillic-stem", False, "inflected", needs=needs)
