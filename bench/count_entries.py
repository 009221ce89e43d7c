"""How many different entries a feed history has, counted with feedparser alone, beside what a replay of it stored.

    python -m bench.count_entries HISTORY [--kept FOLDER] [--samples N]

The count knows nothing of how Wirewatch tells entries apart. Its rule: within a feed, entries with one link are one,
whatever else of them changes; a link is compared without its fragment, without the parameters that are known to track,
and without regard to http or https. Entries without a link are one with any other of that feed that has their title.
Entries with neither are not counted. What differs is shown, not judged: `one of several` are links that no article has
(their entry was stored under another link), `several of one` are articles beyond the first of a link.

HISTORY is what `wirewatch replay` takes, or a .tar.xz of it. FOLDER was kept by `wirewatch replay --keep`; without it
the history is replayed here.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import lzma
import pathlib
import re
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import feedparser

from worker.replay.names import slug

ROOT = pathlib.Path(__file__).parents[1]
DOCUMENTS = {".xml", ".rss", ".atom", ".rdf", ".json"}
LINES = re.compile(r"\.(?:jsonl|ndjson)(?:\.(xz|gz))?$")
OPENERS = {"xz": lzma.open, "gz": gzip.open, None: open}
TRACKING = re.compile(r"(utm_\w+|at_\w+|traffic_source|fbclid|gclid|ocid|cmpid|mc_[ce]id|smid|partner|emc)=.*", re.I)


@dataclass
class Counted:
    """One feed's entries. `links` and `titles` (of entries without a link) have a title to show each."""

    seen: int = 0
    links: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)

    def add(self, link: str, title: str) -> None:
        self.seen += 1
        if link := plain(link):
            self.links.setdefault(link, title)
        elif title := " ".join(title.split()):
            self.titles.setdefault(title, title)

    @property
    def distinct(self) -> dict[str, str]:
        """Every entry once, by its link, or by its title where it has none and no other has that title."""
        titled = {" ".join(title.split()) for title in self.links.values()}
        return self.links | {title: title for title in self.titles if title not in titled}


def plain(link: str) -> str:
    """A link without what does not say which page it leads to; '' for what is no link."""
    link = link.strip().partition("#")[0]
    if not link.lower().startswith(("http://", "https://")):
        return ""
    parts = urlsplit(link)
    kept = [part for part in parts.query.split("&") if part and not TRACKING.fullmatch(part)]
    return f"{parts.netloc.lower()}{parts.path.rstrip('/')}" + (f"?{'&'.join(kept)}" if kept else "")


def count(path: pathlib.Path) -> dict[str, Counted]:
    """By the id that a replay gives the feed."""
    feeds: dict[str, Counted] = defaultdict(Counted)
    for file in sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]:
        if LINES.search(file.name):
            for name, link, title in read_lines(file):
                feeds[slug(name)].add(link, title)
        elif file.suffix in DOCUMENTS:
            for entry in feedparser.parse(io.BytesIO(file.read_bytes())).entries:
                feeds[slug(file.absolute().parent.name)].add(entry.get("link", ""), entry.get("title", ""))
    return dict(feeds)


def read_lines(file: pathlib.Path) -> Iterator[tuple[str, str, str]]:
    """Feed, link and title of each line."""
    packed = LINES.search(file.name)
    with OPENERS[packed[1] if packed else None](file, "rt", encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            name = entry.get("domain") or LINES.sub("", file.name)
            yield name, entry.get("link") or entry.get("url") or "", entry.get("title") or ""


def stored(folder: pathlib.Path) -> dict[str, list[tuple[str, str]]]:
    """Link and title of every article of each feed, from a record that a replay has kept."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    with closing(sqlite3.connect(folder / "wirewatch.sqlite3")) as record:
        for feed, url, title in record.execute("SELECT feed_id, url, title FROM article ORDER BY id"):
            found[feed].append((plain(url), title))
    return found


@dataclass(frozen=True)
class Compared:
    feed: str
    seen: int
    distinct: int
    stored: int
    merged: list[str]  # one of several
    split: list[str]  # several of one


def compare(counted: dict[str, Counted], articles: dict[str, list[tuple[str, str]]]) -> Iterator[Compared]:
    for feed in sorted(counted):
        distinct, kept = counted[feed].distinct, articles.get(feed, [])
        known: set[str] = set()
        split = []
        for link, title in kept:
            key = link or " ".join(title.split())
            if key in known or key not in distinct:
                split.append(f"{title} <{link}>")
            known.add(key)
        merged = [f"{title} <{key}>" for key, title in distinct.items() if key not in known]
        yield Compared(feed, counted[feed].seen, len(distinct), len(kept), merged, split)


def show(found: list[Compared], *, samples: int) -> None:
    print("| feed | entries seen | distinct | stored | difference | one of several | several of one |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for one in found:
        numbers = (one.seen, one.distinct, one.stored, one.stored - one.distinct, len(one.merged), len(one.split))
        print(f"| {one.feed} | {' | '.join(f'{number:,}' for number in numbers)} |")
    for one in found if samples else ():
        for name, examples in (("one of several", one.merged), ("several of one", one.split)):
            for example in examples[:samples]:
                print(f"{one.feed}: {name}: {example}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.count_entries", description=__doc__.partition("\n")[0])
    parser.add_argument("history", type=pathlib.Path)
    parser.add_argument("--kept", type=pathlib.Path, metavar="FOLDER", help="what `replay --keep` kept of it")
    parser.add_argument("--samples", type=int, default=0, metavar="N", help="so many of each difference, too")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        path = asked.history
        if path.name.endswith(".tar.xz"):
            path = pathlib.Path(scratch, "history")
            with tarfile.open(asked.history) as pack:
                pack.extractall(path, filter="data")
        kept = asked.kept or pathlib.Path(scratch, "kept")
        if asked.kept is None:
            command = [sys.executable, "-m", "worker", "replay", str(path.absolute()), "--keep", str(kept)]
            subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        show(list(compare(count(path), stored(kept))), samples=asked.samples)


if __name__ == "__main__":
    main()
