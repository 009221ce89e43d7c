"""Whether memory stays flat, however many polls: what the polling process and its parsers hold, every so many polls.

The feeds are a mix: told 304, unchanged, one new entry. The memory is summed PSS, as a worker's own would be.
"""

from __future__ import annotations

import gc
import os
import statistics
import time
from dataclasses import dataclass, replace

import psutil

from bench.figures import Figure
from bench.idle import pss
from bench.poll import LONG_AGO, drain, scratch_runtime
from bench.progress import say, unread_logs
from bench.publisher import Publisher
from worker.store.feeds import set_next_polls
from worker.store.totals import count_all

MIX = {"quiet": 40, "same": 20, "moving": 4}  # of 64 feeds; most polls of a desk bring nothing


@dataclass(frozen=True)
class Size:
    """`seconds`: no more polls are begun after so many."""

    polls: int
    sample: int
    seconds: float


FULL = Size(polls=100_000, sample=10_000, seconds=200)
LONG = replace(FULL, seconds=3_000)
QUICK = Size(polls=640, sample=128, seconds=60)


def measure(*, quick: bool, long: bool = False) -> list[Figure]:
    size = QUICK if quick else LONG if long else FULL
    feeds = [f"{kind}-{n}" for kind, count in MIX.items() for n in range(count)]
    held: list[tuple[int, float]] = []
    with Publisher() as publisher, unread_logs(), scratch_runtime(publisher, MIX) as runtime:
        until, polls = time.monotonic() + size.seconds, 0
        while polls < size.polls and time.monotonic() < until:
            set_next_polls(runtime.store, feeds, at=LONG_AGO)
            drain(runtime)
            polls += len(feeds)
            if polls // size.sample > len(held):
                runtime.store.checkpoint()
                held.append((polls, memory(apart=publisher.popen.pid)))
                say(f"memory: {polls:,} polls, {held[-1][1]:.1f} MB")
        with runtime.store.reading() as connection:
            counted = count_all(connection)["polls"]
    if counted != polls or len(held) < 2:
        raise RuntimeError(
            f"{counted:,} polls are on record, not {polls:,}, and memory was looked at {len(held)} times"
        )
    per_poll = statistics.linear_regression(*zip(*held, strict=True)).slope
    return [
        Figure("polls made", polls, ""),
        Figure("memory, at the first look", held[0][1], "MB"),
        Figure("memory, at the last look", held[-1][1], "MB", held[-1][1] / held[0][1], "the first"),
        Figure("growth in 10,000 polls", 10_000 * per_poll, "MB"),
    ]


def memory(*, apart: int) -> float:
    """MB that this process and its children hold, without the publisher's. What is garbage is collected before."""
    gc.collect()
    here = psutil.Process(os.getpid())
    return sum(pss(one) for one in (here, *here.children(recursive=True)) if one.pid != apart) / 2**20
