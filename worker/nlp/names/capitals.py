"""The words with a capital of a text in Latin letters, and what stands right beside one. Knows no names. Pure."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from worker.articles.folding import fold

# A capital, or a Latin letter with a mark, then letters, with accents that are characters of their own and what is not
# seen between them; O'Brien is one word, Kim Jong-un's last is none.
LATIN: Final = "[A-Z\u00c0-\u024f\u1e00-\u1eff\uff21-\uff3a]"
CAPITAL: Final = re.compile(
    rf"(?={LATIN})(?<![^\W_])[^\W\d_]+(?:[\u0300-\u036f\xad\u200b-\u200d\u2060]+[^\W\d_]+)*+[\u0300-\u036f]*"
    rf"(?:['’](?={LATIN})[^\W\d_]{{2,}})?"
)
# What may stand between two words of one name: a space, a hyphen, the dot of an initial or a title, a bracket, al-.
GAP: Final = re.compile(
    r"(?P<dot>\.)?(?P<close>[)\]])?(?:\s{1,2}|(?P<hyphen>[-‐‑‒]))(?P<open>[(\[])?"
    r"(?:(?P<particle>(?:(?:al|el|bin|ibn|ben|van|von|der|den|de|da|di|du|del|la|le|ter)[\s-]){1,2}))?"
)
DOTTED: Final = frozenset(
    "mr mrs ms dr gen sen gov rep lt col maj capt sgt adm prof pres st jr hon rev sec atty amb cmdr brig".split()
)
BEGINNING: Final = 2_000  # letters by which a line is told to be a headline
HEADLINE: Final = 0.3  # fewer of its longer words than so begin small
LONGER: Final = re.compile(r"(?<![^\W_])[^\W\d_]{4,}")
VERB: Final = re.compile(r"(?<![^\W_])(?:is|are|was|were|has|had|have|said|will)(?![^\W_])")


class Word(NamedTuple):
    """A word with a capital at [start:end]; `folded` is what it is compared by."""

    start: int
    end: int
    folded: str
    shouted: bool


@dataclass(frozen=True)
class Line:
    """A text with its capitalised words."""

    text: str
    words: Sequence[Word]

    @functools.cached_property
    def headline(self) -> bool:
        """Whether every word has a capital, so that capitals tell nothing."""
        if VERB.search(self.text, 0, BEGINNING):  # a short sentence of names is none either
            return False
        longer = LONGER.findall(self.text[:BEGINNING])
        small = sum(word[0].islower() for word in longer)
        return len(longer) > 1 and small < HEADLINE * len(longer)

    @functools.cached_property
    def shouted(self) -> bool:
        """Whether it is written in capitals, as some headlines are."""
        return sum(word.shouted for word in self.words) > len(self.words) / 2


def read_line(text: str) -> Line:
    words = [
        Word(found.start(), found.end(), folded_word(found[0]), _is_shouted(found[0]))
        for found in CAPITAL.finditer(text)
        if found[0][0].isupper()
    ]
    return Line(text, words)


def _is_shouted(word: str) -> bool:
    """TRUMP, EU; OKs and MPs, too."""
    return word.isupper() or (len(word) > 2 and word[-1] == "s" and word[:-1].isupper())


@functools.lru_cache(maxsize=50_000)
def folded_word(word: str) -> str:
    return fold(word).text


class Beside(NamedTuple):
    """A neighbour of a word: its number in the line, and what stands between the two."""

    number: int
    hyphen: bool
    particle: str


def left_of(line: Line, number: int) -> Beside | None:
    """The word right before, if nothing parts the two; a dot does, except after an initial or a title."""
    if number == 0:
        return None
    before, word = line.words[number - 1], line.words[number]
    gap = _gap(line.text, before.end, word.start)
    if gap is None or (gap["dot"] and before.end - before.start > 1 and before.folded not in DOTTED):
        return None
    return Beside(number - 1, bool(gap["hyphen"]), (gap["particle"] or "").replace("-", " ").strip())


def right_of(line: Line, number: int) -> Beside | None:
    """The word right after, if nothing but a space or a hyphen parts the two."""
    if number + 1 >= len(line.words):
        return None
    word, after = line.words[number], line.words[number + 1]
    between = line.text[word.end : after.start]
    if len(between) > 8:
        return None
    gap = _gap(line.text, word.end, after.start)
    if gap is None or gap["dot"] or gap["open"] or gap["close"]:
        return None
    return Beside(number + 1, bool(gap["hyphen"]), (gap["particle"] or "").strip())


def _gap(text: str, start: int, end: int) -> re.Match[str] | None:
    return GAP.fullmatch(text, start, end) if 0 < end - start <= 20 else None
