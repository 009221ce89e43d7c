"""The short names of a watched person: which word of a name is the surname, and what stands before or after it. Pure.

Korean, Chinese and Vietnamese names begin with the surname, others end with it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from worker.articles.wordbounds import script_of
from worker.nlp.names.spelling import form_of, sound
from worker.nlp.names.words import ASIAN, JUNIORS, PARTICLES, PET_FORMS, TITLES

MOST_WORDS: Final = 6
MOST_COMPARED: Final = 64  # namesakes with one initial; a list of more finds them by their whole names only
LONG_ENOUGH: Final = 4  # letters of a surname in another script: Korean names end in short ones there
# A romanised Korean or Chinese given name, of one or two syllables.
SYLLABLE: Final = (
    r"(?:[bcdfghjklmnpqrstwxyz]|[kpt]'|ch|sh|zh|ts|hs|kw|hw|gw|ky|hy|gy|my|py|by|ry|ny|ph|th|kh|ng)?[aeiouy]{1,3}"
    r"(?:ng|ck|c|n|k|l|m|p|t|r|h|b|g)?"
)
ASIAN_GIVEN: Final = re.compile(rf"{SYLLABLE}(?:{SYLLABLE})?")
OPTIONAL: Final = frozenset({"al", "el", "ul", "ad", "as", "ash", "an", "ar"})  # the Arabic article, assimilated or not


@dataclass(frozen=True, slots=True)
class Bearer:
    """One form of one person's name. `particle` must stand before the surname: bin Salman is not Salman."""

    entity: str
    alias: str
    surname: str
    given: tuple[str, ...]
    particle: str = ""
    surname_first: bool = False
    titled: bool = False  # "Foreign Minister Eli Cohen": introduces him, but his name alone is none of the aliases


def bearer_of(entity: str, alias: str) -> Bearer | None:
    """How `alias` divides into given name and surname; None for what is no Latin name of a person."""
    if script_of(alias) != "latin" or (alias.isupper() and " " not in alias):  # MBS
        return None
    words = [word.strip(".,'") for word in form_of(alias).split()]
    words = [word for word in words if word]
    after_title = next((at for at in range(len(words) - 1, 0, -1) if words[at - 1] in TITLES), 0)
    words, titled = words[after_title:], after_title > 0
    if not words or words[-1] in TITLES or (len(words) > 1 and words[-1] in JUNIORS):
        return None
    if not 0 < len(words) <= MOST_WORDS or not all(word.replace("'", "").isalpha() for word in words):
        return None
    if is_surname_first(words):
        return Bearer(entity, alias, words[0], tuple(words[1:]), surname_first=True, titled=titled)
    return replace(_surname_last(entity, alias, words), titled=titled)


def is_surname_first(words: Sequence[str]) -> bool:
    return words[0] in ASIAN and 2 <= len(words) <= 3 and all(is_asian_given(word) for word in words[1:])


def is_asian_given(word: str) -> bool:
    return len(word) <= 9 and ASIAN_GIVEN.fullmatch(word) is not None


def _surname_last(entity: str, alias: str, words: Sequence[str]) -> Bearer:
    given = list(words[:-1])
    particle = ""
    if given and given[-1] in OPTIONAL:
        given.pop()
    elif given and given[-1] in PARTICLES:
        particle = given.pop()
        while given and given[-1] in PARTICLES:
            particle = f"{given.pop()} {particle}"
    return Bearer(entity, alias, words[-1], tuple(word for word in given if word not in OPTIONAL), particle)


def last_word(alias: str) -> str:
    """The surname, folded, of a full name in a script that writes it last and in one word; empty for any other."""
    words = form_of(alias).split()
    fits = len(words) in (2, 3) and script_of(alias) in ("cyrillic", "arabic", "hebrew")
    return words[-1] if fits and len(words[-1]) >= LONG_ENOUGH else ""


@dataclass(frozen=True)
class Group:
    """All bearers of one surname, by its sound, in the order of the watchlist; what is asked of them is kept."""

    bearers: tuple[Bearer, ...]

    @functools.cached_property
    def surnames(self) -> frozenset[str]:
        return frozenset(bearer.surname for bearer in self.bearers)

    @functools.cached_property
    def particles(self) -> frozenset[str]:
        return frozenset(bearer.particle for bearer in self.bearers)

    @functools.cached_property
    def surname_first(self) -> bool:
        """Whether any of them has a name that begins with it."""
        return any(bearer.surname_first for bearer in self.bearers)

    @functools.cached_property
    def by_initial(self) -> Mapping[str, tuple[Bearer, ...]]:
        """By the first letter that the given name may have, a pet form's too: some of very many bear such a one."""
        held: dict[str, list[Bearer]] = {}
        for bearer in self.bearers:
            if bearer.given and not bearer.titled:
                forms = {bearer.given[0], *PET_FORMS.get(bearer.given[0], ())}
                for initial in {first for form in forms for first in (form[0], sound(form)[:1])}:
                    held.setdefault(initial, []).append(bearer)
        return {initial: tuple(bearers) for initial, bearers in held.items()}

    def with_initials(self, initials: Iterable[str]) -> Iterator[Bearer]:
        """Those whose given name may begin so; of each letter no more than can be compared at each place of a text."""
        for initial in initials:
            yield from self.by_initial.get(initial, ())[:MOST_COMPARED]


def is_turned(bearer: Bearer, name: Bearer | None) -> bool:
    """Whether an alias has the words of the name the other way round: Nakatani Gen, Gen Nakatani."""
    return name is not None and bearer.surname in name.given and name.surname in bearer.given


def by_surname(bearers: Iterable[Bearer]) -> dict[str, Group]:
    """By the sound of the surname, each form of a person once."""
    bearers = (bearer for bearer in bearers if bearer.surname not in TITLES)
    held: dict[str, dict[tuple[str, str, tuple[str, ...]], Bearer]] = {}
    for bearer in bearers:
        held.setdefault(sound(bearer.surname), {}).setdefault((bearer.entity, bearer.surname, bearer.given), bearer)
    return {key: Group(tuple(group.values())) for key, group in held.items()}
