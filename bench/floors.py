"""The least that a part of our work could cost: the libraries alone, on the same documents, in the same run."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
import feedparser

from bench.publisher import Publisher
from bench.stopwatch import Spent, stopwatch
from worker.feeds.items import find_items, read_remembered, remember
from worker.feeds.parse import Parser

TOGETHER = 32  # as many as we fetch together (settings.poll_batch)


def get_all(publisher: Publisher, kind: str, feeds: int, rounds: int, *, known: bool) -> Spent:
    """Every feed of a kind, so many times, by bare aiohttp; `known`: with the ETag of what it has."""
    urls = [publisher.url(kind, str(n)) for n in range(feeds)]

    async def get(session: aiohttp.ClientSession, url: str, tag: str, gate: asyncio.Semaphore) -> str:
        async with gate, session.get(url, headers={"If-None-Match": tag} if tag else {}) as answer:
            await answer.read()
            return answer.headers.get("ETag", "")

    async def run() -> Spent:
        gate = asyncio.Semaphore(TOGETHER)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            tags = await asyncio.gather(*(get(session, url, "", gate) for url in urls)) if known else [""] * feeds
            with stopwatch(apart=publisher.popen.pid) as spent:
                for _ in range(rounds):
                    await asyncio.gather(*(get(session, *asked, gate) for asked in zip(urls, tags, strict=True)))
        return spent

    return asyncio.run(run())


@dataclass(frozen=True)
class Reading:
    """Seconds of processor a document: what we take for one of which all but one entry is known, what feedparser takes
    for the whole."""

    ours: float
    whole: float


def pairs(publisher: Publisher, feeds: int) -> list[tuple[bytes, bytes]]:
    """Two documents of each feed, one after the other; the second has one new entry."""

    async def run() -> list[tuple[bytes, bytes]]:
        async with aiohttp.ClientSession() as session:
            urls = [publisher.url("moving", f"pair-{n}") for n in range(feeds)]
            return [tuple([await (await session.get(url)).read() for _ in range(2)]) for url in urls]

    return asyncio.run(run())


def read_all(parser: Parser, documents: list[tuple[bytes, bytes]]) -> Reading:
    """As the poll reads them, in our process and in the parser's; storing is left out on both sides. Each is done once
    beforehand, so that both are warm."""
    kept = []
    for first, _ in documents:
        items = find_items(first, around=())
        kept.append(remember(items, {n: n for n in range(len(items.hashes))}))
    for _ in range(2):
        with stopwatch() as ours:
            for (_, second), known in zip(documents, kept, strict=True):
                read_new(parser, second, known)
        with stopwatch() as whole:
            for _, second in documents:
                feedparser.parse(io.BytesIO(second))
    return Reading(ours.cpu / len(documents), whole.cpu / len(documents))


def read_new(parser: Parser, document: bytes, known: bytes) -> None:
    """Raises RuntimeError unless it is the one new entry that is read."""
    items = find_items(document, around=())
    old = read_remembered(known, items)
    new = {n for n in range(len(items.hashes)) if n not in old}
    parsed = parser.parse(
        items.only(new), content_type="application/rss+xml", url="http://paper.example/", now=datetime.now(UTC)
    )
    if len(parsed.entries) != 1:
        raise RuntimeError(f"{len(parsed.entries)} entries were read, not the new one alone")
