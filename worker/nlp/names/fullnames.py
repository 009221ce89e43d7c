"""Whose full name stands at a surname, in any spelling or with a middle name; what only looks like one. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from worker.nlp.names.bearers import Bearer, is_asian_given
from worker.nlp.names.capitals import Line, Word
from worker.nlp.names.kinds import Kind, Sighting
from worker.nlp.names.spelling import same_given, same_sound, same_syllables
from worker.nlp.names.surroundings import JUNIOR_AFTER, Surroundings
from worker.nlp.names.words import BODIES, PLACES, TITLES, WORDS, is_common

THING_AFTER: Final = re.compile(r"(?:\s([A-Z]\w+))?(?:\s([A-Z]\w+))?")
MORE_SYLLABLES: Final = re.compile(r"[\s‐‑-]([^\W\d_]{1,6})(?![\w’'])")
GIVEN_AFTER: Final = re.compile(r"[\s‐‑-]([^\W\d_]{1,9})(?:[\s‐‑-]([^\W\d_]{1,9}))?")
GIVEN_BEFORE: Final = re.compile(r"(?<!\w)([^\W\d_]{1,9})[\s‐‑-]([^\W\d_]{1,9})\s$")
KOREAN_PAIRS: Final = tuple(map(frozenset, ("gk", "jc", "bp", "dt")))


def kind_of_full(line: Line, start: int, end: int, bearer: Bearer) -> Kind:
    """What a watched full name at [start:end] is in truth: itself, or part of a longer one, or a place of that name."""
    tail = line.text[end : end + 40]
    if JUNIOR_AFTER.match(tail):
        return Kind.RIVAL
    if any(word.lower() in BODIES for word in THING_AFTER.match(tail).groups("")):  # type: ignore[union-attr]
        return Kind.NONE
    if not bearer.surname_first:
        return Kind.FULL
    more = MORE_SYLLABLES.match(tail)  # Park Jin-hyok is not Park Jin
    name = more[1].lower() if more is not None else ""
    if more is None or not is_asian_given(name) or (name in WORDS and not more[1][0].isupper()):
        return Kind.FULL
    if more[0][0].isspace():
        one = len(bearer.given) == 1 and more[1][0].isupper() and not line.headline
        return Kind.RIVAL if one and name not in PLACES and name not in TITLES else Kind.FULL
    return Kind.RIVAL


def full_name(at: Surroundings, field: str) -> Sighting | None:
    """Of the watched bearers of the surname the one whose given name stands beside it."""
    before = list(at.lefts())[:3] if at.left is not None else []
    for bearer in at.group.with_initials({word.folded[0] for word in before}):
        found = None if bearer.surname_first else _western(at, field, bearer, before)
        if found is not None:
            return found
    return _asian(at, field) if at.group.surname_first else None


def _asian(at: Surroundings, field: str) -> Sighting | None:
    """The given name after, as it is custom, or before: Jae-in Moon."""
    after = GIVEN_AFTER.match(at.line.text, at.word.end)
    if after is not None:
        parts = [part.casefold() for part in after.groups() if part]
        for bearer in at.group.with_initials(_sounding(parts[0][0])):
            count = _fitting(bearer, parts, hyphen=at.line.text[after.end(1) : after.end(1) + 1] != " ")
            if count:
                return _seen(at, field, bearer, at.word.start, after.end(count), "variant")
    before = GIVEN_BEFORE.search(at.line.text, max(0, at.word.start - 24), at.word.start)
    if before is not None:
        parts = [part.casefold() for part in before.groups()]
        for bearer in at.group.with_initials(parts[0][0]):
            if bearer.surname_first and list(bearer.given) == parts:
                return _seen(at, field, bearer, before.start(), at.word.end, "variant")
    return None


def _fitting(bearer: Bearer, parts: Sequence[str], *, hyphen: bool) -> int:
    """How many of the words after the surname are the given name; 0 for none. Of one syllable only as it is watched."""
    if not bearer.surname_first:
        return 0
    if len(parts) == 2 and same_syllables(parts, bearer.given):
        return 2
    one = parts[0]
    if len(parts) == 2 and hyphen:
        return 0
    return 1 if len(one) >= 5 and same_syllables([one], bearer.given) else 0


def _sounding(initial: str) -> frozenset[str]:
    """Letters that romanisations of Korean choose between."""
    return next((pair for pair in KOREAN_PAIRS if initial in pair), frozenset(initial))


def _western(at: Surroundings, field: str, bearer: Bearer, before: Sequence[Word]) -> Sighting | None:
    if bearer.particle and (at.left is None or at.left.particle != bearer.particle):
        return None
    initial: Sighting | None = None
    for depth, word in enumerate(before):
        if not same_given(word.folded, bearer.given[0]):
            continue
        if is_common(bearer.surname) and not all(_is_middle(each.folded, bearer) for each in before[:depth]):
            return None  # Mahmoud Khaled Abbas may be anybody
        if at.is_junior():
            return Sighting(field, at.word.start, at.word.end, at.key, at.word.folded, Kind.RIVAL)
        how = "variant" if same_sound(word.folded, bearer.given[0]) else "misspelling"
        how = at.spelling() if how == "variant" and at.spelling() else how
        found = _seen(at, field, bearer, word.start, at.word.end, how)
        if len(word.folded) > 1:
            return found
        initial = found if depth == 0 else initial  # Vladimir V. Putin: his first name may still come
    return initial


def _is_middle(word: str, bearer: Bearer) -> bool:
    return len(word) == 1 or word in bearer.given


def _seen(at: Surroundings, field: str, bearer: Bearer, start: int, end: int, how: str) -> Sighting:
    return Sighting(field, start, end, at.key, at.word.folded, Kind.FULL, bearer, how)
