"""How well names are found: precision and recall over pairs of article and entity, and by which rule. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from worker.model import Mention


@dataclass(frozen=True)
class Case:
    """An article with the entities that a reader found in it; `partial` are those named by a part of a name only."""

    article: str
    entities: frozenset[str]
    partial: frozenset[str]
    mentions: Sequence[Mention]

    @property
    def found(self) -> frozenset[str]:
        return frozenset(mention.entity for mention in self.mentions)


@dataclass(frozen=True)
class Tally:
    """Pairs of article and entity; without any that were found, or are there, a share is 1."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        return _share(self.right, self.right + self.wrong)

    @property
    def recall(self) -> float:
        return _share(self.right, self.right + self.missed)

    @property
    def f1(self) -> float:
        return _share(2 * self.right, 2 * self.right + self.wrong + self.missed)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


@dataclass(frozen=True)
class HowTally:
    """Of one rule: its mentions, and the pairs that no other rule found."""

    mentions: int
    alone_right: int
    alone_wrong: int


def tally(cases: Iterable[Case]) -> Tally:
    """All pairs of all articles together (micro-averaged)."""
    right = wrong = missed = 0
    for case in cases:
        right += len(case.found & case.entities)
        wrong += len(case.found - case.entities)
        missed += len(case.entities - case.found)
    return Tally(right, wrong, missed)


def partial_tally(cases: Iterable[Case]) -> Tally:
    """Only of entities that a reader saw named in part."""
    found = missed = 0
    for case in cases:
        found += len(case.partial & case.found)
        missed += len(case.partial - case.found)
    return Tally(found, 0, missed)


def by_how(cases: Sequence[Case]) -> dict[str, HowTally]:
    """By rule, the busiest first."""
    mentions: Counter[str] = Counter()
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for case in cases:
        hows: dict[str, set[str]] = {}
        for mention in case.mentions:
            mentions[mention.how] += 1
            hows.setdefault(mention.entity, set()).add(mention.how)
        for entity, used in hows.items():
            if len(used) == 1:
                (right if entity in case.entities else wrong)[next(iter(used))] += 1
    return {how: HowTally(count, right[how], wrong[how]) for how, count in mentions.most_common()}


def errors(cases: Iterable[Case]) -> list[tuple[str, str, str, Mention | None]]:
    """(article, 'wrong' or 'missed', entity, first mention of a wrong one), in the order of the articles."""
    listed: list[tuple[str, str, str, Mention | None]] = []
    for case in cases:
        for entity in sorted(case.found - case.entities):
            first = next(mention for mention in case.mentions if mention.entity == entity)
            listed.append((case.article, "wrong", entity, first))
        listed += [(case.article, "missed", entity, None) for entity in sorted(case.entities - case.found)]
    return listed
