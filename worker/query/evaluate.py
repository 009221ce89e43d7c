"""Does an article say what a query asks, and by which words? The one evaluator for rules, silences and search. Pure."""

from __future__ import annotations

import functools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from worker.articles.folding import Folded, fold, original_span
from worker.query.places import places
from worker.query.tree import And, Near, Node, Not, Or, Query, Term

# What NEAR counts as a word: in Chinese and Japanese, which part none, a character.
COUNTED: Final = re.compile(r"[{0}]|[^\W{0}]+".format("\u3040-\u30ff\u3400-\u9fff\U00020000-\U000323af"))


@dataclass(frozen=True)
class Span:
    """`field` is 'title' or 'text'; `text` is that field's [start:end], in code points, as the article was given."""

    field: str
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Match:
    """The words that carried it: of each word the first find in each field, in the query's order."""

    spans: tuple[Span, ...]

    def quoted(self) -> tuple[str, ...]:
        """The words as the article has them, each once however it is spelt, on one line."""
        seen: dict[str, str] = {}
        for span in self.spans:
            seen.setdefault(fold(span.text).text, " ".join(span.text.split()))
        return tuple(seen.values())


@dataclass(frozen=True)
class Miss:
    """`words`: the first part of the query that does not hold, for people."""

    words: str


@dataclass(frozen=True)
class _Field:
    """One field of an article, folded, with where its words begin."""

    name: str
    text: str
    folded: Folded

    @functools.cached_property
    def starts(self) -> Sequence[int]:
        return [found.start() for found in COUNTED.finditer(self.folded.text)]

    def between(self, one: tuple[int, int], other: tuple[int, int]) -> int:
        """How many words stand between two places, `one` the first."""
        return bisect_right(self.starts, other[0]) - bisect_right(self.starts, one[1] - 1) - 1

    def span(self, place: tuple[int, int]) -> Span:
        start, end = original_span(self.folded, *place, text=self.text)
        return Span(self.name, start, end, self.text[start:end])


Found = list[Span] | Miss


def find(query: Query, *, title: str, text: str) -> Match | None:
    """The words by which the article matches; None where it does not. Never raises, whatever the article holds."""
    answer = weigh(query, title=title, text=text)
    return answer if isinstance(answer, Match) else None


def weigh(query: Query, *, title: str, text: str) -> Match | Miss:
    """As `find`, with the reason for a no. A phrase, and NEAR, never reach from the title into the text."""
    found = _found(query.root, (_read("title", title), _read("text", text)))
    return found if isinstance(found, Miss) else Match(tuple(dict.fromkeys(found)))


@functools.lru_cache(maxsize=8)
def _read(name: str, text: str) -> _Field:
    """Folded once for all rules that ask of an article."""
    return _Field(name, text, fold(text))


def _found(node: Node, fields: Sequence[_Field]) -> Found:
    match node:
        case Term():
            spans = [field.span(place) for field in fields if (place := next(places(node, field.folded), None))]
            return spans or Miss(f"does not say {node.plain}")
        case Near():
            spans = [field.span(place) for field in fields for place in _nearest(node, field)]
            return spans or Miss(f"does not say {node.plain}")
        case And():
            spans = []
            for part in node.parts:
                found = _found(part, fields)
                if isinstance(found, Miss):
                    return found
                spans += found
            return spans
        case Or():
            held = [found for part in node.parts if not isinstance(found := _found(part, fields), Miss)]
            return [span for found in held for span in found] if held else Miss(f"does not say {node.plain}")
        case Not():
            return [] if isinstance(_found(node.part, fields), Miss) else Miss(f"says {node.part.plain}")


def _nearest(node: Near, field: _Field) -> Sequence[tuple[int, int]]:
    """The first two places that are near enough, or none."""
    left, right = _places(node.left, field), _places(node.right, field)
    pairs = [*_pairs(left, right, node.within, field), *_pairs(right, left, node.within, field)]
    return min(pairs, default=())


def _places(side: Sequence[Term], field: _Field) -> list[tuple[int, int]]:
    return sorted({place for term in side for place in places(term, field.folded)})


def _pairs(
    before: Sequence[tuple[int, int]], after: Sequence[tuple[int, int]], within: int, field: _Field
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """The first of `before` that has one of `after` near behind it, with that one."""
    starts = [start for start, _ in after]
    for place in before:
        at = bisect_left(starts, place[1])
        if at < len(after) and field.between(place, after[at]) <= within:
            yield place, after[at]
            return
