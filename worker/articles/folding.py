"""Text folded for matching: what readers take for the same letters is the same, and every letter leads back to where it
stood. Pure: no I/O, no clock.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

DASHES: Final = dict.fromkeys(map(ord, "-‐‑‒–—―−·・־"), " ")  # Kim Jong-un and Kim Jong Un are one name
QUOTES: Final = dict.fromkeys(map(ord, '"“”„″’‘ʼ`´′״׳'), "'")


@dataclass(frozen=True)
class Folded:
    """Folded text; `starts[i]` is where the i-th folded character begins in the original, with one more at the end."""

    text: str
    starts: Sequence[int]


def fold(text: str) -> Folded:
    """NFKC, small letters, no accents (й stays, ё becomes е), one kind of quote, dashes as spaces, no double space."""
    if text.isascii():
        return _squeeze(Folded(text.lower().translate(ASCII_FORMS), range(len(text) + 1)))
    forms = {character: _FORMS[character] for character in set(text)}
    joined = text.translate({ord(character): form for character, form in forms.items()})
    odd = [character for character, form in forms.items() if len(form) != 1]
    starts = _starts(text, odd, forms) if odd else range(len(text) + 1)
    if PIECES.search(joined):  # Hangul in pieces, kana and their marks apart: put together, map again
        return _squeeze(_compose(joined, starts))
    return _squeeze(Folded(joined, starts))


def _starts(text: str, odd: Sequence[str], forms: Mapping[str, str]) -> list[int]:
    """Where each folded character began, if those in `odd` became none or several; stretch by stretch."""
    starts: list[int] = []
    at = 0
    for found in re.finditer(f"[{re.escape(''.join(odd))}]", text):
        starts += range(at, found.start())
        starts += [found.start()] * len(forms[found[0]])
        at = found.end()
    starts += range(at, len(text) + 1)
    return starts


def _squeeze(folded: Folded) -> Folded:
    """Of several spaces the first."""
    text = folded.text
    if "  " not in text:
        return folded
    starts: list[int] = []
    at = 0
    for found in SPACES.finditer(text):
        starts += folded.starts[at : found.start() + 1]
        at = found.end()
    starts += folded.starts[at:]
    return Folded(SPACES.sub(" ", text), starts)


PIECES: Final = re.compile("[\u1100-\u11ff\u3099\u309a]")
WHOLES: Final = re.compile(r"[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?|[\u3041-\u30ff][\u3099\u309a]|.", re.DOTALL)
SPACES: Final = re.compile(" {2,}")
ASCII_FORMS: Final = str.maketrans({"`": "'", '"': "'", "-": " ", "\n": " ", "\t": " ", "\r": " "})


class _Forms(dict[str, str]):
    """Folded characters by what they were, each worked out once."""

    def __missing__(self, character: str) -> str:
        if len(self) > 20_000:
            self.clear()
        self[character] = folded = _fold_character(character)
        return folded


_FORMS: Final = _Forms()


def _fold_character(character: str) -> str:
    if unicodedata.category(character) in ("Cf", "Mn") and not "\u3099" <= character <= "\u309a":
        return ""
    if character.isspace():
        return " "
    folded = unicodedata.normalize("NFKC", character).translate(DASHES).translate(QUOTES).casefold()
    if (
        folded in ("\u3099", "\u309a")
        or character in "йёЙЁ"
        or "\uac00" <= character <= "\ud7a3"
        or "\u3040" <= character <= "\u30ff"
    ):
        return folded.replace("ё", "е")
    bare = "".join(c for c in unicodedata.normalize("NFD", folded) if unicodedata.category(c) != "Mn")
    return bare.translate(ARABIC_FORMS)


# Letters that writers of Arabic and Persian use for one another.
ARABIC_FORMS: Final = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "ـ": None})


def _compose(joined: str, starts: Sequence[int]) -> Folded:
    text, kept = [], []
    for found in WHOLES.finditer(joined):
        whole = unicodedata.normalize("NFC", found[0])
        text.append(whole)
        kept += [starts[found.start()]] * len(whole)
    return Folded("".join(text), [*kept, starts[-1]])


def cuts_character(folded: Folded, at: int) -> bool:
    """True inside what one character became: ㎞ is km."""
    return 0 < at < len(folded.text) and folded.starts[at] == folded.starts[at - 1]


def original_span(folded: Folded, start: int, end: int, *, text: str) -> tuple[int, int]:
    """Folded [start:end] in the `text` that was folded, without the invisible characters that happen to follow."""
    first, last = folded.starts[start], folded.starts[end]
    while last > first and unicodedata.category(text[last - 1]) == "Cf":
        last -= 1
    return first, last
