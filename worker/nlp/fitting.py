"""How the topic model's layer is fitted: two support vector machines a topic, and the mean of their weights.

One sees words and pairs of words, the other concepts besides: where they differ, half of each measures better than
either. Pure: no I/O, no clock; its one order is drawn from a fixed seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from worker.nlp.wordpairs import Features, weigh

RARE_WORD: Final = 2  # a word in fewer articles than this can only be learned by heart
RARE_PAIR: Final = 5  # and a pair in fewer than this
RARE_CONCEPT: Final = 3
HARDNESS: Final = {"words": 0.5, "concepts": 0.3}  # C of the two fits
ROUNDS: Final = 60  # over all articles; it ends when none is far from its place
NEAR: Final = 0.01  # how far that is, of at most about one: a tenth of it changed no figure


def fit(model: Any, articles: Sequence[Features], truth: np.ndarray, *, again: Mapping[int, Features] = {}) -> None:
    """Sets the layer's parameters from `truth`, a row an article and a column a topic, True where it carries it.

    `again` are some of the articles, by their place, read another way: learned too, but not counted among the features'
    documents.
    """
    keys, idf = vocabulary(articles)
    bias = len(keys)  # one more column, always 1
    both, words = [], []
    for found in (*articles, *again.values()):
        known, columns, values = weigh(found, keys, idf)
        paired = int(np.searchsorted(known, found.paired))
        both.append((np.append(columns, bias), np.append(values, 1.0)))
        words.append((np.append(columns[:paired], bias), np.append(values[:paired], 1.0)))
    sides = np.where(np.concatenate([truth, truth[[*again]]]) if again else truth, 1.0, -1.0)
    fitted = [
        separate(rows, sides, width=bias + 1, hardness=HARDNESS[name])
        for name, rows in (("words", words), ("concepts", both))
    ]
    weights = (fitted[0] + fitted[1]) / 2
    model.set_dim("nO", truth.shape[1], force=True)
    for name, value in {"keys": keys, "idf": idf, "W": weights[:-1], "b": weights[-1]}.items():
        model.set_param(name, value if name == "keys" else value.astype(np.float32))


def vocabulary(articles: Sequence[Features]) -> tuple[np.ndarray, np.ndarray]:
    """The features that are not rare, sorted, and their weight: the inverse document frequency, smoothed, of words and
    pairs, and 1 of concepts. Never none at all."""
    blocks = (
        (np.concatenate([found.keys[: found.single] for found in articles]), RARE_WORD, True),
        (np.concatenate([found.keys[found.single : found.paired] for found in articles]), RARE_PAIR, True),
        (np.concatenate([found.keys[found.paired :] for found in articles]), RARE_CONCEPT, False),
    )
    kept, weights = [np.array([0], dtype=np.uint64)], [np.ones(1)]
    for block, least, weighed in blocks:
        keys, counts = np.unique(block, return_counts=True)
        often = counts >= least
        kept.append(keys[often])
        weights.append(np.log((1 + len(articles)) / (1 + counts[often])) + 1 if weighed else np.ones(often.sum()))
    keys, found = np.concatenate(kept), np.concatenate(weights)
    order = np.argsort(keys)
    return keys[order], found[order]


def separate(
    rows: Sequence[tuple[np.ndarray, np.ndarray]], sides: np.ndarray, *, width: int, hardness: float
) -> np.ndarray:
    """The weights least in |w|^2 / 2 + C sum(max(0, 1 - side margin)^2), a column a topic; a row is (columns, values).

    Convex, so there is one answer. By coordinate descent in the dual, one article at a time, all topics together.
    Source: Hsieh and others 2008, "A Dual Coordinate Descent Method for Large-scale Linear SVM".
    """
    topics = sides.shape[1]
    weights, held = np.zeros((width, topics)), np.zeros(sides.shape)
    soft = 1 / (2 * hardness)
    steep = [float(values @ values) + soft for _, values in rows]
    order = np.random.default_rng(0)
    for _ in range(ROUNDS):
        longest = 0.0
        for at in order.permutation(len(rows)):
            columns, values = rows[at]
            slopes = sides[at] * (values @ weights[columns]) - 1 + soft * held[at]
            moved = np.maximum(held[at] - slopes / steep[at], 0)
            steps = (moved - held[at]) * sides[at]
            if steps.any():
                held[at] = moved
                weights[columns] += values[:, None] * steps
                longest = max(longest, float(np.abs(steps).max()))
        if longest < NEAR:
            break
    return weights
