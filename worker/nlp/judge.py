"""The judge: an article's language, topics with their evidence, and mentions. Stores nothing, decides no alert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from worker.alerts.notes import beginning
from worker.model import UNJUDGED, ArticleText, Judgement, JudgementNote, TopicScore
from worker.nlp.evidence import evidence_words, model_spans
from worker.nlp.language import UNKNOWN, detect
from worker.nlp.names import NameIndex, find_mentions
from worker.nlp.terms import Scored, Terms, load_terms
from worker.nlp.topics import DataProblem, TopicModel, features, load_model

BY_MODEL: Final = frozenset(
    {"en", UNKNOWN}
)  # of an unknown language is a text too short to tell; the model may know it
NO_MODEL: Final = "none"  # the model id of a judgement that no topic was judged in


class Topic(Protocol):
    """A configured topic. None leaves the threshold or the review band to the model."""

    @property
    def id(self) -> str: ...
    @property
    def threshold(self) -> float | None: ...
    @property
    def review(self) -> tuple[float, float] | None: ...


class Judge:
    """Loads the model once. Not for several threads at once. Raises DataProblem for a topic the model does not know."""

    def __init__(
        self, index: NameIndex, topics: Sequence[Topic], *, model: Path | None = None, terms: Path | None = None
    ) -> None:
        self.index, self.topics = index, tuple(topics)
        self.model: TopicModel = load_model(model)
        self.terms: Mapping[str, Terms] = load_terms(terms)
        self.own_model = model is not None  # trained on a desk's articles, in whatever languages those are
        unknown = [topic.id for topic in topics if topic.id not in self.model.calibrations]
        if unknown:
            known = ", ".join(self.model.calibrations)
            raise DataProblem(
                f"topics.yaml: the topic model {self.model.id} does not know {unknown[0]!r}; it knows {known}. "
                "Label articles and run `wirewatch topics train`, or remove the topic."
            )

    @property
    def model_id(self) -> str:
        return self.model.id

    @property
    def model_ids(self) -> frozenset[str]:
        """Every one that a judgement may bear: the model's, those of the term rules, and none."""
        return frozenset({self.model.id, NO_MODEL, *(terms.id for terms in self.terms.values())})

    def judge_many(self, articles: Sequence[ArticleText]) -> list[Judgement]:
        """In order; one batch of the model for all that are in its language."""
        read = [beginning(article) for article in articles]
        languages = [detect(article.title, article.text, hint=article.language) for article in read]
        by_model = [at for at, language in enumerate(languages) if self._is_models(language)]
        scored = dict(zip(by_model, self._by_model([read[at] for at in by_model]), strict=True))
        return [
            self._judgement(given, article, language, scored.get(at))
            for at, (given, article, language) in enumerate(zip(articles, read, languages, strict=True))
        ]

    def _is_models(self, language: str) -> bool:
        return language not in self.terms and (self.own_model or language in BY_MODEL)

    def _judgement(
        self, given: ArticleText, article: ArticleText, language: str, by_model: tuple[TopicScore, ...] | None
    ) -> Judgement:
        notes = [JudgementNote.CUT] if article is not given else []
        if by_model is not None:
            topics, model_id = by_model, self.model.id
            notes += [JudgementNote.UNSURE_LANGUAGE] if language == UNKNOWN else []
        elif terms := self.terms.get(language):
            topics, model_id = self._by_terms(terms, article), terms.id
        else:
            topics, model_id = (
                tuple(TopicScore(topic.id, 0.0, False, False, by=UNJUDGED) for topic in self.topics),
                NO_MODEL,
            )
            notes += [JudgementNote.NO_RULES] if self.topics else []
        mentions = find_mentions(self.index, article)
        return Judgement(language, topics, mentions, model_id, watchlist=self.index.version, notes=tuple(notes))

    def _by_model(self, articles: Sequence[ArticleText]) -> list[tuple[TopicScore, ...]]:
        texts = [features(article.title, article.text) for article in articles]
        return [
            tuple(self._model_topic(topic, scores[topic.id], text, article) for topic in self.topics)
            for article, text, scores in zip(articles, texts, self.model.scores(texts), strict=True)
        ]

    def _model_topic(self, topic: Topic, score: float, text: str, article: ArticleText) -> TopicScore:
        calibration = self.model.calibrations[topic.id]
        found = _called(topic, score, threshold=calibration.threshold, review=calibration.review)
        if not found.match:
            return found
        groups = model_spans(article, self.model.evidence(text, topic.id))
        return replace(
            found, evidence=evidence_words(article, groups), spans=tuple(s for group in groups for s in group)
        )

    def _by_terms(self, terms: Terms, article: ArticleText) -> tuple[TopicScore, ...]:
        scored = terms.score(article, [topic.id for topic in self.topics])
        return tuple(_terms_topic(topic, terms, scored.get(topic.id), article) for topic in self.topics)


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
