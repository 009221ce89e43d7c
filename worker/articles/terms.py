"""What an article is about, in its words: stems, and how telling each is in news; packed into a few hundred bytes.

The table that it reads, `terms.bin`, was counted in English news: in how few articles a stem is. Pure: no clock; the
table is read once.
"""

from __future__ import annotations

import math
import re
import struct
import unicodedata
import zlib
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from worker.articles.facts import FIGURES
from worker.articles.prints import without_dateline

TABLE: Final = Path(__file__).with_name("terms.bin")
MAGIC: Final = b"wwterms2"
LETTERS: Final = 400  # of a text are read: its first sentences, which say what happened
TITLE_TIMES: Final = 2  # a word of the headline counts so often more
STEP: Final = 14  # weights are kept as whole numbers, this many to a power of e
RAREST: Final = 9 * STEP  # of a word that the table does not know: as one that is in one article of 8,000
LEAST: Final = 1  # of a word that is in every article
UNIT: Final = 255  # and so is the length of a sketch
IN_TEXT: Final = 128  # a bit of a term's kept weight
COUNTS: Final = struct.Struct("<II")
WEIGHT: Final = struct.Struct("<IB")
BESIDE: Final = struct.Struct("<IIB")
HEAD: Final = struct.Struct("<?BH")
RECORD: Final = struct.Struct("<IBBB")  # a term, its weight in the whole and in the headline, how telling it is
WORD: Final = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)*")
ABBREVIATION: Final = re.compile(r"\b(?:[^\W\d_]\.){2,}")
KNOWN: Final = 0.7  # of an English article's words, and more, are in the table: of 100 headlines of 99
WORDS_SHOWN: Final = 5
ENDINGS: Final = (("ings", 4), ("ing", 4), ("ed", 4), ("es", 4), ("s", 3), ("ly", 4))  # and letters that must be left
# In every kind of news, and telling nothing of which.
COMMON: Final = frozenset(
    (
        "a an the of to in on at for and with by from as is are was were be been has have had that its his her their "
        "it this he she they we you i will would could can may said says say after over but not no who what how why "
        "when where which up out new more about into than amid before during while his also first last year day week "
        "time people told live watch video photo picture update latest exclusive urgent "
        "breaking factbox explainer briefing newsletter podcast takeaway"
    ).split()
)


def words_of(text: str) -> list[str]:
    """Its words as they stand; U.A.E. is one."""
    plain = unicodedata.normalize("NFKC", text).replace("’", "'").replace("‘", "'")
    return WORD.findall(ABBREVIATION.sub(lambda found: found[0].replace(".", ""), plain))


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """A word in small letters without its English ending; "seven" is 7."""
    folded = word.casefold().removesuffix("'s").replace("'", "")
    if folded in FIGURES:
        return FIGURES[folded]
    if not folded.endswith("ss"):
        for ending, least in ENDINGS:
            if folded.endswith(ending) and len(folded) - len(ending) >= least:
                return folded[: -len(ending)]
    return folded


def stems_of(text: str) -> list[str]:
    """Of its first LETTERS."""
    return [stem(word) for word in words_of(text[:LETTERS])]


@lru_cache(maxsize=50_000)
def hash_of(term: str) -> int:
    return zlib.crc32(term.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True)
class Table:
    """By a term's hash: how telling it is, in steps; and beside which other term it tells little more, and how much:
    where "Kim" is, "Jong" and "Un" are no further names."""

    weights: Mapping[int, int]
    beside: Mapping[int, tuple[int, int]]

    def to_bytes(self) -> bytes:
        head = MAGIC + COUNTS.pack(len(self.weights), len(self.beside))
        weights = b"".join(WEIGHT.pack(*pair) for pair in sorted(self.weights.items()))
        return head + weights + b"".join(BESIDE.pack(term, *pair) for term, pair in sorted(self.beside.items()))


