"""The tables of keys in docs/configuration.md, made from the schema, so that page and schema cannot drift apart.

`python -m worker.config.reference docs/configuration.md` writes them anew; the words around them are the page's own.
"""

from __future__ import annotations

import re
import sys
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from worker.config.load import BESIDE, FILES, LISTS
from worker.config.schema import CHANNELS, Network, Settings
from worker.config.values import DURATION, INTERVAL, Form, write_duration, write_interval

# What the page holds a table of, by the name in its markers.
TABLES: Final[Mapping[str, type[BaseModel]]] = {
    **{file: kind for file, _, kind in LISTS.values()},
    **{f"{FILES['channels']}, {kind}": spec for kind, spec in CHANNELS.items()},
    FILES["network"]: Network,
    FILES["settings"]: Settings,
}
BESIDE_FILE: Final = "folder, relative to this file's"
# Keys that stand beside a file's list and that no model holds.
BESIDE_WORDS: Final = {
    "model": ("a topic model of your own: what `wirewatch topics train --out` wrote", BESIDE_FILE),
    "terms": ("term rules of your own, added to the shipped ones (docs/languages.md)", BESIDE_FILE),
    "files": ("long lists of names, which `wirewatch watchlist import` writes", "list, each: `watchlist/NAME.csv`"),
}
MARKED: Final = re.compile(r"(<!-- keys: (?P<name>[^>]+) -->\n).*?(<!-- end of keys -->)", re.S)
PLAIN: Final = {str: "text", bool: "`true` or `false`", int: "whole number", float: "number"}
BOUNDS: Final = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}
SECTION: Final = "the keys below"


@dataclass(frozen=True)
class Row:
    """One key: `default` is '' where there is none, and None where the key is required."""

    key: str
    meaning: str
    default: str | None
    allowed: str

    def __str__(self) -> str:
        default = "required" if self.default is None else f"`{self.default}`" if self.default else ""
        return f"| `{self.key}` | {self.meaning} | {default} | {self.allowed} |"


def fill(page: str) -> str:
    """The page with every table made anew. Raises KeyError for a table of something that there is not."""
    return MARKED.sub(lambda found: f"{found[1]}\n{table(found['name'])}\n\n{found[3]}", page)


def table(name: str) -> str:
    beside = next((BESIDE.get(key, ()) for file, key, _ in LISTS.values() if file == name), ())
    rows = [Row(key, BESIDE_WORDS[key][0], "", BESIDE_WORDS[key][1]) for key in beside]
    rows += keys_of(TABLES[name])
    return "\n".join(["| key | what it is | default | what may stand there |", "|---|---|---|---|", *map(str, rows)])


def keys_of(kind: type[BaseModel], *, below: str = "") -> Iterator[Row]:
    """Every key in the schema's order; a section's own keys follow it, with dots."""
    for name, field in kind.model_fields.items():
        key = f"{below}{field.alias or name}"
        section, ending = _section(field.annotation)
        allowed = SECTION if section else _allowed(field.annotation, field.metadata)
        yield Row(key, field.description or "", _default(field, section), allowed)
        if section:
            yield from keys_of(section, below=f"{key}{ending}.")


def _section(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """The model that holds a section's keys, and what tells its key from theirs: of a list [], of a mapping its key."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    if origin in (types.UnionType, typing.Union):
        found = [_section(one) for one in inner]
        return next((one for one in found if one[0]), (None, ""))
    if origin in (tuple, dict) and inner:
        ending = "[]" if origin is tuple else ".ADDRESS"
        return _section(inner[1] if origin is dict else inner[0])[0], ending
    return None, ""


def _default(field: FieldInfo, section: type[BaseModel] | None) -> str | None:
    """As a file would say it; '' also for what may be left out and not be empty."""
    if field.is_required():
        return None
    if section or field.default is None or (not field.default and _needs_one(field.metadata)):
        return ""
    value = list(field.default) if isinstance(field.default, tuple) else _write(field.default, field.metadata)
    return yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()


def _needs_one(metadata: Iterable[Any]) -> bool:
    return any(getattr(one, "min_length", 0) for one in metadata)


def _allowed(annotation: Any, metadata: Iterable[Any]) -> str:
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _allowed(inner[0], [*_flat(annotation.__metadata__), *metadata])
    forms = [one.words for one in metadata if isinstance(one, Form)]
    if forms:
        return " ".join([forms[-1], *_bounds(metadata)])
    if origin in (types.UnionType, typing.Union):
        return _allowed(next(one for one in inner if one is not type(None)), metadata)
    if origin is typing.Literal:
        *first, last = (f"`{one}`" for one in inner)
        return f"{', '.join(first)} or {last}" if first else last
    if origin is tuple:
        return f"list, each: {_allowed(inner[0], [])}"
    if origin is dict:
        return f"keys with values: {_allowed(inner[0], [])}: {_allowed(inner[1], [])}"
    return " ".join([PLAIN[annotation], *_bounds(metadata)])


def _flat(metadata: Iterable[Any]) -> Iterator[Any]:
    for one in metadata:
        yield from one.metadata if isinstance(one, FieldInfo) else [one]


def _bounds(metadata: Iterable[Any]) -> Iterator[str]:
    """What a number or a duration must be between, in words; a text's length is in the words of its form."""
    for name, words in BOUNDS.items():
        yield from (f"{words} {_write(getattr(one, name), metadata)}" for one in metadata if hasattr(one, name))


def _write(value: Any, metadata: Iterable[Any]) -> Any:
    writers = {DURATION.words: write_duration, INTERVAL.words: write_interval}
    forms = [writers[one.words] for one in metadata if isinstance(one, Form) and one.words in writers]
    return forms[-1](value) if forms else value


def main() -> None:
    path = Path(sys.argv[1])
    path.write_text(fill(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
