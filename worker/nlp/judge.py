"""The judge: an article's language, topics with their evidence, and mentions. Stores nothing, decides no alert."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Final, Protocol

from worker.alerts.notes import beginning
from worker.model import MODEL_MISSING, UNJUDGED, ArticleText, Judgement, JudgementNote, TopicScore
from worker.nlp.calibration import Calibration
from worker.nlp.evidence import evidence_words, model_spans
from worker.nlp.language import UNKNOWN, detect
from worker.nlp.names import NameIndex, find_mentions
from worker.nlp.terms import Scored, Terms, load_terms
from worker.nlp.topics import DataProblem, TopicModel, features, is_readable, load_model

BY_MODEL: Final = frozenset(
    {"en", UNKNOWN}
)  # of an unknown language is a text too short to tell; the model may know it
NO_MODEL: Final = "none"  # the model id of a judgement that no topic was judged in
SHORT: Final = 80  # letters: a headline of which statistics may tell the wrong language
KNOWN: Final = 0.9  # of its words: of headlines in other languages fewer are known


class Topic(Protocol):
    """A configured topic. None leaves the threshold or the review band to the model."""

    @property
    def id(self) -> str: ...
    @property
    def threshold(self) -> float | None: ...
    @property
    def review(self) -> tuple[float, float] | None: ...


class Judge:
    """Loads the model once. Not for several threads at once.

    Raises DataProblem for a model that cannot be loaded, or does not know one of the topics; unless `needs_model` is
    false: then `missing` says why, and what that model judges is left unjudged until `look_again` finds it.
    """

    def __init__(
        self,
        index: NameIndex,
        topics: Sequence[Topic],
        *,
        model: Path | None = None,
        terms: Path | None = None,
        needs_model: bool = True,
    ) -> None:
        self.index, self.topics = index, tuple(topics)
        self.terms: Mapping[str, Terms] = load_terms(terms)
        self.own_model = model is not None  # trained on a desk's articles, in whatever languages those are
        self.model: TopicModel | None = None
        self.missing, self._place, self._looked_at = "", model, monotonic()
        try:
            self.model = _load(model, self.topics)
        except DataProblem as error:
            if needs_model:
                raise
            self.missing = str(error)

    def look_again(self, *, every: float) -> None:
        """Loads a model that was missing, if it is there by now. Looks no more often than `every` so many seconds."""
        if not self.missing or monotonic() - self._looked_at < every:
            return
        try:
            self.model, self.missing = _load(self._place, self.topics), ""
        except DataProblem as error:
            self.missing = str(error)
        self._looked_at = monotonic()

    def with_names(self, index: NameIndex) -> Judge:
        """One with another watchlist, and the model that this one has loaded."""
        other = copy.copy(self)
        other.index = index
        return other

    @property
    def model_id(self) -> str:
        return self.model.id if self.model else MODEL_MISSING

    @property
    def calibrations(self) -> Mapping[str, Calibration]:
        """By topic that the model knows."""
        return self.model.calibrations if self.model else {}

    @property
    def model_ids(self) -> frozenset[str]:
        """Every one that a judgement may bear: the model's, those of the term rules, and none."""
        return frozenset({self.model_id, NO_MODEL, *(terms.id for terms in self.terms.values())})

    def judge_many(self, articles: Sequence[ArticleText]) -> list[Judgement]:
        """In order; one batch of the model for all that are in its language."""
        read = [beginning(article) for article in articles]
        languages = [detect(article.title, article.text, hint=article.language) for article in read]
        by_model = [at for at, language in enumerate(languages) if self._is_models(language, read[at])]
        if self.model is None:
            scored = {at: self._unjudged() for at in by_model}
        else:
            scored = dict(zip(by_model, self._by_model(self.model, [read[at] for at in by_model]), strict=True))
        return [
            self._judgement(given, article, language, scored.get(at))
            for at, (given, article, language) in enumerate(zip(articles, read, languages, strict=True))
        ]

    def _is_models(self, language: str, article: ArticleText) -> bool:
        """Of other scripts a model says nothing, a desk's own neither: that is no "no"."""
        if language in BY_MODEL or language in self.terms:
            return language not in self.terms
        text = features(article.title, article.text)
        return (self.own_model and is_readable(text)) or (len(text) <= SHORT and self._is_known(text))

    def _is_known(self, text: str) -> bool:
        """Whether the model knows the words of a headline, whatever the statistics say of it: names mislead them."""
        return self.model is not None and self.model.known_share(text) >= KNOWN

    def _judgement(
        self, given: ArticleText, article: ArticleText, language: str, by_model: tuple[TopicScore, ...] | None
    ) -> Judgement:
        notes = [JudgementNote.CUT] if article is not given else []
        if by_model is not None:
            topics, model_id = by_model, self.model_id
            unsure = language not in BY_MODEL and not self.own_model
            notes += [JudgementNote.UNSURE_LANGUAGE] if unsure or language == UNKNOWN else []
            notes += [JudgementNote.NO_MODEL] if self.model is None and self.topics else []
        elif terms := self.terms.get(language):
            topics, model_id = self._by_terms(terms, article), terms.id
        else:
            topics, model_id = self._unjudged(), NO_MODEL
            notes += [JudgementNote.NO_RULES] if self.topics else []
        mentions = find_mentions(self.index, article)
        return Judgement(language, topics, mentions, model_id, watchlist=self.index.version, notes=tuple(notes))

    def _unjudged(self) -> tuple[TopicScore, ...]:
        return tuple(TopicScore(topic.id, 0.0, False, False, by=UNJUDGED) for topic in self.topics)

    def _by_model(self, model: TopicModel, articles: Sequence[ArticleText]) -> list[tuple[TopicScore, ...]]:
        texts = [features(article.title, article.text) for article in articles]
        return [
            tuple(_model_topic(model, topic, scores[topic.id], text, article) for topic in self.topics)
            for article, text, scores in zip(articles, texts, model.scores(texts), strict=True)
        ]

    def _by_terms(self, terms: Terms, article: ArticleText) -> tuple[TopicScore, ...]:
        scored = terms.score(article, [topic.id for topic in self.topics])
        return tuple(_terms_topic(topic, terms, scored.get(topic.id), article) for topic in self.topics)


