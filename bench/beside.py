"""Another feed reader beside ours: `reader`, with its own parser and workers, into an SQLite file of its own.

It asks the same publisher for feeds of the same kinds, in the same run. It is no dependency of Wirewatch: `make bench`
brings it, and without it nothing stands beside our figures.
"""

from __future__ import annotations

import importlib.metadata
import logging
import pathlib
import tempfile
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from bench.progress import say
from bench.publisher import ENTRIES, Publisher
from bench.stopwatch import Spent, stopwatch

WORKERS = 8
MISSING = "not installed, NOT MEASURED beside ours (make bench brings it)"


def reader_version() -> str:
    try:
        return importlib.metadata.version("reader")
    except importlib.metadata.PackageNotFoundError:
        return MISSING


def measure_reader(publisher: Publisher, kinds: Mapping[str, str], *, feeds: int, rounds: int) -> dict[str, Spent]:
    """What its first polls took, as 'first', and its later ones by kind; {} where it is not installed.

    Raises RuntimeError where it did not do what it was measured for.
    """
    try:
        from reader import make_reader
    except ImportError as error:
        say(f"\n*** reader: {MISSING}: {error} ***\n")
        return {}
    logging.getLogger("reader").setLevel(logging.ERROR)
    found = {"first": Spent(0.0, 0.0)}
    for kind, name in kinds.items():
        with tempfile.TemporaryDirectory() as folder, closing(make_reader(str(pathlib.Path(folder, "db")))) as desk:
            for n in range(feeds):
                desk.add_feed(publisher.url(kind, f"beside-{n}"))
            say(f"poll: reader: {name}")
            with stopwatch(apart=publisher.popen.pid) as spent:
                update(desk)
            found["first"] += spent
            with stopwatch(apart=publisher.popen.pid) as found[kind]:
                for _ in range(rounds):
                    update(desk, unchanged=kind == "quiet")
            check(desk, ENTRIES + (rounds if kind == "moving" else 0))
    return found


def update(desk: Any, *, unchanged: bool = False) -> None:
    """Every feed once, whether or not its hour has come. `unchanged`: each must be told so by its publisher."""
    results = list(desk.update_feeds_iter(scheduled=False, workers=WORKERS))
    failed = [result for result in results if isinstance(result.value, Exception)]
    changed = [result for result in results if unchanged and result.value is not None]
    if failed or changed or len(results) != desk.get_feed_counts().total:
        raise RuntimeError(f"reader updated {len(results)} feeds, not as asked: {(failed + changed)[:1]}")


def check(desk: Any, entries: int) -> None:
    """It has stored them all."""
    for feed in desk.get_feeds():
        stored = desk.get_entry_counts(feed=feed).total
        if stored != entries:
            raise RuntimeError(f"reader has {stored} entries of {feed.url}, not {entries}")
