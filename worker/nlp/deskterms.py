"""A desk's weighted terms: what those that an article says come to. Pure: no I/O, no clock.

W is the sum of the weights of the different terms that it says, each doubled where the headline says it. Where a topic
has terms alone, its score is W / (1 + W), and 0 for a W below 0: one term of weight 1 in the text is a score of one
half.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from worker.nlp.calibration import Calibration
from worker.query.evaluate import Span, find
from worker.query.terms import parse_term
from worker.query.tree import Query

IN_HEADLINE: Final = 2.0  # it is the story in short
SHOWN: Final = 3  # terms of a match, the weightiest first
CALIBRATION: Final = Calibration(1.0, 0.0, 0.5, (0.33, 0.67))  # unsure of half a term, and of no more than two


@dataclass(frozen=True)
class WeighedTerm:
    query: Query
    weight: float


@dataclass(frozen=True)
class Said:
    """What the terms come to (W), and where the weightiest of those that speak for the topic stand."""

    weight: float
    spans: tuple[Span, ...] = ()


def read_terms(terms: Mapping[str, float]) -> tuple[WeighedTerm, ...]:
    """Raises QueryError for a term that can never match."""
    return tuple(WeighedTerm(parse_term(term), weight) for term, weight in terms.items())


def said(terms: tuple[WeighedTerm, ...], *, title: str, text: str) -> Said:
    total, speaking = 0.0, []
    for term in terms:
        match = find(term.query, title=title, text=text)
        if match is not None:
            in_headline = any(span.field == "title" for span in match.spans)
            gain = term.weight * (IN_HEADLINE if in_headline else 1.0)
            total += gain
            speaking += [(gain, match.spans)] if gain > 0 else []
    speaking.sort(key=lambda one: -one[0])
    return Said(total, tuple(spans[0] for _, spans in speaking[:SHOWN]))


def score(weight: float) -> float:
    """By the terms alone."""
    return max(weight, 0.0) / (1 + max(weight, 0.0))
