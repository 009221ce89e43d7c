"""The desk's own topics beside the model's: each scored by its terms and its examples, learned once and kept.

Wraps a judge: what that says of an article stays, and the desk's topics are added in the configured order. What was
learned is kept as a file under its stamp, where there is a folder for it, so that only the first start learns.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from worker.alerts.notes import beginning
from worker.model import UNJUDGED, ArticleText, Judgement, Span, TopicScore
from worker.nlp import background, deskterms
from worker.nlp.background import Background, Rows, bucket
from worker.nlp.calibration import Calibration
from worker.nlp.deskterms import Said, WeighedTerm, read_terms, said
from worker.nlp.desktopic import Example, Learned, from_json, learn, stamp, to_json, with_terms

BY: Final = "desk"  # of a score's `by`: desk:STAMP
FOLDER: Final = "desk-topics"  # in the data folder
ENGLISH: Final = frozenset({"en", "und"})  # what the background is of; the unknown is most often a short headline
SHOWN: Final = 3  # words of an article that are shown as evidence


class DeskTopic(Protocol):
    """A configured topic with terms, examples, or both. None leaves the threshold or the band to what was learned."""

    @property
    def id(self) -> str: ...
    @property
    def threshold(self) -> float | None: ...
    @property
    def review(self) -> tuple[float, float] | None: ...
    @property
    def terms(self) -> Mapping[str, float]: ...
    @property
    def examples(self) -> Sequence[Any]: ...


class Judging(Protocol):
    @property
    def model_id(self) -> str: ...
    @property
    def model_ids(self) -> frozenset[str]: ...
    @property
    def missing(self) -> str: ...
    def look_again(self, *, every: float) -> None: ...
    def with_names(self, index: Any) -> Judging: ...
    def judge_many(self, articles: Sequence[ArticleText]) -> list[Judgement]: ...


@dataclass(frozen=True)
class Seen:
    """Articles in the background's numbers."""

    rows: Rows
    places: np.ndarray


def see(held: Background, articles: Sequence[ArticleText]) -> Seen:
    rows = held.read((one.title, one.text) for one in articles)
    return Seen(rows, held.places(rows))


@dataclass(frozen=True)
class Scorer:
    """One topic, ready to be asked. `learned` is None where it has terms alone."""

    topic: DeskTopic
    stamp: str
    terms: tuple[WeighedTerm, ...]
    learned: Learned | None
    background: Background | None

    @property
    def calibration(self) -> Calibration:
        return self.learned.calibration if self.learned else deskterms.CALIBRATION

    @property
    def threshold(self) -> float:
        return self.calibration.threshold if self.topic.threshold is None else self.topic.threshold

    def raws(self, seen: Seen) -> list[float] | None:
        """What the examples say of each article; None where there are none."""
        if self.learned is None or self.background is None:
            return None
        return [float(raw) for raw in self.learned.raw(self.background, seen.rows, seen.places)]

    def score(self, article: ArticleText, language: str, raw: float | None) -> TopicScore:
        """Examples speak of English alone; terms of any language."""
        raw = raw if language in ENGLISH else None
        found = said(self.terms, title=article.title, text=article.text)
        return self._called(article, self._score(found, raw), found, by_words=raw is not None)

    def _score(self, found: Said, raw: float | None) -> float:
        return deskterms.score(found.weight) if raw is None else with_terms(self.calibration.score(raw), found.weight)

    def _called(self, article: ArticleText, score: float, found: Said, *, by_words: bool) -> TopicScore:
        if not by_words and not self.terms:  # examples alone, of another language than the article's
            return TopicScore(self.topic.id, 0.0, False, False, by=UNJUDGED)
        used = self.calibration if by_words else deskterms.CALIBRATION
        threshold = used.threshold if self.topic.threshold is None else self.topic.threshold
        low, high = used.review if self.topic.review is None else self.topic.review
        match = score >= threshold
        spans = self._evidence(article, found, by_words=by_words) if match else ()
        words = (getattr(article, span.field)[span.start : span.end].replace("\n", " ") for span in spans)
        answer = TopicScore(self.topic.id, round(score, 4), match, low <= score < high, tuple(dict.fromkeys(words)))
        return replace(answer, spans=spans, by=f"{BY}:{self.stamp}")

    def _evidence(self, article: ArticleText, found: Said, *, by_words: bool) -> tuple[Span, ...]:
        """The terms that it says, then the words that the examples say, too, the most telling first."""
        spans = [Span(one.field, one.start, one.end) for one in found.spans]
        if by_words and self.learned is not None and self.background is not None:
            taken = {getattr(article, one.field)[one.start : one.end].lower() for one in spans}
            spans += _telling(article, self.learned, self.background, without=taken)
        return tuple(spans[:SHOWN])


