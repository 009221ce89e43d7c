"""A table as spreadsheets write it (CSV, RFC 4180 and its kin) to feeds and back. Pure: no I/O.

A cell that a spreadsheet would take for a formula is written with a quote before it, which reading takes off again.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Final

from worker.articles.text import MAX_TITLE
from worker.config.schema import FeedSpec
from worker.display import one_line
from worker.feeds.listed import MAX_LISTED, FeedList, ListedFeed, ListError, as_tags, refuse_long

COLUMNS: Final = ("id", "url", "title", "language", "tags", "tier", "interval", "enabled")
# What others call them: small letters, without spaces, hyphens and underscores.
MEANT: Final[Mapping[str, str]] = {name: name for name in COLUMNS} | {
    "xmlurl": "url", "feedurl": "url", "rssurl": "url", "feed": "url", "rss": "url", "address": "url",
    "name": "title", "text": "title", "outlet": "title",
    "lang": "language",
    "tag": "tags", "category": "tags", "categories": "tags", "folder": "tags",
}  # fmt: skip
DELIMITERS: Final = ",;\t"
# What begins a formula, in East Asian spreadsheets also in wide letters (OWASP, CSV injection). A cell that has a quote
# there already gets another, so that reading takes off exactly the one that writing put on.
FORMULA: Final = re.compile(r"'*[=+\-@\t\r＝＋－＠]")


def read_sheet(text: str) -> FeedList:
    """Its feeds in order. The first line names the columns, in any order; `url` is needed. Raises ListError."""
    refuse_long(text.splitlines(), what="a line")
    delimiter = max(DELIMITERS, key=lambda one: _known_columns(text, one))
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names: list[str] | None = None
    feeds: list[ListedFeed] = []
    damage: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()
    line = 1
    while len(feeds) <= MAX_LISTED:
        try:
            cells = next(rows, None)
        except csv.Error as error:
            damage = ((line, f"what follows was not read ({error}): a quote that is not closed?"),)
            break
        if cells is None:
            break
        if any(cell.strip() for cell in cells):
            if names is None:
                names = _columns(cells)
                notes = _unread(cells, names)
            else:
                feeds.append(_listed(line, dict(zip(names, cells, strict=False))))
        line = rows.line_num + 1
    if names is None:
        raise ListError(NO_COLUMN)
    return FeedList(tuple(feeds), damage, notes)


NO_COLUMN: Final = f"The first line must name the columns, `url` among them. Known are {', '.join(COLUMNS)}."


def _meant(cell: str) -> str:
    return MEANT.get(re.sub(r"[\s_-]", "", cell.lower()), "")


def _known_columns(text: str, delimiter: str) -> int:
    first = next((line for line in text[:10_000].splitlines() if line.strip()), "")
    return len({_meant(cell.strip(' "')) for cell in first.split(delimiter)} - {""})


def _columns(cells: Sequence[str]) -> list[str]:
    """What each column is; '' for one that is not read. Of two that mean the same, the first is."""
    found: list[str] = []
    for cell in cells:
        name = _meant(cell)
        found.append("" if name in found else name)
    if "url" not in found:
        raise ListError(NO_COLUMN)
    return found


def _unread(cells: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    unread = [one_line(cell) for cell, name in zip(cells, names, strict=True) if not name and cell.strip()]
    return (f"columns that are not read: {', '.join(unread)}",) if unread else ()


def _listed(line: int, row: Mapping[str, str]) -> ListedFeed:
    said = {name: _plain(row.get(name, "")) for name in COLUMNS}
    tags, notes = as_tags(re.split(r"[|,;]", said.pop("tags")))
    title = said.pop("title")[:MAX_TITLE].rstrip()
    return ListedFeed(line=line, title=title, tags=tags, notes=notes, **said)


def _plain(cell: str) -> str:
    return one_line(cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell)


def write_sheet(feeds: Sequence[FeedSpec]) -> bytes:
    """CSV in UTF-8 with its mark, without which a spreadsheet takes it for something else; tags with | between."""
    out = io.StringIO(newline="")
    rows = csv.writer(out)
    rows.writerow(COLUMNS)
    for feed in feeds:
        said = feed.model_dump(mode="json", exclude_defaults=True) | {"tags": "|".join(feed.tags)}
        rows.writerow(_harmless(str(said.get(name, ""))) for name in COLUMNS)
    return out.getvalue().encode("utf-8-sig", "replace")


def _harmless(cell: str) -> str:
    return f"'{cell}" if FORMULA.match(cell) else cell