def _load(place: Path | None, topics: Sequence[Topic]) -> TopicModel:
    """Raises DataProblem."""
    model = load_model(place)
    unknown = [topic.id for topic in topics if topic.id not in model.calibrations]
    if unknown:
        known = ", ".join(model.calibrations)
        raise DataProblem(
            f"topics.yaml: the topic model {model.id} does not know {unknown[0]!r}; it knows {known}. "
            "Label articles and run `wirewatch topics train`, or remove the topic."
        )
    return model


def _model_topic(model: TopicModel, topic: Topic, score: float, text: str, article: ArticleText) -> TopicScore:
    calibration = model.calibrations[topic.id]
    found = _called(topic, score, threshold=calibration.threshold, review=calibration.review)
    if not found.match:
        return found
    groups = model_spans(article, model.evidence(text, topic.id))
    return replace(found, evidence=evidence_words(article, groups), spans=tuple(s for group in groups for s in group))


def _called(topic: Topic, score: float, *, threshold: float, review: tuple[float, float]) -> TopicScore:
    """Yes or no by the desk's own threshold and band, where it has set them."""
    low, high = review if topic.review is None else topic.review
    match = score >= (threshold if topic.threshold is None else topic.threshold)
    return TopicScore(topic.id, round(score, 4), match, low <= score < high)


def _terms_topic(topic: Topic, terms: Terms, scored: Scored | None, article: ArticleText) -> TopicScore:
    """A topic without rules in this language is never matched."""
    if scored is None:
        return TopicScore(topic.id, 0.0, False, False, by="terms")
    rules = terms.language.topics[topic.id]
    found = replace(_called(topic, scored.score, threshold=rules.threshold, review=rules.review), by="terms")
    if not found.match:
        return found
    spans = tuple(span for group in scored.evidence for span in group)
    return replace(found, evidence=evidence_words(article, scored.evidence), spans=spans)
