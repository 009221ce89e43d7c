"""Topics by weighted terms, for the languages that have them: what counts, how much, and where. Learns nothing.

As the Europe Media Monitor does it: a topic is told by groups of terms, by groups that stand near each other, and by
what speaks against it. A topic's score is 1 / (1 + e^-s), where s is the topic's base and, of every rule that is met,
its weight times the best place where it is met. Each rule counts once, however often its terms are said.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from worker.articles.folding import Folded, fold, original_span
from worker.articles.wordbounds import PARTLESS, script_of
from worker.model import ArticleText, Span
from worker.nlp.terms.files import Language, read_languages
from worker.nlp.terms.find import TermIndex, compile_terms, find_terms

LETTERS: Final = 3_000  # of a title and of a text: as many as the English model reads
LEDE: Final = 300  # letters of the text that say what it is about
PLACES: Final = (1.5, 1.0, 0.5)  # what a find counts in the title, in the lede, and after it
TITLE, AFTER_LEDE = 0, 2
LETTERS_A_WORD: Final = 2  # where no spaces part the words
SENTENCE_END: Final = re.compile(r"[.!?؟۔](?=[ '\")\]])|[。\n]|[!?](?=[^ ])")
MOST_EVIDENCE: Final = 3


@dataclass(frozen=True)
class Scored:
    """A topic's score by terms; `evidence` are the finds of the rules that weighed most, a rule a group."""

    score: float
    evidence: tuple[tuple[Span, ...], ...]


@dataclass(frozen=True)
class Rule:
    """A rule ready to be met: of each part any concept, `within` a sentence, the text or so many words."""

    parts: tuple[frozenset[str], ...]
    within: str | int
    weight: float


@dataclass(frozen=True)
class Hit:
    """Where a rule is met, at its best place: 0 the title, 1 the lede, 2 after it."""

    place: int
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Terms:
    """One language's compiled rules."""

    language: Language
    index: TermIndex
    rules: Mapping[str, Sequence[Rule]]

    @property
    def id(self) -> str:
        return self.language.id

    def score(self, article: ArticleText, topics: Iterable[str]) -> dict[str, Scored]:
        """For those of `topics` that have rules."""
        passage = _read(article, self.index)
        asked = {topic: self.language.topics[topic] for topic in topics if topic in self.language.topics}
        return {topic: _scored(passage, spec.base, self.rules[topic]) for topic, spec in asked.items()}


def load_terms(own: Path | None = None) -> Mapping[str, Terms]:
    """By language code; a desk's `own` folder goes before what is shipped. Raises ConfigError."""
    return {code: _compile(code, language) for code, language in read_languages(own).items()}


def _compile(code: str, language: Language) -> Terms:
    rules = {
        topic: [Rule(rule.parts, rule.within, rule.weight) for rule in spec.rules]
        for topic, spec in language.topics.items()
    }
    return Terms(language, compile_terms(language.concepts, language=code), rules)


@dataclass(frozen=True)
class Passage:
    """What is read of an article: its title and the beginning of its text, folded, the one after the other."""

    article: ArticleText
    title: Folded
    body: Folded
    finds: Mapping[str, Sequence[tuple[int, int]]]  # by concept, by place
    parts: dict[frozenset[str], Sequence[tuple[int, int]]] = field(default_factory=dict)  # of rules asked before
    firsts: dict[frozenset[str], Mapping[int, tuple[int, int]]] = field(default_factory=dict)

    @property
    def body_at(self) -> int:
        return len(self.title.text) + 1

    @cached_property
    def text(self) -> str:
        return f"{self.title.text}\n{self.body.text}"

    @cached_property
    def sentences(self) -> Sequence[int]:
        """Where sentences end. The title is one, whatever stands in it."""
        return [self.body_at - 1, *(found.end() for found in SENTENCE_END.finditer(self.text, self.body_at))]

    @cached_property
    def spaces(self) -> Sequence[int]:
        return [at for at, letter in enumerate(self.text) if letter in " \n"]

    def sentence(self, at: int) -> int:
        return bisect_right(self.sentences, at)

    def place(self, at: int) -> int:
        return TITLE if at < self.body_at else 1 if at < self.body_at + LEDE else AFTER_LEDE

    def words_before(self, at: int) -> float:
        if script_of(self.text[at]) == PARTLESS[0]:
            return at / LETTERS_A_WORD
        return bisect_left(self.spaces, at)

    def span(self, found: tuple[int, int]) -> Span:
        """The find in the article's own field, in its own code points."""
        field, folded, text, start = "title", self.title, self.article.title, 0
        if found[0] >= self.body_at:
            field, folded, text, start = "text", self.body, self.article.text, self.body_at
        return Span(field, *original_span(folded, found[0] - start, found[1] - start, text=text))


