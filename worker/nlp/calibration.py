"""What a topic's raw score is worth: its calibration, its threshold, and the band in which we are unsure.

Pure: no I/O, no clock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

LOSS: Final = 0.01  # of F1: thresholds that lose less are as good, and their middle is steadier than the best one
NEAR_BEST: Final = 0.85  # of the best worth: thresholds of a few dozen examples that come so near are as good
LEAST_RECALL: Final = 0.5  # below it, what a share of the sample says of how common a topic is hangs on one example
MOST_COMMON: Final = 0.3  # no desk's topic is a larger share of all news; what looks so was not told from it
LOWEST, HIGHEST = 0.2, 0.5  # a threshold that a few dozen examples have set asks for no more than even chances
ROUNDS: Final = 20  # in which what is hidden in the sample settles
NEWTON: Final = 30  # steps within a round; it ends in about six
HELD: Final = 1e-3  # keeps the fit finite where examples and sample part cleanly
UNSURE: Final = (0.2, 0.8)  # calibrated scores between which we are unsure: one in five to four in five are true


def _logit(share: float) -> float:
    share = min(max(share, 1e-7), 1 - 1e-7)
    return math.log(share / (1 - share))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-min(max(x, -30.0), 30.0)))


@dataclass(frozen=True)
class Calibration:
    """One topic's raw score s becomes 1 / (1 + exp(-(a logit(s) + b))); `review` is the band where we are unsure."""

    a: float
    b: float
    threshold: float
    review: tuple[float, float]

    def score(self, raw: float) -> float:
        return sigmoid(self.a * _logit(raw) + self.b)


def calibrate(raws: np.ndarray, truth: np.ndarray) -> Calibration:
    """From raw scores of articles that the scoring model had not seen, by Platt's method: isotonic regression and a
    temperature alone were measured beside it (docs/topics.md).

    The threshold: of the scores that, as thresholds, lose less than LOSS to the best F1, the middle. The review band:
    from one in five to four in five, and never without the threshold.
    """
    a, b = platt(raws.tolist(), truth.tolist())
    plain = Calibration(a, b, 0.5, (0.0, 1.0))
    scored = sorted(zip(map(plain.score, raws.tolist()), truth.tolist(), strict=True), reverse=True)
    threshold = _steady_threshold(scored)
    return Calibration(a, b, threshold, _band(threshold))


def _band(threshold: float) -> tuple[float, float]:
    return min(UNSURE[0], threshold), max(UNSURE[1], threshold)


def platt(raws: Sequence[float], truth: Sequence[bool]) -> tuple[float, float]:
    """Platt's fit by Newton's method with backtracking, his targets against certainty.

    Source: Platt 1999; Lin, Lin, Weng 2007.
    """
    positives = sum(truth)
    high, low = (positives + 1) / (positives + 2), 1 / (len(truth) - positives + 2)
    points = [(_logit(raw), high if true else low) for raw, true in zip(raws, truth, strict=True)]
    a, b, loss = 1.0, 0.0, _loss(points, 1.0, 0.0)
    for _ in range(100):
        da, db = _newton_step(points, a, b)
        step = 1.0
        while step > 1e-6 and _loss(points, a - step * da, b - step * db) > loss:
            step /= 2
        a, b = a - step * da, b - step * db
        before, loss = loss, _loss(points, a, b)
        if before - loss < 1e-9:
            break
    return a, b


def _loss(points: Sequence[tuple[float, float]], a: float, b: float) -> float:
    scored = ((sigmoid(a * x + b), y) for x, y in points)
    return -sum(y * math.log(p) + (1 - y) * math.log(1 - p) for p, y in scored)


def _newton_step(points: Sequence[tuple[float, float]], a: float, b: float) -> tuple[float, float]:
    ga = gb = hab = 0.0
    haa = hbb = 1e-6
    for x, y in points:
        p = sigmoid(a * x + b)
        w = max(p * (1 - p), 1e-9)
        ga, gb = ga + (p - y) * x, gb + (p - y)
        haa, hab, hbb = haa + w * x * x, hab + w * x, hbb + w
    determinant = haa * hbb - hab * hab
    return (hbb * ga - hab * gb) / determinant, (haa * gb - hab * ga) / determinant


def _steady_threshold(scored: Sequence[tuple[float, bool]]) -> float:
    """The middle of the scores that, as thresholds, lose less than LOSS to the best F1. Half where nothing is true."""
    total, hits, curve = sum(true for _, true in scored), 0, []
    for count, (score, true) in enumerate(scored, start=1):
        hits += true
        curve.append((2 * hits / (count + total), score))
    if not total:
        return 0.5
    best = max(curve)[0]
    good = [score for f1, score in curve if f1 >= best - LOSS]
    return round((good[0] + good[-1]) / 2, 3)


# ---------------------------------------------------------------- without the truth of most


def unlabelled(yes: np.ndarray, sample: np.ndarray) -> Calibration:
    """From raw scores of a few articles that are on the topic, and of many of which nobody said: a few of them are.

    The threshold is where recall^2 / (share of the sample that is taken) is greatest, which is where F1 is, whatever
    share of the sample is on the topic (Lee and Liu 2003); the middle of those that come near it. How common the topic
    is: the least share of the sample that had to be taken for a recall (Blanchard, Lee, Scott 2010). A score is the
    chance that an article of the sample's kind is on the topic.
    """
    raws = np.sort(yes)
    recall = (len(raws) - np.arange(len(raws))) / (len(raws) + 1)
    taken = (np.searchsorted(np.sort(sample), raws, side="left") * -1.0 + len(sample) + 0.5) / (len(sample) + 1)
    worth = recall**2 / taken
    near = raws[worth >= NEAR_BEST * worth.max()]
    middle = sigmoid((_logit(float(near[0])) + _logit(float(near[-1]))) / 2)
    common = float((taken / recall)[recall >= min(LEAST_RECALL, recall.max())].min())
    a, b = _with_hidden(raws, sample, min(common, MOST_COMMON))
    plain = Calibration(a, b, 0.5, (0.0, 1.0))
    threshold = min(max(round(plain.score(middle), 3), LOWEST), HIGHEST)
    return Calibration(a, b, threshold, _band(threshold))


def _with_hidden(yes: np.ndarray, sample: np.ndarray, common: float) -> tuple[float, float]:
    """Platt's fit where some of the sample are on the topic: each counts against it only as far as it is not."""
    points = np.array([_logit(float(raw)) for raw in (*yes, *sample)])
    truth = np.r_[np.ones(len(yes)), np.zeros(len(sample))]
    weights = np.r_[np.full(len(yes), common * len(sample) / len(yes)), np.ones(len(sample))]
    a = b = 0.0
    for _ in range(ROUNDS):
        a, b = _weighed_platt(points, truth, weights)
        hidden = 1 / (1 + np.exp(-(a * points[len(yes) :] + b)))
        weights[len(yes) :] = 1 - hidden
    return a, b


def _weighed_platt(points: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    design = np.stack([points, np.ones(len(points))], axis=1)
    found = np.zeros(2)
    for _ in range(NEWTON):
        shares = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        slope = design.T @ (weights * (shares - truth)) + HELD * found
        bend = (design * (weights * shares * (1 - shares))[:, None]).T @ design + HELD * np.eye(2)
        step = np.linalg.solve(bend, slope)
        found = found - np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-7:
            break
    return float(found[0]), float(found[1])
