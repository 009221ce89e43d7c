"""A watchlist compiled: which forms of which names are looked for. Decides nothing about a text. Pure.

All that costs is paid by the text, not by the list: what is done for each alias here must be little.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import ahocorasick

from worker.articles.wordbounds import ARABIC_ARTICLE, ARABIC_TO_THE, cyrillic_stem, script_of
from worker.nlp.names.alike import alike
from worker.nlp.names.bearers import Bearer, bearer_of, by_surname, is_turned, last_word
from worker.nlp.names.index import Entity, NameIndex, Pattern, alias_problem
from worker.nlp.names.shortened import shortened
from worker.nlp.names.spelling import form_of
from worker.nlp.names.weak import Context, context_of, is_weak
from worker.nlp.names.words import LISTS_HASH

# Capitals up to here are matched as capitals: IS, NIS, KPA are words otherwise, and so is ИГ (ХАМАС is also Хамас).
ACRONYM_LENGTH: Final = {"latin": 5, "cyrillic": 4}
RULES: Final = "3"  # goes up with every change of what is found: a judgement is stamped with it


@dataclass(frozen=True)
class _Parts:
    """What an index is made of, while it grows."""

    held: dict[str, list[Pattern]] = field(default_factory=dict)
    bearers: dict[tuple[str, str], Bearer] = field(default_factory=dict)
    contexts: dict[str, Context] = field(default_factory=dict)
    qualifiers: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def hold(self, patterns: Iterable[Pattern]) -> None:
        for pattern in patterns:
            self.held.setdefault(pattern.form, []).append(pattern)


def compile_watchlist(entities: Iterable[Entity]) -> NameIndex:
    """The index of all names and aliases. Aliases that can never match are left out: `wirewatch check` names them."""
    parts, stamp = _Parts(), hashlib.sha256(f"{RULES} {LISTS_HASH}".encode())
    for entity in entities:
        stamp.update(_stamped(entity))
        _add(parts, entity)
    single = _single(parts.held)
    return NameIndex(
        automaton=_automaton(parts.held),
        count=len(parts.held),
        version=stamp.hexdigest()[:12],
        surnames=by_surname(parts.bearers.values()),
        bearers=parts.bearers,
        contexts=parts.contexts,
        qualifiers=parts.qualifiers,
        single=single,
        alike=alike((b.surname for b in parts.bearers.values() if b.given and not b.titled), single),
    )


def _add(parts: _Parts, entity: Entity) -> None:
    names = [alias for alias in names_of(entity) if alias_problem(alias) is None]
    weak = {alias for alias in names if is_weak(entity, alias)}
    if weak or entity.not_context:
        parts.contexts[entity.id] = context_of(entity, weak)
    for alias in names:
        parts.hold(_patterns(entity, alias, "context" if alias in weak else ""))
    if entity.type == "person":
        _add_person(parts, entity, names)
    if entity.type == "organisation":
        for short, left_out in shortened(names).items():
            parts.hold([Pattern(entity.id, short, form_of(short), "latin", False, "short", needs="full")])
            parts.qualifiers[entity.id, short] = left_out


def _add_person(parts: _Parts, entity: Entity, names: Sequence[str]) -> None:
    own = bearer_of(entity.id, entity.name)
    for alias in names:
        bearer = bearer_of(entity.id, alias)
        if bearer is not None and not is_turned(bearer, own):
            parts.bearers[entity.id, alias] = bearer
    for short in {word for alias in names if (word := last_word(alias))} - {form_of(alias) for alias in names}:
        parts.hold(replace(pattern, how="surname") for pattern in _patterns(entity, short, "intro"))


def _is_single(pattern: Pattern) -> bool:
    return pattern.script == "latin" and not (pattern.person or pattern.exact or pattern.needs)


def _single(held: Mapping[str, Sequence[Pattern]]) -> dict[str, tuple[str, str]]:
    """One-word names in Latin letters that one entity bears."""
    return {
        form: (patterns[0].entity, patterns[0].alias)
        for form, patterns in held.items()
        if form.isalpha() and len(patterns) == 1 and _is_single(patterns[0])
    }


def _automaton(held: Mapping[str, Sequence[Pattern]]) -> Any:
    """None for no name. A short form that several bear says nothing, and is left out."""
    if not held:
        return None
    automaton = ahocorasick.Automaton()
    for form, patterns in held.items():
        several = len({pattern.entity for pattern in patterns}) > 1
        kept = tuple(pattern for pattern in patterns if not (several and pattern.needs in ("full", "intro")))
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
    person = entity.type == "person"
    yield Pattern(entity.id, alias, form, script, exact, how, person, needs)
    if script == "arabic" and form.startswith(ARABIC_ARTICLE):
        to_the = ARABIC_TO_THE + form.removeprefix(ARABIC_ARTICLE)
        yield Pattern(entity.id, alias, to_the, script, False, "prefix", person, needs)
    if script == "cyrillic" and not exact:
        # Every word of a name is inflected: look for the first word's stem, judge the rest word by word.
        stem = cyrillic_stem(form.split(" ")[0])
        yield Pattern(entity.id, alias, stem, "cyrillic-stem", False, "inflected", person, needs)
