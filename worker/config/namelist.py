"""Long lists of names: CSV files that watchlist.yaml includes. Decides what each row may say; no word on other files.

A hundred thousand rows are read at every start, so what is usual is told by a glance and only the rest looked at
closely. The same form is what `wirewatch watchlist import` reads.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from worker.config.source import collector_at_rest
from worker.config.typed import shown, unknown
from worker.config.values import SLUG, WIKIDATA
from worker.errors import Problem

COLUMNS: Final = ("id", "type", "name", "aliases", "weak", "context", "not_context", "tags", "note", "wikidata")
NEEDED: Final = ("type", "name")  # and, of a file of the configuration, `id`
SEVERAL: Final = (
    "aliases",
    "weak",
    "context",
    "not_context",
    "tags",
)  # columns whose cell holds several, with | between
NAMES: Final = ("name", "aliases", "weak")
TYPES: Final = ("person", "organisation", "place", "weapon", "vessel", "other")
FOLDER: Final = "watchlist"  # beside watchlist.yaml: where lists are kept
FILE_FORM: Final = re.compile(r"watchlist/[a-z0-9][a-z0-9_-]{0,60}\.csv")
MAX_LIST: Final = 200 * 2**20  # bytes: a million names have 100 MB
MAX_CELL: Final = 100_000  # characters
MOST_PROBLEMS: Final = 200  # of one file that are told one by one
MAX_ID: Final = 80
UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # half a character is in no file
# What a spreadsheet would take for a formula is written with a quote before it, which reading takes off again.
FORMULA: Final = re.compile(r"'*[=+\-@\t\r＝＋－＠]")


@dataclass(frozen=True, slots=True)
class ListedEntity:
    """An entity of a long list: what a WatchedEntity says, in a tenth of its memory."""

    id: str
    type: str
    name: str
    aliases: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    not_context: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    note: str = ""
    wikidata: str = ""


@dataclass(frozen=True)
class NameList:
    """`file`: its path as watchlist.yaml has it; `digest`: the SHA-256 of its bytes."""

    file: str
    digest: str
    entities: tuple[ListedEntity, ...] = field(repr=False)


@dataclass
class Complaints:
    """What is wrong with one file's lines; the first MOST_PROBLEMS are kept, and all are counted."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    count: int = 0

    def add(self, line: int, key: str, message: str) -> None:
        self.count += 1
        if self.count <= MOST_PROBLEMS:
            self.problems.append(Problem(self.file, line, key, message))

    def all(self) -> list[Problem]:
        more = self.count - len(self.problems)
        rest = [Problem(self.file, self.problems[-1].line, "", f"and {more:,} more problems below")] if more else []
        return self.problems + rest


def read_name_list(path: Path, file: str) -> tuple[NameList | None, list[Problem]]:
    """The list, or what is wrong with it; never raises for what the file holds."""
    complaints = Complaints(file)
    body = _read_bytes(path, complaints)
    text = None if body is None else _decoded(body, complaints)
    if body is None or text is None:
        return None, complaints.all()
    entities: dict[str, ListedEntity] = {}
    lines: dict[str, int] = {}
    with collector_at_rest():
        for line, row in read_rows(text, complaints, others=_refuse_column):
            entity = read_entity(line, row, complaints)
            if entity is None:
                continue
            if entity.id in entities:
                complaints.add(line, "id", f"{entity.id} is already used in line {lines[entity.id]}; ids are unique")
            entities[entity.id], lines[entity.id] = entity, line
    if complaints.count:
        return None, complaints.all()
    return NameList(file, hashlib.sha256(body).hexdigest(), tuple(entities.values())), []


def _refuse_column(complaints: Complaints, line: int, name: str) -> None:
    complaints.add(line, name, unknown(name, COLUMNS))


def _read_bytes(path: Path, complaints: Complaints) -> bytes | None:
    try:
        with path.open("rb") as handle:
            body = handle.read(MAX_LIST + 1)
    except OSError as error:
        complaints.add(1, "", f"cannot be read: {error.strerror}")
        return None
    if len(body) > MAX_LIST:
        complaints.add(1, "", f"larger than {MAX_LIST // 2**20} MB")
        return None
    return body


def _decoded(body: bytes, complaints: Complaints) -> str | None:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        complaints.add(body[: error.start].count(b"\n") + 1, "", "not UTF-8; save it as UTF-8")
        return None


