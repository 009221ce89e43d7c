"""What stands right beside a surname, as questions with yes or no. Decides for no entity. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from worker.nlp.names.bearers import Group, is_asian_given
from worker.nlp.names.capitals import Line, Word, left_of, right_of
from worker.nlp.names.spelling import sound
from worker.nlp.names.words import (
    BODIES,
    EAST,
    FAMILY,
    GIVEN,
    GOVERNING,
    KIN,
    OFFICES,
    PLACES,
    PROVINCES,
    STATES,
    SURNAMES,
    THINGS,
    TITLES,
    TOWNS,
    WORDS,
    is_common,
)

PREFIXES: Final = frozenset("anti pro ex post pre non mid neo then".split())
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
KIN_BEFORE: Final = re.compile(rf"\b(?:{'|'.join(sorted(KIN))}|first lady|first son),?\s+(?:[\w.-]+\s+){{1,3}}$")
SYLLABLE_AFTER: Final = re.compile(r"[-‐‑][a-z]{1,6}(?![\w’'])")
DOING: Final = re.compile(r"\w{4,}ing")  # Overriding Biden
MEETING_AFTER: Final = re.compile(r"\s+(?:summit|talks|meeting|declaration)\b", re.IGNORECASE)
COUNTRY_OWNS: Final = re.compile(r"([A-Z][a-z]+)['’]s?\s+$")


class Surroundings:
    """One word that is, or sounds like, the surname of `group`, and what is beside it."""

    def __init__(self, line: Line, number: int, key: str, surnames: Mapping[str, Group]) -> None:
        self.line, self.number, self.key, self.surnames = line, number, key, surnames
        self.group = surnames[key]
        self.word = line.words[number]
        self.left, self.right = left_of(line, number), right_of(line, number)
        self.before = self._before()

    def spelling(self) -> str:
        """How the surname is spelt, if not as it is watched."""
        if self.word.folded in self.group.surnames:
            return ""
        return "variant" if sound(self.word.folded) == self.key else "misspelling"

    def lefts(self) -> Iterator[Word]:
        number = self.number
        for _ in range(NEAR):
            beside = left_of(self.line, number)
            if beside is None:
                return
            number = beside.number
            yield self.line.words[number]

    def is_junior(self) -> bool:
        return JUNIOR_AFTER.match(self.line.text, self.word.end) is not None

    def is_thing(self) -> bool:
        after, text = self._after(), self.line.text
        if after is not None and text[self.word.end] == " " and text[after.end : after.end + 1] != "-":
            if after.folded in BODIES:
                return True
            if after.folded in THINGS and not self.line.headline:
                return True
        town = STATE_AFTER.match(self.line.text, self.word.end)
        return town is not None and town[1].lower().rstrip(".") in STATES

    def is_family(self) -> bool:
        after = SMALL_AFTER.match(self.line.text, self.word.end)
        return after is not None and not self._owns() and after[1] in FAMILY

    def _owns(self) -> bool:
        return self.line.text[self.word.end : self.word.end + 1] in ("'", "’")

    def is_rival(self) -> bool:
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
        if self.left is not None and self.left.hyphen:  # Sung-Jun; but the Biden-Xi talks, anti-Trump
            known = word in WORDS or sound(word) in self.surnames or word in PREFIXES
            return not known and (word in GIVEN or self._is_doubtful())
        if sound(word) != self.key and self._is_acronym(before):
            return False
        if word in GIVEN and word not in WORDS:
            return True
        if word in WORDS or word in TOWNS or DOING.fullmatch(word) or (self.line.headline and not self.spelling()):
            return False
        return word not in GOVERNING and word not in BODIES

    def _is_rest_of_name(self, after: Word, hyphen: bool) -> bool:
        """Whether the surname is but the beginning of another name: Kim Song Il, Abbas Araghchi, Lee Isaac Chung."""
        word = after.folded
        if word in PLACES or word in TITLES or word in GOVERNING or self._is_acronym(after):
            return False
        if hyphen and (sound(word) in self.surnames or not self._is_doubtful()):  # the Xi-Biden talks, Xi-Carney
            return False
        if self.group.surname_first and len(word) > 1 and is_asian_given(word):
            more = not hyphen and SYLLABLE_AFTER.match(self.line.text, after.end)
            if more or not (word in WORDS and self.line.headline):  # "Kim Young-sam Dies"; but "Kim Can Wait"
                return True
        if len(word) == 1:  # Netanyahu U.S. support; but Kim A Lim
            return is_common(self.word.folded)
        if word in ("al", "el") or (self.right is not None and self.right.particle):  # Meshaal al-Ahmad
            return True
        if word in TOWNS and not self._is_doubtful():
            return False
        if hyphen or (word in WORDS and (self.line.headline or not self._is_doubtful())):
            return False
        if self.line.headline and not self.spelling():
            return (word in SURNAMES or word in GIVEN) and self._is_doubtful()
        return sound(word) not in self.surnames

    def _is_doubtful(self) -> bool:
        """A common name, or one that only sounds like the surname: Souleymane, Soleimani."""
        return is_common(self.word.folded) or bool(self.spelling())

    def _is_acronym(self, word: Word) -> bool:
        return word.shouted and not self.word.shouted and len(word.folded) > 1

    def lacks_particle(self) -> bool:
        needed = self.group.particles
        return (
            "" not in needed
            and (self.left is None or self.left.particle not in needed)
            and not self._small_particle(needed)
        )

    def _small_particle(self, needed: frozenset[str]) -> bool:
        head = self.line.text[max(0, self.word.start - 12) : self.word.start].lower()
        return any(head.endswith(f"{particle} ") for particle in needed)

    def title(self) -> str:
        """The nearest title before, whatever given names stand between."""
        before = self.before
        if before in TITLES:
            return before
        return next((word.folded for word in self.lefts() if word.folded in TITLES), "")

    def is_office(self) -> bool:
        before = self.before
        if before in OFFICES:
            return True
        text, start, end = self.line.text, self.word.start, self.word.end
        head = text[max(0, start - 60) : start]
        if OFFICE_OF.search(head) is not None:
            return True
        if self.word.folded in WORDS and len(self.word.folded) < 4:  # the No campaign
            return False
        after = SMALL_AFTER.match(text, end)
        if after is not None and after[1] in GOVERNING and not self._owns():
            return True
        return OFFICE_AFTER.match(text, end, end + 60) is not None or self.country_owns() or self._meets()

    def _meets(self) -> bool:
        """The Trump-Kim summit: the other's surname tells in what company this one is."""
        beside = next((one for one in (self.left, self.right) if one is not None and one.hyphen), None)
        if beside is None or not is_common(self.word.folded):
            return False
        other = self.line.words[beside.number]
        if is_common(other.folded) or sound(other.folded) not in self.surnames:
            return False
        return MEETING_AFTER.match(self.line.text, max(self.word.end, other.end)) is not None

    def country_owns(self) -> bool:
        """Syria's Assad; but Russia's Ban on something, Ohio's Kim, Ukraine's Kim."""
        start = self.word.start
        found = COUNTRY_OWNS.search(self.line.text, max(0, start - 20), start)
        owner = found[1].lower() if found is not None else ""
        if self.group.surname_first and is_common(self.word.folded) and owner not in EAST:
            return False
        return owner in PLACES and owner not in PROVINCES and self.word.folded not in WORDS

    def is_kin(self) -> bool:
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
