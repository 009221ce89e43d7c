"""The index of a long watchlist: built once, kept in a folder as plain text and numbers, loaded from there in a second.

Kept are the forms and the surnames that are looked for, and whose they are. What else matching asks of a name is worked
out from its entity when a text first holds it: of a hundred thousand, the news name a few hundred.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import json
import os
import sys
import tempfile
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import ahocorasick

from worker import articles
from worker.nlp.names.index import RULES, Entity, NameIndex, compile_watchlist

FORMAT: Final = 1
FEW: Final = 5_000  # entities that are compiled at each start: half a second, and no file
CHUNK: Final = 2_000  # entities that are compiled together
MOST_KEPT: Final = 3  # files: of this watchlist, the one before, and one that another desk on this folder reads
REMEMBERED: Final = 20_000  # forms, and as many surnames, whose patterns stay in memory


@dataclass(frozen=True)
class Owned:
    """Words, each with the numbers of the entities that it is a word of: those of `words[n]` are
    `owners[ends[n - 1] : ends[n]]`."""

    words: Sequence[str]
    ends: Sequence[int]
    owners: Sequence[int]

    def of(self, n: int) -> Sequence[int]:
        return self.owners[self.ends[n - 1] if n else 0 : self.ends[n]]


def load_index(entities: Sequence[Entity], *, names: str, folder: Path | None) -> NameIndex:
    """The index of these entities, which `names`, a hash, tells from all others. A long one is loaded from `folder`, or
    built and kept there; None keeps nothing. What is broken there, or another's, is built again."""
    if len(entities) <= FEW:
        return compile_watchlist(entities)
    key = hashlib.sha256(f"{FORMAT} {sys.byteorder} {_code()} {names}".encode()).hexdigest()
    path = None if folder is None else folder / f"{key[:32]}.names"
    kept = _read(path, key, most=len(entities)) if path else None
    if kept is None:
        kept = _build(entities)
        if path:
            _write(path, key, *kept)
    return _made(entities, *kept, version=hashlib.sha256(f"{RULES} {names}".encode()).hexdigest()[:12])


@functools.cache
def _code() -> str:
    """Of all that decides what is looked for: no constant that somebody must remember to raise."""
    stamp = hashlib.sha256(ahocorasick.__file__.encode())
    here = Path(__file__).parent
    for file in sorted([*here.rglob("*.py"), *here.rglob("lists/*"), *Path(articles.__file__).parent.glob("*.py")]):
        stamp.update(file.read_bytes())
    return stamp.hexdigest()


# ---------------------------------------------------------------- built


def _build(entities: Sequence[Entity]) -> tuple[Owned, Owned]:
    """The forms and the surnames, a part at a time: the whole with all its patterns would take a gigabyte."""
    forms: dict[str, array[int]] = {}
    surnames: dict[str, array[int]] = {}
    for start in range(0, len(entities), CHUNK):
        part = entities[start : start + CHUNK]
        index = compile_watchlist(part)
        numbers = {entity.id: n for n, entity in enumerate(part, start=start)}
        pairs = index.automaton.items() if index.automaton is not None else ()
        _add(forms, numbers, pairs)
        _add(surnames, numbers, index.surnames.items())
    return _owned(forms), _owned(surnames)


def _add(held: dict[str, array[int]], numbers: Mapping[str, int], pairs: Any) -> None:
    for word, owned in pairs:
        mine = held.get(word)
        if mine is None:
            mine = held[word] = array("I")
        mine.extend(dict.fromkeys(numbers[one.entity] for one in owned))


def _owned(held: Mapping[str, array[int]]) -> Owned:
    ends, owners = array("I"), array("I")
    for numbers in held.values():
        owners.extend(numbers)
        ends.append(len(owners))
    return Owned(list(held), ends, owners)


# ---------------------------------------------------------------- looked up


