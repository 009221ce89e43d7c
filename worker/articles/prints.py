"""Whether two headlines, or two texts, are one but for the wording; and the keys by which such pairs meet.

The keys are MinHash bands (Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", 3.3 and 3.4): of two that are
nearly equal nearly always share a key, so nothing is compared with everything. What meets is compared word by word. In
doubt it is unlike: a false pair hides an alert, a missed one costs a mail. Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Final

from worker.articles.facts import ASIDES, FIGURES, SMALL, TURNS, fact_in

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]

# Scripts that put no space between words, whose letters are taken for words: Thai, Lao, Burmese, Khmer, kana, Han.
UNSPACED: Final = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
WORD: Final = re.compile(rf"[{UNSPACED}]|\d+(?:[.,:]\d+)*|[^\W\d_{UNSPACED}]+(?:'[^\W\d_{UNSPACED}]+)*")
UNTELLING: Final = re.compile(r"'s\b|(?<=\d),(?=\d\d\d)")  # a genitive's end, and the comma in 1,000
ABBREVIATION: Final = re.compile(r"\b(?:[^\W\d_]\.){2,}")
# What an agency puts before its text, and another outlet leaves out: "ATLANTA, Nov. 8 (AP) -- ".
DATELINE: Final = re.compile(r"[^!?\n()]{0,40}\([^()\n]{2,30}\)\s*[-–—:]+\s")

TITLE_LEAST: Final = 4  # telling words in common; with fewer two headlines are alike by chance
TITLE_SHARE: Final = 0.7  # of the telling words of both
POLISHED_SHARE: Final = 0.5  # of the telling words of both
KOREAN_PARTICLES: Final = "은는이가을를의에도로와과"
TEXT_LETTERS: Final = 1_500  # of a text are read, and of them
TEXT_WORDS: Final = 120
TEXT_LEAST: Final = 12  # words: a shorter one is a caption
TEXT_SHARE: Final = 0.8  # of the shingles of both
HEAD: Final = 40  # words of a text make its keys: feeds cut one text at different lengths
SHINGLE: Final = {False: 3, True: 6}  # words that stand together; or letters, where a letter is a word
ARTICLES: Final = frozenset({"a", "an", "the"})
# Bands, and hashes in each: of pairs that share 0.8, 97 and 94 in 100 meet, of those that share 0.3, 13 and 10. A band
# has one holder: in a storm of texts from one mould, nearly equal ones would miss each other. So equal beginnings of
# texts are keys, too.
TITLE_BANDS: Final = (5, 3)
TEXT_BANDS: Final = (4, 3)
BEGINNINGS: Final = (TEXT_LEAST, HEAD)

MIX: Final = 0x9E3779B97F4A7C15  # any odd constant: tells the places of a shingle, and of a band, apart


@dataclass(frozen=True)
class Print:
    """The words of a headline, or of the beginning of a text: folded, in their order."""

    words: tuple[str, ...]

    @cached_property
    def unspaced(self) -> bool:
        """Whether most of its words are letters of a script without spaces."""
        return 2 * len([word for word in self.words if word >= "\u0e00" and len(word) == 1]) > len(self.words)

    @cached_property
    def telling(self) -> frozenset[str]:
        return frozenset(self.words) - SMALL - ASIDES

    @cached_property
    def hashes(self) -> Hashes:
        """One number a word, the same in every process."""
        import numpy as np  # by who groups articles, and not by every process that could

        return np.array([zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in self.words], dtype=np.uint64)


def read_words(title: str) -> Print:
    return Print(_words(title))


def read_text(text: str) -> Print:
    """Of its beginning, without an agency's dateline."""
    return Print(_words(without_dateline(text[:TEXT_LETTERS]))[:TEXT_WORDS])


def without_dateline(text: str) -> str:
    dateline = DATELINE.match(text)
    return text[dateline.end() :] if dateline else text


def _words(text: str) -> tuple[str, ...]:
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    folded = ABBREVIATION.sub(lambda found: found[0].replace(".", ""), folded)
    words = WORD.findall(UNTELLING.sub("", folded))
    return tuple(words) if FIGURES.keys().isdisjoint(words) else tuple(FIGURES.get(word, word) for word in words)


# ---------------------------------------------------------------- the comparison


def titles_alike(one: Print, other: Print) -> bool:
    """One headline has every telling word of the other and few more, in an order that turns nothing round."""
    shorter, longer = sorted((one, other), key=lambda title: len(title.telling))
    return (
        len(shorter.telling) >= (2 * TITLE_LEAST if one.unspaced else TITLE_LEAST)
        and len(shorter.telling) >= TITLE_SHARE * len(longer.telling)
        and shorter.telling <= longer.telling
        and _facts(one.words) == _facts(other.words)
        and _numbers(one.words) == _numbers(other.words)
        and _is_order_kept(one.words, other.words)
        and not _has_turned(shorter, longer)
    )


