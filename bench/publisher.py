"""A publisher in a process of its own: made-up feeds over HTTP on loopback, so that its work is not counted as ours.

The first part of a path says how its feed behaves, the rest is its name:
/quiet/NAME   validators, and always the same: a client that has it is told 304
/same/NAME    the same bytes each time, without validators
/moving/NAME  one new entry in each answer
/live/NAME    validators; entries come when they are asked for on standard input: `NAME COUNT`
It prints its port, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import collections
import functools
import hashlib
import pathlib
import subprocess
import sys
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from xml.sax.saxutils import escape

from bench.desk import watchlist
from bench.made_up import LEDE, Writer
from worker.model import ArticleText

ROOT = pathlib.Path(__file__).parents[1]
ENTRIES = 50  # in a document, as many as most publishers give
SEED = 20
FIRST = datetime.now(UTC)  # old dates would be old news, and tell nobody
HEAD = "HTTP/1.1 {status}\r\nContent-Type: application/rss+xml\r\nContent-Length: {length}\r\n{etag}\r\n"


class Publisher:
    """The process, seen from the bench: `url` of a feed, `publish` for the live ones. Use it in a `with`."""

    def __enter__(self) -> Publisher:
        command = [sys.executable, "-m", "bench.publisher"]
        self.popen = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.popen.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self.popen.stdin.close()
        self.popen.wait(10)
        self.popen.stdout.close()

    def url(self, kind: str, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{kind}/{name}"

    def publish(self, name: str, count: int) -> None:
        self.popen.stdin.write(f"{name} {count}\n")
        self.popen.stdin.flush()


class Feed:
    """One feed's last entries as a document; how it answers is `kind`'s to say."""

    def __init__(self, path: str, writer: Writer) -> None:
        self.kind, self.name = path.strip("/").split("/", 1)
        self.writer, self.count = writer, 0
        self.items: collections.deque[str] = collections.deque(maxlen=ENTRIES)
        self.add(1 if self.kind == "live" else ENTRIES)

    def add(self, count: int) -> None:
        for _ in range(count):
            self.count += 1
            guid = f"{self.kind}-{self.name}-{self.count}"
            self.items.appendleft(item(guid, self.count, self.writer.article(LEDE)))
        channel = (
            f"<channel><title>{self.name}</title><link>https://paper.example/</link>{''.join(self.items)}</channel>"
        )
        self.body = f"<?xml version='1.0' encoding='utf-8'?><rss version='2.0'>{channel}</rss>".encode()
        self.etag = f'"{hashlib.sha256(self.body).hexdigest()[:20]}"'

    def answer(self, request: bytes) -> bytes:
        if self.kind == "moving":
            self.add(1)
        if self.kind in ("quiet", "live") and self.etag.encode() in request:
            return HEAD.format(status="304 Not Modified", length=0, etag=f"ETag: {self.etag}\r\n").encode()
        etag = "" if self.kind == "same" else f"ETag: {self.etag}\r\n"
        return HEAD.format(status="200 OK", length=len(self.body), etag=etag).encode() + self.body


def item(guid: str, number: int, article: ArticleText) -> str:
    return (
        f"<item><guid isPermaLink='false'>{guid}</guid><link>https://paper.example/{guid}</link>"
        f"<title>{escape(article.title)}</title><description>{escape(article.text)}</description>"
        f"<pubDate>{format_datetime(FIRST + timedelta(seconds=number))}</pubDate></item>"
    )


class Conversation(asyncio.Protocol):
    """One connection: a request, an answer, and again."""

    def __init__(self, find: Callable[[str], Feed]) -> None:
        self.find, self.heard = find, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, part: bytes) -> None:
        self.heard += part
        while b"\r\n\r\n" in self.heard:
            request, self.heard = self.heard.split(b"\r\n\r\n", 1)
            path = request.split(b" ", 2)[1].decode()
            self.transport.write(self.find(path).answer(request))


async def serve() -> None:
    entities = watchlist()

    @functools.cache
    def find(path: str) -> Feed:
        return Feed(path, Writer(entities, seed=SEED + zlib.crc32(path.encode())))

    loop, told = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(told), sys.stdin)
    server = await loop.create_server(lambda: Conversation(find), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async for line in told:
        name, count = line.decode().split()
        find(f"/live/{name}").add(int(count))
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
