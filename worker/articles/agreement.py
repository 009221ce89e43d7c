"""How far two groupings of the same articles agree, and where they do not. Pure: no I/O, no clock.

BCubed (Bagga and Baldwin 1998; Amigó and others, "A comparison of extrinsic clustering evaluation metrics", 2009): of
each article's companions in one grouping the share that are its companions in the other, on the average of them all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Agreement:
    """`precision`: how much of what was put together belongs together; `recall`: how much of what belongs together was
    put together. Both are 1 where there is no article."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / (self.precision + self.recall)


def bcubed(truth: Sequence[Hashable], found: Sequence[Hashable]) -> Agreement:
    """`truth` and `found` name each article's group, in one order."""
    groups, clusters = Counter(truth), Counter(found)
    both = Counter(zip(truth, found, strict=True))
    total = len(truth) or 1
    return Agreement(
        precision=sum(n * n / clusters[cluster] for (_, cluster), n in both.items()) / total if truth else 1.0,
        recall=sum(n * n / groups[group] for (group, _), n in both.items()) / total if truth else 1.0,
    )


def torn(one: Sequence[Hashable], other: Sequence[Hashable]) -> Mapping[Hashable, Sequence[Sequence[int]]]:
    """The groups of `one` whose articles are in several of `other`: by name their places, by the other's groups, the
    largest first. `torn(truth, found)` are the stories that were split, `torn(found, truth)` those that were mixed."""
    parts: dict[Hashable, dict[Hashable, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, (group, cluster) in enumerate(zip(one, other, strict=True)):
        parts[group][cluster].append(place)
    return {group: sorted(within.values(), key=len, reverse=True) for group, within in parts.items() if len(within) > 1}
