"""One field of an article: which aliases stand in it, each at its offsets. Decides nothing about others. Pure.

One pass of Aho-Corasick over folded text finds every alias; an offset map leads back to the text as it was given.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from worker.articles.folding import Folded, cuts_character, fold, original_span
from worker.model import Mention
from worker.nlp.names.boundary import Find, glued, judge, longest
from worker.nlp.names.capitals import Line, read_line
from worker.nlp.names.index import NameIndex, Pattern


@dataclass(frozen=True, slots=True)
class Found:
    """An alias at [start:end] of the field's text as it was given."""

    find: Find
    start: int
    end: int


@dataclass(frozen=True)
class Scan:
    """`name` is 'title' or 'text'; `found` in reading order, of overlapping ones the longest."""

    name: str
    text: str
    folded: str
    found: tuple[Found, ...]

    @functools.cached_property
    def line(self) -> Line:
        return read_line(self.text)

    def mention(self, found: Found) -> Mention:
        pattern = found.find.pattern
        text = self.text[found.start : found.end]
        return Mention(pattern.entity, text, self.name, found.start, found.end, pattern.alias, found.find.how)


def scan(index: NameIndex, name: str, text: str) -> Scan:
    if index.automaton is None:
        return Scan(name, text, "", ())
    folded = fold(text)
    found = []
    for find in longest(_finds(index, folded, text)):
        found.append(Found(find, *original_span(folded, find.start, find.end, text=text)))
    return Scan(name, text, folded.text, tuple(found))


def _finds(index: NameIndex, folded: Folded, text: str) -> Iterable[Find]:
    for last, patterns in index.automaton.iter(folded.text):
        for pattern in patterns:
            at = (last + 1 - len(pattern.form), last + 1)
            find = judge(pattern, folded.text, *at) or _glued(pattern, folded, at, text)
            if find is None or cuts_character(folded, find.start) or cuts_character(folded, find.end):
                continue
            start, end = original_span(folded, find.start, find.end, text=text)
            if not pattern.exact or _letters(text[start:end]) == _letters(pattern.alias):
                yield find


def _glued(pattern: Pattern, folded: Folded, at: tuple[int, int], text: str) -> Find | None:
    """Small letters before a capital, or a word after: only then is it looked at as it was given."""
    start, end = original_span(folded, *at, text=text)
    before = text[start - 1 : start]
    if before.isalpha() and not before.islower():
        return None
    return glued(pattern, folded.text, at, text[start:end])


def _letters(text: str) -> str:
    return "".join(character for character in unicodedata.normalize("NFKC", text) if character.isalnum())
