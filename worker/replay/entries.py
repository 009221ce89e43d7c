"""Entry files: a collector's JSON lines as the items of the JSON Feed documents that would have brought them.

Reads files. Each line is an object with a `title` and, as far as it has them: id, link, summary or text, published or
date, first_seen, day, domain, language. A line with a `domain` belongs to that outlet, a feed of its own.
"""

from __future__ import annotations

import codecs
import gzip
import json
import lzma
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, BinaryIO

from worker.replay.names import slug

ENTRY_FILE = re.compile(r"\.(?:jsonl|ndjson)(?:\.(xz|gz))?$", re.IGNORECASE)
OPENERS: Mapping[str, Callable[[Path], Any]] = {"xz": lzma.open, "gz": gzip.open, "": lambda path: path.open("rb")}
# An entry without a first sight is taken as seen by the first look after its publication; so often a feed is looked at.
LOOK = timedelta(minutes=15)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
# Entries of one document; the parser reads no more of one (feeds/parse_child.py, MAX_ENTRIES).
PER_DOCUMENT = 2_000
MAX_LINE = 16 * 2**20  # bytes; the longest article we know has a few hundred thousand
NOTED = 5  # broken lines of one file that are told one by one
FIELDS = {"id": "id", "link": "url", "url": "url", "title": "title"}

DAMAGED = (EOFError, OSError, lzma.LZMAError, zlib.error)  # what unpacking and reading raise
Item = dict[str, Any]  # of a JSON Feed (jsonfeed.org 1.1)
Seen = Mapping[tuple[str, datetime], Sequence[Item]]


def read_entries(path: Path, *, name: str, latest: datetime) -> tuple[Seen, list[str]]:
    """The items by (feed, moment at which they were first seen), in the file's order, and notes on broken lines.

    Every feed of the file was looked at from the file's first moment on: an outlet that first says something later
    does not begin then, so its first entries are news, not its baseline. Such a first look has no items. A
    date after `latest` is none.
    """
    seen: dict[tuple[str, datetime], list[Item]] = defaultdict(list)
    notes: list[str] = []
    broken = number = 0
    try:
        for number, line in _lines(path):
            try:
                if line.strip():
                    feed, at, item = _read(line, name=name, latest=latest)
                    seen[feed, at].append(item)
            except ValueError as error:
                broken += 1
                if broken <= NOTED:
                    notes.append(f"{path}:{number}: passed over: {error}")
    except DAMAGED as error:
        notes.append(f"{path}:{number + 1}: cannot be read from here on, it is damaged or cut short: {error}")
    if broken > NOTED:
        notes.append(f"{path}: {broken - NOTED} more lines passed over")
    if seen:
        first = min(at for _, at in seen)
        for feed in {feed for feed, _ in seen}:
            seen.setdefault((feed, first), [])
    return seen, notes


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """With their numbers from 1, without a byte order mark. Raises one of DAMAGED where the file cannot be read on."""
    packed = ENTRY_FILE.search(path.name)
    handle: BinaryIO
    with OPENERS[(packed[1] or "").lower() if packed else ""](path) as handle:
        number = 0
        while line := handle.readline(MAX_LINE):
            number += 1
            yield number, line.removeprefix(codecs.BOM_UTF8) if number == 1 else line


def _read(line: bytes, *, name: str, latest: datetime) -> tuple[str, datetime, Item]:
    """Its feed, when it was first seen, what it becomes. Raises ValueError with what is wrong."""
    entry = _entry(line)
    return slug(str(entry.get("domain") or name)), _first_sight(entry, latest), _item(entry, latest)


def _entry(line: bytes) -> dict[str, Any]:
    """Raises ValueError with what is wrong."""
    if len(line) >= MAX_LINE:
        raise ValueError(f"longer than {MAX_LINE // 2**20} MB")
    try:
        entry = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {line[:60]!r}") from error
    if not isinstance(entry, dict) or not isinstance(entry.get("title"), str):
        raise ValueError("not an entry: it has no title")
    return entry


def _first_sight(entry: Mapping[str, Any], latest: datetime) -> datetime:
    """When a reader could first have seen it. Raises ValueError where nothing tells."""
    seen = read_moment(entry.get("first_seen"), latest=latest)
    if seen is not None:
        return seen
    published = _published(entry, latest)
    if published is not None:
        return EPOCH - (EPOCH - published) // LOOK * LOOK
    day = read_moment(entry.get("day"), latest=latest)
    if day is not None:
        return day + timedelta(days=1)
    raise ValueError(
        "nothing tells when it was seen: it has no first_seen, published, date or day"
        f" from {EARLIEST:%Y-%m-%d} to {latest:%Y-%m-%d}"
    )


def _published(entry: Mapping[str, Any], latest: datetime) -> datetime | None:
    return read_moment(entry.get("published"), latest=latest) or read_moment(entry.get("date"), latest=latest)


def read_moment(value: Any, *, latest: datetime) -> datetime | None:
    """ISO 8601, RFC 822 or milliseconds since 1970, as UTC; None for anything else, or what no article can have."""
    moment = _milliseconds(value) if isinstance(value, int) and not isinstance(value, bool) else _text_moment(value)
    if moment is None:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        return None
    return moment if EARLIEST <= moment <= latest else None


def _milliseconds(value: int) -> datetime | None:
    try:
        return EPOCH + timedelta(milliseconds=value)
    except OverflowError:
        return None


def _text_moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return read(value.strip())
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _item(entry: Mapping[str, Any], latest: datetime) -> Item:
    item = {ours: entry[theirs] for theirs, ours in FIELDS.items() if entry.get(theirs) is not None}
    text, summary = entry.get("text"), entry.get("summary") or entry.get("description")
    if text:
        item["content_text"] = str(text)
    elif summary:
        item["content_html"] = str(summary)
    written = entry.get("published", entry.get("date"))
    moment = read_moment(written, latest=latest)
    if written:
        item["date_published"] = moment.isoformat() if moment else str(written)
    return item


def to_document(feed: str, items: Sequence[Item]) -> bytes:
    """The newest first, as feeds have it: of one moment, the last line."""
    feed_object = {"version": "https://jsonfeed.org/version/1.1", "title": feed, "items": list(reversed(items))}
    return json.dumps(feed_object, ensure_ascii=True).encode()
