"""The topic model's layer: words, pairs of words and concepts, weighed, into one linear score a topic.

A topic is often two things met in one text (a country *and* a weapon), which single words cannot say and their pairs
can; concepts say it of countries and weapons that were never met before. Linear, so that each word's share in a score
is exact. Pure: no I/O, no clock, no randomness; how it is fitted is in `fitting`. Importing this registers the layer
and its tokenizer with spaCy, which `spacy.load` of a topic model needs.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import spacy
from spacy.strings import hash_string
from spacy.tokens import Doc
from spacy.util import DummyTokenizer
from spacy.vocab import Vocab
from thinc.api import Model

from worker.nlp.concepts import MARKS, combinations, find_concepts, read_concepts

WORD: Final = re.compile(r"\w+|\n|(?<=\w\w)[.!?](?=\s)")  # the first line break ends the title; marks end a sentence
ENDINGS: Final = ("ing", "ed", "es", "s", "ly")
STEM: Final = 4  # letters that an ending must leave
COMMON: Final = frozenset(  # without these in pairs: they pair with everything and tell nothing
    "the a an of to in on at and or for with by from as is are was were be been it its that this he she his her "
    "they their has have had will would not but after over amid into about who which said says say new up out more "
    "than".split()
)
LEDE: Final = 60  # words whose pairs are read: a news item's first two sentences; pairs grow with the square
# Of the different words: with no more of them known, a text is not read. Of English news 1 in 1,000 has so few, of
# German, Russian and Chinese news nearly all.
ENGLISH: Final = 0.5
# A usual title's length in words and in pairs, before it is made one: fewer known words than that cannot shout, as
# "kim" alone would in a text of another language.
LONG_ENOUGH: Final = (20.0, 50.0, 3.0)  # and of concepts, which are not weighed by how rare they are
PAIRING: Final = np.uint64(0x9E3779B97F4A7C15)  # any odd constant: makes a pair's key differ from its words' keys


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
    """An article's features: `keys` with how often each `counts`. The first `single` are words, those from `paired` on
    concepts, those between pairs. `first` and `second` are the two words (the same twice, for a word) that each word
    and pair stands for, as places in `stems`; `made_of` are the concepts that each of the rest is made of."""

    keys: np.ndarray
    counts: np.ndarray
    single: int
    paired: int
    stems: np.ndarray
    first: np.ndarray
    second: np.ndarray
    made_of: tuple[tuple[str, ...], ...]


def stem(word: str) -> str:
    """Crude on purpose: shells and shell, shipped and ship meet; no dictionary, no language but English."""
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= STEM:
            return word[: -len(ending)]
    return word


@functools.lru_cache(maxsize=50_000)  # news is written in fewer words; no text is looked at twice for them
def stem_key(word: str) -> int:
    return int(hash_string(stem(word)))


def stem_keys(texts: Sequence[str]) -> np.ndarray:
    return np.fromiter(map(stem_key, texts), dtype=np.uint64, count=len(texts))


@functools.lru_cache(maxsize=100_000)
def concept_key(kind: str, names: tuple[str, ...]) -> np.uint64:
    return np.uint64(hash_string(f"{kind}: {' + '.join(names)}"))


def read(texts: Sequence[str]) -> Features:
    """Of lower-case words, the title's up to the first line break. The title counts twice: it is the story in short."""
    title = texts.index("\n") if "\n" in texts else len(texts)
    plain = [text for text in texts if text not in MARKS]
    heading = sum(text not in MARKS for text in texts[:title])
    keys = stem_keys(plain)
    stems, counts = np.unique(np.concatenate([keys, keys[:heading]]), return_counts=True)
    telling = np.array([text not in COMMON for text in plain[:LEDE]], dtype=bool)
    lede = np.unique(keys[:LEDE][telling])
    heads = np.isin(lede, keys[:heading])
    first, second = np.triu_indices(len(lede), 1)
    places = np.searchsorted(stems, lede)
    every = np.arange(len(stems))
    sentences = 1 + sum(text in MARKS for text in texts[:title])
    concepts = read_concepts()
    made = [*combinations(concepts, find_concepts(concepts, texts), title=sentences)]
    of_concepts = np.array([concept_key(kind, names) for kind, names in made], dtype=np.uint64)
    return Features(
        keys=np.concatenate([stems, lede[first] * PAIRING + lede[second], of_concepts]),
        counts=np.concatenate([counts, 1 + (heads[first] & heads[second]), np.ones(len(made), dtype=int)]),
        single=len(stems),
        paired=len(stems) + len(first),
        stems=stems,
        first=np.concatenate([every, places[first]]),
        second=np.concatenate([every, places[second]]),
        made_of=tuple(names for _, names in made),
    )


def weigh(found: Features, keys: np.ndarray, idf: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which features the model knows: their places in `found`, their rows in the model, their weights.

    (1 + log count) x idf, then words, pairs and concepts each to length one, so that none drowns another; what is
    shorter than a title stays below one. None at all for a text that is not English.
    """
    rows = np.minimum(np.searchsorted(keys, found.keys), len(keys) - 1)
    known = np.flatnonzero(keys[rows] == found.keys)
    split = int(np.searchsorted(known, found.single))
    if split <= ENGLISH * found.single:
        known, split = known[:0], 0
    paired = int(np.searchsorted(known, found.paired))
    rows = rows[known]
    weights = (1 + np.log(found.counts[known])) * idf[rows]
    for block, long_enough in zip(np.split(weights, [split, paired]), LONG_ENOUGH, strict=True):
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


def shares(model: Any, texts: Sequence[str], topic: int, *, found: Features) -> np.ndarray:
    """What each word adds to the topic's margin; with the bias they sum to it. `found` is what `read` has of the words.

    A pair's part is halved between its two words, a concept's shared out over the words of its first term in the text;
    a repeated word's whole share stands at its first place.
    """
    known, rows, values = weigh(found, model.get_param("keys"), model.get_param("idf"))
    gains = values * model.get_param("W")[rows, topic]
    split = int(np.searchsorted(known, found.paired))
    total = np.zeros(len(found.stems))
    np.add.at(total, found.first[known[:split]], gains[:split] / 2)
    np.add.at(total, found.second[known[:split]], gains[:split] / 2)
    places = np.array([at for at, text in enumerate(texts) if text not in MARKS], dtype=int)
    _, firsts = np.unique(stem_keys([texts[at] for at in places]), return_index=True)  # sorted, as `stems` are
    by_word = np.zeros(len(texts))
    by_word[places[firsts]] = total
    terms = _first_terms(texts) if split < len(known) else {}
    for at, gain in zip(known[split:], gains[split:], strict=True):
        names = found.made_of[at - found.paired]
        for name in names:
            by_word[terms[name]] += gain / len(names) / (terms[name].stop - terms[name].start)
    return by_word


def _first_terms(texts: Sequence[str]) -> Mapping[str, slice]:
    """Where each concept's first term stands."""
    finds = sorted(find_concepts(read_concepts(), texts), key=lambda find: -find.start)
    return {find.concept: slice(find.start, find.end) for find in finds}
