"""Edits of one list in a YAML text that leave every other character as it was. Pure: no I/O.

The parser says where an item begins and ends; the text between stays. A library that writes YAML again (ruamel.yaml
0.19 was tried) breaks long lists anew, and changes line ends, indentation and spacing of what nobody touched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from worker.config.source import LOADER, TEXT, collector_at_rest

STEP: Final = 2  # columns that a list is indented by where the file shows no other way
PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
# What JSON leaves as it is and YAML forbids, or takes for a line break.
UNSAFE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
NULL: Final = "tag:yaml.org,2002:null"
BREAK: Final = re.compile(r"\r\n|\n|\r")
REST_OF_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|\Z)")


def add_items(text: str, key: str, items: Sequence[Mapping[str, Any]]) -> str:
    """The text with `items` at the end of the list under `key`, written as the list's last one is.

    Raises ValueError for a text without such a list.
    """
    root, at_key, node = _find(text, key)
    if isinstance(node, yaml.SequenceNode) and node.value:
        if node.flow_style:
            at = node.value[-1].end_mark.index
            return f"{text[:at]}, {_flow_items(items)}{text[at:]}"
        return _insert_lines(text, _after(text, node.value[-1], node.start_mark.column), _like_the_last(node, items))
    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, yaml.SequenceNode) and (root.flow_style or BREAK.search(text, start, end)):
        return f"{text[: start + 1]}{_flow_items(items)}{text[start + 1 :]}"
    if root.flow_style:
        return f"{text[:start]} [{_flow_items(items)}]{text[end:]}"
    # An empty list, or none: its place is below its key.
    text = text[:start].rstrip(" \t") + text[end:]
    lines = _block(items, dash=at_key.start_mark.column + STEP, gap=STEP)
    return _insert_lines(text, _next_line(text, at_key.end_mark.index), lines)


def remove_item(text: str, key: str, n: int) -> str:
    """The text without the list's item at position `n`, and without the comments inside it. Raises ValueError."""
    _, _, node = _find(text, key)
    if not isinstance(node, yaml.SequenceNode) or n >= len(node.value):
        raise ValueError(f"{key} has no item {n}")
    if node.flow_style:
        marks = [(item.start_mark.index, item.end_mark.index) for item in node.value]
        start = marks[n - 1][1] if n else marks[0][0]
        end = marks[n][1] if n or len(marks) == 1 else marks[1][0]
        return text[:start] + text[end:]
    column = node.start_mark.column
    behind = _after(text, node.value[n - 1], column) if n else node.start_mark.index - column
    # The dash may stand above its item, with comments between: it is the next one in its column.
    dash = re.compile(rf"^ {{{column}}}-", re.MULTILINE).search(text, behind)
    start = dash.start() if dash else node.value[n].start_mark.index
    return text[:start] + text[_after(text, node.value[n], column) :]


def replace_items(text: str, key: str, items: Sequence[Mapping[str, Any]]) -> str:
    """The text with `items` as all of the list under `key`; comments between the old ones go with them, what stands
    above the list stays. Raises ValueError."""
    _, at_key, node = _find(text, key)
    if isinstance(node, yaml.SequenceNode) and node.value and not node.flow_style:
        start, end = _next_line(text, at_key.end_mark.index), _after(text, node.value[-1], node.start_mark.column)
        text = text[:start] + text[end:]
    elif isinstance(node, yaml.SequenceNode):
        text = f"{text[: node.start_mark.index]}[]{text[node.end_mark.index :]}"
    return add_items(text, key, items) if items else _filled(text, key)


def _filled(text: str, key: str) -> str:
    """With [] where the list has nothing at all."""
    _, at_key, node = _find(text, key)
    if isinstance(node, yaml.SequenceNode):
        return text
    colon = text.index(":", at_key.end_mark.index) + 1
    return f"{text[:colon]} []{text[colon:]}"


