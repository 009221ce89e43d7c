"""What each place of a text where a watched surname stands says by itself: a full name, another's, a title, a firm.

Looks at the words right beside it and decides for no entity: `resolve` does, over the whole document. Pure.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from worker.nlp.names.alike import Alike, slip_of
from worker.nlp.names.bearers import Bearer, is_asian_given
from worker.nlp.names.capitals import Line, Word, left_of, right_of
from worker.nlp.names.spelling import same_given, same_sound, same_syllables, sound
from worker.nlp.names.words import (
    BODIES,
    COURTESY,
    FAMILY,
    GIVEN,
    GOVERNING,
    KIN,
    LADIES,
    OFFICES,
    PET_FORMS,
    PLACES,
    STATES,
    SURNAMES,
    THINGS,
    TITLES,
    WORDS,
    is_common,
)

NEAR: Final = 4  # words to a side that may belong to one name
SMALL_BEFORE: Final = re.compile(r"([^\W\d_]+)['’]?\s+$")
SMALL_AFTER: Final = re.compile(r"(?:['’]s?)?\s+([a-z-]+)")
OFFICE_OF: Final = re.compile(r"(?:secretary|minister)\s+of\s+(?:[A-Za-z]+\s+){0,2}[A-Za-z]+\s+$", re.IGNORECASE)
OFFICE_AFTER: Final = re.compile(
    r",\s+(?:(?:the|who is|who was)\s+)?(?:[\w’'.-]+\s+){0,3}"
    r"(?:president|prime minister|premier|leader|chancellor|dictator|foreign minister|secretary of state|ayatollah)\b"
)
STATE_AFTER: Final = re.compile(r",\s+([A-Z][\w.]{1,7}?)\.?(?![\w])")
JUNIOR_AFTER: Final = re.compile(r",?\s+(?:Jr|Sr|II|III|IV)\b")
THING_AFTER: Final = re.compile(r"(?:\s([A-Z]\w+))?(?:\s([A-Z]\w+))?")
MORE_SYLLABLES: Final = re.compile(r"[\s‐‑-]([^\W\d_]{1,6})(?![\w’'])")
GIVEN_AFTER: Final = re.compile(r"[\s‐‑-]([^\W\d_]{1,9})(?:[\s‐‑-]([^\W\d_]{1,9}))?")
KIN_BEFORE: Final = re.compile(rf"\b(?:{'|'.join(sorted(KIN))}|first lady|first son),?\s+(?:[\w.-]+\s+){{1,3}}$")
COUNTRY_OWNS: Final = re.compile(r"([A-Z][a-z]+)['’]s?\s+$")


class Kind(enum.Enum):
    """In the order of what they say of who is meant."""

    FULL = "full"  # a watched person's full name
    RIVAL = "rival"  # another bearer of the surname
    OFFICE = "office"  # under an office: President Moon, the Moon government, Syria's Assad
    COURTESY = "courtesy"  # Mr Moon
    BARE = "bare"
    GIVEN = "given"  # the given name alone: Jong Un
    NONE = "none"  # no person: Trump Tower, the Trump family


@dataclass(frozen=True, slots=True)
class Sighting:
    """One place. `bearer`: whose full name it is, if one's; `group`: the sound of its surname; `spelt`: as folded."""

    field: str
    start: int
    end: int
    group: str
    spelt: str
    kind: Kind
    bearer: Bearer | None = None
    how: str = ""
    lady: bool = False
    title: str = ""
    kin: bool = False
    country: bool = False


