"""How good the judge's topics are: on articles labelled by reading, and on news as it comes, to be read by a person.

Asks the judge itself, so that what is measured is what a desk gets, in every language. Reads files; stores nothing.
"""

from __future__ import annotations

import gzip
import json
import lzma
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from worker.model import ArticleText, Judgement, TopicScore
from worker.nlp.calibration import Calibration
from worker.nlp.judge import Judge
from worker.nlp.measure import drawn, macro_f1, measure
from worker.nlp.names import compile_watchlist
from worker.nlp.topics import SHIPPED, DataProblem, Labelled, read_article, read_labelled, read_training

BATCH: Final = 256
SHOWN: Final = 12  # titles of each kind that a person is shown
Scores = Sequence[Mapping[str, TopicScore]]
Progress = Callable[[], None]


def nothing() -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class WholeTopic:
    """A topic of the model as it is, without a desk's own threshold."""

    id: str
    threshold: float | None = None
    review: tuple[float, float] | None = None


@dataclass(frozen=True)
class Measured:
    """A file's articles with what was asked of them, by topic, whole and by their headlines alone."""

    articles: Sequence[Labelled]
    wholes: Scores
    headlines: Scores
    languages: Sequence[str]
    calibrations: Mapping[str, Calibration]
    model_id: str

    def answers(self, topic: str, scores: Scores, chosen: Sequence[int] | None = None) -> list[tuple[TopicScore, bool]]:
        """What the judge said, with the truth."""
        places = range(len(self.articles)) if chosen is None else chosen
        return [(scores[at][topic], topic in self.articles[at].labels) for at in places]

    def figures(self, scores: Scores, chosen: Sequence[int] | None = None) -> dict[str, Any]:
        return {
            topic: _figures(self.answers(topic, scores, chosen), calibration.threshold)
            for topic, calibration in self.calibrations.items()
        }


def _figures(answers: Sequence[tuple[TopicScore, bool]], threshold: float) -> dict[str, Any]:
    return measure(_pairs(answers), threshold, matches=[said.match for said, _ in answers])


def _pairs(answers: Sequence[tuple[TopicScore, bool]]) -> list[tuple[float, bool]]:
    return [(said.score, true) for said, true in answers]


def model_judge(model: Path | None) -> Judge:
    """The judge of every topic that the model knows, without a watchlist. Raises DataProblem."""
    bare = Judge(compile_watchlist([]), [], model=model)
    return Judge(compile_watchlist([]), [WholeTopic(topic) for topic in bare.model.calibrations], model=model)


def evaluate(data: Path, model: Path | None = None, *, on_progress: Progress = nothing) -> dict[str, Any]:
    """Precision, recall, F1, average precision, Brier score, calibration error per topic; the same by headlines alone,
    without the articles of which their reader was unsure, and for each language where there are several.

    On every article of `data`. Says how many of them the model was trained on: with any, the figures flatter it, and
    those of its cross-validation stand beside them. A language that is judged by term rules is measured by those.
    """
    found = _ask(read_labelled(data), model_judge(model), on_progress)
    training = read_training(model or SHIPPED)
    seen = sum(one.mark in training["seen"] for one in found.articles)
    sure = [at for at, one in enumerate(found.articles) if not one.unsure]
    report: dict[str, Any] = {"model": found.model_id, "articles": len(found.articles), "seen_in_training": seen}
    report |= {"topics": found.figures(found.wholes), "headlines": found.figures(found.headlines)}
    report["unsure"] = len(found.articles) - len(sure)
    report["sure"] = found.figures(found.wholes, sure)
    report["macro_f1"] = {name: macro_f1(list(report[name].values())) for name in ("topics", "headlines", "sure")}
    report["detail"] = {topic: _detail(found, topic) for topic in found.calibrations}
    if len(set(found.languages)) > 1:
        report["languages"] = _by_language(found)
    if unknown := sorted(set().union(*(one.labels for one in found.articles)) - found.calibrations.keys()):
        report["unknown_labels"] = unknown
    if seen:
        report["note"] = f"the model was trained on {seen} of these articles: believe the cross-validated figures"
        report["cross_validated"] = {name: training[name] for name in training if name != "seen"}
    return report


def _ask(articles: Sequence[Labelled], judge: Judge, on_progress: Progress) -> Measured:
    wholes = _judged(judge, [one.article for one in articles], on_progress)
    headlines = _judged(judge, [replace(one.article, text="") for one in articles], on_progress)
    return Measured(
        articles=articles,
        wholes=[_by_topic(one) for one in wholes],
        headlines=[_by_topic(one) for one in headlines],
        languages=[one.language for one in wholes],
        calibrations=judge.calibrations,
        model_id=judge.model_id,
    )


