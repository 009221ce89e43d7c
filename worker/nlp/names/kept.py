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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import ahocorasick

from worker import articles
from worker.nlp.names.alike import alike
from worker.nlp.names.bearers import Bearer, Group, bearer_of, by_surname
from worker.nlp.names.compile import RULES, compile_watchlist, names_of
from worker.nlp.names.index import Entity, NameIndex, Pattern, alias_problem

FORMAT: Final = 1
FEW: Final = 5_000  # entities that are compiled at each start: half a second, and no file
MOST_KEPT: Final = 3  # files: of this watchlist, the one before, and one that another desk on this folder reads
REMEMBERED: Final = 5_000  # forms, surnames and entities whose patterns stay in memory


@dataclass(frozen=True)
class Owned:
    """Words, each with the numbers of the entities that it is a word of: those of `words[n]` are
    `owners[ends[n - 1] : ends[n]]`."""

    words: Sequence[str]
    ends: Sequence[int]
    owners: Sequence[int]

    def of(self, n: int) -> Sequence[int]:
        return self.owners[self.ends[n - 1] if n else 0 : self.ends[n]]


class Kept(NamedTuple):
    """What is kept of an index. `single` are names of one word, `spelt` surnames as they are written, `surnames` the
    same by their sound."""

    forms: Owned
    surnames: Owned
    single: Owned
    spelt: Owned


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
            _write(path, key, kept)
    return _made(entities, kept, version=hashlib.sha256(f"{RULES} {names}".encode()).hexdigest()[:12])


@functools.cache
def _code() -> str:
    """Of all that decides what is looked for: no constant that somebody must remember to raise."""
    stamp = hashlib.sha256(ahocorasick.__file__.encode())
    here = Path(__file__).parent
    for file in sorted([*here.rglob("*.py"), *here.rglob("lists/*"), *Path(articles.__file__).parent.glob("*.py")]):
        stamp.update(file.read_bytes())
    return stamp.hexdigest()


# ---------------------------------------------------------------- built


def _build(entities: Sequence[Entity]) -> Kept:
    """Entity by entity: the whole with all its patterns would take a gigabyte."""
    tables: tuple[dict[str, array[int]], ...] = ({}, {}, {}, {})
    for n, entity in enumerate(entities):
        index = compile_watchlist([entity])
        forms = index.automaton.keys() if index.automaton is not None else ()
        spelt = dict.fromkeys(bearer.surname for bearer in index.bearers.values() if bearer.given)
        for held, words in zip(tables, (forms, index.surnames, index.single, spelt), strict=True):
            for word in words:
                held.setdefault(word, array("I")).append(n)
    return Kept(*map(_owned, tables))


def _owned(held: Mapping[str, array[int]]) -> Owned:
    ends, owners = array("I"), array("I")
    for numbers in held.values():
        owners.extend(numbers)
        ends.append(len(owners))
    return Owned(list(held), ends, owners)


# ---------------------------------------------------------------- looked up


def _made(entities: Sequence[Entity], kept: Kept, *, version: str) -> NameIndex:
    forms, surnames = kept.forms, kept.surnames
    ascii_forms, others = _by_letters(forms.words)
    numbers = {entity.id: n for n, entity in enumerate(entities)}
    places = {word: n for n, word in enumerate(surnames.words)}

    @functools.lru_cache(maxsize=REMEMBERED)
    def alone(n: int) -> NameIndex:
        return compile_watchlist([entities[n]])

    @functools.lru_cache(maxsize=REMEMBERED)
    def patterns(n: int) -> tuple[Pattern, ...]:
        return tuple(those_that_count(p for one in forms.of(n) for p in alone(one).automaton.get(forms.words[n])))

    @functools.lru_cache(maxsize=REMEMBERED)
    def borne(word: str) -> Group:
        return by_surname(bearer for one in surnames.of(places[word]) for bearer in _bearers(entities[one]))[word]

    # As `compile_watchlist` has it: of one entity, whatever its type.
    alone_in_form = {form for n, form in enumerate(forms.words) if len(forms.of(n)) == 1}
    single = {word: n for n, word in enumerate(kept.single.words) if word in alone_in_form}

    def single_of(word: str) -> tuple[str, str]:
        return alone(kept.single.of(single[word])[0]).single[word]

    def of_entity(name: str) -> Mapping[Any, Any]:
        return _OfEntity(numbers, lambda key: getattr(alone(numbers[_entity(key)]), name)[key])

    return NameIndex(
        automaton=_Searched(_automaton(ascii_forms), _automaton(others), patterns),
        count=len(forms.words),
        version=version,
        surnames=_Asked(places, borne),
        bearers=of_entity("bearers"),
        contexts=of_entity("contexts"),
        qualifiers=of_entity("qualifiers"),
        single=_Asked(single, single_of),
        alike=alike(kept.spelt.words, single),
    )


