"""What a topic's raw score is worth: its calibration, its threshold, its review band, and how good all that is.

Pure: no I/O, no clock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

LOSS: Final = 0.01  # of F1: thresholds that lose less are as good, and their middle is steadier than the best one
SURE: Final = 0.9  # so many of the true stand above the foot of the review band, and so many above its head are true


def _logit(share: float) -> float:
    share = min(max(share, 1e-7), 1 - 1e-7)
    return math.log(share / (1 - share))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-min(max(x, -30.0), 30.0)))


@dataclass(frozen=True)
class Calibration:
    """One topic's raw score s becomes 1 / (1 + exp(-(a logit(s) + b))); `review` is the band where we are unsure."""

    a: float
    b: float
    threshold: float
    review: tuple[float, float]

    def score(self, raw: float) -> float:
        return _sigmoid(self.a * _logit(raw) + self.b)


def calibrate(raws: np.ndarray, truth: np.ndarray) -> Calibration:
    """From raw scores of articles that the scoring model had not seen."""
    a, b = platt(raws.tolist(), truth.tolist())
    plain = Calibration(a, b, 0.5, (0.0, 1.0))
    scored = sorted(zip(map(plain.score, raws.tolist()), truth.tolist(), strict=True), reverse=True)
    threshold = _steady_threshold(scored)
    return Calibration(a, b, threshold, _review_band(scored, threshold))


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
    scored = ((_sigmoid(a * x + b), y) for x, y in points)
    return -sum(y * math.log(p) + (1 - y) * math.log(1 - p) for p, y in scored)


def _newton_step(points: Sequence[tuple[float, float]], a: float, b: float) -> tuple[float, float]:
    ga = gb = hab = 0.0
    haa = hbb = 1e-6
    for x, y in points:
        p = _sigmoid(a * x + b)
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


def _review_band(scored: Sequence[tuple[float, bool]], threshold: float) -> tuple[float, float]:
    """From the score that SURE of the true ones reach to the score from which SURE of the articles are true."""
    positives = [score for score, true in scored if true]
    low = positives[math.ceil(SURE * len(positives)) - 1] if positives else threshold
    hits, high = 0, threshold
    for count, (score, true) in enumerate(scored, start=1):
        hits += true
        if hits / count >= SURE:
            high = score
    return round(min(low, threshold), 3), round(max(high, threshold), 3)


# ---------------------------------------------------------------- measuring


def measure(pairs: Sequence[tuple[float, bool]], threshold: float) -> dict[str, Any]:
    """Of (score, truth)."""
    hit = sum(score >= threshold and true for score, true in pairs)
    told, true_ones = sum(score >= threshold for score, _ in pairs), sum(true for _, true in pairs)
    precision, recall = hit / told if told else 0.0, hit / true_ones if true_ones else 0.0
    f1 = 2 * precision * recall / (precision + recall) if hit else 0.0
    brier = sum((score - true) ** 2 for score, true in pairs) / len(pairs) if pairs else 0.0
    figures = {"threshold": threshold, "precision": precision, "recall": recall, "f1": f1, "brier": brier}
    figures["average_precision"] = _average_precision(pairs)
    figures["calibration_error"] = _calibration_error(pairs)
    return {"positives": true_ones, **{name: round(value, 3) for name, value in figures.items()}}


def _average_precision(pairs: Sequence[tuple[float, bool]]) -> float:
    """The precision at each true one, best score first, on average."""
    hits, total = 0, 0.0
    for count, (_, true) in enumerate(sorted(pairs, key=lambda pair: -pair[0]), start=1):
        hits += true
        total += hits / count if true else 0.0
    return total / hits if hits else 0.0


def _calibration_error(pairs: Sequence[tuple[float, bool]]) -> float:
    """Expected calibration error over ten equal bins."""
    error = 0.0
    for at in range(10):
        inside = [(s, t) for s, t in pairs if at / 10 <= s < (at + 1) / 10 or (at == 9 and s == 1)]
        if inside:
            error += abs(sum(s for s, _ in inside) - sum(t for _, t in inside)) / len(pairs)
    return error
