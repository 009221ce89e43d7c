"""The topic model's layer: words and pairs of words, weighed, into one linear score a topic; and how it is fitted.

A topic is often two things met in one text (a country *and* a weapon), which single words cannot say and their pairs
can. Linear, so that each word's share in a score is exact. Pure: no I/O, no clock, no randomness. Importing this
registers the layer and its tokenizer with spaCy, which `spacy.load` of a topic model needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import spacy
from spacy.strings import hash_string
from spacy.tokens import Doc
from spacy.util import DummyTokenizer
from spacy.vocab import Vocab
from thinc.api import Model

WORD: Final = re.compile(r"\w+|\n")  # the first line break ends the title
ENDINGS: Final = ("ing", "ed", "es", "s", "ly")
STEM: Final = 4  # letters that an ending must leave
COMMON: Final = frozenset(  # without these in pairs: they pair with everything and tell nothing
    "the a an of to in on at and or for with by from as is are was were be been it its that this he she his her "
    "they their has have had will would not but after over amid into about who which said says say new up out more "
    "than".split()
)
LEDE: Final = 60  # words whose pairs are read: a news item's first two sentences; pairs grow with the square
RARE_WORD: Final = 2  # a word in fewer articles than this can only be learned by heart
RARE_PAIR: Final = 5  # and a pair in fewer than this; 3 to 10 measured alike, 5 keeps the model under 1 MB
HARDNESS: Final = 1.0  # C of the fit: 0.5 to 3 measured alike
# Of the different words: with no more of them known, a text is not read. Of English news 1 in 1,000 has so few, of
# German, Russian and Chinese news nearly all.
ENGLISH: Final = 0.5
# A usual title's length in words and in pairs, before it is made one: fewer known words than that cannot shout, as
# "kim" alone would in a text of another language.
LONG_ENOUGH: Final = (20.0, 50.0)
PAIRING: Final = np.uint64(0x9E3779B97F4A7C15)  # any odd constant: makes a pair's key differ from its words' keys
NEWTON_STEPS: Final = 40  # it ends in about ten; a bound, not a setting
SOLVER_STEPS: Final = 60  # of conjugate gradients within one


# ---------------------------------------------------------------- from a text to its features


class Words(DummyTokenizer):  # type: ignore[misc]
    """Letters and digits are words; line breaks stay; all else is left out."""

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> Doc:
        return Doc(self.vocab, words=WORD.findall(text))


@spacy.registry.tokenizers("wirewatch.Words.v1")
def words() -> Callable[[Any], Words]:
    return lambda nlp: Words(nlp.vocab)


@dataclass(frozen=True)
class Features:
    """An article's features: `keys` with how often each `counts`, and the two words (the same twice, for a word)
    that each stands for, as places in `stems`. The first `single` are words, the rest pairs."""

    keys: np.ndarray
    counts: np.ndarray
    first: np.ndarray
    second: np.ndarray
    single: int
    stems: np.ndarray


def stem(word: str) -> str:
    """Crude on purpose: shells and shell, shipped and ship meet; no dictionary, no language but English."""
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= STEM:
            return word[: -len(ending)]
    return word


def stem_keys(texts: Sequence[str]) -> np.ndarray:
    return np.array([hash_string(stem(text)) for text in texts], dtype=np.uint64)


def read(texts: Sequence[str]) -> Features:
    """Of lower-case words, the title's up to the first line break. The title counts twice: it is the story in short."""
    title = texts.index("\n") if "\n" in texts else len(texts)
    plain = [text for text in texts if text != "\n"]
    keys = stem_keys(plain)
    stems, counts = np.unique(np.concatenate([keys, keys[:title]]), return_counts=True)
    telling = np.array([text not in COMMON for text in plain[:LEDE]], dtype=bool)
    lede = np.unique(keys[:LEDE][telling])
    heads = np.isin(lede, keys[:title])
    first, second = np.triu_indices(len(lede), 1)
    places = np.searchsorted(stems, lede)
    every = np.arange(len(stems))
    return Features(
        keys=np.concatenate([stems, lede[first] * PAIRING + lede[second]]),
        counts=np.concatenate([counts, 1 + (heads[first] & heads[second])]),
        first=np.concatenate([every, places[first]]),
        second=np.concatenate([every, places[second]]),
        single=len(stems),
        stems=stems,
    )


