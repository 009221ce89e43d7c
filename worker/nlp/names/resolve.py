"""Who is meant where only a surname stands, decided over the whole article. Pure.

The nearest bearer of the name who was introduced before is meant; before any introduction, the first who comes later.
Where nobody is introduced, a surname stands for a watched person only if it is rare, or under an office.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from worker.nlp.names.bearers import Bearer
from worker.nlp.names.sightings import Kind, Sighting
from worker.nlp.names.words import MEN, WOMEN, is_common

BEARERS = (Kind.FULL, Kind.RIVAL)
MEANT = (Kind.OFFICE, Kind.COURTESY, Kind.BARE)
LONG_ENOUGH = 6  # letters: a shorter word that only sounds like the surname is another word


def resolve(
    seen: Sequence[Sighting], surnames: Mapping[str, tuple[Bearer, ...]]
) -> Iterator[tuple[Sighting, Bearer, str]]:
    """Each place where a watched person is meant, with how we know; `seen` in reading order, title first."""
    groups: dict[str, list[Sighting]] = {}
    for sighting in seen:
        groups.setdefault(sighting.group, []).append(sighting)
    for group, places in groups.items():
        yield from _of_group(places, surnames[group])


def _of_group(places: Sequence[Sighting], bearers: Sequence[Bearer]) -> Iterator[tuple[Sighting, Bearer, str]]:
    """One surname's places: one walk, in order."""
    first = next((place for place in places if place.kind in BEARERS), None)
    full = {place.bearer.entity: place.bearer for place in places if place.kind is Kind.FULL and place.bearer}
    alone = None if full else _well_known(places, bearers)
    titles = {place.title for place in places if place.kind is Kind.RIVAL and place.title}
    last: Sighting | None = None
    for place in places:
        if place.kind is Kind.FULL and place.bearer is not None:
            last = place
            if place.how:
                yield place, place.bearer, place.how
        elif place.kind is Kind.RIVAL:
            last = place
        elif place.kind in MEANT:
            who = _meant(place, last or first, alone, full=full, titles=titles)
            if who is not None and _fits(place, who, introduced=bool(full)):
                yield place, who, "title" if place.kind is not Kind.BARE else "surname"


def _meant(
    place: Sighting, nearest: Sighting | None, alone: Bearer | None, *, full: Mapping[str, Bearer], titles: set[str]
) -> Bearer | None:
    if nearest is None:
        return alone
    if nearest.kind is Kind.FULL:
        return nearest.bearer
    if place.kind is Kind.OFFICE and place.title not in titles:
        # President Trump is not the Melania Trump just named.
        return next(iter(full.values())) if len(full) == 1 else alone
    return None


def _well_known(places: Sequence[Sighting], bearers: Sequence[Bearer]) -> Bearer | None:
    """Who is meant by a surname that the article introduces nobody by: of several the one listed first."""
    spelt = {place.spelt for place in places if place.kind in MEANT}
    known = [bearer for bearer in bearers if bearer.surname in spelt]
    if not known:
        long = all(len(word) >= LONG_ENOUGH and not is_common(word) for word in spelt)
        known = list(bearers) if long and spelt else []
    if not known:
        return None
    office = any(place.kind is Kind.OFFICE for place in places)
    rival = any(place.kind is Kind.RIVAL for place in places)
    several = len({bearer.entity for bearer in known}) > 1
    if is_common(known[0].surname) or several or rival:
        return known[0] if office and not (rival and is_common(known[0].surname)) else None
    return known[0]


def _fits(place: Sighting, who: Bearer, *, introduced: bool) -> bool:
    """Spelt as that person's surname is, and of no other sex than the title says."""
    if place.lady and who.given and who.given[0] in MEN:
        return False
    if place.title == "mr" and who.given and who.given[0] in WOMEN:
        return False
    return introduced or place.spelt == who.surname or len(place.spelt) >= LONG_ENOUGH
