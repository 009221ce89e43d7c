"""Where a word or a phrase stands in folded text, by the rules of its scripts. Pure: no I/O, no clock."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

from worker.articles.folding import Folded, cuts_character
from worker.articles.wordbounds import (
    ARABIC_PREFIXES,
    CYRILLIC_ENDINGS,
    HEBREW_PREFIXES,
    PARTLESS,
    is_katakana,
    is_korean_tail,
    is_prefixed,
    joins,
    word_after,
)
from worker.query.tree import Term, Word

# Of words, beside those of names: ракета, ракет; ядерное, ядерного; армией.
ENDINGS: Final = CYRILLIC_ENDINGS | frozenset(
    "ое ее его ему ею ией й ь ью ьи ям ями ях і ї ів ії ію єю ою ям ях".split() + [""]
)
PREFIXES: Final = {"arabic": ("", *ARABIC_PREFIXES), "hebrew": ("", *HEBREW_PREFIXES)}
GAP: Final = 6  # characters that part two words of a phrase: a full stop, a quotation mark, a space, a bracket


def places(term: Term, folded: Folded) -> Iterator[tuple[int, int]]:
    """Where the term begins and ends in the folded text, one needle after the other, each from left to right."""
    text, first = folded.text, term.words[0]
    for needle in first.needles:
        at = text.find(needle)
        while at >= 0:
            if _may_begin(first, text, at):
                end = _end(term.words, text, at, needle)
                if end is not None and not cuts_character(folded, at) and not cuts_character(folded, end):
                    yield at, end
            at = text.find(needle, at + 1)


def _may_begin(word: Word, text: str, at: int) -> bool:
    before = text[at - 1] if at else " "
    if before == " ":
        return True
    if word.first == "cjk":
        return not (is_katakana(before) and is_katakana(text[at]))
    return not joins(before, word.first) or is_prefixed(word.first, text, at)


def _end(words: tuple[Word, ...], text: str, at: int, needle: str) -> int | None:
    """Where the words end whose first has its needle at `at`; None where they do not stand there."""
    for word, following in itertools.pairwise(words):
        found = None
        if word.last in PARTLESS or following.first in PARTLESS:
            found = _begin(following, text, at + len(needle))
        if found is None:
            whole = _word_end(word, text, at, needle)
            found = None if whole is None else _begin(following, text, _past_gap(text, whole[1], word, following))
        if found is None:
            return None
        at, needle = found
    whole = _word_end(words[-1], text, at, needle)
    return None if whole is None else whole[0]


def _past_gap(text: str, at: int, word: Word, following: Word) -> int:
    """The first letter after what parts two words; past the text where nothing does and something must."""
    if text[at : at + 1] == " " and text[at + 1 : at + 2].isalnum():  # most often
        return at + 1
    stop = at
    while stop < min(len(text), at + GAP) and not (text[stop].isalnum() or text[stop] == "_"):
        stop += 1
    glued = stop == at and word.last not in PARTLESS and following.first not in PARTLESS
    return len(text) if glued else stop


def _begin(word: Word, text: str, at: int) -> tuple[int, str] | None:
    """The word's needle where the word, or a short one written together with it, begins at `at`."""
    for prefix in PREFIXES.get(word.first, ("",)):
        if text.startswith(prefix, at):
            for needle in word.needles:
                start = at + len(prefix)
                if text.startswith(needle, start) and _word_end(word, text, start, needle) is not None:
                    return start, needle
    return None


def _word_end(word: Word, text: str, at: int, needle: str) -> tuple[int, int] | None:
    """Where the word ends, and with it what is written together with it; None where it is part of another word."""
    end = at + len(needle)
    if word.prefix:
        while word.last != "cjk" and end < len(text) and joins(text[end], word.last):
            end += 1
        return end, end
    if word.last == "cjk":
        return None if is_katakana(text[end - 1]) and is_katakana(text[end : end + 1]) else (end, end)
    after = text[end : end + 1]
    rest = word_after(text, end, word.last) if after.isalnum() or after == "_" else ""
    whole = end + len(rest)
    if word.stem:
        return (whole, whole) if needle + rest == word.form or rest in ENDINGS else None
    if not rest:
        return end, end
    return (end, whole) if word.last == "hangul" and is_korean_tail(rest) else None
