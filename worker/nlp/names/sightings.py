"""Every place of a text where a watched surname stands, and what it says by itself: a full name, another's, a title.

Looks at the words right beside it and decides for no entity: `resolve` does, over the whole article. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from worker.nlp.names.alike import Alike, slip_of
from worker.nlp.names.bearers import Group
from worker.nlp.names.capitals import Line, Word
from worker.nlp.names.fullnames import full_name
from worker.nlp.names.kinds import Kind, Sighting
from worker.nlp.names.spelling import sound
from worker.nlp.names.surroundings import Surroundings
from worker.nlp.names.words import COURTESY, LADIES


def sightings(
    line: Line,
    field: str,
    surnames: Mapping[str, Group],
    *,
    taken: Sequence[tuple[int, int]],
    slips: Alike,
) -> Iterator[Sighting]:
    """Of every word that is a watched surname, or nearly one, outside the spans in `taken` (sorted)."""
    at = 0
    for number, word in enumerate(line.words):
        while at < len(taken) and taken[at][1] <= word.start:
            at += 1
        if at < len(taken) and taken[at][0] < word.end:
            continue
        group = sound(word.folded)
        if group not in surnames:
            meant = slip_of(slips, word.folded)
            group = sound(meant) if meant else ""
        if group in surnames and _is_name(line, word):
            yield _sighting(Surroundings(line, number, group, surnames), field)


def _is_name(line: Line, word: Word) -> bool:
    """Not the eleven of a match (XI), nor the beginning of another word (Xi'an)."""
    if word.shouted and len(word.folded) < 4 and not line.shouted:
        return False
    mark, after, beyond = line.text[word.end : word.end + 1], *_two(line.text, word.end + 1)
    return not (mark in ("'", "’") and after.isalpha() and (after not in "sS" or beyond.isalpha()))


def _two(text: str, at: int) -> tuple[str, str]:
    return text[at : at + 1], text[at + 1 : at + 2]


def _sighting(at: Surroundings, field: str) -> Sighting:
    full = full_name(at, field)
    if full is not None:
        return full
    kind, word = _kind(at), at.word
    return Sighting(
        field,
        word.start,
        word.end,
        at.key,
        word.folded,
        kind,
        how=at.spelling(),
        lady=at.before in LADIES,
        title=at.title(),
        kin=kind is Kind.RIVAL and at.is_kin(),
        country=at.country_owns(),
    )


def _kind(at: Surroundings) -> Kind:
    if at.is_junior():
        return Kind.RIVAL
    if at.is_thing() or at.is_family():
        return Kind.NONE
    if at.is_rival():
        return Kind.RIVAL
    if at.lacks_particle():
        return Kind.NONE
    if at.is_office():
        return Kind.OFFICE
    return Kind.COURTESY if at.before in COURTESY | LADIES else Kind.BARE
