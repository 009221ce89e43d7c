"""The judge: an article's language, topics with their evidence, and mentions. Stores nothing, decides no alert."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from worker.model import ArticleText, Judgement, TopicScore
from worker.nlp.language import detect
from worker.nlp.names import NameIndex, find_mentions
from worker.nlp.topics import DataProblem, TopicModel, features, load_model


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

    def __init__(self, index: NameIndex, topics: Sequence[Topic], *, model: Path | None = None) -> None:
        self.index, self.topics = index, tuple(topics)
        self.model: TopicModel = load_model(model)
        unknown = [topic.id for topic in topics if topic.id not in self.model.calibrations]
        if unknown:
            known = ", ".join(self.model.calibrations)
            raise DataProblem(
                f"topics.yaml: the topic model {self.model.id} does not know {unknown[0]!r}; it knows {known}. "
                "Label articles and run `wirewatch topics train`, or remove the topic."
            )

    def with_names(self, index: NameIndex) -> Judge:
        """One with another watchlist, and the model that this one has loaded."""
        other = copy.copy(self)
        other.index = index
        return other

    @property
    def model_id(self) -> str:
        return self.model.id

    def judge_many(self, articles: Sequence[ArticleText]) -> list[Judgement]:
        """In order; one batch of the model for all."""
        texts = [features(article.title, article.text) for article in articles]
        return [
            Judgement(
                language=detect(article.title, article.text, hint=article.language),
                topics=tuple(self._topic(topic, scores[topic.id], text, article) for topic in self.topics),
                mentions=find_mentions(self.index, article),
                model_id=self.model.id,
                watchlist=self.index.version,
            )
            for article, text, scores in zip(articles, texts, self.model.scores(texts), strict=True)
        ]

    def _topic(self, topic: Topic, score: float, text: str, article: ArticleText) -> TopicScore:
        calibration = self.model.calibrations[topic.id]
        threshold = calibration.threshold if topic.threshold is None else topic.threshold
        low, high = calibration.review if topic.review is None else topic.review
        match = score >= threshold
        evidence = self._evidence(topic.id, text, article) if match else ()
        return TopicScore(topic.id, round(score, 4), match, low <= score < high, evidence)

    def _evidence(self, topic: str, text: str, article: ArticleText) -> tuple[str, ...]:
        """The words as the article has them, where lowering the case moved no letter."""
        whole = f"{article.title}\n{article.text}"
        source = whole if len(whole[: len(text)].lower()) == len(whole[: len(text)]) else text
        spans = self.model.evidence(text, topic)
        return tuple(dict.fromkeys(source[start:end].replace("\n", " ") for start, end in spans))
