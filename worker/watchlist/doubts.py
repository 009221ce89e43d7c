"""Names that will be found where nobody means them: common words, very short ones, those of two entities.

Pure, but for its table of how often words stand in the news. Only strong names: a weak one has its context to answer
for.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final, Protocol

from worker.articles.wordbounds import PARTLESS, script_of
from worker.config.checks import spelling
from worker.config.namelist import ListedEntity
from worker.model import ArticleText
from worker.nlp.names import compile_watchlist, find_mentions
from worker.nlp.names.compile import ACRONYM_LENGTH
from worker.nlp.names.words import GIVEN, SURNAMES, WORDS

SHORTEST: Final = 3  # letters; in Chinese, Japanese and Korean two are a whole name


class Doubt(enum.StrEnum):
    SHORT = "short"
    WORD = "word"
    NAME = "name"
    SHARED = "shared"


WHY: Final[Mapping[Doubt, str]] = {
    Doubt.SHORT: "shorter than three letters",
    Doubt.WORD: "a common word",
    Doubt.NAME: "a common name",
    Doubt.SHARED: "a name of several",
}


class Named(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def aliases(self) -> Sequence[str]: ...


@dataclass(frozen=True)
class Doubtful:
    """`alias` as its first entity spells it. `expected`: of 10,000 news items in English, so many hold it; None where
    it is no word that a table could tell of."""

    alias: str
    entities: Sequence[str]
    doubts: Sequence[Doubt]
    expected: int | None

    @property
    def why(self) -> str:
        return ", ".join(WHY[doubt] for doubt in self.doubts)


def find_doubts(entities: Iterable[Named], *, only: Collection[str] | None = None) -> list[Doubtful]:
    """The doubtful names of all entities, or of `only` these ids; the likeliest to be found first."""
    owners: dict[tuple[str, bool], tuple[str, list[str]]] = {}
    for entity in entities:
        for alias in dict.fromkeys((entity.name, *entity.aliases)):
            mine = owners.setdefault(spelling(alias), (alias, []))[1]
            if entity.id not in mine:
                mine.append(entity.id)
    found = []
    for (form, _), (alias, mine) in owners.items():
        if only is not None and not any(one in only for one in mine):
            continue
        doubts = [*_doubts_of(alias, form), *([Doubt.SHARED] if len(mine) > 1 else [])]
        if doubts:
            found.append(Doubtful(alias, tuple(mine), tuple(doubts), expected(form)))
    return sorted(found, key=lambda one: (-(one.expected or 0), Doubt.SHORT not in one.doubts, one.alias))


def _doubts_of(alias: str, form: str) -> Iterator[Doubt]:
    script = script_of(alias)
    if sum(character.isalnum() for character in form) < SHORTEST and script not in PARTLESS:
        yield Doubt.SHORT
    if " " in form or (alias.isupper() and len(form) <= ACRONYM_LENGTH.get(script, 0)):
        return  # several words are no word, and an acronym is found in capitals alone
    if form in WORDS:
        yield Doubt.WORD
    elif form in SURNAMES or form in GIVEN:
        yield Doubt.NAME


def expected(form: str) -> int | None:
    """Of 10,000 news items in English how many hold this word, in whatever letters; None for several words and for
    other scripts. 0 is less than one."""
    known = " " not in form and form.isascii()
    return _frequencies().get(form, 0) if known else None


@functools.cache
def _frequencies() -> Mapping[str, int]:
    text = resources.files("worker.watchlist").joinpath("frequency.txt").read_text(encoding="utf-8")
    pairs = (line.split(" ") for line in text.splitlines() if not line.startswith("#"))
    return {word: int(count) for word, count in pairs}


class Firing:
    """How many articles hold each of these names, counted over as many as are given to it."""

    def __init__(self, doubtful: Sequence[Doubtful]) -> None:
        names = [ListedEntity(id=str(n), type="other", name=one.alias) for n, one in enumerate(doubtful)]
        self._index = compile_watchlist(names)
        self.counts, self.articles = [0] * len(doubtful), 0

    def look(self, article: ArticleText) -> None:
        self.articles += 1
        for n in {mention.entity for mention in find_mentions(self._index, article)}:
            self.counts[int(n)] += 1
