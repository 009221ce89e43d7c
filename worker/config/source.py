"""YAML as plain values that remember their lines. Decides what may be read at all; nothing about its meaning."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from worker.errors import Problem

MAX_BYTES = 10 * 1024 * 1024  # the longest watchlist we know is under one
MAX_DEPTH = 12
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where libyaml was built in

Path_ = tuple[str | int, ...]


@dataclass
class Source:
    """One file: `value` as plain Python, `lines` by the path of keys and positions, `problems` found while reading."""

    name: str
    value: Any = None
    lines: dict[Path_, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path_) -> int:
        """The line of the deepest part of `path` that the file has."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def add(self, path: Path_, message: str) -> None:
        self.problems.append(Problem(self.name, self.line(path), dotted(path), message))


def dotted(path: Path_) -> str:
    """feeds[3].url"""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def read_source(path: Path) -> Source:
    """Never raises for what the file holds: it is in `problems`."""
    source = Source(path.name)
    text = _read_text(path, source)
    if text is None:
        return source
    try:
        node = _compose(text, source)
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


def _read_text(path: Path, source: Source) -> str | None:
    try:
        if path.stat().st_size > MAX_BYTES:
            source.add((), f"larger than {MAX_BYTES // 2**20} MB")
            return None
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        source.add((), f"missing; `wirewatch init` writes an example ({path})")
    except UnicodeDecodeError as error:
        source.add((), f"not UTF-8 (byte {error.start}); save it as UTF-8")
    except OSError as error:
        source.add((), f"cannot be read: {error.strerror}")
    return None


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
    loader = LOADER("")
    try:
        return loader.construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as error:
        source.add(path, f"cannot be read: {getattr(error, 'problem', None) or error}; put it in quotes")
        return None
    finally:
        loader.dispose()
