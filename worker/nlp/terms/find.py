"""Where a language's terms stand in a text, by the word rule of their script. Decides no topic. Pure: no I/O.

A term is a word or a few: `*` at a word's end stands for any ending, at the term's start for any beginning. Without
it a word may bear what its script puts on every word: Korean particles, Russian cases, Arabic and Hebrew prefixes.
`=` before a term lets its words have no ending at all: =Газа is the place, Газа and газ would be one word.
"""

from __future__ import annotations

import enum
import functools
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import ahocorasick

from worker.articles.folding import fold
from worker.articles.wordbounds import (
    ARABIC_ARTICLE,
    CYRILLIC_ENDINGS,
    LONGEST_TAIL,
    PARTLESS,
    cyrillic_stem,
    is_katakana,
    is_korean_tail,
    is_prefixed,
    joins,
    script_of,
)

ARABIC_ENDINGS: Final = frozenset("ه ها هم هن نا ي ين ون ان ات تين تان يه وا ا".split())
PERSIAN_ENDINGS: Final = frozenset(
    "ها هاي هايي ايي اي ي ش اش شان ان يان م مان تان ات تر ترين گان هايش هايشان را".split()
)
HEBREW_ENDINGS: Final = frozenset("ים ות י ית ה ת יות ו יו ם ן נו יים יה יהם".split())
UKRAINIAN_ENDINGS: Final = frozenset("ь й і є ів ій оі еі єі єю єм ові еві єві іі ями".split())  # folded: ї is і
ENDINGS: Final = {
    "cyrillic": CYRILLIC_ENDINGS | UKRAINIAN_ENDINGS,
    "arabic": ARABIC_ENDINGS,
    "persian": PERSIAN_ENDINGS,
    "hebrew": HEBREW_ENDINGS,
}
ARTICLES: Final = {"arabic": ARABIC_ARTICLE, "hebrew": "ה"}  # an adjective bears it, too: الأقمار الصناعية
HEBREW_PREFIX_LETTERS: Final = frozenset("והבלמשכ")
LONGEST_PREFIX: Final = 3  # letters: וכשה is rare, שבה and ומה are not
EXACT: Final = "="
SWALLOWED: Final = "ignore"  # the concept of phrases whose parts mean nothing


class Ending(enum.Enum):
    """What may follow a word's letters."""

    SCRIPT = "script"  # what the script puts on every word
    ANY = "any"
    NONE = "none"


@dataclass(frozen=True)
class Pattern:
    """One term of one concept. `words` are letters and how each may end."""

    concept: str
    words: tuple[tuple[str, Ending], ...]
    script: str
    open_start: bool


class Find(NamedTuple):
    """A term in folded text, [start:end]."""

    start: int
    end: int
    concept: str


_joins = functools.lru_cache(maxsize=50_000)(joins)
_is_korean_tail = functools.lru_cache(maxsize=20_000)(is_korean_tail)


@dataclass(frozen=True)
class Group:
    """The patterns that begin with the same word's letters: where that word begins and ends is looked at once."""

    letters: str
    script: str
    patterns: tuple[Pattern, ...]
    open_start: bool


@dataclass(frozen=True)
class TermIndex:
    """`automaton` maps first words' letters to their group; None without a term."""

    automaton: Any


def term_problem(term: str) -> str | None:
    """Why a term can never match, or would match everywhere; None for a good one."""
    term = term.removeprefix(EXACT)
    words = fold(term).text.split()
    if not any(character.isalnum() for character in term):
        return "it has no letter or digit"
    if any("*" in word.strip("*") for word in words) or any(word.startswith("*") for word in words[1:]):
        return "write * at the end of a word, or at the start of the term"
    if any(not word.strip("*") for word in words):
        return "a * needs letters beside it"
    if len(term.strip("*")) == 1 and (script_of(term) != "cjk" and not _is_hanja(term)):
        return None if script_of(term) == "hangul" and "*" not in term else "one letter matches almost everything"
    return "it is longer than any term" if len(term) > 100 else None


def _is_hanja(term: str) -> bool:
    return "\u4e00" <= term.strip("*")[0] <= "\u9fff"


def compile_terms(concepts: Mapping[str, Iterable[str]], *, language: str = "") -> TermIndex:
    """Of one language: Persian has Arabic's letters, and neither its prefixes nor its endings."""
    held: dict[str, list[Pattern]] = {}
    for concept, terms in concepts.items():
        for term in terms:
            pattern = _pattern(concept, term, language)
            held.setdefault(pattern.words[0][0], []).append(pattern)
    automaton = ahocorasick.Automaton()
    for letters, patterns in held.items():
        group = Group(letters, patterns[0].script, tuple(patterns), any(one.open_start for one in patterns))
        automaton.add_word(letters, group)
    if held:
        automaton.make_automaton()
    return TermIndex(automaton if held else None)