def _made(entities: Sequence[Entity], forms: Owned, surnames: Owned, *, version: str) -> NameIndex:
    automaton = ahocorasick.Automaton(ahocorasick.STORE_INTS)
    for n, form in enumerate(forms.words):
        automaton.add_word(form, n)
    automaton.make_automaton()

    @functools.lru_cache(maxsize=1_000)
    def alone(n: int) -> NameIndex:
        return compile_watchlist([entities[n]])

    @functools.lru_cache(maxsize=REMEMBERED)
    def patterns(n: int) -> tuple[Any, ...]:
        found = (alone(one).automaton.get(forms.words[n], ()) for one in forms.of(n))
        return tuple(itertools.chain.from_iterable(found))

    places = {word: n for n, word in enumerate(surnames.words)}

    def borne(word: str) -> tuple[Any, ...]:
        return tuple(itertools.chain.from_iterable(alone(one).surnames[word] for one in surnames.of(places[word])))

    numbers = {entity.id: n for n, entity in enumerate(entities)}

    def bearers(key: tuple[str, str]) -> tuple[Any, ...]:
        return alone(numbers[key[0]]).bearers.get(key, ())

    return NameIndex(
        _Searched(automaton, patterns),
        len(forms.words),
        version,
        _Asked(places, functools.lru_cache(maxsize=REMEMBERED)(borne)),
        _Bearers(numbers, functools.lru_cache(maxsize=REMEMBERED)(bearers)),
    )


@dataclass(frozen=True)
class _Searched:
    """An automaton of numbers that finds as one of patterns does."""

    automaton: Any
    patterns: Callable[[int], tuple[Any, ...]]

    def iter(self, text: str) -> Iterator[tuple[int, tuple[Any, ...]]]:
        for last, n in self.automaton.iter(text):
            yield last, self.patterns(n)


class _Asked(Mapping[Any, tuple[Any, ...]]):
    """A mapping of known keys whose values are worked out when asked for."""

    def __init__(self, keys: Mapping[Any, int], ask: Callable[[Any], tuple[Any, ...]]) -> None:
        self._keys, self._ask = keys, ask

    def __getitem__(self, key: Any) -> tuple[Any, ...]:
        if key not in self._keys:
            raise KeyError(key)
        return self._ask(key)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[Any]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


class _Bearers(_Asked):
    """By entity and alias; every entity that is known has, perhaps, none."""

    def __getitem__(self, key: Any) -> tuple[Any, ...]:
        if key[0] not in self._keys:
            raise KeyError(key)
        return self._ask(key)


# ---------------------------------------------------------------- kept


def _write(path: Path, key: str, forms: Owned, surnames: Owned) -> None:
    """Whole or not at all. A folder that cannot be written costs the next start its time, and nothing else."""
    parts = [part for owned in (forms, surnames) for part in _parts(owned)]
    body = b"".join(parts)
    head = {"key": key, "sha256": hashlib.sha256(body).hexdigest(), "sizes": [len(part) for part in parts]}
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".draft")
        try:
            with open(handle, "wb") as file:
                file.write(json.dumps(head).encode() + b"\n")
                file.write(body)
            os.replace(draft, path)
        finally:
            Path(draft).unlink(missing_ok=True)
        _prune(path.parent)


def _parts(owned: Owned) -> Iterator[bytes]:
    yield "\n".join(owned.words).encode()
    for numbers in (owned.ends, owned.owners):
        yield array("I", numbers).tobytes()


def _read(path: Path, key: str, *, most: int) -> tuple[Owned, Owned] | None:
    """None for what is not there, is broken, or was kept of other names or by another program. `most`: entities."""
    try:
        with path.open("rb") as file:
            head = json.loads(file.readline(10_000))
            body = file.read()
        if head["key"] != key or head["sha256"] != hashlib.sha256(body).hexdigest():
            return None
        parts, at = [], 0
        for size in head["sizes"]:
            parts.append(body[at : at + size])
            at += size
        forms, surnames = _owned_of(*parts[:3], most=most), _owned_of(*parts[3:], most=most)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # the last that was used is the last to go
    return forms, surnames


def _owned_of(words: bytes, ends: bytes, owners: bytes, *, most: int) -> Owned:
    """Raises ValueError for numbers that do not fit together."""
    found = Owned(words.decode().split("\n") if words else [], array("I", ends), array("I", owners))
    rising = all(one <= other for one, other in itertools.pairwise(found.ends))
    if len(found.words) != len(found.ends) or not rising or max(found.owners, default=0) >= most:
        raise ValueError("not what was kept")
    if (found.ends[-1] if found.ends else 0) != len(found.owners):
        raise ValueError("not what was kept")
    return found


def _prune(folder: Path) -> None:
    kept = sorted(folder.glob("*.names"), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in kept[MOST_KEPT:]:
        old.unlink(missing_ok=True)
