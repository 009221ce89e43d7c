"""How good a desk's own topic is, by cross-validation over its examples, and how far so few of them can tell.

Each part of the examples is judged by what the others taught, threshold included. Of news as it comes, the background's
sample says how much would match. Decides nothing about an article.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from worker.nlp import background
from worker.nlp.background import Background
from worker.nlp.desk import DeskTopic, background_id, read_examples
from worker.nlp.deskterms import read_terms, said
from worker.nlp.desktopic import Example, Learned, fold, learn, stamp, with_terms
from worker.nlp.measure import drawn, interval, measure
from worker.nlp.topics import DataProblem

VAGUE: Final = 0.25  # an interval wider than this says too little of a share to choose a threshold by


@dataclass(frozen=True)
class Answer:
    """What an example was judged without having been learned from."""

    score: float
    match: bool
    review: bool
    true: bool


def evaluate_topic(topic: DeskTopic, *, on_progress: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Raises DataProblem for a topic without examples."""
    examples = read_examples(topic)
    if not examples:
        raise DataProblem(
            f"{topic.id} has no examples, and terms alone cannot be cross-validated: give it 10 to 50 `examples` in "
            "topics.yaml, or look at what it finds: wirewatch topics evaluate --topic ID --stream FILE"
        )
    held = background.load()
    answers = _answers(held, topic, examples, on_progress)
    whole = learn(held, examples)
    on_progress()
    calibration = whole.calibration
    threshold = calibration.threshold if topic.threshold is None else topic.threshold
    pairs = [(one.score, one.true) for one in answers]
    figures = measure(pairs, threshold, matches=[one.match for one in answers])
    review = calibration.review if topic.review is None else topic.review
    report: dict[str, Any] = {"topic": topic.id, "by": f"desk:{stamp(topic.terms, examples, background_id())}"}
    report |= {"examples": len(examples), "figures": figures | _intervals(answers)}
    report["news"] = _in_news(held, whole, threshold)
    report["detail"] = drawn(pairs, [(one.match, one.review, one.true) for one in answers], review)
    report["note"] = _note(report["figures"])
    return report


def _answers(held: Background, topic: DeskTopic, examples: Sequence[Example], on_progress: Any) -> list[Answer]:
    terms, parts = read_terms(topic.terms), fold(examples)
    found: dict[int, Answer] = {}
    for number in sorted(set(parts.tolist())):
        learned = learn(held, [one for one, part in zip(examples, parts, strict=True) if part != number])
        for at in np.flatnonzero(parts == number):
            found[int(at)] = _answer(held, topic, terms, learned, examples[at])
        on_progress()
    return [found[at] for at in range(len(examples))]


def _answer(held: Background, topic: DeskTopic, terms: Any, learned: Learned, example: Example) -> Answer:
    raw = float(learned.raw(held, held.read([(example.title, example.text)]))[0])
    weight = said(terms, title=example.title, text=example.text).weight
    score = with_terms(learned.calibration.score(raw), weight)
    low, high = learned.calibration.review if topic.review is None else topic.review
    threshold = learned.calibration.threshold if topic.threshold is None else topic.threshold
    return Answer(score, score >= threshold, low <= score < high, example.label)


def _intervals(answers: Sequence[Answer]) -> dict[str, tuple[float, float]]:
    """Where precision and recall lie, 95 times in 100, were there examples without end."""
    hits = sum(one.match and one.true for one in answers)
    told, true = sum(one.match for one in answers), sum(one.true for one in answers)
    return {"precision_interval": interval(hits, told), "recall_interval": interval(hits, true)}


def _in_news(held: Background, learned: Learned, threshold: float) -> dict[str, Any]:
    """Of the background's sample, by the examples alone: how much would match, and how much the scores expect."""
    scores = [learned.calibration.score(float(raw)) for raw in learned.raw(held, held.rows, held.sample_places)]
    matches = sum(score >= threshold for score in scores)
    return {
        "items": len(scores),
        "matches": matches,
        "per_1000": round(1000 * matches / len(scores), 2),
        "per_1000_interval": tuple(round(1000 * share, 2) for share in interval(matches, len(scores))),
        "expected_per_1000": round(1000 * sum(scores) / len(scores), 2),
    }


def _note(figures: dict[str, Any]) -> str:
    """Plain words where the examples are too few to tell; '' where they tell."""
    wide = {
        name: figures[f"{name}_interval"]
        for name in ("precision", "recall")
        if figures[f"{name}_interval"][1] - figures[f"{name}_interval"][0] > VAGUE
    }
    if not wide:
        return ""
    where = " and ".join(f"{name} lies anywhere from {low:.2f} to {high:.2f}" for name, (low, high) in wide.items())
    return f"Too few examples to tell: {where}, 95 times in 100. Label more of them."