def read_rows(
    text: str, complaints: Complaints, *, others: Callable[[Complaints, int, str], None]
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The table's rows with their lines: the cells that are not empty, by column. The first line names the columns, in
    any order; `others` hears of each that is none of ours. Empty lines are passed over."""
    first, _, _ = text.partition("\n")
    delimiter = max(",;\t", key=first.count)
    csv.field_size_limit(MAX_CELL)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names: list[str] = []
    line = 1
    try:
        for cells in table:
            at, line = line, table.line_num + 1
            if not names:
                names = [cell.strip().lower() for cell in cells]
                if not _are_columns(names, at, complaints, others):
                    return
            elif len(cells) > len(names):
                words = f"{len(cells)} cells, but {len(names)} columns; put a cell that holds {delimiter!r} in quotes"
                complaints.add(at, "", words)
            elif row := {name: cell for name, cell in zip(names, cells, strict=False) if cell}:
                yield at, row
    except csv.Error as error:
        complaints.add(line, "", f"cannot be read from here on: {error}; a quote that is not closed?")


def _are_columns(
    names: Sequence[str], line: int, complaints: Complaints, others: Callable[[Complaints, int, str], None]
) -> bool:
    """Whether the needed ones are among them; names that are none of ours are no columns either."""
    for name in names:
        if name and name not in COLUMNS:
            others(complaints, line, name)
        elif name and names.count(name) > 1:
            complaints.add(line, name, "given twice; keep one")
            return False
    missing = [name for name in NEEDED if name not in names]
    for name in missing:
        complaints.add(line, name, "missing: the first line must name the columns, such as id,type,name,aliases")
    return not missing


def read_entity(line: int, row: Mapping[str, Any], complaints: Complaints) -> ListedEntity | None:
    """The entity of one row, whose cells are text, or lists where several may stand; None with its problems noted."""
    before = complaints.count
    found: dict[str, Any] = {}
    for name, given in row.items():
        if name in SEVERAL:
            found[name] = _several(given)
        elif name in COLUMNS:
            found[name] = _cell(given)
    _check(line, found, complaints)
    if complaints.count > before:
        return None
    if "tags" in found:
        found["tags"] = _shared(found["tags"])
    found["type"] = sys.intern(found["type"])
    return ListedEntity(**found)


def _check(line: int, found: Mapping[str, Any], complaints: Complaints) -> None:
    for name in ("id", *NEEDED):
        if not found.get(name):
            complaints.add(line, name, "missing; it is required")
    for name, value in found.items():
        if name in NAMES:
            for alias in (value,) if name == "name" else value:
                if not _is_plain(alias):
                    _check_alias(line, name, alias, complaints)
        elif value and (words := _trouble(name, value)):
            complaints.add(line, name, words)


def _trouble(name: str, value: Any) -> str:
    """What is wrong with a cell that holds no name of the entity, in words; '' for nothing."""
    if name == "type":
        return "" if value in TYPES else f"{shown(value)} is none of {', '.join(TYPES)}"
    if name in ("id", "tags"):
        for one in (value,) if name == "id" else value:
            if not SLUG.fullmatch(one) or len(one) > MAX_ID:
                return f"{shown(one)} may hold only small letters, digits and single hyphens, up to {MAX_ID}"
        return ""
    if name == "wikidata":
        return "" if WIKIDATA.fullmatch(value) else "not a Wikidata id; write one such as Q56226"
    return "must be one line of text" if UNSEEN.search("".join(value)) else ""


def _check_alias(line: int, name: str, alias: str, complaints: Complaints) -> None:
    from worker.nlp.names import alias_problem

    if UNSEEN.search(alias):
        complaints.add(line, name, "must be one line of text")
    elif alias and (problem := alias_problem(alias)):
        complaints.add(line, name, f"{shown(alias)} can never match: {problem}")


def _is_plain(alias: str) -> bool:
    """Whether a glance tells that it can match: letters at its beginning, and neither long nor with anything odd."""
    return (
        len(alias) <= 60
        and alias.isprintable()
        and alias[:4].isalnum()
        and (len(alias) >= 4 or (alias.isascii() and len(alias) > 1))
    )


def _cell(given: str) -> str:
    return (given[1:] if given[:1] == "'" and FORMULA.match(given) else given).strip(" ")


def _several(given: str | Iterable[str]) -> tuple[str, ...]:
    """Each once, in order."""
    parts = _cell(given).split("|") if isinstance(given, str) else given
    return tuple(dict.fromkeys([stripped for part in parts if (stripped := part.strip(" "))]))


_TAGS: dict[tuple[str, ...], tuple[str, ...]] = {}


def _shared(tags: tuple[str, ...]) -> tuple[str, ...]:
    """One tuple for all that have the same tags: a list of thousands has a few dozen kinds."""
    if len(_TAGS) > 10_000:
        _TAGS.clear()
    return _TAGS.setdefault(tags, tags) if tags else ()


def find_lines(path: Path, ids: Iterable[str]) -> dict[str, int]:
    """The lines of the entities with these ids, in a list that was read before."""
    wanted = set(ids)
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    rows = read_rows(text, Complaints(path.name), others=_refuse_column)
    return {row["id"].strip(): line for line, row in rows if row.get("id", "").strip() in wanted}


def write_name_list(entities: Iterable[Any]) -> bytes:
    """The table that `read_name_list` reads as these entities. Columns that are empty for all are left out."""
    rows = [_as_cells(entity) for entity in entities]
    used = [
        n for n, name in enumerate(COLUMNS) if name in ("id", "type", "name", "aliases") or any(row[n] for row in rows)
    ]
    out = io.StringIO(newline="")
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS[n] for n in used)
    table.writerows([row[n] for n in used] for row in rows)
    return out.getvalue().encode()


def _as_cells(entity: Any) -> list[str]:
    return [_harmless("|".join(value) if isinstance(value, tuple) else value) for value in _values(entity)]


def _values(entity: Any) -> Iterator[Any]:
    for name in COLUMNS:
        yield getattr(entity, name)


def _harmless(cell: str) -> str:
    return f"'{cell}" if FORMULA.match(cell) else cell