def _bearers(entity: Entity) -> Iterator[Bearer]:
    """A person's, without all that an index of theirs would cost: any common word of a text may be their surname."""
    for alias in names_of(entity):
        bearer = bearer_of(entity.id, alias) if alias_problem(alias) is None else None
        if bearer is not None:
            yield bearer


def _by_letters(forms: Sequence[str]) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Each with its number: those of ASCII alone, and the others. Sorted, for what stands together is found sooner."""
    numbered = sorted((form, n) for n, form in enumerate(forms))
    return [one for one in numbered if one[0].isascii()], [one for one in numbered if not one[0].isascii()]


def _automaton(forms: Iterable[tuple[str, int]]) -> Any:
    automaton = ahocorasick.Automaton(ahocorasick.STORE_INTS)
    for form, n in forms:
        automaton.add_word(form, n)
    automaton.make_automaton()
    return automaton


@dataclass(frozen=True)
class _Searched:
    """Automata of numbers that find as one of patterns does. Most texts need but the first: a state looks through all
    its letters, and in other scripts the first one has a thousand."""

    ascii: Any
    others: Any
    patterns: Callable[[int], tuple[Pattern, ...]]

    def iter(self, text: str) -> Iterator[tuple[int, tuple[Pattern, ...]]]:
        for automaton in (self.ascii,) if text.isascii() else (self.ascii, self.others):
            if len(automaton):
                for last, n in automaton.iter(text):
                    yield last, self.patterns(n)

    def get(self, form: str, default: tuple[Pattern, ...] = ()) -> tuple[Pattern, ...]:
        n = (self.ascii if form.isascii() else self.others).get(form, -1)
        return default if n < 0 else self.patterns(n)


class _Asked(dict[Any, Any]):
    """A mapping of known keys whose values are worked out when they are asked for."""

    def __init__(self, names: Mapping[str, int], ask: Callable[[Any], Any]) -> None:
        super().__init__(names)
        self._ask = ask

    def __getitem__(self, key: Any) -> Any:
        return self._ask(key)

    def get(self, key: Any, default: Any = None) -> Any:
        return self._ask(key) if key in self else default


class _OfEntity(Mapping[Any, Any]):
    """By entity, or by entity and something of it: which of these there are only the entity tells; KeyError if not."""

    def __init__(self, names: Mapping[str, int], ask: Callable[[Any], Any]) -> None:
        self._names, self._ask = names, ask

    def __getitem__(self, key: Any) -> Any:
        return self._ask(key)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _entity(key: Any) -> str:
    return key if isinstance(key, str) else key[0]


def those_that_count(patterns: Iterable[Pattern]) -> Iterator[Pattern]:
    """As `compile_watchlist` has it: a short form, or a surname alone, that several bear says nothing."""
    held = list(patterns)
    several = len({pattern.entity for pattern in held}) > 1
    return (pattern for pattern in held if not (several and pattern.needs in ("full", "intro")))


# ---------------------------------------------------------------- kept


def _write(path: Path, key: str, kept: Kept) -> None:
    """Whole or not at all. A folder that cannot be written costs the next start its time, and nothing else."""
    parts = [part for owned in kept for part in _parts(owned)]
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


def _read(path: Path, key: str, *, most: int) -> Kept | None:
    """None for what is not there, is broken, or was kept of other names or by another program. `most`: entities."""
    try:
        with path.open("rb") as file:
            head = json.loads(file.readline(10_000))
            body = file.read()
        if head["key"] != key or head["sha256"] != hashlib.sha256(body).hexdigest():
            return None
        ends = [0, *itertools.accumulate(head["sizes"])]
        parts = [body[start:end] for start, end in itertools.pairwise(ends)]
        kept = Kept(*(_owned_of(*parts[at : at + 3], most=most) for at in range(0, len(parts), 3)))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # the last that was used is the last to go
    return kept


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