def weigh(found: Features, keys: np.ndarray, idf: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which features the model knows: their places in `found`, their rows in the model, their weights.

    (1 + log count) x idf, then words and pairs each to length one, so that neither drowns the other; what is shorter
    than a title stays below one. None at all for a text that is not English.
    """
    rows = np.minimum(np.searchsorted(keys, found.keys), len(keys) - 1)
    known = np.flatnonzero(keys[rows] == found.keys)
    split = int(np.searchsorted(known, found.single))
    if split <= ENGLISH * found.single:
        known, split = known[:0], 0
    rows = rows[known]
    weights = (1 + np.log(found.counts[known])) * idf[rows]
    for block, long_enough in zip((weights[:split], weights[split:]), LONG_ENOUGH, strict=True):
        block /= max(float(np.sqrt(block @ block)), long_enough)
    return known, rows, weights


# ---------------------------------------------------------------- the layer


@spacy.registry.architectures("wirewatch.WordPairs.v1")
def word_pairs(nO: int | None = None) -> Model[list[Doc], np.ndarray]:
    """`keys` are the sorted hashes of the known features; `W` has a row for each and a column a topic.

    Fitted in one go by `fit`: it cannot be trained by spaCy's steps.
    """
    params = {"keys": None, "idf": None, "W": None, "b": None}
    return Model("word_pairs", _forward, dims={"nO": nO}, params=params)


def _forward(model: Any, docs: list[Doc], is_train: bool) -> tuple[np.ndarray, Callable[[Any], Any]]:
    def backprop(_: Any) -> Any:
        raise RuntimeError("fitted by worker.nlp.wordpairs.fit, not by steps")

    return logistic(np.stack([margins(model, read([token.text for token in doc])) for doc in docs])), backprop


def margins(model: Any, found: Features) -> np.ndarray:
    """One article's distance from the line between no and yes, topic by topic."""
    _, rows, values = weigh(found, model.get_param("keys"), model.get_param("idf"))
    return values @ model.get_param("W")[rows] + model.get_param("b")


def logistic(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def shares(model: Any, texts: Sequence[str], topic: int) -> np.ndarray:
    """What each word adds to the topic's margin; with the bias they sum to it.

    A pair's part is halved between its two words; a repeated word's whole share stands at its first place.
    """
    found = read(texts)
    known, rows, values = weigh(found, model.get_param("keys"), model.get_param("idf"))
    gains = values * model.get_param("W")[rows, topic] / 2
    total = np.zeros(len(found.stems))
    np.add.at(total, found.first[known], gains)
    np.add.at(total, found.second[known], gains)
    places = np.array([at for at, text in enumerate(texts) if text != "\n"], dtype=int)
    _, firsts = np.unique(stem_keys([texts[at] for at in places]), return_index=True)  # sorted, as `stems` are
    by_word = np.zeros(len(texts))
    by_word[places[firsts]] = total
    return by_word


# ---------------------------------------------------------------- the fit


@dataclass(frozen=True)
class Rows:
    """A sparse matrix by rows: row i has `columns` and `values` from starts[i] to starts[i + 1]. No row is empty."""

    columns: np.ndarray
    values: np.ndarray
    starts: np.ndarray
    width: int

    def times(self, vector: np.ndarray) -> np.ndarray:
        return np.add.reduceat(self.values * vector[self.columns], self.starts[:-1])

    def transposed_times(self, vector: np.ndarray) -> np.ndarray:
        spread = np.repeat(vector, np.diff(self.starts))
        return np.bincount(self.columns, weights=self.values * spread, minlength=self.width)


def fit(model: Any, articles: Sequence[Features], truth: np.ndarray, *, again: Sequence[Features] = ()) -> None:
    """Sets the layer's parameters from `truth`, a row an article and a column a topic, True where it carries it.

    `again` are the same articles read another way: learned too, but not counted among the features' documents.
    """
    keys, idf = vocabulary(articles)
    weighed = [weigh(found, keys, idf)[1:] for found in (*articles, *again)]
    bias = len(keys)  # one more column, always 1
    rows = Rows(
        columns=np.concatenate([np.append(columns, bias) for columns, _ in weighed]),
        values=np.concatenate([np.append(values, 1.0) for _, values in weighed]),
        starts=np.cumsum([0] + [len(columns) + 1 for columns, _ in weighed]),
        width=bias + 1,
    )
    sides = np.where(np.concatenate([truth, truth]) if again else truth, 1.0, -1.0)
    fitted = np.stack([separate(rows, column) for column in sides.T], axis=1)
    model.set_dim("nO", truth.shape[1], force=True)
    for name, value in {"keys": keys, "idf": idf, "W": fitted[:-1], "b": fitted[-1]}.items():
        model.set_param(name, value if name == "keys" else value.astype(np.float32))


def vocabulary(articles: Sequence[Features]) -> tuple[np.ndarray, np.ndarray]:
    """The features that are not rare, sorted, and their inverse document frequency, smoothed. Never none at all."""
    words = np.concatenate([found.keys[: found.single] for found in articles])
    pairs = np.concatenate([found.keys[found.single :] for found in articles])
    kept = [np.array([0], dtype=np.uint64)], [np.array([1])]
    for block, least in ((words, RARE_WORD), (pairs, RARE_PAIR)):
        keys, counts = np.unique(block, return_counts=True)
        kept[0].append(keys[counts >= least])
        kept[1].append(counts[counts >= least])
    keys, counts = np.concatenate(kept[0]), np.concatenate(kept[1])
    order = np.argsort(keys)
    return keys[order], (np.log((1 + len(articles)) / (1 + counts)) + 1)[order]


def separate(rows: Rows, sides: np.ndarray) -> np.ndarray:
    """The weights least in |w|^2 / 2 + C sum(max(0, 1 - side margin)^2): a support vector machine's, squared hinge.

    Convex, so there is one answer. Newton's method with conjugate gradients. Source: Keerthi and DeCoste 2005.
    """
    weights = np.zeros(rows.width)
    first = None
    for _ in range(NEWTON_STEPS):
        short = np.maximum(1 - sides * rows.times(weights), 0)
        slope = weights - 2 * HARDNESS * rows.transposed_times(sides * short)
        length = float(np.sqrt(slope @ slope))
        first = first or length
        if length <= 1e-5 * first:
            break
        step = _solve(rows, short > 0, -slope)
        weights = weights + _reach(rows, sides, weights, step) * step
    return weights


def _solve(rows: Rows, active: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(I + 2C X'X) d = target, X the rows that fall short, by conjugate gradients."""
    found, rest, way = np.zeros_like(target), target.copy(), target.copy()
    size = goal = float(rest @ rest)
    for _ in range(SOLVER_STEPS):
        if size <= 1e-6 * goal:
            break
        turned = way + 2 * HARDNESS * rows.transposed_times(np.where(active, rows.times(way), 0))
        pace = size / float(way @ turned)
        found, rest = found + pace * way, rest - pace * turned
        size, before = float(rest @ rest), size
        way = rest + size / before * way
    return found


def _reach(rows: Rows, sides: np.ndarray, weights: np.ndarray, step: np.ndarray) -> float:
    """How far along the step the loss is lower than here: the whole of it, or halves."""
    margins, moves = sides * rows.times(weights), sides * rows.times(step)

    def loss(reach: float) -> float:
        short, moved = np.maximum(1 - margins - reach * moves, 0), weights + reach * step
        return float(moved @ moved / 2 + HARDNESS * (short @ short))

    here, reach = loss(0), 1.0
    while reach > 1e-4 and loss(reach) > here:
        reach /= 2
    return reach
