"""A desk's own topic: learned in a second from a few dozen examples held against the background, and from its terms.

Two judges look at an article: a line through the space in which words that keep company lie near (it knows that
tremors are earthquakes), and the words themselves that the examples say and other news does not (it knows names). Both
are measured in the background's own spread and added. Terms multiply the odds besides. Deterministic; no clock.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from worker.nlp.background import Background, Rows
from worker.nlp.calibration import Calibration, sigmoid, unlabelled

RULES: Final = 1  # of this module and of the background: another number trains every topic again
FOLDS: Final = 5
RIDGE: Final = 1.0  # 0.003 to 3 measured: with so few examples the space must be held tight
NOES: Final = 0.5  # what all the examples labelled no weigh, where those labelled yes weigh 1, and the background 1
TRUST: Final = 5.0  # background articles that a word's share among the examples is worth; 5 and 20 measured alike
LEAST_SAID: Final = 2  # of the examples that must say a word, for it to count: one says anything
TERM: Final = math.log(10)  # a term of weight 1 multiplies the odds by ten
MOST_TERMS: Final = 3.0  # whatever the terms come to, no more than so much of it counts beside examples
DOUBT: Final = 0.01  # so that terms with a W of 2, such as one of weight 1 in the headline, come to even chances
STEPS: Final = 25  # of Newton's method, which ends in about five; a bound, not a setting
ENOUGH: Final = 1e-4  # of a step: the next one would be its square
EVEN: Final = 2.0  # z is halved before it becomes a raw score, so that no score is lost at the ends


@dataclass(frozen=True)
class Example:
    title: str
    text: str
    label: bool


@dataclass(frozen=True)
class Learned:
    """`line` and `bias` in the space; `gains` of single buckets; each judge's mean and spread over the background."""

    line: np.ndarray
    bias: float
    gains: np.ndarray
    spreads: tuple[tuple[float, float], tuple[float, float]]
    calibration: Calibration

    def raw(self, background: Background, rows: Rows, places: np.ndarray | None = None) -> np.ndarray:
        """Raw scores, from 0 to 1."""
        judged = _judged(background, rows, self.line, self.gains, places)
        return _raw(sum((found - mean) / spread for found, (mean, spread) in zip(judged, self.spreads, strict=True)))


def _judged(
    background: Background, rows: Rows, line: np.ndarray, gains: np.ndarray, places: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    where = background.places(rows) if places is None else places
    return where @ line, rows.times(gains[:, None].astype(np.float32))[:, 0]


def _raw(z: Any) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(z / EVEN, -15, 15)))


# ---------------------------------------------------------------- learning


def learn(background: Background, examples: Sequence[Example]) -> Learned:
    """From the examples, with their calibration by cross-validation. Needs one that is labelled yes."""
    rows = background.read((one.title, one.text) for one in examples)
    labels = np.array([one.label for one in examples])
    held = unseen(background, rows, labels, fold(examples))
    whole = _fit(background, rows, labels, np.full(len(labels), True))
    sample = whole.raw(background, background.rows, background.sample_places)
    return Learned(whole.line, whole.bias, whole.gains, whole.spreads, unlabelled(held[labels], sample))


def fold(examples: Sequence[Example]) -> np.ndarray:
    """Each example's part, the yes and the no shared out alike; by what it says, whatever the order in the file."""
    parts = np.zeros(len(examples), dtype=int)
    for label in (True, False):
        places = [at for at, one in enumerate(examples) if one.label is label]
        places.sort(key=lambda at: hashlib.sha256(f"{examples[at].title}\n{examples[at].text}".encode()).digest())
        for n, at in enumerate(places):
            parts[at] = n % FOLDS
    return parts


