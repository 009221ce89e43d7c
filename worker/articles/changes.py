"""What an edit changed: two versions of a text, word by word. Pure: no I/O, no clock."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from worker.articles.prints import UNSPACED

# A word with the space after it; of a script without spaces, a letter.
WORD: Final = re.compile(rf"(?:[{UNSPACED}]|[^\s{UNSPACED}]+)\s*")
MOST_WORDS: Final = 1_500  # are compared between what both begin and end with: the cost grows with the square
AROUND: Final = 6  # words that stay are shown on each side of a change


class Piece(NamedTuple):
    """`text` is '' for a gap: words that stayed and are left out."""

    kind: Literal["same", "old", "new", "gap"]
    text: str


def word_changes(old: str, new: str) -> tuple[Piece, ...]:
    """The changed words in their order, with some of those around; empty where no word differs. White space alone is no
    change."""
    mine, theirs = WORD.findall(old.lstrip()), WORD.findall(new.lstrip())
    steps = list(_steps([word.rstrip() for word in mine], [word.rstrip() for word in theirs]))
    if all(same for same, *_ in steps):
        return ()
    pieces: list[Piece] = []
    for number, (same, start, stop, from_, to) in enumerate(steps):
        if same:
            pieces += _stretch(theirs[from_:to], first=number == 0, last=number == len(steps) - 1)
            continue
        if stop > start:
            pieces.append(Piece("old", "".join(mine[start:stop]).rstrip()))
        if to > from_:
            pieces.append(Piece("new", "".join(theirs[from_:to]).rstrip()))
    return tuple(pieces)


def marked_changes(pieces: Sequence[Piece], *, limit: int) -> str:
    """For a terminal, in plain signs: 'They [-met-] {+talked+} in …'. A piece of more than `limit` letters is cut."""

    def cut(text: str) -> str:
        return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"

    signs = {"same": "{}", "old": "[-{}-]", "new": "{{+{}+}}", "gap": "…"}
    return " ".join(signs[piece.kind].format(cut(piece.text)) for piece in pieces)


def _stretch(words: Sequence[str], *, first: bool, last: bool) -> Iterator[Piece]:
    """What stayed: its end where it comes first, its beginning where it comes last, else both."""
    head = words[: 0 if first else AROUND]
    tail = words[len(words) if last else max(len(head), len(words) - AROUND) :]
    if head:
        yield Piece("same", "".join(head).rstrip())
    if len(head) + len(tail) < len(words):
        yield Piece("gap", "")
    if tail:
        yield Piece("same", "".join(tail).rstrip())


def _steps(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[bool, int, int, int, int]]:
    """(whether it stayed, from and to in `old`, from and to in `new`), none of them empty in both."""
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    if head:
        yield True, 0, head, 0, head
    mine, theirs = old[head : len(old) - tail], new[head : len(new) - tail]
    if max(len(mine), len(theirs)) > MOST_WORDS:
        yield False, head, head + len(mine), head, head + len(theirs)
    elif mine or theirs:
        for tag, start, stop, from_, to in difflib.SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
            yield tag == "equal", head + start, head + stop, head + from_, head + to
    if tail:
        yield True, len(old) - tail, len(old), len(new) - tail, len(new)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words both begin with."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
