"""Concepts in a text: terms that mean much the same for a topic, found by word, and which of them stand together.

An event of next week has other names and other words than this week's, but the same concepts: a country, arms, a
delivery. Pure but for the reading of its file: no clock, no randomness.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import ahocorasick
import yaml

SHIPPED: Final = Path(__file__).parent / "concepts.yaml"
WORDS: Final = 260  # read: a title and about ten sentences
MARKS: Final = frozenset(".!?\n")  # what ends a sentence, as a word of its own


@dataclass(frozen=True)
class Concepts:
    """`terms` maps a term between two spaces to its concepts, as an automaton; `open_ended` terms have no space after.

    See the head of concepts.yaml for `anchors` and `actors`.
    """

    terms: Any
    anchors: frozenset[str]
    actors: frozenset[str]


@dataclass(frozen=True)
class Find:
    """A concept's term in words[start:end]; `sentence` counts from 0, the title's are below `Found.title`."""

    concept: str
    start: int
    end: int
    sentence: int


@functools.cache
def read_concepts(path: Path = SHIPPED) -> Concepts:
    """Raises OSError, ValueError, yaml.YAMLError."""
    body = yaml.safe_load(path.read_text(encoding="utf-8"))
    held: dict[str, list[str]] = {}
    for concept, terms in body["concepts"].items():
        for term in terms:
            form = f" {term.removesuffix('*')}" if term.endswith("*") else f" {term} "
            held.setdefault(form, []).append(concept)
    automaton = ahocorasick.Automaton()
    for form, concepts in held.items():
        automaton.add_word(form, (form, tuple(concepts)))
    automaton.make_automaton()
    return Concepts(automaton, frozenset(body["anchors"]), frozenset(body["actors"]))


def find_concepts(concepts: Concepts, words: Sequence[str]) -> list[Find]:
    """Every term among the first words, by where it ends; none that is part of a longer one."""
    read = words[:WORDS]
    text = " " + " ".join(read) + " "
    places = itertools.accumulate((len(word) + 1 for word in read), initial=0)  # of each word's leading space
    starts = {place: number for number, place in enumerate(places)}
    sentences = [*itertools.accumulate(map(MARKS.__contains__, read), initial=0)]
    found = []
    for last, (form, names) in concepts.terms.iter(text):
        start = starts[last + 1 - len(form)]
        end = start + len(form.split())
        found += [Find(name, start, end, sentences[start]) for name in names]
    phrases = {(one.start, one.end) for one in found if one.end - one.start > 1}
    return [one for one in found if not _is_within_longer(one.start, one.end, phrases)]


def _is_within_longer(start: int, end: int, phrases: Iterable[tuple[int, int]]) -> bool:
    """Korea within North Korea, UN within Kim Jong Un."""
    return any(first <= start and end <= last and last - first > end - start for first, last in phrases)


def combinations(concepts: Concepts, found: Sequence[Find], *, title: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each feature once: what kind it is, and the concepts that make it. Sentences below `title` are the headline's.

    A concept in the headline, in the text, anywhere; two in the headline, in one sentence, anywhere; three anywhere
    with an anchor.
    """
    sentences: dict[int, set[str]] = {}
    for find in found:
        sentences.setdefault(-1 if find.sentence < title else find.sentence, set()).add(find.concept)
    head = sentences.pop(-1, set())
    kinds: Mapping[str, list[set[str]]] = {
        "title": [head],
        "text": [*sentences.values()],
        "any": [set().union(head, *sentences.values())],
    }
    for kind, groups in kinds.items():
        ones = sorted(set().union(*groups))
        yield from ((kind, (one,)) for one in ones)
        pairs = {pair for group in groups for pair in itertools.combinations(sorted(group), 2)}
        yield from ((kind, pair) for pair in sorted(pairs))
    everywhere = sorted(kinds["any"][0])
    for anchor in sorted(concepts.anchors.intersection(everywhere)):
        rest = [one for one in everywhere if one != anchor]
        for pair in itertools.combinations(rest, 2):
            if not concepts.actors.isdisjoint(pair):
                yield "anchor", (anchor, *pair)