def _read(article: ArticleText, index: TermIndex) -> Passage:
    title, body = fold(article.title[:LETTERS]), _fold_lines(article.text[:LETTERS])
    at = len(title.text) + 1
    finds: dict[str, list[tuple[int, int]]] = {}
    for start, folded in ((0, title), (at, body)):
        for find in find_terms(index, folded.text):
            finds.setdefault(find.concept, []).append((start + find.start, start + find.end))
    return Passage(article, title, body, finds)


def _fold_lines(text: str) -> Folded:
    """Folded, with line breaks kept: a line is a sentence of its own where no full stop says so."""
    folded = fold(text)
    if "\n" not in text:
        return folded
    letters = list(folded.text)
    for at, start in enumerate(folded.starts[:-1]):
        if text[start] == "\n":
            letters[at] = "\n"
    return Folded("".join(letters), folded.starts)


def _scored(passage: Passage, base: float, rules: Sequence[Rule]) -> Scored:
    met = [(rule, hit) for rule in rules if (hit := meet(rule, passage)) is not None]
    gains = [(rule.weight * PLACES[hit.place], hit) for rule, hit in met]
    total = base + sum(gain for gain, _ in gains)
    telling = sorted((one for one in gains if one[0] > 0), key=lambda one: (-one[0], -len(one[1].spans)))
    groups = dict.fromkeys(hit.spans for _, hit in telling)
    evidence = tuple(tuple(map(passage.span, spans)) for spans in [*groups][:MOST_EVIDENCE])
    return Scored(1 / (1 + math.exp(-total)), evidence)


def meet(rule: Rule, passage: Passage) -> Hit | None:
    """Where the rule is met first; finds go by place, so that is its best place. None where it is not met."""
    parts = []
    for concepts in rule.parts:
        found = _finds(passage, concepts)
        if not found:
            return None
        parts.append(found)
    if len(parts) == 1 or rule.within == "text":
        return _hit(passage, [part[0] for part in parts])
    if rule.within == "sentence":
        return _meet_in_sentence(passage, rule.parts)
    return _meet_near(passage, parts, int(rule.within))


def _finds(passage: Passage, concepts: frozenset[str]) -> Sequence[tuple[int, int]]:
    known = passage.parts.get(concepts)
    if known is None:
        held = [passage.finds[concept] for concept in concepts if concept in passage.finds]
        known = held[0] if len(held) == 1 else sorted(find for finds in held for find in finds)
        passage.parts[concepts] = known
    return known


def _hit(passage: Passage, spans: Sequence[tuple[int, int]]) -> Hit:
    """The place of the whole is the worst of its parts'."""
    distinct = sorted(set(spans))
    return Hit(passage.place(distinct[-1][0]), tuple(distinct))


def _meet_in_sentence(passage: Passage, parts: Sequence[frozenset[str]]) -> Hit | None:
    by_sentence = [_firsts(passage, part) for part in parts]
    shared = set(by_sentence[0]).intersection(*by_sentence[1:])
    return _hit(passage, [firsts[min(shared)] for firsts in by_sentence]) if shared else None


def _firsts(passage: Passage, concepts: frozenset[str]) -> Mapping[int, tuple[int, int]]:
    """The first find in each sentence that has one."""
    known = passage.firsts.get(concepts)
    if known is None:
        firsts: dict[int, tuple[int, int]] = {}
        for find in _finds(passage, concepts):
            firsts.setdefault(passage.sentence(find[0]), find)
        known = passage.firsts[concepts] = firsts
    return known


def _meet_near(passage: Passage, parts: Sequence[Sequence[tuple[int, int]]], words: int) -> Hit | None:
    """Each part at most so many words from a find of the first; the title and the text are never near."""
    places = [[passage.words_before(start) for start, _ in part] for part in parts[1:]]
    for find in parts[0]:
        centre, in_title = passage.words_before(find[0]), find[0] < passage.body_at
        near = [find]
        for part, befores in zip(parts[1:], places, strict=True):
            window = range(bisect_left(befores, centre - words), bisect_right(befores, centre + words))
            same = next((part[at] for at in window if (part[at][0] < passage.body_at) == in_title), None)
            if same is None:
                break
            near.append(same)
        else:
            return _hit(passage, near)
    return None
