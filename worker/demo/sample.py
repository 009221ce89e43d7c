"""The sample: what the demo's six feeds publish, stage by stage, and how that is written as RSS 2.0 or Atom.

Decides neither when a feed moves on nor how it is served: that is `origin`. The entries are invented by us, about
invented outlets; only the names of public figures, places and weapons are real.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from html import escape
from pathlib import Path
from typing import Any, Literal

import yaml

FOLDER = Path(__file__).parent / "sample"
LONGEST = 30  # entries in one document, as most publishers keep it
CONTENT_TYPES = {"rss": "application/rss+xml; charset=utf-8", "atom": "application/atom+xml; charset=utf-8"}


@dataclass(frozen=True)
class SampleEntry:
    """`age`: minutes between its publication and the moment its stage is first served. `link` is absolute."""

    guid: str
    title: str
    text: str
    link: str
    age: float = 10.0


@dataclass(frozen=True)
class Stage:
    """What changes in a feed: entries that are new, or that replace the one of the same guid.

    `hostile`: instead of the feed, a document that attacks its reader; the stage after it is a feed again.
    """

    note: str
    entries: tuple[SampleEntry, ...] = ()
    hostile: bool = False


@dataclass(frozen=True)
class SampleFeed:
    """One feed of the sample; the first stage is its baseline."""

    id: str
    title: str
    language: str
    form: Literal["rss", "atom"]
    tags: tuple[str, ...]
    tier: int
    site: str
    description: str
    stages: tuple[Stage, ...]

    @property
    def content_type(self) -> str:
        return CONTENT_TYPES[self.form]

    def guids(self) -> tuple[str, ...]:
        """Every distinct entry, in the order of publication; what the store must hold in the end."""
        return tuple(dict.fromkeys(entry.guid for stage in self.stages for entry in stage.entries))


@dataclass(frozen=True)
class Published:
    """An entry with its dates: `updated` is later than `published` once it was edited."""

    entry: SampleEntry
    published: datetime
    updated: datetime


def load_sample(folder: Path = FOLDER) -> tuple[SampleFeed, ...]:
    """The six feeds, by id. Raises ValueError for a guid that stands twice in one stage."""
    return tuple(
        _read_feed(yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in sorted((folder / "feeds").glob("*.yaml"))
    )


def hostile_document() -> bytes:
    """A few hundred bytes whose entities would expand to gigabytes."""
    return (FOLDER / "hostile.xml").read_bytes()


def apply_stage(listed: Mapping[str, Published], stage: Stage, *, now: datetime) -> dict[str, Published]:
    """The entries of a feed after `stage`, by guid, newest first. An edited entry keeps its place and its date."""
    after: dict[str, Published] = {}
    for entry in stage.entries:
        if entry.guid not in listed:
            date = now - timedelta(minutes=entry.age)
            after[entry.guid] = Published(entry, published=date, updated=date)
    edits = {entry.guid: entry for entry in stage.entries if entry.guid in listed}
    for guid, was in listed.items():
        edited = edits.get(guid)
        after[guid] = Published(edited, published=was.published, updated=now) if edited else was
    return after


def render(feed: SampleFeed, listed: Mapping[str, Published], *, now: datetime) -> bytes:
    """The whole document. `now` is the time it calls itself built at."""
    shown = list(listed.values())[:LONGEST]
    return (_atom if feed.form == "atom" else _rss)(feed, shown, now).encode()


def _rss(feed: SampleFeed, shown: list[Published], now: datetime) -> str:
    items = "".join(
        f"<item><title>{escape(one.entry.title)}</title><link>{escape(one.entry.link)}</link>"
        f'<guid isPermaLink="false">{escape(one.entry.guid)}</guid>'
        f"<pubDate>{format_datetime(one.published)}</pubDate>"
        f"<description>{escape(_markup(one.entry.text))}</description></item>\n"
        for one in shown
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0"><channel><title>{escape(feed.title)}</title>'
        f"<link>{escape(feed.site)}</link><description>{escape(feed.description)}</description>"
        f"<language>{feed.language}</language><lastBuildDate>{format_datetime(now)}</lastBuildDate>\n"
        f"{items}</channel></rss>\n"
    )


def _atom(feed: SampleFeed, shown: list[Published], now: datetime) -> str:
    entries = "".join(
        f"<entry><id>{escape(one.entry.guid)}</id><title>{escape(one.entry.title)}</title>"
        f'<link rel="alternate" href="{escape(one.entry.link)}"/>'
        f"<published>{one.published.isoformat()}</published><updated>{one.updated.isoformat()}</updated>"
        f'<summary type="html">{escape(_markup(one.entry.text))}</summary></entry>\n'
        for one in shown
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{feed.language}">'
        f"<id>{escape(feed.site)}</id><title>{escape(feed.title)}</title><subtitle>{escape(feed.description)}</subtitle>"
        f'<link rel="alternate" href="{escape(feed.site)}"/><author><name>{escape(feed.title)}</name></author>'
        f"<updated>{now.isoformat()}</updated>\n{entries}</feed>\n"
    )


def _markup(text: str) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in text.strip().splitlines())


def _read_feed(raw: Mapping[str, Any]) -> SampleFeed:
    stages = tuple(
        Stage(stage["note"], tuple(_read_entries(stage, raw["site"])), hostile=stage.get("hostile", False))
        for stage in raw["stages"]
    )
    for stage in stages:
        if len({entry.guid for entry in stage.entries}) < len(stage.entries):
            raise ValueError(f"{raw['id']}: one guid twice in the stage {stage.note!r}")
    return SampleFeed(
        id=raw["id"],
        title=raw["title"],
        language=raw["language"],
        form=raw["form"],
        tags=tuple(raw["tags"]),
        tier=raw["tier"],
        site=raw["site"],
        description=raw["description"],
        stages=stages,
    )


def _read_entries(stage: Mapping[str, Any], site: str) -> Iterator[SampleEntry]:
    for raw in stage.get("entries", ()):
        link = raw.get("link") or f"{site}{raw['guid']}"
        yield SampleEntry(raw["guid"], raw["title"], raw["text"].strip(), link, float(raw.get("age", 10)))
