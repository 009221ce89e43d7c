"""Whether documents say the same by their new items alone as they say whole, over every document of a history.

`python -m bench.same_news PATH` takes what `wirewatch replay` does. Each document goes to two records of its feed: one
that remembers the items of the last document and has only the others parsed, and one that has all of it parsed. After
each, both must hold the same articles, with the same revisions, and have counted the same entries.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.progress import say
from worker.errors import FeedParseError
from worker.feeds.document import Document, decide_document
from worker.feeds.items import remember
from worker.feeds.parse import read_feed
from worker.feeds.parse_child import parse_document
from worker.feeds.update import entry_keys
from worker.model import FeedUpdate, KnownArticle, NewArticle, ParsedFeed
from worker.replay.history import read_history

NOW = datetime(2023, 11, 9, 12, tzinfo=UTC)
URL = "https://paper.example/rss"


class Record:
    """One feed's articles in memory: the (title, text) of each revision, by id; what each document brought, as (new,
    changed, seen); and how many entries were parsed."""

    def __init__(self, *, remembers: bool) -> None:
        self.remembers, self.remembered = remembers, None
        self.known, self.articles, self.counts, self.parsed = {}, {}, [], 0

    def poll(self, body: bytes, *, url: str = URL, now: datetime = NOW) -> Document:
        found = decide_document(
            body,
            around=[url],
            remembered=self.remembered if self.remembers else None,
            parse=lambda part: self._parse(part, url, now),
            find_known=lambda entries: {
                key: self.known[key] for entry in entries for key in entry_keys(entry) if key in self.known
            },
        )
        ids = self._save(found.update)
        placed = {n: ids[-1 - number] if number < 0 else number for n, number in found.update.placed.items()}
        self.remembered = remember(found.items, placed)
        self.counts.append((len(found.update.new), len(found.update.changed), found.update.seen))
        return found

    def _parse(self, body: bytes, url: str, now: datetime) -> ParsedFeed:
        read = read_feed(parse_document(body, content_type="application/rss+xml", url=url, now=now))
        self.parsed += len(read.entries)
        return read

    def _save(self, update: FeedUpdate) -> list[int]:
        ids = []
        for fresh in update.new:
            ids.append(len(self.articles) + 1)
            self.articles[ids[-1]] = [(fresh.entry.title, fresh.entry.text)]
            self.known |= dict.fromkeys(fresh.keys, _known(ids[-1], fresh))
        for changed in update.changed:
            self.articles[changed.article_id].append((changed.entry.title, changed.entry.text))
            for key, one in self.known.items():
                if one.article_id == changed.article_id:
                    edited = dict(content_hash=changed.content_hash, revision=changed.revision)
                    self.known[key] = replace(one, **edited, title=changed.entry.title)
        for article_id, key in update.new_keys:
            latest = next(one for one in self.known.values() if one.article_id == article_id)
            self.known[key] = latest
        return ids


def _known(article_id: int, fresh: NewArticle) -> KnownArticle:
    return KnownArticle(article_id, fresh.content_hash, 1, fresh.entry.title, fresh.entry.published_raw)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.same_news", description=__doc__)
    parser.add_argument("path", type=Path)
    history = read_history(parser.parse_args().path, latest=datetime.now(UTC) + timedelta(days=1))
    records = defaultdict(lambda: (Record(remembers=True), Record(remembers=False)))
    differ = 0
    for number, document in enumerate(history.documents, start=1):
        both = records[document.feed]
        for record in both:
            try:
                record.poll(document.read(), url=f"https://{document.feed}.invalid/", now=document.at)
            except FeedParseError as error:
                record.counts.append(error.reason)
        by_parts, whole = both
        if (by_parts.articles, by_parts.counts[-1]) != (whole.articles, whole.counts[-1]):
            differ += 1
            print(f"{document.place}: {by_parts.counts[-1]} by its new items, {whole.counts[-1]} whole")
            records[document.feed] = (whole_again(whole), whole)
        if number % 500 == 0:
            say(f"{number} of {len(history.documents)} documents")
    parsed = [sum(pair[n].parsed for pair in records.values()) for n in (0, 1)]
    print(f"{len(history.documents)} documents of {len(records)} feeds, {differ} differ; {parsed[0]:,} entries parsed")
    print(f"by new items alone, {parsed[1]:,} whole.")
    sys.exit(1 if differ else 0)


def whole_again(whole: Record) -> Record:
    """A record that remembers, as far as the whole one is: one difference is told once."""
    record = Record(remembers=True)
    record.known, record.articles = dict(whole.known), {key: list(kept) for key, kept in whole.articles.items()}
    record.counts, record.parsed = list(whole.counts), whole.parsed
    return record


if __name__ == "__main__":
    main()
