"""What news is like: how common each word is, which words keep company, and a sample of news to hold others against.

A desk's topic has a few dozen examples and no news beside them; this stands in for it. It holds no words: each is one
of BUCKETS numbers, which it shares with several others (feature hashing, Weinberger 2009), so no text can be read back.
English, as the news that it was made from. Decides nothing about topics.
"""

from __future__ import annotations

import functools
import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

SHIPPED: Final = Path(__file__).parent / "background.npz"
BUCKETS: Final = 2**14
AXES: Final = (
    160  # of the space in which words that keep company lie near; 48, 96, 200 measured: more is better, slowly
)
SPARE: Final = 16  # more axes than are kept, which the search for them needs (Halko, Martinsson, Tropp 2011)
TURNS: Final = 3
SAMPLE: Final = 4_096  # items: a share of one in a thousand can still be told
SEED: Final = 7
LETTERS: Final = 2_000  # of title and text: a lede carries the topic
SHORT: Final = 0.1  # added to a text's length in the space: one whose words say little stays near the middle
BLOCK: Final = 4_000  # rows at a time: bounds what is in memory
WORD: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Rows:
    """Texts as sparse rows: row i has `columns` and `values` from starts[i] to starts[i + 1], of length one."""

    columns: np.ndarray
    values: np.ndarray
    starts: np.ndarray
    width: int = BUCKETS

    def __len__(self) -> int:
        return len(self.starts) - 1

    def times(self, dense: np.ndarray) -> np.ndarray:
        """The rows times a matrix (or a vector as its one column)."""
        out = np.zeros((len(self), dense.shape[1]), dtype=np.float32)
        for first in range(0, len(self), BLOCK):
            starts = self.starts[first : first + BLOCK + 1]
            part = slice(starts[0], starts[-1])
            filled = np.flatnonzero(np.diff(starts))
            if len(filled):
                products = dense[self.columns[part]] * self.values[part, None]
                out[first + filled] = np.add.reduceat(products, starts[filled] - starts[0], axis=0)
        return out

    def turned(self) -> Rows:
        """Columns as rows."""
        row = np.repeat(np.arange(len(self)), np.diff(self.starts))
        order = np.argsort(self.columns, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(self.columns, minlength=self.width))])
        return Rows(row[order], self.values[order], starts, width=len(self))


@dataclass(frozen=True)
class Background:
    """`rarity` of each bucket (its inverse document frequency), its place on the `axes`, and the sample's `rows`."""

    rarity: np.ndarray
    axes: np.ndarray
    rows: Rows

    def read(self, texts: Iterable[tuple[str, str]]) -> Rows:
        """(title, text) as rows."""
        return weigh([bag(title, text) for title, text in texts], self.rarity)

    def places(self, rows: Rows) -> np.ndarray:
        """Where the rows lie in the space: a row each, about one long per axis."""
        found = rows.times(self.axes)
        length = np.sqrt((found * found).sum(axis=1, keepdims=True)) + SHORT
        return found / length * np.sqrt(self.axes.shape[1])

    @functools.cached_property
    def sample_places(self) -> np.ndarray:
        return self.places(self.rows)


def bucket(word: str) -> int:
    """Of a word in small letters."""
    return zlib.crc32(word.encode("utf-8", "replace")) % BUCKETS


def bag(title: str, text: str) -> tuple[np.ndarray, np.ndarray]:
    """The buckets of its words, and how often each; the title counts twice, for it is the story in short."""
    found = [bucket(word) for word in WORD.findall(f"{title}\n{title}\n{text}"[:LETTERS].lower())]
    return np.unique(np.array(found, dtype=np.int64), return_counts=True)


def weigh(bags: Sequence[tuple[np.ndarray, np.ndarray]], rarity: np.ndarray) -> Rows:
    """(1 + log count) x rarity, each text to length one."""
    values = []
    for buckets, counts in bags:
        weighed = (1 + np.log(counts)) * rarity[buckets]
        values.append((weighed / max(float(np.sqrt(weighed @ weighed)), 1e-9)).astype(np.float32))
    columns = [buckets for buckets, _ in bags]
    starts = np.concatenate([[0], np.cumsum([len(one) for one in columns])]).astype(np.int64)
    return Rows(
        np.concatenate(columns) if columns else np.array([], dtype=np.int64),
        np.concatenate(values) if values else np.array([], dtype=np.float32),
        starts,
    )


# ---------------------------------------------------------------- making it


def build(texts: Iterable[tuple[str, str]], *, on_progress: Callable[[], None] = lambda: None) -> Background:
    """From (title, text) of news as it comes, some ten thousands of items. Deterministic."""
    bags = [bag(title, text) for title, text in texts]
    seen = np.bincount(np.concatenate([buckets for buckets, _ in bags]), minlength=BUCKETS)
    rarity = np.log((1 + len(bags)) / (1 + seen)).astype(np.float32)
    rows = weigh(bags, rarity)
    axes = _axes(rows, on_progress)
    chosen = np.sort(np.random.default_rng(SEED).choice(len(bags), min(SAMPLE, len(bags)), replace=False))
    return Background(rarity, axes, weigh([bags[at] for at in chosen], rarity))


def _axes(rows: Rows, on_progress: Callable[[], None]) -> np.ndarray:
    """The directions in which the rows differ most, found by multiplying a few random ones to and fro."""
    wanted = min(AXES + SPARE, len(rows))
    turned = rows.turned()
    found = np.random.default_rng(SEED).standard_normal((BUCKETS, wanted)).astype(np.float32)
    for _ in range(TURNS):
        across, _ = np.linalg.qr(rows.times(found))
        found, _ = np.linalg.qr(turned.times(across.astype(np.float32)))
        found = found.astype(np.float32)
        on_progress()
    _, _, sides = np.linalg.svd(rows.times(found), full_matrices=False)
    return (found @ sides.T[:, :AXES]).astype(np.float32)


def save(made: Background, path: Path) -> None:
    """A byte a number, but for the rarities."""
    scale = np.abs(made.axes).max(axis=0, keepdims=True) / 127
    np.savez_compressed(
        path,
        rarity=made.rarity.astype(np.float16),
        axes=np.round(made.axes / scale).astype(np.int8),
        scale=scale.astype(np.float32),
        columns=made.rows.columns.astype(np.uint16),
        values=np.round(made.rows.values * 255).astype(np.uint8),
        starts=made.rows.starts.astype(np.uint32),
    )


@functools.cache
def load(path: Path = SHIPPED) -> Background:
    """The shipped one, read once a process."""
    with np.load(path) as held:
        rows = Rows(
            held["columns"].astype(np.int64), held["values"].astype(np.float32) / 255, held["starts"].astype(np.int64)
        )
        return Background(held["rarity"].astype(np.float32), held["axes"] * held["scale"], rows)