def sightings(
    line: Line,
    field: str,
    surnames: Mapping[str, tuple[Bearer, ...]],
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
            yield _Look(line, field, number, group, surnames).sighting()


def _is_name(line: Line, word: Word) -> bool:
    """Not the eleven of a match (XI), nor the beginning of another word (Xi'an)."""
    if word.shouted and len(word.folded) < 4 and not line.headline:
        return False
    mark, after, beyond = line.text[word.end : word.end + 1], *_two(line.text, word.end + 1)
    return not (mark in ("'", "’") and after.isalpha() and (after not in "sS" or beyond.isalpha()))


def _two(text: str, at: int) -> tuple[str, str]:
    return text[at : at + 1], text[at + 1 : at + 2]


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
    if more is None or more[1].lower() in WORDS or not is_asian_given(more[1].lower()):
        return Kind.FULL
    if more[0][0].isspace():
        name = more[1].lower()
        if line.headline or len(bearer.given) > 1 or not more[1][0].isupper() or name in PLACES or name in TITLES:
            return Kind.FULL
    return Kind.RIVAL


class _Look:
    """One word, and what is beside it."""

    def __init__(
        self, line: Line, field: str, number: int, group: str, surnames: Mapping[str, tuple[Bearer, ...]]
    ) -> None:
        self.line, self.field, self.number, self.group, self.surnames = line, field, number, group, surnames
        self.bearers = surnames[group]
        self.word = line.words[number]
        self.left, self.right = left_of(line, number), right_of(line, number)
        self.before = self._before()

    def sighting(self) -> Sighting:
        full = self._full()
        if full is not None:
            return full
        kind = self._kind()
        kin = kind is Kind.RIVAL and self._is_kin()
        lady, country = self.before in LADIES, self._country_owns()
        return self._seen(kind, kin=kin, country=country, lady=lady, title=self._title())

    def _seen(self, kind: Kind, **more: object) -> Sighting:
        word = self.word
        how = self._spelling()
        return Sighting(self.field, word.start, word.end, self.group, word.folded, kind, how=how, **more)  # type: ignore[arg-type]

    def _spelling(self) -> str:
        """How the surname is spelt, if not as it is watched."""
        if any(bearer.surname == self.word.folded for bearer in self.bearers):
            return ""
        return "variant" if sound(self.word.folded) == self.group else "misspelling"

    # ------------------------------------------------------------ whose full name it is

    def _full(self) -> Sighting | None:
        before = list(self._lefts())[:3] if self.left is not None else []
        initials = {word.folded[0] for word in before}
        after = GIVEN_AFTER.match(self.line.text, self.word.end)
        for bearer in self.bearers:
            found = None
            if bearer.surname_first and after is not None:
                found = self._full_asian(bearer, after)
            elif before and bearer.given and (bearer.given[0][0] in initials or bearer.given[0] in PET_FORMS):
                found = self._full_western(bearer, before)
            if found is not None:
                return found
        return None

    def _lefts(self) -> Iterator[Word]:
        number = self.number
        for _ in range(NEAR):
            beside = left_of(self.line, number)
            if beside is None:
                return
            number = beside.number
            yield self.line.words[number]

    def _full_western(self, bearer: Bearer, before: Sequence[Word]) -> Sighting | None:
        if bearer.particle and (self.left is None or self.left.particle != bearer.particle):
            return None
        for depth, word in enumerate(before):
            if not same_given(word.folded, bearer.given[0]) or (len(word.folded) == 1 and depth):
                continue
            if self._is_junior():
                return self._seen(Kind.RIVAL)
            how = "variant" if same_sound(word.folded, bearer.given[0]) else "misspelling"
            how = self._spelling() if how == "variant" and self._spelling() else how
            return self._seen_full(bearer, word.start, self.word.end, how)
        return None

    def _full_asian(self, bearer: Bearer, after: re.Match[str]) -> Sighting | None:
        parts = [part.casefold() for part in after.groups() if part]
        for count in (2, 1):
            if len(parts) >= count and len("".join(parts[:count])) >= 4 and same_syllables(parts[:count], bearer.given):
                return self._seen_full(bearer, self.word.start, after.end(count), "variant")
        return None

    def _seen_full(self, bearer: Bearer, start: int, end: int, how: str) -> Sighting:
        return Sighting(self.field, start, end, self.group, self.word.folded, Kind.FULL, bearer, how)

    # ------------------------------------------------------------ whose it is not

    def _kind(self) -> Kind:
        if self._is_junior():
            return Kind.RIVAL
        if self._is_thing() or self._is_family():
            return Kind.NONE
        if self._is_rival():
            return Kind.RIVAL
        if self._lacks_particle():
            return Kind.NONE
        if self._is_office():
            return Kind.OFFICE
        return Kind.COURTESY if self.before in COURTESY | LADIES else Kind.BARE

    def _is_junior(self) -> bool:
        return JUNIOR_AFTER.match(self.line.text, self.word.end) is not None

    def _is_thing(self) -> bool:
        after, text = self._after(), self.line.text
        if after is not None and text[self.word.end] == " " and text[after.end : after.end + 1] != "-":
            if after.folded in BODIES:
                return True
            if after.folded in THINGS and not self.line.headline:
                return True
        town = STATE_AFTER.match(self.line.text, self.word.end)
        return town is not None and town[1].lower().rstrip(".") in STATES

    def _is_family(self) -> bool:
        after = SMALL_AFTER.match(self.line.text, self.word.end)
        return after is not None and not self._owns() and after[1] in FAMILY

    def _owns(self) -> bool:
        return self.line.text[self.word.end : self.word.end + 1] in ("'", "’")

    def _is_rival(self) -> bool:
        before = self.line.words[self.left.number] if self.left is not None else None
        if before is not None and self._is_given(before):
            return True
        after = self._after()
        return after is not None and self.right is not None and self._is_rest_of_name(after, self.right.hyphen)

    def _is_given(self, before: Word) -> bool:
        """Whether the word before is somebody else's given name."""
        word = before.folded
        if word in TITLES or word in PLACES:
            return False
        if len(word) == 1:  # an initial, but not "A Trump aide"
            return self.line.text[before.end : before.end + 1] == "."
        if self.left is not None and self.left.hyphen:
            return word in GIVEN and word not in WORDS
        if sound(word) != self.group and self._is_acronym(before):
            return False
        if word in GIVEN and word not in WORDS:
            return True
        if word in WORDS or (self.line.headline and not self._spelling()):
            return False
        return word not in GOVERNING and word not in BODIES

    def _is_rest_of_name(self, after: Word, hyphen: bool) -> bool:
        """Whether the surname is but the beginning of another name: Kim Song Il, Abbas Araghchi, Lee Isaac Chung."""
        word = after.folded
        if word in PLACES or word in TITLES or word in GOVERNING or self._is_acronym(after):
            return False
        if hyphen and sound(word) in self.surnames:  # the Xi-Biden talks
            return False
        asian = any(bearer.surname_first for bearer in self.bearers)
        if asian and is_asian_given(word) and not (word in WORDS and self.line.headline):
            return True
        if hyphen or (word in WORDS and (self.line.headline or not self._spelling())):
            return False
        if self.line.headline:
            return (word in SURNAMES or word in GIVEN) and self._is_doubtful()
        return self._is_doubtful()

    def _is_doubtful(self) -> bool:
        """A common name, or one that only sounds like the surname: Souleymane, Soleimani."""
        return is_common(self.word.folded) or bool(self._spelling())

    def _is_acronym(self, word: Word) -> bool:
        return word.shouted and not self.word.shouted and len(word.folded) > 1

    def _lacks_particle(self) -> bool:
        needed = {bearer.particle for bearer in self.bearers}
        return (
            "" not in needed
            and (self.left is None or self.left.particle not in needed)
            and not self._small_particle(needed)
        )

    def _small_particle(self, needed: set[str]) -> bool:
        head = self.line.text[max(0, self.word.start - 12) : self.word.start].lower()
        return any(head.endswith(f"{particle} ") for particle in needed)

    # ------------------------------------------------------------ what it is called

    def _title(self) -> str:
        """The nearest title before, whatever given names stand between."""
        before = self.before
        if before in TITLES:
            return before
        return next((word.folded for word in self._lefts() if word.folded in TITLES), "")

    def _is_office(self) -> bool:
        before = self.before
        if before in OFFICES:
            return True
        text, start, end = self.line.text, self.word.start, self.word.end
        after = SMALL_AFTER.match(text, end)
        if after is not None and after[1] in GOVERNING and not self._owns():
            return True
        head = text[max(0, start - 60) : start]
        if OFFICE_OF.search(head) is not None or OFFICE_AFTER.match(text, end, end + 60) is not None:
            return True
        return self._country_owns()

    def _country_owns(self) -> bool:
        """Syria's Assad; but Russia's Ban on something."""
        start = self.word.start
        owner = COUNTRY_OWNS.search(self.line.text, max(0, start - 20), start)
        return owner is not None and owner[1].lower() in PLACES and self.word.folded not in WORDS

    def _is_kin(self) -> bool:
        """His son Hunter Biden, First Lady Jill Biden: a relative of the one who needs no given name."""
        head = self.line.text[max(0, self.word.start - 40) : self.word.start].lower()
        return KIN_BEFORE.search(head) is not None

    def _before(self) -> str:
        """The word right before, with a capital or without."""
        if self.left is not None:
            return "" if self.left.hyphen else self.line.words[self.left.number].folded
        small = SMALL_BEFORE.search(self.line.text, max(0, self.word.start - 30), self.word.start)
        return small[1].lower() if small else ""

    def _after(self) -> Word | None:
        return None if self.right is None else self.line.words[self.right.number]
