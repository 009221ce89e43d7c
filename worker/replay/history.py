"""What a history holds: which feed served which document at which moment. Reads files; decides nothing about entries.

A folder that holds documents named by their UTC time is a feed of the folder's name. A file of entries (JSON lines) is
a collector's record: its entries become documents by when they were first seen (see `entries`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from worker.errors import WirewatchError
from worker.replay.entries import ENTRY_FILE, read_entries

SNAPSHOT = re.compile(r"(\d{8}T\d{6})(?:\.\d+)?Z?")  # 20260813T042436Z.xml
DOCUMENTS = {".xml", ".rss", ".atom", ".rdf", ".json"}


class NoHistory(WirewatchError):
    """There is nothing to replay at that path."""


@dataclass(frozen=True)
class Document:
    """What one feed served from `at` on. `read` gives its bytes; `place` names it for people."""

    feed: str
    at: datetime
    place: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class History:
    """`documents` by moment, then feed. `notes`: what was passed over, in words that name file and line."""

    documents: tuple[Document, ...]
    notes: tuple[str, ...] = ()
    feeds: tuple[str, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "feeds", tuple(sorted({document.feed for document in self.documents})))

    def moments(self) -> Iterator[tuple[datetime, list[Document]]]:
        """In order of time; of one feed at one moment, one document."""
        for at, group in groupby(self.documents, key=lambda document: document.at):
            yield at, list({document.feed: document for document in group}.values())


def read_history(path: Path) -> History:
    """Everything below `path`: feed folders, entry files, or one of either. Raises NoHistory for nothing."""
    if not path.exists():
        raise NoHistory(f"{path}: there is no such file or folder")
    documents: list[Document] = []
    notes: list[str] = []
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    for file in files:
        moment = _moment(file)
        if moment is not None:
            documents.append(Document(slug(file.parent.name), moment, str(file), file.read_bytes))
        elif ENTRY_FILE.search(file.name):
            name = slug(ENTRY_FILE.sub("", file.name))
            found, passed = read_entries(file, name=name)
            documents += [Document(slug(feed), at, str(file), read) for feed, at, read in found]
            notes += passed
        else:
            notes.append(f"{file}: passed over; neither a document named by its UTC time nor JSON lines of entries")
    if not documents:
        raise NoHistory("\n".join([f"{path}: nothing to replay. {ADVICE}", *notes[:5]]))
    return History(tuple(sorted(documents, key=lambda one: (one.at, one.feed, one.place))), tuple(notes))


ADVICE = (
    "A history is a folder of feeds, each with documents named by their UTC time (FEED/20260813T042436Z.xml), or JSON "
    "lines of entries (.jsonl, .jsonl.xz, .jsonl.gz)."
)


def _moment(file: Path) -> datetime | None:
    """The UTC time that names a document; None for a file that is none."""
    found = SNAPSHOT.fullmatch(file.stem) if file.suffix.lower() in DOCUMENTS else None
    try:
        return datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def slug(name: str) -> str:
    """A feed's id from a name: small letters, digits, single hyphens, at most 80."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80].strip("-") or "feed"