@cache
def read_table() -> Table:
    """The shipped one."""
    body = TABLE.read_bytes()
    if body[: len(MAGIC)] != MAGIC:
        raise ValueError(f"{TABLE.name} is no table of terms")
    count, pairs = COUNTS.unpack_from(body, len(MAGIC))
    begin = len(MAGIC) + COUNTS.size
    middle = begin + count * WEIGHT.size
    beside = BESIDE.iter_unpack(body[middle : middle + pairs * BESIDE.size])
    return Table(
        dict(WEIGHT.iter_unpack(body[begin:middle])), {term: (other, weight) for term, other, weight in beside}
    )


@dataclass(frozen=True, slots=True)
class Sketch:
    """An article in a few hundred bytes. `terms` and `title`: by a term's hash its weight in the whole and in the
    headline, each of length UNIT; `weights`: how telling the term is, in steps; `text`: the terms of the text;
    `figures`: the numbers of the headline. What is in another language than English is not `known`."""

    terms: dict[int, int]
    title: dict[int, int]
    weights: dict[int, int]
    text: frozenset[int]
    figures: frozenset[int]
    known: bool

    def to_bytes(self) -> bytes:
        figures = sorted(self.figures)
        head = HEAD.pack(self.known, len(figures), len(self.terms)) + struct.pack(f"<{len(figures)}I", *figures)
        records = (
            RECORD.pack(term, weight, self.title.get(term, 0), self.weights[term] | (IN_TEXT * (term in self.text)))
            for term, weight in self.terms.items()
        )
        return head + b"".join(records)


def read_sketch(body: bytes) -> Sketch:
    """What `to_bytes` wrote."""
    known, few, _ = HEAD.unpack_from(body)
    begin = HEAD.size + 4 * few
    terms, title, weights, text = {}, {}, {}, []
    for term, weight, in_title, telling in RECORD.iter_unpack(body[begin:]):
        terms[term] = weight
        if in_title:
            title[term] = in_title
        if telling & IN_TEXT:
            text.append(term)
        weights[term] = telling & ~IN_TEXT
    figures = frozenset(struct.unpack_from(f"<{few}I", body, HEAD.size))
    return Sketch(terms, title, weights, frozenset(text), figures, known)


def sketch_of(title: str, text: str) -> Sketch:
    """Of a headline and the beginning of its text."""
    table = read_table()
    heads, body = stems_of(title), stems_of(without_dateline(text))
    counts = Counter(body)
    for term in heads:
        counts[term] += TITLE_TIMES
    hashes = {term: hash_of(term) for term in counts if term not in COMMON}
    others = set(hashes.values())
    weights = {key: _weight(table, key, others) for key in others}
    whole = _unit({key: (1 + math.log(counts[term])) * weights[key] for term, key in hashes.items()})
    return Sketch(
        terms=whole,
        title=_unit({hashes[term]: float(weights[hashes[term]]) for term in heads if term in hashes}),
        weights=weights,
        text=frozenset(hashes[term] for term in body if term in hashes),
        figures=frozenset(hashes[term] for term in heads if term in hashes and term[0].isdigit()),
        known=sum(key in table.weights for key in weights) >= KNOWN * len(weights) > 0,
    )


def _weight(table: Table, term: int, others: Collection[int]) -> int:
    other, weight = table.beside.get(term, (None, 0))
    return weight if other in others else table.weights.get(term, RAREST)


def shared_words(title: str, text: str, terms: Collection[int]) -> list[str]:
    """The words of an article that are among `terms`, as it writes them: the most telling first, five at the most."""
    table = read_table().weights
    found: dict[str, str] = {}
    for word in words_of(f"{title[:LETTERS]} {text[:LETTERS]}"):
        term = stem(word)
        if term not in COMMON and hash_of(term) in terms:
            found.setdefault(term, word)
    return [found[term] for term in sorted(found, key=lambda term: -table.get(hash_of(term), RAREST))[:WORDS_SHOWN]]


def _unit(weights: Mapping[int, float]) -> dict[int, int]:
    """Made UNIT long, in whole numbers: sums of them are the same in whatever order they are made."""
    length = math.sqrt(sum(weight * weight for weight in weights.values()))
    return {term: max(1, round(UNIT * weight / length)) for term, weight in weights.items()}
