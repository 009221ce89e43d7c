"""Whether two spellings are one name: romanisation, small slips. Knows no watchlist. Pure.

All words are folded: small letters, no accents.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Final

from worker.articles.folding import fold
from worker.nlp.names.words import PET_FORMS

# What writers of Latin letters choose between for one sound, in this order; Zelensky, Zelenskyy; Hezbollah, Hizbullah.
SOUNDS: Final = (
    (re.compile(r"[^a-z0-9]+"), ""),
    (re.compile(r"ff$"), "v"),  # Lavroff
    (re.compile(r"kh|q|ck|c$"), "k"),
    (re.compile(r"gh"), "g"),
    (re.compile(r"dh"), "d"),
    (re.compile(r"ph"), "f"),
    (re.compile(r"w"), "v"),
    (re.compile(r"y(?=[aeou])"), "Y"),  # a consonant there: Yahya
    (re.compile(r"oe|oi|oy"), "ui"),  # Choe, Choi; Shoigu, Shoygu
    (re.compile(r"eo|eu|ou|oo|o"), "u"),  # Seok, Suk; Rouhani, Rohani
    (re.compile(r"eh$|ah$"), "a"),  # Haniyeh, Haniya
    (re.compile(r"ee|ey|ei|ay|ai|ie|y|e"), "i"),  # Sergei, Sergey
    (re.compile(r"(.)\1+"), r"\1"),
)
KOREAN: Final = str.maketrans("bdgj", "ptkc")  # Bak, Pak; Geun, Keun
FRONT: Final = str.maketrans("ai", "ee")  # Yahya, Yehya; but Hassan is not Hussein


@functools.lru_cache(maxsize=4_096)
def form_of(name: str) -> str:
    """A name as it is looked for: folded, bare of spaces. Remembered: each is asked for several times in a row."""
    return fold(name).text.strip()


@functools.lru_cache(maxsize=50_000)
def sound(word: str) -> str:
    """Equal for the spellings of one name, as a rule."""
    for pattern, letters in SOUNDS:
        word = pattern.sub(letters, word)
    return word


@functools.lru_cache(maxsize=20_000)
def same_sound(one: str, other: str) -> bool:
    """Whether two given names are one: an initial, a pet form, another vowel or a doubled letter."""
    if one == other or other in PET_FORMS.get(one, ()):
        return True
    if one[0] != other[0]:
        return False
    if len(one) == 1 or len(other) == 1:
        return True
    return min(len(one), len(other)) >= 4 and sound(one).translate(FRONT) == sound(other).translate(FRONT)


@functools.lru_cache(maxsize=20_000)
def same_given(one: str, other: str) -> bool:
    """The same, or one slip in a longer one."""
    if same_sound(one, other):
        return True
    return one[0] == other[0] and min(len(one), len(other)) >= 5 and one_slip(one, other)


def same_syllables(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two Korean or Chinese given names sound alike, however they are divided: Suk-yeol, Seok-youl."""
    first, second = "".join(one), "".join(other)
    one_more = len(first) != len(second) and min(len(first), len(second)) >= 7 and one_slip(first, second)
    return one_more or _syllables(first) == _syllables(second)  # Jingping; but Yong Nam is not Jong Nam


def _syllables(word: str) -> str:
    return sound(word.replace("ch", "j").replace("hui", "hee")).translate(KOREAN)


def one_slip(one: str, other: str) -> bool:
    """One letter wrong, missing or too many, or two neighbours that changed places (Damerau 1964)."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    at = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    if len(one) != len(other):
        short, long = sorted((one, other), key=len)
        return short[at:] == long[at + 1 :]
    swapped = one[at + 1 : at + 2] + one[at : at + 1] + one[at + 2 :]
    return one[at + 1 :] == other[at + 1 :] or swapped == other[at:]