def _by_topic(judged: Judgement) -> dict[str, TopicScore]:
    return {topic.id: topic for topic in judged.topics}


def _judged(judge: Any, articles: Sequence[ArticleText], on_progress: Progress) -> list[Judgement]:
    found: list[Judgement] = []
    for start in range(0, len(articles), BATCH):
        found += judge.judge_many(articles[start : start + BATCH])
        on_progress()
    return found


def _detail(found: Measured, topic: str) -> dict[str, Any]:
    """What is drawn of a topic, and its review band."""
    answers = found.answers(topic, found.wholes)
    said = [(one.match, one.review, true) for one, true in answers]
    return drawn(_pairs(answers), said, found.calibrations[topic].review)


def _by_language(found: Measured) -> dict[str, Any]:
    places = defaultdict(list)
    for at, language in enumerate(found.languages):
        places[language].append(at)
    shown = sorted(places.items(), key=lambda one: -len(one[1]))
    figures = {language: (len(chosen), found.figures(found.wholes, chosen)) for language, chosen in shown}
    return {
        language: {"articles": count, "topics": topics, "macro_f1": macro_f1(list(topics.values()))}
        for language, (count, topics) in figures.items()
    }


# ---------------------------------------------------------------- news as it comes


@dataclass
class Watched:
    """One topic over a stream: how much of it matches, and what a person reads to say how much of that is right."""

    threshold: float
    matched: list[tuple[float, str, str]] = field(default_factory=list)  # score, id, title
    under: list[tuple[float, str, str]] = field(default_factory=list)  # the nearest below the threshold
    review: int = 0

    def add(self, score: TopicScore, article: ArticleText) -> None:
        self.review += score.review
        entry = (score.score, article.id, article.title)
        if score.match:
            self.matched.append(entry)
        else:
            self.under.append(entry)
            if len(self.under) > 50 * SHOWN:
                self.under = sorted(self.under, reverse=True)[:SHOWN]

    def report(self, items: int) -> dict[str, Any]:
        ordered = sorted(self.matched, reverse=True)
        step = max(1, len(ordered) // SHOWN)
        return {
            "threshold": self.threshold,
            "matches": len(ordered),
            "per_1000": round(1000 * len(ordered) / max(items, 1), 2),
            "review_per_1000": round(1000 * self.review / max(items, 1), 2),
            "surest": _entries(ordered[:SHOWN]),
            "spread": _entries(ordered[step // 2 :: step][:SHOWN]),
            "border": _entries(ordered[-SHOWN:]),
            "under": _entries(sorted(self.under, reverse=True)[:SHOWN]),
        }


def _entries(found: Sequence[tuple[float, str, str]]) -> list[dict[str, Any]]:
    return [{"score": score, "id": identity, "title": title} for score, identity, title in found]


def watch_stream(
    path: Path, judge: Any, thresholds: Mapping[str, float], *, on_progress: Progress = nothing
) -> dict[str, Any]:
    """What matches among unlabelled articles. `spread` are matches at even steps from the surest to the least sure: the
    share of them that is right is the precision at the stream's own prevalence. Raises DataProblem."""
    watched = {topic: Watched(threshold) for topic, threshold in thresholds.items()}
    items = 0
    for batch in _batches(read_stream(path)):
        for article, judged in zip(batch, judge.judge_many(batch), strict=True):
            for score in judged.topics:
                watched[score.id].add(score, article)
        items += len(batch)
        on_progress()
    if not items:
        raise DataProblem(f"{path}: holds no article")
    return {"items": items, "topics": {topic: one.report(items) for topic, one in watched.items()}}


def read_stream(path: Path) -> Iterator[ArticleText]:
    """JSON lines, plain or packed (.xz, .gz). Raises DataProblem."""
    unpack: Any = {".xz": lzma.open, ".gz": gzip.open}.get(path.suffix, open)
    try:
        with unpack(path, "rt", encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _article(path, number, line)
    except (OSError, EOFError, lzma.LZMAError, zlib.error, UnicodeDecodeError) as error:
        raise DataProblem(f"{path}: cannot be read ({type(error).__name__})") from error


def _article(path: Path, number: int, line: str) -> ArticleText:
    try:
        value = json.loads(line)
        return read_article(value, identity=str(value.get("id") or number))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataProblem(f"{path}:{number}: not an article ({error!r}): needs a title") from error


def _batches(articles: Iterator[ArticleText]) -> Iterator[list[ArticleText]]:
    batch: list[ArticleText] = []
    for article in articles:
        batch.append(article)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
