"""How good scores are: what is right and what is missed, how far a score can be believed, and where we are unsure.

Pure: no I/O, no clock. Works on pairs of (score, truth), or on what was asked and what came out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

Pairs = Sequence[tuple[float, bool]]
BINS: Final = 10  # of the reliability diagram and of the expected calibration error
BARS: Final = 20  # of the histogram of scores
POINTS: Final = 60  # of the precision-recall curve: more than a picture shows
Z: Final = 1.96  # standard deviations of an interval that holds the truth 95 times in 100


def measure(pairs: Pairs, threshold: float, *, matches: Sequence[bool] | None = None) -> dict[str, Any]:
    """Of (score, truth). `matches`: what the judge said, where that is not for the threshold alone to say."""
    said = [score >= threshold for score, _ in pairs] if matches is None else matches
    hit = sum(match and true for match, (_, true) in zip(said, pairs, strict=True))
    told, true_ones = sum(said), sum(true for _, true in pairs)
    figures = {"threshold": threshold, **_shares(hit, told, true_ones)}
    figures["brier"] = sum((score - true) ** 2 for score, true in pairs) / len(pairs) if pairs else 0.0
    figures["average_precision"] = _average_precision(pairs)
    figures["calibration_error"] = _calibration_error(pairs)
    return {"positives": true_ones, **{name: round(value, 3) for name, value in figures.items()}}


def _shares(hit: int, told: int, true_ones: int) -> dict[str, float]:
    precision, recall = hit / told if told else 0.0, hit / true_ones if true_ones else 0.0
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / (precision + recall) if hit else 0}


def macro_f1(figures: Sequence[dict[str, Any]]) -> float:
    """The topics' F1 on average, each as weighty as the other. Topics of which nothing is true do not count."""
    counted = [one["f1"] for one in figures if one["positives"]]
    return round(sum(counted) / len(counted), 3) if counted else 0.0


def _average_precision(pairs: Pairs) -> float:
    """The precision at each true one, best score first, on average."""
    hits, total = 0, 0.0
    for count, (_, true) in enumerate(sorted(pairs, key=lambda pair: -pair[0]), start=1):
        hits += true
        total += hits / count if true else 0.0
    return total / hits if hits else 0.0


def _calibration_error(pairs: Pairs) -> float:
    """Expected calibration error over ten equal bins."""
    return sum(one.count * abs(one.score - one.share) for one in reliability(pairs)) / max(len(pairs), 1)


# ---------------------------------------------------------------- what is drawn


@dataclass(frozen=True)
class Bin:
    """Of the scores from `low` to under `high`: how many, their mean, and the share of them that is true."""

    low: float
    high: float
    count: int
    score: float
    share: float


def reliability(pairs: Pairs) -> tuple[Bin, ...]:
    """The bins that hold anything, lowest first; a score of 1 is in the last."""
    found = []
    for at in range(BINS):
        inside = [(score, true) for score, true in pairs if min(int(score * BINS), BINS - 1) == at]
        if inside:
            score, share = (sum(values) / len(inside) for values in zip(*inside, strict=True))
            found.append(Bin(at / BINS, (at + 1) / BINS, len(inside), round(score, 4), round(share, 4)))
    return tuple(found)


def precision_recall(pairs: Pairs) -> list[list[float]]:
    """[threshold, precision, recall] from the strictest on, thinned to POINTS. Equal scores fall together."""
    total, hits, points = sum(true for _, true in pairs), 0, []
    ordered = sorted(pairs, key=lambda pair: -pair[0])
    for count, (score, true) in enumerate(ordered, start=1):
        hits += true
        if total and (count == len(ordered) or ordered[count][0] != score):
            points.append([round(score, 4), round(hits / count, 4), round(hits / total, 4)])
        if total and hits == total and points and points[-1][2] == 1:
            break  # from here on only precision falls
    step = max(1, math.ceil(len(points) / POINTS))
    return points[::step] + ([points[-1]] if points and (len(points) - 1) % step else [])


def histogram(pairs: Pairs) -> dict[str, list[int]]:
    """How many scores fall into each of BARS equal parts, of the true ones and of the others."""
    counts = {"true": [0] * BARS, "other": [0] * BARS}
    for score, true in pairs:
        counts["true" if true else "other"][min(int(score * BARS), BARS - 1)] += 1
    return counts


def band_figures(answers: Sequence[tuple[bool, bool, bool]]) -> dict[str, Any]:
    """Of (match, review, truth): what share of all stands in the band, and how often the answer is wrong within it and
    outside. None where nothing stands there."""
    wrong = [(review, match is not true) for match, review, true in answers]
    inside, outside = ([error for within, error in wrong if within is side] for side in (True, False))
    return {
        "share": round(len(inside) / len(wrong), 4) if wrong else 0.0,
        "wrong_within": round(sum(inside) / len(inside), 4) if inside else None,
        "wrong_outside": round(sum(outside) / len(outside), 4) if outside else None,
    }


def drawn(pairs: Pairs, answers: Sequence[tuple[bool, bool, bool]], review: tuple[float, float]) -> dict[str, Any]:
    """All that a picture shows of a topic: `pairs` of (score, truth), `answers` of (match, review, truth)."""
    return {
        "reliability": [asdict(one) for one in reliability(pairs)],
        "precision_recall": precision_recall(pairs),
        "histogram": histogram(pairs),
        "review": {"low": review[0], "high": review[1], **band_figures(answers)},
    }


# ---------------------------------------------------------------- how sure a share is


def interval(hits: float, total: float) -> tuple[float, float]:
    """Wilson's interval of a share: where it lies 95 times in 100. (0, 1) of none. Source: Wilson 1927."""
    if not total:
        return 0.0, 1.0
    share, spread = hits / total, Z * Z / total
    middle = (share + spread / 2) / (1 + spread)
    reach = Z / (1 + spread) * math.sqrt(share * (1 - share) / total + spread / (4 * total))
    return round(max(0.0, middle - reach), 3), round(min(1.0, middle + reach), 3)
