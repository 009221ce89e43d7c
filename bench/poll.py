"""Polls through the real step, into SQLite, of a publisher in another process; beside them what the least would cost.

Three kinds of poll of feeds with 50 entries: told 304; unchanged without validators, so that the whole body comes; and
with one new entry of 50. Beside them, in the same run, aiohttp that fetches the same URLs and feedparser that parses
the same documents, with nothing around them: the ratios say what our care costs, whatever the machine.
"""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from bench import floors
from bench.desk import environment, write_desk
from bench.figures import Figure
from bench.progress import say, unread_logs
from bench.publisher import Publisher
from bench.stopwatch import Spent, stopwatch
from worker.app import build
from worker.config.load import load_config
from worker.pipeline.poll import poll_due_feeds
from worker.pipeline.runtime import Runtime
from worker.reporting import start_logging
from worker.store.feeds import list_feeds, set_next_polls
from worker.tasks import PLACES

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
KINDS = {"quiet": "304", "same": "unchanged, no validators", "moving": "1 new of 50"}


@dataclass(frozen=True)
class Size:
    feeds: int
    rounds: int


FULL, QUICK = Size(feeds=64, rounds=8), Size(feeds=4, rounds=1)


def measure(*, quick: bool) -> list[Figure]:
    size = QUICK if quick else FULL
    with Publisher() as publisher, unread_logs(), scratch_runtime(publisher, size) as runtime:
        say("poll: every feed's first poll, which stores 50 entries")
        with stopwatch(apart=publisher.popen.pid) as first:
            drain(runtime)
        ours = {kind: rounds(runtime, publisher, kind, size) for kind in KINDS}
        check(runtime, size)
        least = {
            name: floors.get_all(publisher, kind, size.feeds, size.rounds, known=known)
            for name, kind, known in (("304", "quiet", True), ("200", "same", False))
        }
        documents = floors.documents(publisher, "same", size.feeds)
    say("poll: feedparser alone")
    parsing = floors.parse_all(documents)
    polls = size.feeds * size.rounds
    return [
        *figures("first poll, 50 new of 50", first, size.feeds * len(KINDS)),
        *figures(KINDS["quiet"], ours["quiet"], polls, floor=(least["304"].cpu / polls, "a bare GET")),
        *figures(KINDS["same"], ours["same"], polls, floor=(least["200"].cpu / polls, "a bare GET")),
        *figures(
            KINDS["moving"],
            ours["moving"],
            polls,
            floor=(least["200"].cpu / polls + parsing.cpu / len(documents), "a bare GET and feedparser"),
        ),
        Figure("bare GET, 304: processor", 1000 * least["304"].cpu / polls, "ms"),
        Figure("bare GET, whole body: processor", 1000 * least["200"].cpu / polls, "ms"),
        Figure("feedparser alone, 50 entries: processor", 1000 * parsing.cpu / len(documents), "ms"),
    ]


def figures(what: str, spent: Spent, polls: int, *, floor: tuple[float, str] | None = None) -> list[Figure]:
    each = spent.cpu / polls
    ratio, to = (each / floor[0], floor[1]) if floor else (None, "")
    return [
        Figure(what, polls / spent.seconds, "polls/s"),
        Figure(f"{what}: processor", 1000 * each, "ms a poll", ratio, to),
    ]


@contextmanager
def scratch_runtime(publisher: Publisher, size: Size) -> Iterator[Runtime]:
    feeds = {f"{kind}-{n}": publisher.url(kind, str(n)) for kind in KINDS for n in range(size.feeds)}
    with tempfile.TemporaryDirectory() as folder:
        config = write_desk(pathlib.Path(folder, "config"), feeds=feeds, interval="1d", ports=[publisher.port])
        environ = environment()
        start_logging()
        runtime = build(load_config(config, environ=environ), data=pathlib.Path(folder, "var"), environ=environ)
        set_next_polls(runtime.store, list(feeds), at=LONG_AGO)
        try:
            yield runtime
        finally:
            runtime.parser.close()
            runtime.store.close()


def rounds(runtime: Runtime, publisher: Publisher, kind: str, size: Size) -> Spent:
    """Every feed of one kind, polled so many times; making them due again is not counted."""
    total = Spent(0.0, 0.0)
    for n in range(size.rounds):
        say(f"poll: {KINDS[kind]}, round {n + 1} of {size.rounds}")
        set_next_polls(runtime.store, [f"{kind}-{n}" for n in range(size.feeds)], at=LONG_AGO)
        with stopwatch(apart=publisher.popen.pid) as spent:
            drain(runtime)
        total += spent
    runtime.store.checkpoint()
    return total


def drain(runtime: Runtime) -> None:
    """As a worker does it: with as many threads as it gives to polls."""

    def work() -> None:
        while poll_due_feeds(runtime):
            pass

    at_once(work, PLACES["poll"])


def at_once(do: Callable[[], None], count: int) -> None:
    with ThreadPoolExecutor(count) as pool:
        for done in [pool.submit(do) for _ in range(count)]:
            done.result()


def check(runtime: Runtime, size: Size) -> None:
    """What was measured is what was meant. Raises RuntimeError."""
    wanted = {"quiet": 50, "same": 50, "moving": 50 + size.rounds}
    for row in list_feeds(runtime.store):
        if row.articles != wanted[row.id.split("-")[0]] or row.failures:
            raise RuntimeError(f"{row.id} has {row.articles} articles: {row.reason} {row.detail}")
