"""Whether a find is the name or part of another word, by its script; which of overlapping finds stays. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from worker.articles.wordbounds import (
    CYRILLIC_ENDINGS,
    cyrillic_stem,
    is_katakana,
    is_korean_prefixed,
    is_korean_tail,
    is_prefixed,
    joins,
    word_after,
)
from worker.nlp.names.index import Pattern
from worker.nlp.names.spelling import form_of
from worker.nlp.names.words import BODIES, HAN_WORDS, WORDS


@dataclass(frozen=True)
class Find:
    """A pattern at folded [start:end]."""

    start: int
    end: int
    pattern: Pattern
    how: str


def judge(pattern: Pattern, text: str, start: int, end: int) -> Find | None:
    """The find as a mention, by the rule of its script, or None."""
    before = text[start - 1] if start else " "
    if pattern.script == "cjk":
        cut = is_katakana(before) and is_katakana(text[start])
        cut = cut or (is_katakana(text[end - 1]) and is_katakana(text[end : end + 1]))
        return None if cut or _is_between_words(text, start, end) else Find(start, end, pattern, pattern.how)
    if pattern.script == "cyrillic-stem":
        return _inflected(pattern, text, start, end)
    prefixed = is_korean_prefixed(text, start, end) if pattern.script == "hangul" else False
    if joins(before, pattern.script) and not prefixed and not is_prefixed(pattern.script, text, start):
        return None
    rest = word_after(text, end, pattern.script)
    if pattern.script == "hangul":
        if rest and not is_korean_tail(rest):
            return None
        return Find(start, end, pattern, "particle" if rest else pattern.how)
    return Find(start, end, pattern, pattern.how) if not rest else None


def _is_between_words(text: str, start: int, end: int) -> bool:
    """Two characters that belong to a word on each side: 参加沙龙 is no 加沙."""
    around = (text[start - 1 : start + 1] if start else "", text[end - 1 : end + 1])
    return end - start == 2 and all(pair in HAN_WORDS for pair in around)


def glued(pattern: Pattern, folded: str, find: tuple[int, int], given: str) -> Find | None:
    """A full name that lost a space to a neighbour: ComradeKim Jong Un, "Kim Jong Unput"; `given` is as it stands.

    A capital marks its beginning, a known word what follows; one word alone would be found in others.
    """
    start, end = find
    if pattern.script != "latin" or " " not in pattern.form or not given[:1].isupper():
        return None
    if joins(folded[start - 1 : start] or " ", "latin") and not folded[start - 1].isalpha():
        return None
    rest = word_after(folded, end, "latin")
    if rest and (rest not in WORDS or rest in BODIES):
        return None
    return Find(start, end, pattern, "glued")


def _inflected(pattern: Pattern, text: str, start: int, end: int) -> Find | None:
    """Word by word: each must be the alias's word, or its stem with an ending of a name."""
    if start and joins(text[start - 1], "cyrillic"):
        return None
    at = start
    for number, word in enumerate(form_of(pattern.alias).split(" ")):
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
    return Find(start, at, pattern, pattern.how)


def longest(finds: Iterable[Find]) -> list[Find]:
    """Of overlapping finds the longest, then the first; of one span every entity that bears the name."""
    kept: list[Find] = []
    last: list[Find] = []  # the finds of the span that was kept last
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