def unseen(background: Background, rows: Rows, labels: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Each example's raw score by what was learned without its part."""
    scores = np.zeros(len(labels))
    for number in set(folds.tolist()):
        others = folds != number
        if labels[others].any():
            fitted = _fit(background, rows, labels, others)
            scores[~others] = fitted.raw(background, rows)[~others]
    return scores


def _fit(background: Background, rows: Rows, labels: np.ndarray, chosen: np.ndarray) -> Learned:
    yes, no = (np.flatnonzero(chosen & side) for side in (labels, ~labels))
    places = background.places(rows)
    line, bias = _line(places[yes], places[no], background.sample_places)
    gains = _gains(background, rows, yes)
    judged = _judged(background, background.rows, line, gains, background.sample_places)
    first, second = ((float(one.mean()), max(float(one.std()), 1e-6)) for one in judged)
    return Learned(line, bias, gains, (first, second), Calibration(1.0, 0.0, 0.5, (0.0, 1.0)))


def _gains(background: Background, rows: Rows, yes: np.ndarray) -> np.ndarray:
    """How many times likelier each bucket is in the examples than in other news, as a logarithm, never below 0."""
    chosen = np.isin(np.repeat(np.arange(len(rows)), np.diff(rows.starts)), yes)
    said = np.bincount(rows.columns[chosen], minlength=len(background.rarity))
    usual = np.exp(-background.rarity)
    gains = np.log((said + TRUST * usual) / (len(yes) + TRUST)) + background.rarity
    return np.where(said >= LEAST_SAID, np.maximum(gains, 0), 0)


def _line(yes: np.ndarray, no: np.ndarray, sample: np.ndarray) -> tuple[np.ndarray, float]:
    """Logistic regression, heavily held to small weights, by Newton's method."""
    points = np.vstack([yes, no, sample]).astype(np.float64)
    points = np.hstack([points, np.ones((len(points), 1))])
    truth = np.r_[np.ones(len(yes)), np.zeros(len(no) + len(sample))]
    weights = np.r_[
        np.full(len(yes), 1 / len(yes)), np.full(len(no), NOES / max(len(no), 1)), np.full(len(sample), 1 / len(sample))
    ]
    held = np.full(points.shape[1], RIDGE)
    held[-1] = 1e-6  # the bias is free
    found = np.zeros(points.shape[1])
    for _ in range(STEPS):
        shares = 1 / (1 + np.exp(-points @ found))
        slope = points.T @ (weights * (shares - truth)) + held * found
        bend = (points * (weights * shares * (1 - shares))[:, None]).T @ points + np.diag(held)
        step = np.linalg.solve(bend, slope)
        found = found - step
        if np.abs(step).max() < ENOUGH:
            break
    return found[:-1].astype(np.float32), float(found[-1])


# ---------------------------------------------------------------- scoring


def with_terms(score: float, weight: float) -> float:
    """A score by examples, with what the terms come to. Terms that speak for the topic are never spoken against by more
    than DOUBT: a few dozen examples have not seen all that there is."""
    if not weight:
        return score
    held = min(max(score, DOUBT if weight > 0 else 1e-6), 1 - 1e-6)
    return sigmoid(math.log(held / (1 - held)) + TERM * min(max(weight, -MOST_TERMS), MOST_TERMS))


# ---------------------------------------------------------------- what is kept


def stamp(terms: Mapping[str, float], examples: Sequence[Example], background: str) -> str:
    """Tells one topic's making from another's: its terms, its examples, and what they were held against."""
    body = {"rules": RULES, "terms": dict(terms), "examples": [asdict(one) for one in examples], "against": background}
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=True).encode()).hexdigest()[:12]


def to_json(learned: Learned) -> dict[str, Any]:
    """Of the gains those that are not 0."""
    told = np.flatnonzero(learned.gains)
    return {
        "line": learned.line.tolist(),
        "bias": learned.bias,
        "gains": [[int(at), float(learned.gains[at])] for at in told],
        "spreads": learned.spreads,
        "calibration": asdict(learned.calibration),
    }


def from_json(body: Mapping[str, Any], *, buckets: int) -> Learned:
    """Raises KeyError, TypeError or ValueError for what `to_json` has not made."""
    gains = np.zeros(buckets)
    for at, gain in body["gains"]:
        gains[at] = gain
    first, second = (tuple(map(float, one)) for one in body["spreads"])
    calibration = Calibration(**{**body["calibration"], "review": tuple(body["calibration"]["review"])})
    line = np.array(body["line"], dtype=np.float32)
    return Learned(line, float(body["bias"]), gains, (first, second), calibration)  # type: ignore[arg-type]
