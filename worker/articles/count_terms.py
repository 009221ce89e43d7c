"""Counts how telling each stem is in a body of news: how `terms.bin` was made, and how a desk makes its own.

`python -m worker.articles.count_terms < articles.jsonl > terms.bin`, with lines as `wirewatch judge` takes them.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final

from worker.articles.terms import COMMON, LEAST, RAREST, STEP, Table, hash_of, stems_of

SEEN: Final = 4  # a stem in fewer articles has the weight of one that was never seen
PAIRED: Final = 20  # articles in which two stems must stand side by side to be taken for parts of one name
SHARE: Final = 0.2  # and in how many of the other's articles they must do so

Pair = tuple[str, str]


def count_terms(articles: Iterable[tuple[str, str]]) -> Table:
    """Of headlines with their texts. A stem weighs log(articles / articles with it); beside one that it often stands
    next to, only log(articles with that one / articles with both)."""
    counts: Counter[str] = Counter()
    pairs: Counter[Pair] = Counter()
    total = 0
    for title, text in articles:
        parts = [stems_of(title), stems_of(text)]
        counts.update({stem for part in parts for stem in part} - COMMON)
        pairs.update({pair for part in parts for pair in pairwise(part) if COMMON.isdisjoint(pair)})
        total += 1
    weights = {stem: _steps(total / count) for stem, count in counts.items() if count >= SEEN}
    beside = {
        hash_of(stem): (hash_of(other), _steps(counts[other] / both))
        for stem, (other, both) in _names(counts, pairs).items()
    }
    return Table({hash_of(stem): weight for stem, weight in weights.items()}, beside)


def _steps(odds: float) -> int:
    return min(RAREST, max(LEAST, round(STEP * math.log(odds))))


def _names(counts: Mapping[str, int], pairs: Mapping[Pair, int]) -> dict[str, tuple[str, int]]:
    """By a stem the one that it belongs to, and in how many articles: of two the rarer belongs to the other, and none
    belongs to what belongs to it."""
    best: dict[str, tuple[str, int]] = {}
    for (one, other), both in pairs.items():
        for stem, beside in ((one, other), (other, one)):
            share = both / counts[beside]
            if both < PAIRED or share < SHARE or stem == beside or counts[stem] / both > 1 / SHARE**2:
                continue
            if stem not in best or share > best[stem][1] / counts[best[stem][0]]:
                best[stem] = (beside, both)
    found: dict[str, tuple[str, int]] = {}
    for stem in sorted(best, key=lambda one: (counts[one], one)):
        end = best[stem][0]
        while end in found and end != stem:
            end = found[end][0]
        if end != stem:
            found[stem] = best[stem]
    return found


def main() -> None:
    read = (json.loads(line) for line in sys.stdin)
    sys.stdout.buffer.write(count_terms((one["title"], one.get("text") or "") for one in read).to_bytes())


if __name__ == "__main__":
    main()
