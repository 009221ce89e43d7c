"""Who is meant where only a surname stands, decided over the whole article. Pure.

The nearest bearer of the name who was introduced before is meant; before any introduction, the first who comes later.
Where nobody is introduced, a surname stands for a watched person only if it is rare, or under an office, or if a
whole article speaks of it as of somebody whom everybody knows.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from worker.nlp.names.bearers import Bearer, Group
from worker.nlp.names.kinds import Kind, Sighting
from worker.nlp.names.words import MEN, SPORTS, WOMEN, WORDS, is_common

BEARERS: Final = (Kind.FULL, Kind.RIVAL)
MEANT: Final = (Kind.OFFICE, Kind.COURTESY, Kind.BARE)
LONG_ENOUGH: Final = 7  # letters: a shorter word that only sounds like the surname is another word
WHOLE: Final = 600  # letters: so long an article introduces whoever needs it
OFTEN: Final = 2  # places at least of a common surname that nobody introduces

Meant = tuple[Sighting, Bearer, str]


SMALL_WORD: Final = re.compile(r"[a-z]{3,}")
SPORT_SOON: Final = 600  # letters within which an article of sport says that it is one
SPORT_WORDS: Final = 2


@dataclass(frozen=True)
class About:
    """What of the article counts besides: title and text, and whom of the watched it names in full."""

    title: str
    text: str
    persons: frozenset[str]

    def is_word(self, surname: str) -> bool:
        """Whether the article has it with a small letter, too: salami, Salami."""
        return re.search(rf"(?<![\w@#./]){re.escape(surname)}(?![\w.])", self.text) is not None

    @functools.cached_property
    def sport(self) -> bool:
        words = SMALL_WORD.findall(f"{self.title} {self.text[:SPORT_SOON]}".lower())
        return sum(word in SPORTS for word in words) >= SPORT_WORDS


def resolve(seen: Sequence[Sighting], surnames: Mapping[str, Group], about: About) -> Iterator[Meant]:
    """Each place where a watched person is meant, with how we know; `seen` in reading order, title first."""
    groups: dict[str, list[Sighting]] = {}
    for sighting in seen:
        groups.setdefault(sighting.group, []).append(sighting)
    for group, places in groups.items():
        if group in surnames:
            yield from _of_group(places, surnames[group].bearers, about)


def _of_group(places: Sequence[Sighting], bearers: Sequence[Bearer], about: About) -> Iterator[Meant]:
    """One surname's places: one walk, in order."""
    first = next((place for place in places if place.kind in BEARERS), None)
    full = {place.bearer.entity: place.bearer for place in places if place.kind is Kind.FULL and place.bearer}
    alone = None if full else _well_known(places, bearers, about)
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
            introduced = last or (None if alone else first)
            who = _meant(place, introduced, alone, full=full, titles=titles)
            if who is not None and _fits(place, who, introduced=bool(full)):
                yield place, who, place.how or ("surname" if place.kind is Kind.BARE else "title")


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


def _well_known(places: Sequence[Sighting], bearers: Sequence[Bearer], about: About) -> Bearer | None:
    """Who is meant by a surname that the article introduces nobody by: of several the one listed first."""
    spelt = {place.spelt for place in places if place.kind in MEANT}
    bearers = [bearer for bearer in bearers if not bearer.titled]
    known = [bearer for bearer in bearers if bearer.surname in spelt]
    if not known and spelt and all(len(word) >= LONG_ENOUGH and not is_common(word) for word in spelt):
        known = list(bearers)
    if not known:
        return None
    rivals = [place for place in places if place.kind is Kind.RIVAL]
    office = any(place.kind is Kind.OFFICE and not (place.country and about.sport) for place in places)
    fathers = not about.sport and all(bearer.particle == "bin" for bearer in known)  # bin Salman: fewer than Salmans
    if (is_common(known[0].surname) and not fathers) or about.is_word(known[0].surname):
        famous = office or _speaks_as_of_famous(places, known[0], about)
        return known[0] if famous and not rivals else None
    several = len({bearer.entity for bearer in known}) > 1
    if office or not (several or rivals):
        return known[0]
    return known[0] if rivals and not several and _came_first(places, rivals[0]) else None


def _speaks_as_of_famous(places: Sequence[Sighting], who: Bearer, about: About) -> bool:
    often = sum(place.kind in MEANT for place in places) >= OFTEN
    others = about.persons - {who.entity}
    return often and bool(others) and len(about.text) >= WHOLE and not about.sport and who.surname not in WORDS


def _came_first(places: Sequence[Sighting], rival: Sighting) -> bool:
    """Biden on his son Hunter Biden: in one field nobody's full name follows where the surname alone came first."""
    return rival.kin or any(
        place.kind in MEANT and place.field == rival.field for place in places[: places.index(rival)]
    )


def _fits(place: Sighting, who: Bearer, *, introduced: bool) -> bool:
    """Spelt as that person's surname is, and of no other sex than the title says."""
    if place.lady and who.given and who.given[0] in MEN:
        return False
    if place.title == "mr" and who.given and who.given[0] in WOMEN:
        return False
    return introduced or place.spelt == who.surname or len(place.spelt) >= LONG_ENOUGH
