"""Polls through the real step, into SQLite, of a publisher in another process; beside them what the least would cost.

Three kinds of poll of feeds with 50 entries: told 304; unchanged without validators, so that the whole body comes; and
with one new entry of 50. Beside them, in the same run, the same through another feed reader (`beside`), and aiohttp and
feedparser with nothing around them (`floors`): ratios hold whatever the machine.
"""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from bench import floors
from bench.beside import measure_reader
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
WORDS = {"first": "first poll, 50 new of 50"} | KINDS
FEEDPARSER = "feedparser on all of it"


@dataclass(frozen=True)
class Size:
    feeds: int
    rounds: int


FULL, QUICK = Size(feeds=160, rounds=4), Size(feeds=4, rounds=1)


def measure(*, quick: bool) -> list[Figure]:
    size = QUICK if quick else FULL
    feeds = dict.fromkeys(KINDS, size.feeds)
    with Publisher() as publisher, unread_logs(), scratch_runtime(publisher, feeds) as runtime:
        say("poll: every feed's first poll, which stores 50 entries")
        with stopwatch(apart=publisher.popen.pid) as first:
            drain(runtime)
        ours = {"first": first} | {kind: rounds(runtime, publisher, kind, size) for kind in KINDS}
        check(runtime, size)
        theirs = measure_reader(publisher, KINDS, feeds=size.feeds, rounds=size.rounds)
        bare = {
            kind: floors.get_all(publisher, kind, size.feeds, size.rounds, known=kind == "quiet")
            for kind in ("quiet", "same")
        }
        say("poll: feedparser alone, and what we read of documents with one new entry")
        reading = floors.read_all(runtime.parser, floors.pairs(publisher, size.feeds))
    return list(figures(size, ours, theirs, bare, reading))


def figures(
    size: Size,
    ours: Mapping[str, Spent],
    theirs: Mapping[str, Spent],
    bare: Mapping[str, Spent],
    reading: floors.Reading,
) -> Iterator[Figure]:
    each = size.feeds * size.rounds
    polls = dict.fromkeys(KINDS, each) | {"first": size.feeds * len(KINDS)}
    for kind, what in WORDS.items():
        beside = theirs.get(kind)
        wall, cpu = (beside.seconds, beside.cpu) if beside else (None, None)
        yield speed(what, polls[kind], ours[kind].seconds, wall)
        yield speed(f"{what}: in a second of processor", polls[kind], ours[kind].cpu, cpu, unit="polls")
        if kind in bare:
            above = 1000 * (ours[kind].cpu - bare[kind].cpu) / each
            yield Figure(f"{what}: processor, above a bare GET", above, "ms a poll")
    yield Figure(
        "1 new of 50: reading it, processor", 1000 * reading.ours, "ms", reading.ours / reading.whole, FEEDPARSER
    )
    yield Figure("bare GET, 304: processor", 1000 * bare["quiet"].cpu / each, "ms")
    yield Figure("bare GET, whole body: processor", 1000 * bare["same"].cpu / each, "ms")
    yield Figure("feedparser alone, 50 entries: processor", 1000 * reading.whole, "ms")
    for kind, spent in theirs.items():
        yield Figure(f"reader: {WORDS[kind]}", polls[kind] / spent.seconds, "polls/s")


def speed(what: str, polls: int, seconds: float, beside: float | None, *, unit: str = "polls/s") -> Figure:
    """`beside`: the seconds that the same took `reader`."""
    return Figure(what, polls / seconds, unit, *((beside / seconds, "reader") if beside else ()))


@contextmanager
def scratch_runtime(publisher: Publisher, counts: Mapping[str, int]) -> Iterator[Runtime]:
    """Over so many feeds of each kind."""
    feeds = {f"{kind}-{n}": publisher.url(kind, str(n)) for kind, count in counts.items() for n in range(count)}
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
