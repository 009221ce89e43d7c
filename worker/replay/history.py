"""What a history holds: which feed served which document at which moment. Reads files; decides nothing about entries.

A folder that holds documents named by their UTC time is a feed of the folder's name. A file of entries (JSON lines) is
a collector's record: its entries become documents by when they were first seen (see `entries`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from pathlib import Path

from worker.errors import WirewatchError
from worker.replay.entries import EARLIEST, ENTRY_FILE, PER_DOCUMENT, Item, read_entries, to_document
from worker.replay.names import slug

SNAPSHOT = re.compile(r"(\d{8}T\d{6})(?:\.(\d+))?Z?", re.ASCII)  # 20260813T042436Z.xml
DOCUMENTS = {".xml", ".rss", ".atom", ".rdf", ".json"}
STEP = timedelta(microseconds=1)  # between what one feed serves at one moment; the record knows nothing shorter


class NoHistory(WirewatchError):
    """There is nothing to replay at that path."""


@dataclass(frozen=True)
class Document:
    """What one feed served from `at` on. `read` gives its bytes; `place` names it for people.

    `baseline`: it is of the feed's first look, so nothing in it is news.
    """

    feed: str
    at: datetime
    place: str
    read: Callable[[], bytes]
    baseline: bool = False


@dataclass(frozen=True)
class History:
    """`documents` by moment, then feed; of one feed no two at one moment. `notes`: what was passed over, in words that
    name file and line."""

    documents: tuple[Document, ...]
    notes: tuple[str, ...] = ()
    feeds: tuple[str, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "feeds", tuple(sorted({document.feed for document in self.documents})))

    def moments(self) -> Iterator[tuple[datetime, list[Document]]]:
        """In order of time."""
        for at, group in groupby(self.documents, key=lambda document: document.at):
            yield at, list(group)


@dataclass
class _Found:
    """What lies below a path, as it is read. `entries`: by feed and moment, the first file that has some, and all."""

    snapshots: list[Document] = field(default_factory=list)
    entries: dict[tuple[str, datetime], tuple[Path, list[Item]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_history(path: Path, *, latest: datetime) -> History:
    """Everything below `path`: feed folders, entry files, or one of either. Raises NoHistory for nothing.

    What is dated after `latest` (the present and a little) is dated wrong: it is passed over, and a note says so.
    """
    if not path.exists():
        raise NoHistory(f"{path}: there is no such file or folder")
    found = _Found()
    for file in _files(path) if path.is_dir() else [path]:
        if ENTRY_FILE.search(file.name):
            _read_entry_file(found, file, latest)
        else:
            _read_snapshot(found, file, latest)
    documents = _documents(found)
    if not documents:
        raise NoHistory("\n".join([f"{path}: nothing to replay. {ADVICE}", *found.notes[:5]]))
    return History(tuple(sorted(documents, key=lambda one: (one.at, one.feed))), tuple(found.notes))


def _files(folder: Path) -> list[Path]:
    """All below it, through links to folders too, each folder once (a link may lead back up)."""
    entered, files = set(), []
    for place, folders, names in os.walk(folder, followlinks=True):
        entered.add(os.path.realpath(place))
        folders[:] = sorted(one for one in folders if os.path.realpath(os.path.join(place, one)) not in entered)
        files += [file for name in names if (file := Path(place, name)).is_file()]
    return sorted(files)


def _read_entry_file(found: _Found, file: Path, latest: datetime) -> None:
    seen, notes = read_entries(file, name=ENTRY_FILE.sub("", file.name), latest=latest)
    found.notes += notes
    for key, items in seen.items():
        found.entries.setdefault(key, (file, []))[1].extend(items)


def _read_snapshot(found: _Found, file: Path, latest: datetime) -> None:
    moment = _moment(file)
    if moment is None:
        found.notes.append(f"{file}: passed over; neither a document named by its UTC time nor JSON lines of entries")
    elif not EARLIEST <= moment <= latest:
        found.notes.append(f"{file}: passed over; its time is not from {EARLIEST:%Y-%m-%d} to {latest:%Y-%m-%d}")
    else:
        # Resolved: the folder of a document that is given alone, by its bare name, has a name too.
        found.snapshots.append(Document(slug(file.absolute().parent.name), moment, str(file), file.read_bytes))


def _documents(found: _Found) -> list[Document]:
    """Each feed's, in order, its moments made distinct."""
    served: dict[str, list[Document]] = {}
    real = {(document.feed, document.at) for document in found.snapshots}
    for document in found.snapshots:
        served.setdefault(document.feed, []).append(document)
    for (feed, at), (file, items) in found.entries.items():
        if items or (feed, at) not in real:  # a first look without items is our own; what was served then is better
            served.setdefault(feed, []).extend(_parts(feed, at, file, items))
    return [document for documents in served.values() for document in _one_by_one(documents)]


def _parts(feed: str, at: datetime, file: Path, items: Sequence[Item]) -> Iterator[Document]:
    for start in range(0, max(len(items), 1), PER_DOCUMENT):
        part = items[start : start + PER_DOCUMENT]
        yield Document(feed, at, str(file), partial(to_document, feed, part))


def _one_by_one(documents: Sequence[Document]) -> Iterator[Document]:
    """One feed's documents in order; those that meet at one moment are served one after the other."""
    ordered = sorted(documents, key=lambda one: (one.at, one.place))  # stable: the parts of one file keep their order
    first = last = ordered[0].at
    for n, document in enumerate(ordered):
        last = max(document.at, last + STEP) if n else first
        yield replace(document, at=last, baseline=document.at == first)


ADVICE = (
    "A history is a folder of feeds, each with documents named by their UTC time (FEED/20260813T042436Z.xml), or JSON "
    "lines of entries (.jsonl, .jsonl.xz, .jsonl.gz)."
)


def _moment(file: Path) -> datetime | None:
    """The UTC time that names a document; None for a file that is none."""
    found = SNAPSHOT.fullmatch(file.stem) if file.suffix.lower() in DOCUMENTS else None
    if found is None:
        return None
    try:
        moment = datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return moment.replace(microsecond=int((found[2] or "0")[:6].ljust(6, "0")))
