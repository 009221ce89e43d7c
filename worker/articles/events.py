"""Whether an article reports the event of a story, in words of its own: what is measured, the score, and the guards.

The score is a logistic regression over a few measures, fitted on pairs of articles and stories that were judged by
reading (docs/stories.md). Whole numbers are summed, so that a story's measures are the same in whatever order its
articles came together. Pure: no I/O, no clock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from worker.articles.terms import STEP, UNIT, Sketch

STILL: Final = timedelta(hours=36)  # after its last article an event is over
LIFE: Final = timedelta(days=2)  # after its first, too: what goes on longer is a string of events
DENSE: Final = 12  # articles of one story: many tell of it
DENSE_LIFE: Final = timedelta(days=1)
LEAST_SHARED: Final = 9.0  # of the weight of words in common with one article: two names, or one and two telling words
LEAST_TERMS: Final = 2
MANY: Final = 5  # articles of a story, whose centre is known then
NEAR_CENTRE: Final = 0.2
MOULD: Final = 0.7  # of the words of two texts in common: from one mould, and no copies
CAST: Final = 3  # times as many words of two headlines of one feed in common as not: a word in the place of another
MOULD_LEAST: Final = 6  # words of a text; a shorter one has no mould

COMMONLY: Final = 3  # a word that a third of a story's articles have is the story's: not one that one of many had

MEASURES: Final = ("centre", "headline", "covered", "gap", "nearest", "names")
WEIGHTS: Final = (5.7, 1.06, 1.56, -3.16, 1.88, 1.08)
BASE: Final = -4.03
JOINS: Final = -0.6  # from -1.5 to 0 all are within half a point of F1 on windows that were left out of the fit
MERGES: Final = JOINS + 1.0  # two stories are made one only by an article that is nearly three times as likely of both


@dataclass
class Sums:
    """What a story's articles have in common: the sums of their sketches."""

    count: int = 0
    terms: dict[int, int] = field(default_factory=dict)
    title: dict[int, int] = field(default_factory=dict)
    square: int = 0
    title_square: int = 0

    def add(self, sketch: Sketch, times: int = 1) -> None:
        """`times` -1 takes one out again."""
        self.count += times
        self.square += _add(self.terms, sketch.terms, times)
        self.title_square += _add(self.title, sketch.title, times)


def sums_of_one(sketch: Sketch) -> Sums:
    """Of a story of one article: to be read, never to be added to."""
    squares = (sum(weight * weight for weight in terms.values()) for terms in (sketch.terms, sketch.title))
    return Sums(1, sketch.terms, sketch.title, *squares)


def _add(total: dict[int, int], terms: dict[int, int], times: int) -> int:
    """How much the square of the total's length grows."""
    grown = 0
    for term, weight in terms.items():
        before = total.get(term, 0)
        after = before + weight * times
        grown += after * after - before * before
        if after:
            total[term] = after
        else:
            del total[term]
    return grown


def measures(article: Sketch, story: Sums, members: Sequence[Sketch], *, hours: float) -> tuple[float, ...]:
    """MEASURES of an article beside a story: beside all of it, and beside the nearest of `members`. `hours`: since the
    story's last article."""
    centre = _shared(article.terms, story.terms) / (UNIT * math.sqrt(story.square or 1))
    headline = _shared(article.title, story.title) / (UNIT * math.sqrt(story.title_square or 1))
    told = sum(article.weights[term] for term in article.title) or 1
    shares = ((term, story.terms.get(term, 0) / (story.count * article.terms[term])) for term in article.title)
    covered = sum(article.weights[term] * min(1.0, COMMONLY * share) for term, share in shares) / told
    nearest = max(_shared(article.terms, one.terms) for one in members) / UNIT**2
    names = max(_least_named(article, one) for one in members) / (10 * STEP)
    return centre, headline, covered, math.log1p(max(0.0, hours)) / 4, nearest, names


def _shared(one: dict[int, int], other: dict[int, int]) -> int:
    if len(one) > len(other):
        one, other = other, one
    return sum(weight * other[term] for term, weight in one.items() if term in other)


def _least_named(one: Sketch, other: Sketch) -> int:
    """The weight of one headline's words that the other article has, either way: the lesser."""
    return min(
        sum(one.weights[term] for term in one.title if term in other.terms),
        sum(other.weights[term] for term in other.title if term in one.terms),
    )


def score(found: Sequence[float]) -> float:
    """Above zero the fit takes it for the same event rather than not; one more is 2.7 times the odds."""
    return BASE + sum(weight * measure for weight, measure in zip(WEIGHTS, found, strict=True))


# ---------------------------------------------------------------- the guards


class Span(Protocol):
    """When a story's first and last article were first seen, and how many it has."""

    first: datetime | None
    last: datetime | None
    size: int


def is_over(story: Span, at: datetime | None) -> str | None:
    """Why a story is told to its end when an article is first seen `at`: 'silent', 'dense' or 'long'; None while not.

    What many tell of moves on by the day: after a day their story is another event, and another alert.
    """
    if at is None or story.first is None or story.last is None:
        return None
    if at - story.last > STILL:
        return "silent"
    if story.size >= DENSE and at - story.first > DENSE_LIFE:
        return "dense"
    return "long" if at - story.first > LIFE else None


def is_astray(found: Sequence[float], story: Sums) -> bool:
    """Whether an article is like one of a story's many articles, and not like the story: so chains of events begin."""
    return story.count >= MANY and found[MEASURES.index("centre")] < NEAR_CENTRE


def has_enough(one: Sketch, other: Sketch) -> bool:
    """Whether two articles share words that tell of an event: without them a score is chance."""
    shared = [one.weights[term] for term in one.terms if term in other.terms]
    return len(shared) >= LEAST_TERMS and sum(shared) >= LEAST_SHARED * STEP


def contradicts(one: Sketch, other: Sketch, *, same_feed: bool) -> str | None:
    """The guard that keeps two articles apart, whatever their score: 'figures' or 'mould'; None where none does.

    'figures': their headlines are one but for a number. 'mould': their texts are nearly the same and they are no
    copies, or the copies' own guards would have found them: what is different is the news. So are headlines of one feed
    that differ in a word.
    """
    own, others = one.title.keys() - other.title.keys(), other.title.keys() - one.title.keys()
    if own and others and own <= one.figures and others <= other.figures:
        return "figures"
    both = len(one.title.keys() & other.title.keys())
    if same_feed and own and others and both >= CAST * max(len(own), len(others)):
        return "mould"
    shared = len(one.text & other.text)
    if min(len(one.text), len(other.text)) < MOULD_LEAST or shared < MOULD * len(one.text | other.text):
        return None
    return "mould" if same_feed or (one.text - other.text and other.text - one.text) else None
