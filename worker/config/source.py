"""YAML as plain values that remember their lines. Decides what may be read at all; nothing about its meaning."""

from __future__ import annotations

import contextlib
import gc
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from worker.errors import Problem

MAX_BYTES = 10 * 1024 * 1024  # the longest watchlist we know is under one
MAX_DEPTH = 12
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where libyaml was built in

# What YAML forbids in a file: its own reader says so without the line.
FORBIDDEN = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

TEXT = "tag:yaml.org,2002:str"

Path_ = tuple[str | int, ...]


@dataclass
class Source:
    """One file: `value` as plain Python, `lines` by the path of keys and positions, `problems` found in it.

    `readable`: `value` holds the whole file. Of a list file, `kept` are the positions of the items that were typed, and
    `lost` the ids of those that were not; None is among them when there is no telling which ids are missing.
    """

    name: str
    value: Any = None
    lines: dict[Path_, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    readable: bool = False
    kept: list[int] = field(default_factory=list)
    lost: set[str | None] = field(default_factory=lambda: {None})
    _refused: set[Path_] = field(default_factory=set)

    def line(self, path: Path_) -> int:
        """The line of the deepest part of `path` that the file has."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def add(self, path: Path_, message: str) -> None:
        if path not in self._refused:
            self.problems.append(Problem(self.name, self.line(path), dotted(path), message))

    def refuse(self, path: Path_, message: str) -> None:
        """Adds a value's last problem: what follows from it is not said."""
        self.add(path, message)
        self._refused.add(path)


def dotted(path: Path_) -> str:
    """feeds[3].url"""
    text = ""
    for part in path:
        name = f"[{part}]" if isinstance(part, int) else part if part.isprintable() else ascii(part)
        text += f".{name}" if text and isinstance(part, str) else name
    return text


def read_source(path: Path) -> Source:
    """Never raises for what the file holds: it is in `problems`."""
    source = Source(path.name)
    text = _read_text(path, source)
    if text is None:
        return source
    try:
        with collector_at_rest():
            node = _compose(text, source)
            source.readable = not source.problems
            if node is not None:
                source.value = _plain(node, (), source)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        what = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
        source.problems.append(
            Problem(source.name, line, "", f"not valid YAML: {what}; look at this line and the one before")
        )
    except RecursionError:
        source.problems.append(Problem(source.name, 1, "", "nested too deeply"))
    return source


@contextlib.contextmanager
def collector_at_rest() -> Iterator[None]:
    """A parsed file is all in use and has no cycles: looking for garbage in it takes longer than parsing it."""
    at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if at_work:
            gc.enable()


def _read_text(path: Path, source: Source) -> str | None:
    body = _read_bytes(path, source)
    if body is None:
        return None
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        source.problems.append(_at_line(source, body[: error.start].count(b"\n"), "not UTF-8; save it as UTF-8"))
        return None
    found = FORBIDDEN.search(text)
    if found:
        words = f"holds the character U+{ord(found[0]):04X}, which no YAML file may; remove it"
        source.problems.append(_at_line(source, text[: found.start()].count("\n"), words))
        return None
    return text


def _read_bytes(path: Path, source: Source) -> bytes | None:
    try:
        with path.open("rb") as handle:
            body = handle.read(MAX_BYTES + 1)
    except FileNotFoundError:
        source.add((), f"missing; `wirewatch init` writes an example ({path})")
        return None
    except OSError as error:
        source.add((), f"cannot be read: {error.strerror}")
        return None
    if len(body) > MAX_BYTES:
        source.add((), f"larger than {MAX_BYTES // 2**20} MB")
        return None
    return body


def _at_line(source: Source, above: int, message: str) -> Problem:
    return Problem(source.name, above + 1, "", message)


def _compose(text: str, source: Source) -> yaml.Node | None:
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        opens = isinstance(event, yaml.events.CollectionStartEvent)
        depth += opens - isinstance(event, yaml.events.CollectionEndEvent)
        line = event.start_mark.line + 1
        if isinstance(event, yaml.events.AliasEvent) or getattr(event, "anchor", None):
            source.problems.append(
                Problem(source.name, line, "", "anchors and aliases (& and *) are not used here; write the value out")
            )
            return None
        if depth > MAX_DEPTH:
            source.problems.append(Problem(source.name, line, "", "nested too deeply"))
            return None
    return yaml.compose(text, Loader=LOADER)


def _plain(node: yaml.Node, path: Path_, source: Source) -> Any:
    source.lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, (*path, index), source) for index, child in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        values: dict[str, Any] = {}
        for key_node, child in node.value:
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
            where = (*path, key)
            source.lines[where] = key_node.start_mark.line + 1
            if key in values:
                source.problems.append(
                    Problem(source.name, key_node.start_mark.line + 1, dotted(where), "given twice; keep one")
                )
            values[key] = _plain(child, where, source)
            source.lines[where] = key_node.start_mark.line + 1
        return values
    return _scalar(node, path, source)


def _scalar(node: Any, path: Path_, source: Source) -> Any:
    loader = None
    try:
        if node.tag != TEXT:  # most values are text, and a loader for each would double the time of a long file
            loader = LOADER("")
        value = loader.construct_object(node, deep=True) if loader else node.value
        if isinstance(value, str):
            value.encode()  # one of the two loaders lets half a character through
        return value
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, OverflowError):
        # What PyYAML raises for "!x", 2023-13-45 and the like. Its words may quote the value, which may be a secret.
        source.refuse(path, "cannot be read; put it in quotes")
        return None
    finally:
        if loader:
            loader.dispose()
