"""The least that a part of our work could cost: the libraries alone, on the same URLs and documents, in the same run.

Another reader of feeds that shall stand beside ours gets a function here and a line in poll.py.
"""

from __future__ import annotations

import asyncio
import io

import aiohttp
import feedparser

from bench.publisher import Publisher
from bench.stopwatch import Spent, stopwatch

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


def documents(publisher: Publisher, kind: str, feeds: int) -> list[bytes]:
    async def run() -> list[bytes]:
        async with aiohttp.ClientSession() as session:
            return [await (await session.get(publisher.url(kind, str(n)))).read() for n in range(feeds)]

    return asyncio.run(run())


def parse_all(bodies: list[bytes]) -> Spent:
    with stopwatch() as spent:
        for body in bodies:
            feedparser.parse(io.BytesIO(body))
    return spent