def _pattern(concept: str, term: str, language: str) -> Pattern:
    exact, words = term.startswith(EXACT), fold(term.removeprefix(EXACT)).text.split()
    script = script_of(term.strip("*="))
    script = "persian" if script == "arabic" and language == "fa" else script
    parts = []
    for word in words:
        ending = Ending.ANY if word.endswith("*") else Ending.NONE if exact else Ending.SCRIPT
        letters = word.strip("*")
        inflected = script == "cyrillic" and ending is Ending.SCRIPT
        parts.append((cyrillic_stem(letters) if inflected else letters, ending))
    return Pattern(concept, tuple(parts), script, words[0].startswith("*"))


def find_terms(index: TermIndex, text: str) -> list[Find]:
    """Every term in folded text, by place; without those that stand inside a phrase of the concept `ignore`."""
    found = []
    for last, group in index.automaton.iter(text) if index.automaton is not None else ():
        start, stop = last + 1 - len(group.letters), last + 1
        begins = _begins(group.script, text, start)
        if not begins and not group.open_start:
            continue
        rest = _rest(text, stop, group.script)
        for pattern in group.patterns:
            if begins or pattern.open_start:
                end = _end(pattern, text, stop, rest)
                if end is not None:
                    found.append(Find(start, end, pattern.concept))
    found.sort()
    return _without_swallowed(found)


def _without_swallowed(found: Sequence[Find]) -> list[Find]:
    starts = [find.start for find in found if find.concept == SWALLOWED]
    if not starts:
        return list(found)
    reach, ends = 0, []
    for find in found:
        if find.concept == SWALLOWED:
            reach = max(reach, find.end)
            ends.append(reach)
    kept = []
    for find in found:
        at = bisect_right(starts, find.start) - 1
        if find.concept != SWALLOWED and (at < 0 or ends[at] < find.end):
            kept.append(find)
    return kept


def _end(pattern: Pattern, text: str, stop: int, rest: str) -> int | None:
    """Where the term ends whose first word's letters end at `stop`, with that word's `rest`; None where it is part of
    another word, or other words follow."""
    for number, (letters, ending) in enumerate(pattern.words):
        if number:
            at = stop + len(rest)
            if text[at : at + 1] != " ":
                return None
            at += 1
            article = ARTICLES.get(pattern.script, "")
            if article and text.startswith(article + letters, at):
                at += len(article)
            if not text.startswith(letters, at):
                return None
            stop = at + len(letters)
            rest = _rest(text, stop, pattern.script)
        if rest and not _may_end(ending, pattern.script, rest):
            return None
    shown = pattern.words[-1][1] is Ending.ANY or pattern.script not in PARTLESS
    return stop + len(rest) if shown else stop  # without particles, which are no part of the evidence


def _begins(script: str, text: str, start: int) -> bool:
    if start == 0:
        return True
    before = text[start - 1]
    if script == "cjk":
        return not (is_katakana(before) and is_katakana(text[start]))
    if not _joins(before, script):
        # What follows a quotation without a space is its particle: ‘도약’이란 is no Iran.
        return not (script == "hangul" and before == "'" and start > 1 and _joins(text[start - 2], script))
    return _is_hebrew_prefixed(text, start) if script == "hebrew" else is_prefixed(script, text, start)


def _is_hebrew_prefixed(text: str, start: int) -> bool:
    """Up to three of the letters that Hebrew writes before a word, and no other."""
    at = start
    while at and start - at < LONGEST_PREFIX and text[at - 1] in HEBREW_PREFIX_LETTERS:
        at -= 1
    return at == 0 or not _joins(text[at - 1], "hebrew")


def _rest(text: str, end: int, script: str) -> str:
    """Of the word, as far as any ending could reach; of Chinese and Japanese, whether a katakana word goes on."""
    if script == "cjk":
        after = text[end : end + 1]
        return after if is_katakana(text[end - 1]) and is_katakana(after) else ""
    stop, last = end, min(len(text), end + LONGEST_TAIL + 1)
    while stop < last and _joins(text[stop], script):
        stop += 1
    return text[end:stop]


def _may_end(ending: Ending, script: str, rest: str) -> bool:
    if ending is not Ending.SCRIPT:
        return ending is Ending.ANY
    if script == "hangul":
        return _is_korean_tail(rest)
    return rest in ENDINGS.get(script, ())