def is_polished(one: Print, other: Print) -> bool:
    """Whether two wordings of one outlet's headline say the same: most words are the same, and nothing is turned round,
    denied or counted anew. A Korean word is the same with another particle."""
    mine, theirs = (tuple(map(_without_tail, title.words)) for title in (one, other))
    telling, others = (frozenset(words) - SMALL - ASIDES or frozenset(words) for words in (mine, theirs))
    return (
        len(telling & others) > POLISHED_SHARE * len(telling | others)
        and _facts(mine) == _facts(theirs)
        and _numbers(mine) == _numbers(theirs)
        and _is_order_kept(mine, theirs)
    )


def _without_tail(word: str) -> str:
    """A Korean word of three letters or more without the particle at its end; any other as it is."""
    if len(word) < 3 or not "\uac00" <= word[0] <= "\ud7a3":
        return word
    return word[:-1] if word[-1] in KOREAN_PARTICLES else word


def is_comparable(text: Print) -> bool:
    """Whether it is long enough to be no caption."""
    return len(text.words) >= (2 * TEXT_LEAST if text.unspaced else TEXT_LEAST)


def texts_alike(one: Print, other: Print) -> bool:
    """As far as both go, they are nearly the same words, and exactly the same numbers, dates and denials."""
    length = min(len(one.words), len(other.words))
    if not (is_comparable(one) and is_comparable(other)):
        return False
    if _facts(one.words[:length]) != _facts(other.words[:length]):
        return False
    size = SHINGLE[one.unspaced]
    mine, theirs = (set(_shingles(each.hashes[:length], size).tolist()) for each in (one, other))
    return len(mine & theirs) >= TEXT_SHARE * len(mine | theirs)


def _facts(words: Sequence[str]) -> frozenset[str]:
    return frozenset(fact for word in words if (fact := fact_in(word)))


def _numbers(words: Sequence[str]) -> list[str]:
    """In their order: "3 dead, 12 hurt" is not "12 dead, 3 hurt"."""
    return [word for word in words if word[0].isdigit()]


def _is_order_kept(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether the words of both stand alike, but that one part may have moved ("Paris: …" and "…, says Paris").

    Two words that changed places, as in "Iran strikes Israel" and "Israel strikes Iran", are two moves.
    """
    both = set(one) & set(other) - ARTICLES
    mine, theirs = ([word for word in dict.fromkeys(words) if word in both] for words in (one, other))
    while mine and mine[0] == theirs[0]:
        mine, theirs = mine[1:], theirs[1:]
    while mine and mine[-1] == theirs[-1]:
        mine, theirs = mine[:-1], theirs[:-1]
    return not mine or any(mine[n:] + mine[:n] == theirs for n in range(len(mine)))


def _has_turned(shorter: Print, longer: Print) -> bool:
    """Whether what the shorter says is only the occasion of what the longer says before it."""
    known = set(shorter.words)
    places = [place for place, word in enumerate(longer.words) if word in TURNS and word not in known]
    if not places:
        return False
    before, after = longer.words[: places[0]], longer.words[places[0] :]
    said = [sum(word in shorter.telling for word in part) for part in (before, after)]
    return said[1] >= said[0] and any(word in longer.telling and word not in known for word in before)


# ---------------------------------------------------------------- the keys


def title_bands(title: Print) -> tuple[int, ...]:
    """The keys by which alike headlines meet; none for one that tells too little."""
    if len(title.telling) < (2 * TITLE_LEAST if title.unspaced else TITLE_LEAST):
        return ()
    if title.unspaced:  # single letters are in every headline
        return _bands(_shingles(title.hashes, 2), TITLE_BANDS, salt=1)
    return _bands(Print(tuple(title.telling)).hashes, TITLE_BANDS, salt=1)


def text_bands(text: Print) -> tuple[int, ...]:
    """The keys by which alike texts meet; none for one that cannot be compared."""
    if not is_comparable(text):
        return ()
    bands = _bands(_shingles(text.hashes[:HEAD], SHINGLE[text.unspaced]), TEXT_BANDS, salt=2)
    return (*bands, *(_hash(text.words[:length]) for length in BEGINNINGS))


def _hash(words: Sequence[str]) -> int:
    packed = " ".join(words).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(packed, digest_size=8).digest(), "big") >> 1


def _shingles(hashes: Hashes, size: int) -> Hashes:
    """Every run of so many words, as one number each."""
    import numpy as np

    runs = hashes[: hashes.size - size + 1].copy()
    for place in range(1, size):
        runs = runs * MIX + hashes[place : hashes.size - size + 1 + place]
    return runs ^ (runs >> np.uint64(29))


def _bands(marks: Hashes, shape: tuple[int, int], *, salt: int) -> tuple[int, ...]:
    """63 bits each, so that any database's integer holds them; `salt` keeps those of headlines and of texts apart."""
    import numpy as np

    bands, rows = shape
    least = ((marks[:, None] * _multipliers()[: bands * rows]) >> 20).min(axis=0).reshape(shape)
    keys = np.arange(bands, dtype=np.uint64) + np.uint64(salt * 100)
    for row in range(rows):
        keys = keys * MIX + least[:, row]
        keys ^= keys >> 31
    return tuple((keys >> 1).tolist())


@cache
def _multipliers() -> Hashes:
    """One a hash function: any odd numbers, the same everywhere."""
    import numpy as np

    return np.frombuffer(hashlib.shake_128(b"prints").digest(8 * 15), dtype="<u8") | np.uint64(1)
