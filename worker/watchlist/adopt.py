"""Which entities of a list the watchlist takes up, under which ids, and what is wrong with the others. Pure: no I/O."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from worker.config.load import FILES
from worker.config.namelist import (
    FOLDER,
    MAX_LIST,
    Complaints,
    ListedEntity,
    read_entity,
    read_rows,
    write_name_list,
)
from worker.config.schema import Config, WatchedEntity
from worker.config.source import collector_at_rest
from worker.errors import Problem, WirewatchError
from worker.feeds.listed import slug
from worker.watchlist.ftm import read_entities

MOST_IN_YAML: Final = 2_000  # entities: a longer list is nothing that a person edits, and is kept as a file of its own


class NoList(WirewatchError):
    """What was given is no list of names; in words for who has it."""


@dataclass(frozen=True)
class NamesRead:
    """`entities` in the list's order, each with its line; `made`: the ids that were made of names. `wrong` counts the
    problems, of which `problems` holds the first few hundred; `skipped` counts what the list holds besides, by its
    schema; `unread` are columns that are not ours."""

    file: str
    entities: Sequence[tuple[int, ListedEntity]]
    problems: Sequence[Problem] = ()
    wrong: int = 0
    made: frozenset[str] = frozenset()
    skipped: Mapping[str, int] = field(default_factory=dict)
    unread: Sequence[str] = ()


@dataclass(frozen=True)
class ImportPlan:
    """What is to be written: `entities` into watchlist.yaml, or `lists` beside it; `adopted` are all of either."""

    adopted: Sequence[ListedEntity]
    place: str
    entities: tuple[WatchedEntity, ...] = ()
    lists: Mapping[str, bytes] = field(default_factory=dict)
    problems: Sequence[Problem] = ()
    wrong: int = 0


def read_names(body: bytes, *, file: str) -> NamesRead:
    """A table (CSV) or FollowTheMoney entities (JSON lines), told apart by the first character; `file` is its name in
    problems. Raises NoList for what is neither."""
    if len(body) > MAX_LIST:
        raise NoList(f"{file} is larger than {MAX_LIST // 2**20} MB: split it. Nothing was read.")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        raise NoList(f"{file}:{line}: not UTF-8; save it as UTF-8. Nothing was read.") from error
    if not text.strip():
        raise NoList(f"{file} is empty.")
    complaints, skipped, unread = Complaints(file), Counter[str](), list[str]()
    if text.lstrip().startswith("{"):
        rows: Iterator[tuple[int, Mapping[str, Any]]] = read_entities(text.split("\n"), complaints, skipped)
    else:
        rows = read_rows(text, complaints, others=lambda _, __, name: unread.append(name))
    with collector_at_rest():
        found, made = _adopted(rows, complaints)
    return NamesRead(file, found, complaints.all(), complaints.count, made, dict(skipped), unread)


def _adopted(
    rows: Iterator[tuple[int, Mapping[str, Any]]], complaints: Complaints
) -> tuple[list[tuple[int, ListedEntity]], frozenset[str]]:
    """Each with its line, and the ids that were made."""
    found: list[tuple[int, ListedEntity]] = []
    lines: dict[str, int] = {}
    made = set()
    for line, row in rows:
        given = bool(str(row.get("id") or "").strip())
        entity = read_entity(line, row if given else {**row, "id": make_id(row)}, complaints)
        if entity is None:
            continue
        if entity.id in lines:
            complaints.add(line, "id", _twin(entity.id, f"line {lines[entity.id]} has", given))
            continue
        if not given:
            made.add(entity.id)
        lines[entity.id] = line
        found.append((line, entity))
    return found, frozenset(made)


def make_id(row: Mapping[str, Any]) -> str:
    """Of the name, or else of the first other name that has Latin letters; a hash where none has any."""
    name = str(row.get("name") or "")
    others = row.get("aliases") or ()
    others = others.split("|") if isinstance(others, str) else others
    short = hashlib.sha256(name.encode()).hexdigest()[:10]
    return next((made for made in map(slug, (name, *others)) if made), f"name-{short}" if name else "")


def _twin(name: str, whose: str, given: bool) -> str:
    """Two ids made of one name are told, too: a number behind one would go to the other in the list's next edition."""
    what = f"the id {name}" if given else f"the id that its name makes, {name},"
    return f"{what} is one that {whose} already; give this one an id of its own"


def plan_import(read: NamesRead, config: Config, *, name: str, apart: bool, replace: bool) -> ImportPlan:
    """What to write where. `apart`: as the list `name`, which is then all that this list holds; so is what is too long
    for a file that people edit. Ids of entities that stay are taken: with `replace` none stays."""
    apart = apart or len(read.entities) > MOST_IN_YAML
    file = f"{FOLDER}/{name}.csv"
    lists = [one for one in config.lists if not apart or one.file != file]
    stay = {entity.id for entity in config.watchlist} | {entity.id for one in lists for entity in one.entities}
    taken = set() if replace else stay
    complaints = Complaints(read.file)
    adopted = []
    for line, entity in read.entities:
        if entity.id in taken:
            complaints.add(line, "id", _twin(entity.id, "the watchlist has", entity.id not in read.made))
        else:
            adopted.append(entity)
    problems, wrong = [*read.problems, *complaints.all()], read.wrong + complaints.count
    if apart:
        return ImportPlan(adopted, file, lists={file: write_name_list(adopted)}, problems=problems, wrong=wrong)
    watched = tuple(WatchedEntity(**asdict(entity)) for entity in adopted)
    return ImportPlan(adopted, FILES["watchlist"], entities=watched, problems=problems, wrong=wrong)
