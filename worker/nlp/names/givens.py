"""Given names alone, where that is custom: "Jong Un" after Kim Jong Un, "Prince Mohammed" after Mohammed bin Salman.

Only of persons whom the article names in full. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from worker.model import Mention
from worker.nlp.names.bearers import Bearer
from worker.nlp.names.capitals import Line, left_of, right_of
from worker.nlp.names.words import TITLES

MOST: Final = 8  # bearers of one given name that are looked at: where more are named, it alone names nobody
ROYAL: Final = frozenset("prince princess king queen emir sultan sheikh sheik pope".split())
REST: Final = re.compile(r"[\s‐‑-]([^\W\d_]+)(?![\w])")


def given_names(line: Line, field: str, people: Iterable[Bearer]) -> Iterator[Mention]:
    """`people`: those whom the article names in full."""
    first: dict[str, list[Bearer]] = {}
    for bearer in people:
        if bearer.given:
            first.setdefault(bearer.given[0], []).append(bearer)
    for number, word in enumerate(line.words) if first else ():
        fitting = [(bearer, end) for bearer in first.get(word.folded, ())[:MOST] if (end := _end(line, number, bearer))]
        if len({bearer.entity for bearer, _ in fitting}) == 1:
            bearer, end = fitting[0]
            yield Mention(
                bearer.entity, line.text[word.start : end], field, word.start, end, bearer.alias, "given name"
            )


def _end(line: Line, number: int, bearer: Bearer) -> int:
    """Where the given name that begins at the word ends; 0 if it is none of this bearer's."""
    word, left = line.words[number], left_of(line, number)
    before = line.words[left.number].folded if left is not None else ""
    if bearer.surname_first:
        rest = REST.match(line.text, word.end)
        whole = len(bearer.given) == 2 and rest is not None and rest[1].casefold() == bearer.given[1]
        return rest.end(1) if whole and rest is not None and (not before or before in TITLES) else 0
    return word.end if before in ROYAL and right_of(line, number) is None else 0
