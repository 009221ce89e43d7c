"""Long words that are a watched one but for a slip, or only sound like it: Netanyaho, Hizbullah. Decides nothing else.

One slip leaves the first four letters of a word of eight as they were, or the last four: by these a word's few
candidates are found, whatever the size of the watchlist. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from worker.nlp.names.spelling import one_slip, sound
from worker.nlp.names.words import GIVEN, PLACES, SURNAMES, WORDS

LONG: Final = 8  # letters: of shorter words one letter makes another
LONGER: Final = 9  # letters, of what is nobody's name: towns and firms have neighbours of one letter more or less
END: Final = 4
MOST: Final = 12  # candidates that are compared; an end that more share tells nothing
REMEMBERED: Final = 20_000  # words: news repeats itself


@dataclass(frozen=True)
class Alike:
    """The watched long words by their ends, and one-word names of others than persons by their sound."""

    ends: Mapping[str, tuple[str, ...]]
    sounds: Mapping[str, str]
    known: dict[str, str] = field(default_factory=dict, compare=False, repr=False)  # what was asked before


def alike(surnames: Iterable[str], single: Iterable[str]) -> Alike:
    """`single` are names of one word of organisations, places and weapons; all folded."""
    ends: dict[str, set[str]] = {}
    sounds: dict[str, str] = {}
    for word in single:
        if len(word) >= LONG:
            sounds.setdefault(sound(word), word)
    long = {word for word in surnames if len(word) >= LONG} | {word for word in sounds.values() if len(word) >= LONGER}
    for word in long:
        for key in _ends(word):
            ends.setdefault(key, set()).add(word)
    return Alike({key: tuple(sorted(words)) for key, words in ends.items() if len(words) <= MOST}, sounds)


def _ends(word: str) -> tuple[str, str]:
    return word[:END], f"{word[0]}…{word[-END:]}"


def slip_of(watched: Alike, word: str) -> str:
    """The watched word that `word` is but for one slip; empty for a word, or a name, in its own right."""
    if len(word) < LONG - 1:
        return ""
    meant = watched.known.get(word)
    if meant is None:
        if len(watched.known) >= REMEMBERED:
            watched.known.clear()
        meant = watched.known[word] = "" if is_other(word) else _slip(watched, word)
    return meant


def _slip(watched: Alike, word: str) -> str:
    candidates = (other for key in _ends(word) for other in watched.ends.get(key, ()))
    return next((other for other in candidates if _is_slip(word, other)), "")


def _is_slip(word: str, other: str) -> bool:
    """Not the plural, nor the surname of a Slavic woman."""
    if word in (other, f"{other}s") or (word[-1] == "a" and other[-1] in "yi"):
        return False
    return one_slip(word, other)


def sounds_like(watched: Alike, word: str) -> str:
    """The watched one-word name that `word` sounds like, or empty."""
    other = watched.sounds.get(sound(word), "") if len(word) >= LONG else ""
    return "" if other == word or is_other(word) else other


def is_other(word: str) -> bool:
    return word in WORDS or word in SURNAMES or word in GIVEN or word in PLACES
