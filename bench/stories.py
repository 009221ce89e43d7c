"""Articles put into stories a second on one core, with 200,000 of the last three days in the index; and what it holds.

Copies' keys are kept in memory here, as `wirewatch stories` keeps them; a desk asks its record for them. The events are
made up: each is told of by a few articles in words that vary, over a day, among very many others.
"""

from __future__ import annotations

import gc
import itertools
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psutil

from bench.desk import watchlist
from bench.figures import Figure
from bench.idle import pss
from bench.made_up import LEDE, Writer
from bench.progress import say
from worker.articles.event_index import Entry, EventIndex
from worker.articles.stories import Arrival, Stories, print_keys, story_keys
from worker.articles.terms import sketch_of
from worker.articles.wording import Wording
from worker.model import ArticleText

SEED = 7
DAYS = timedelta(days=3)
TOLD = 4  # articles of one event, in the mean
OPEN = 400  # events that are told of at one time
FEEDS = 500


@dataclass(frozen=True)
class Size:
    held: int
    timed: int


FULL, QUICK = Size(held=200_000, timed=5_000), Size(held=600, timed=100)


def measure(*, quick: bool) -> list[Figure]:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    size = QUICK if quick else FULL
    told = articles()
    say(f"stories: {size.held:,} articles into the index")
    before = memory()
    desk, number = Stories({}), itertools.count(1)
    step = DAYS / (size.held + size.timed)
    for event, article in itertools.islice(told, size.held):
        add(desk.events, event, article, next(number), step)
    held = memory() - before
    say(f"stories: {size.timed:,} more into their stories")
    arrivals = [(next(number), article) for _, article in itertools.islice(told, size.timed)]
    began = time.process_time()
    joined = sum(place(desk, article, n, step) for n, article in arrivals)
    seconds = time.process_time() - began
    again, rebuilt = rebuild(desk.events)
    if len(again.entries) != len(desk.events.entries):
        raise RuntimeError("the index made again has not the articles of the one that it was made from")
    return [
        Figure("put into stories, with the window full", size.timed / seconds, "articles/s"),
        Figure("of them join a story", 100 * joined / size.timed, "%"),
        Figure("memory of the index", held, "MB"),
        Figure("the index made again from its rows", rebuilt, "s"),
    ]


def articles() -> Iterator[tuple[int, ArticleText]]:
    """Without end, with the number of the event: one of OPEN at random, told of again in other words, or a new one."""
    chance = random.Random(SEED)
    writer = Writer(watchlist(), seed=SEED)
    events = [(n, writer.article(LEDE)) for n in range(OPEN)]
    for count in itertools.count(OPEN):
        at = chance.randrange(OPEN)
        other = writer.article(LEDE)
        if chance.random() < 1 / TOLD:
            events[at] = count, other
            yield events[at]
        else:
            event, first = events[at]
            words = first.title.split()
            chance.shuffle(words)
            yield event, ArticleText(id=other.id, title=" ".join(words), text=other.text[: LEDE // 2] + first.text)


def arrival(article: ArticleText, number: int, step: timedelta) -> Arrival:
    wording = Wording(f"feed-{number % FEEDS}", article.url, article.title, article.text)
    keys = story_keys(title=article.title, canonical_url=article.url) + print_keys(wording)
    at = datetime(2026, 1, 1, tzinfo=UTC) + number * step
    return Arrival(number, at, keys, wording, sketch_of(article.title, article.text))


def place(desk: Stories, article: ArticleText, number: int, step: timedelta) -> bool:
    return desk.place(arrival(article, number, step), new=-number).by is not None


def add(index: EventIndex, event: int, article: ArticleText, number: int, step: timedelta) -> None:
    """As it is read from its row: to which story it belongs is known."""
    at = datetime(2026, 1, 1, tzinfo=UTC) + number * step
    sketch = sketch_of(article.title, article.text).to_bytes()
    index.add(Entry(-event - 1_000_000_000, f"feed-{number % FEEDS}", at, sketch))


def rebuild(index: EventIndex) -> tuple[EventIndex, float]:
    """Made from the same rows again, as a process does when it starts; and in how many seconds of the core."""
    began = time.process_time()
    again = EventIndex()
    for entry in index.entries.values():
        again.add(entry)
    return again, time.process_time() - began


def memory() -> float:
    gc.collect()
    return pss(psutil.Process(os.getpid())) / 2**20