def set_words(text: str, key: str, words: Sequence[str], *, above: str) -> str:
    """The text with these words as the list under `key`, on one line above that of the key `above`; without the key
    where there are none. Raises ValueError."""
    root, below, _ = _find(text, above)
    found = next((pair for pair in root.value if pair[0].value == key), None)
    if root.flow_style and found is None and words:
        at = below.start_mark.index
        return f"{text[:at]}{key}: [{_flow_items(words)}], {text[at:]}"
    if root.flow_style and found is not None:
        start, end = found[1].start_mark.index, found[1].end_mark.index
        return f"{text[:start]}[{_flow_items(words)}]{text[end:]}"
    line = [f"{key}: [{_flow_items(words)}]"] if words else []
    if found is None:
        return _insert_lines(text, below.start_mark.index, line) if line else text
    at_key, node = found
    start = at_key.start_mark.index
    end = _next_line(text, at_key.end_mark.index)
    if isinstance(node, yaml.SequenceNode) and node.value:
        end = _next_line(text, node.end_mark.index) if node.flow_style else _after(text, node.value[-1], 0)
    return _insert_lines(text[:start] + text[end:], start, line) if line else text[:start] + text[end:]


def _find(text: str, key: str) -> tuple[Any, Any, Any]:
    """The whole, the list's key, and the list; or what stands in place of an empty one."""
    try:
        with collector_at_rest():
            root = yaml.compose(text, Loader=LOADER)
    except yaml.YAMLError as error:
        raise ValueError("no YAML") from error
    pairs = root.value if isinstance(root, yaml.MappingNode) else ()
    for at_key, node in pairs:
        if at_key.value == key and (isinstance(node, yaml.SequenceNode) or node.tag == NULL):
            return root, at_key, node
    raise ValueError(f"no list {key}")


def _end(node: Any) -> int:
    """Where the node's own text ends. A block's end mark is no help: comments come before it."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        node = node.value[-1][1] if isinstance(node, yaml.MappingNode) else node.value[-1]
    return int(node.end_mark.index)


def _after(text: str, node: Any, column: int) -> int:
    """The first line's beginning after the item whose dash is in `column`; comments indented deeper are its own."""
    end = _end(node)
    at = end if text[end - 1] in "\r\n" else _next_line(text, end)  # a block of text ends with its line
    comment = re.compile(rf"[ \t]{{{column + 1},}}#")
    while comment.match(text, at):
        at = _next_line(text, at)
    return at


def _next_line(text: str, at: int) -> int:
    found = REST_OF_LINE.match(text, at)
    return found.end() if found else at


def _insert_lines(text: str, at: int, lines: Sequence[str]) -> str:
    """With the lines at the beginning of a line, or after a last line that has no end and keeps having none."""
    first = BREAK.search(text)
    end = first[0] if first else "\n"
    whole = end.join(lines)
    if at and text[at - 1] not in "\r\n":
        return text[:at] + end + whole + text[at:]
    return text[:at] + whole + end + text[at:]


def _like_the_last(node: Any, items: Sequence[Mapping[str, Any]]) -> list[str]:
    last, dash = node.value[-1], node.start_mark.column
    if last.flow_style:
        return [f"{' ' * dash}- {_flow(item)}" for item in items]
    gap = last.start_mark.column - dash
    return _block(items, dash=dash, gap=gap if gap > 0 else STEP)


def _block(items: Sequence[Mapping[str, Any]], *, dash: int, gap: int) -> list[str]:
    lines = []
    for item in items:
        lead = " " * dash + "-" + " " * (gap - 1)
        for name, value in item.items():
            lines.append(f"{lead}{name}: {_flow(value)}")
            lead = " " * (dash + gap)
    return lines


def _flow_items(items: Sequence[Any]) -> str:
    return ", ".join(_flow(item) for item in items)


def _flow(value: Any) -> str:
    """One value on one line, in quotes where YAML would read it as anything but this text ("no" is false)."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_flow(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{_flow_items(value)}]"
    if not isinstance(value, str):
        return json.dumps(value)
    resolved = yaml.resolver.Resolver().resolve(yaml.ScalarNode, value, (True, False))
    if PLAIN.fullmatch(value) and resolved == TEXT:
        return value
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