def _telling(article: ArticleText, learned: Learned, held: Background, *, without: set[str]) -> list[Span]:
    """Where the words first stand that weigh most for the topic."""
    found: dict[str, tuple[float, Span]] = {}
    for name, text in (("title", article.title), ("text", article.text[: background.LETTERS])):
        for match in background.WORD.finditer(text):
            word = match[0].lower()
            if word not in found and word not in without:
                at = bucket(word)
                found[word] = (float(learned.gains[at] * held.rarity[at]), Span(name, *match.span()))
    best = sorted((one for one in found.values() if one[0] > 0), key=lambda one: -one[0])
    return [span for _, span in best[:SHOWN]]


class DeskJudge:
    """Another judge, with the desk's topics added in the order of `order`, all topics' ids."""

    def __init__(self, judge: Judging, scorers: Sequence[Scorer], order: Sequence[str]) -> None:
        self.judge, self.scorers, self.order = judge, tuple(scorers), tuple(order)

    @property
    def model_id(self) -> str:
        return self.judge.model_id

    @property
    def model_ids(self) -> frozenset[str]:
        return self.judge.model_ids

    @property
    def missing(self) -> str:
        return self.judge.missing

    def with_names(self, index: Any) -> DeskJudge:
        """One with another watchlist, and all else that this one has loaded."""
        return DeskJudge(self.judge.with_names(index), self.scorers, self.order)

    def look_again(self, *, every: float) -> None:
        self.judge.look_again(every=every)

    def judge_many(self, articles: Sequence[ArticleText]) -> list[Judgement]:
        judged = self.judge.judge_many(articles)
        read = [beginning(one) for one in articles]
        held = next((one.background for one in self.scorers if one.background is not None), None)
        seen = see(held, read) if held is not None else None
        raws = [scorer.raws(seen) if seen is not None else None for scorer in self.scorers]
        # Article by article: what one says is folded once for all topics' terms.
        added = [
            [
                scorer.score(article, one.language, raw[at] if raw else None)
                for scorer, raw in zip(self.scorers, raws, strict=True)
            ]
            for at, (article, one) in enumerate(zip(read, judged, strict=True))
        ]
        return [
            replace(one, topics=self._ordered((*one.topics, *scores)))
            for one, scores in zip(judged, added, strict=True)
        ]

    def _ordered(self, topics: Sequence[TopicScore]) -> tuple[TopicScore, ...]:
        by_id = {one.id: one for one in topics}
        return tuple(by_id[name] for name in self.order)


# ---------------------------------------------------------------- made ready


def is_desk_topic(topic: Any) -> bool:
    return bool(topic.terms or topic.examples)


def make_scorers(
    topics: Sequence[DeskTopic], *, kept: Path | None = None, on_learning: Callable[[str], None] = lambda topic: None
) -> list[Scorer]:
    """`kept`: where what was learned is looked for, and left. `on_learning` hears of each topic that takes a second."""
    return [_make(topic, kept, on_learning) for topic in topics]


def _make(topic: DeskTopic, kept: Path | None, on_learning: Callable[[str], None]) -> Scorer:
    examples = read_examples(topic)
    against = background.load() if examples else None
    mark = stamp(topic.terms, examples, background_id() if examples else "")
    terms = read_terms(topic.terms)
    if against is None:
        return Scorer(topic, mark, terms, None, None)
    path = kept / f"{topic.id}-{mark}.json" if kept else None
    learned = _find(path, against) if path else None
    if learned is None:
        on_learning(topic.id)
        # Through its kept form also where none is kept: whoever judges, and whenever, it is the same to the last bit.
        body = to_json(learn(against, examples))
        learned = from_json(body, buckets=len(against.rarity))
        if path:
            _keep(path, body)
    return Scorer(topic, mark, terms, learned, against)


def read_examples(topic: DeskTopic) -> list[Example]:
    return [Example(one.title, one.text, one.label) for one in topic.examples]


@functools.cache
def background_id() -> str:
    return hashlib.sha256(background.SHIPPED.read_bytes()).hexdigest()[:12]


def _find(path: Path, against: Background) -> Learned | None:
    """What was kept; None where there is none, or what stands there cannot be read: it is learned again."""
    try:
        found = from_json(json.loads(path.read_text(encoding="utf-8")), buckets=len(against.rarity))
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None
    return found if found.line.shape == (against.axes.shape[1],) and np.isfinite(found.line).all() else None


def _keep(path: Path, body: Mapping[str, Any]) -> None:
    """Whole or not at all, whoever else keeps the same. A folder that takes nothing costs a second a start."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(body), encoding="utf-8")
        part.replace(path)
