"""How the requests of many feeds spread: over a host's places (F17), and over time (F18)."""

import heapq
import random
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from feedscore import Answer
from lived import DAY, HOUR, MINUTE, POLITE
from origin import rss
from sqlalchemy import select
from stores import migrated_store

from worker.app import AT_ONCE, start_spread
from worker.config.schema import FeedSpec
from worker.feeds.schedule import Pace, Pacing, next_poll
from worker.model import NotModified, ServerHints, Validators
from worker.store.feeds import sync_feeds
from worker.store.schema import feed

FEEDS, MANY = 200, 5_000
SPACING = 0.01
BEGAN = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def test_f17_two_hundred_feeds_of_one_host_take_turns(live, score):
    lock, busy, most = threading.Lock(), [], []
    body = rss("paper", [("n1", "First report", "Text.")])

    def page(n, now, headers):
        return Answer(200, {"ETag": '"1"'}, body)

    class Counting:
        """The publisher's own count of who is with it at one time."""

        def __enter__(self):
            with lock:
                busy.append(self)
                most.append(len(busy))

        def __exit__(self, *_):
            with lock:
                busy.remove(self)

    lived = live({f"paper-{n}": page for n in range(FEEDS)})
    lived.runtime.fetcher.policy = replace(
        lived.runtime.fetcher.policy, hosts={"127.0.0.1": replace(POLITE, spacing=SPACING, concurrent=2)}
    )
    score.meeting = Counting
    lived.now += 30 * MINUTE
    began = time.monotonic()
    lived.live(lived.now + MINUTE)
    assert sum(score.answered.values()) == FEEDS
    assert max(most) <= 2
    assert time.monotonic() - began >= (FEEDS - 1) * SPACING
    assert score.marks == {}


def requests_a_minute(due, *, interval, hours):
    """Of feeds that are first asked at `due` and bring nothing, by the minute; a publisher in each case says 304."""
    chance = random.Random(5)
    unchanged = NotModified(Validators('"1"'), ServerHints())
    pacing = Pacing(interval=interval, floor=120.0, slowest=interval)
    until, waiting, counted = BEGAN + hours * HOUR, list(due), Counter()
    heapq.heapify(waiting)
    while waiting and waiting[0] < until:
        now = heapq.heappop(waiting)
        counted[int((now - BEGAN) / MINUTE)] += 1
        at = next_poll(unchanged, pace=Pace(), failures=0, pacing=pacing, now=now, jitter=chance.random())
        heapq.heappush(waiting, at)
    return [counted[minute] for minute in range(hours * 60)]


def first_polls(tmp_path, *, interval, after):
    """When each of many feeds is due after a start; `after` a pause, the desk has known them before."""
    store = migrated_store("", tmp_path)
    feeds = [(f"f{n}", f"https://paper{n % 900}.example/{n}", "") for n in range(MANY)]
    pace = dict(spread=start_spread([FeedSpec(id=one[0], url=one[1], interval=f"{interval:.0f}s") for one in feeds]))
    sync_feeds(store.with_clock(lambda: BEGAN - after), feeds, **pace, at_once=AT_ONCE)
    if after:
        sync_feeds(store.with_clock(lambda: BEGAN), feeds, **pace, at_once=AT_ONCE)
    with store.reading() as connection:
        found = connection.execute(select(feed.c.next_poll_at)).scalars().all()
    store.close()
    return [max(at, BEGAN) for at in found]


@pytest.mark.parametrize("after", [timedelta(), DAY], ids=["new", "after a day without power"])
@pytest.mark.parametrize("interval", [600.0, 3600.0])
def test_f18_five_thousand_feeds_come_evenly_from_a_cold_start_on(tmp_path, interval, after):
    counted = requests_a_minute(first_polls(tmp_path, interval=interval, after=after), interval=interval, hours=6)
    mean = MANY * 60 / interval
    assert sum(counted) > 0.8 * mean * len(counted)
    assert max(counted) < 3 * mean
