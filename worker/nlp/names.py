"""Watched names in a text: found over characters, judged by a boundary rule per script. Pure: no I/O, no clock.

One pass of Aho-Corasick over folded text finds every alias; an offset map leads back to the text as it was given. A
boundary rule then decides whether the find is that name, or part of another word.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import ahocorasick

from worker.articles.folding import Folded, cuts_character, fold, original_span
from worker.articles.wordbounds import (
    ARABIC_ARTICLE,
    ARABIC_TO_THE,
    CYRILLIC_ENDINGS,
    cyrillic_stem,
    is_katakana,
    is_korean_tail,
    is_prefixed,
    joins,
    script_of,
    word_after,
)
from worker.model import ArticleText, Mention

# Capitals up to here are matched as capitals: IS, NIS, KPA are words otherwise, and so is ИГ (ХАМАС is also Хамас).
ACRONYM_LENGTH: Final = {"latin": 5, "cyrillic": 4}


class Entity(Protocol):
    """What is watched: all that matching needs to know of it."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def aliases(self) -> Sequence[str]: ...


@dataclass(frozen=True)
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
    """A compiled watchlist; `automaton` maps a folded form to its patterns."""

    automaton: Any
    count: int


@dataclass(frozen=True)
class _Find:
    start: int
    end: int
    pattern: Pattern
    how: str


def alias_problem(alias: str) -> str | None:
    """Why an alias can never match, or would match everywhere; None for a good one."""
    form = _form(alias)
    if not any(character.isalnum() for character in form):
        return "it has no letter or digit"
    if len(form) == 1:
        return "one letter matches almost everything; write the whole name"
    if len(form) > 200:
        return "it is longer than any name"
    return None


def _form(alias: str) -> str:
    return fold(alias).text.strip()


def compile_watchlist(entities: Iterable[Entity]) -> NameIndex:
    """The index of all names and aliases. Aliases that can never match are left out: `wirewatch check` names them."""
    automaton = ahocorasick.Automaton()
    held: dict[str, list[Pattern]] = {}
    for entity in entities:
        for alias in dict.fromkeys((entity.name, *entity.aliases)):
            if alias_problem(alias) is None:
                for pattern in _patterns(entity, alias):
                    held.setdefault(pattern.form, []).append(pattern)
    for form, patterns in held.items():
        automaton.add_word(form, tuple(patterns))
    if held:
        automaton.make_automaton()
    return NameIndex(automaton=automaton if held else None, count=len(held))


def _patterns(entity: Entity, alias: str) -> Iterable[Pattern]:
    form, script = _form(alias), script_of(alias)
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


def find_mentions(index: NameIndex, article: ArticleText) -> tuple[Mention, ...]:
    """Every mention in title and text, by position; of overlapping finds the longest. Offsets are code points."""
    found: list[Mention] = []
    for field, text in (("title", article.title), ("text", article.text)):
        if index.automaton is None or not text:
            continue
        folded = fold(text)
        for find in _longest(_finds(index, folded, text)):
            start, end = original_span(folded, find.start, find.end, text=text)
            p = find.pattern
            found.append(Mention(p.entity, text[start:end], field, start, end, p.alias, find.how))
    return tuple(found)


def _finds(index: NameIndex, folded: Folded, text: str) -> Iterable[_Find]:
    for last, patterns in index.automaton.iter(folded.text):
        for pattern in patterns:
            find = _judge(pattern, folded.text, last + 1 - len(pattern.form), last + 1)
            if find is None or cuts_character(folded, find.start) or cuts_character(folded, find.end):
                continue
            start, end = original_span(folded, find.start, find.end, text=text)
            if not pattern.exact or _letters(text[start:end]) == _letters(pattern.alias):
                yield find


def _letters(text: str) -> str:
    return "".join(character for character in unicodedata.normalize("NFKC", text) if character.isalnum())


def _judge(pattern: Pattern, text: str, start: int, end: int) -> _Find | None:
    """The find as a mention, by the rule of its script, or None."""
    before = text[start - 1] if start else " "
    if pattern.script == "cjk":
        cut = is_katakana(before) and is_katakana(text[start])
        cut = cut or (is_katakana(text[end - 1]) and is_katakana(text[end : end + 1]))
        return None if cut else _Find(start, end, pattern, pattern.how)
    if pattern.script == "cyrillic-stem":
        return _inflected(pattern, text, start, end)
    if joins(before, pattern.script) and not is_prefixed(pattern.script, text, start):
        return None
    rest = word_after(text, end, pattern.script)
    if pattern.script == "hangul":
        if rest and not is_korean_tail(rest):
            return None
        return _Find(start, end, pattern, "particle" if rest else pattern.how)
    return _Find(start, end, pattern, pattern.how) if not rest else None


def _inflected(pattern: Pattern, text: str, start: int, end: int) -> _Find | None:
    """Word by word: each must be the alias's word, or its stem with an ending of a name."""
    if start and joins(text[start - 1], "cyrillic"):
        return None
    at = start
    for number, word in enumerate(_form(pattern.alias).split(" ")):
        if number:
            if text[at : at + 1] != " ":
                return None
            at += 1
        stem = cyrillic_stem(word)
        if not text.startswith(stem, at):
            return None
        rest = word_after(text, at + len(stem), "cyrillic")
        if stem + rest != word and rest not in CYRILLIC_ENDINGS:
            return None
        at += len(stem) + len(rest)
    return _Find(start, at, pattern, pattern.how)


def _longest(finds: Iterable[_Find]) -> list[_Find]:
    """Of overlapping finds the longest, then the first; of one span every entity that bears the name."""
    kept: list[_Find] = []
    last: list[_Find] = []  # the finds of the span that was kept last
    for find in sorted(finds, key=lambda f: (f.start, -(f.end - f.start), f.how == "inflected")):
        if not last or find.start >= last[0].end:
            kept += last
            last = [find]
        elif (find.start, find.end) == (last[0].start, last[0].end):
            if all(find.pattern.entity != other.pattern.entity for other in last):
                last.append(find)
        elif find.end - find.start > last[0].end - last[0].start:
            last = [find]
    return kept + last
