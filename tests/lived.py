"""A desk of nothing but feeds, lived through at once: its time is a number that jumps to the next poll.

True time and the desk's clock are two things, so that the clock can be set wrong.
"""

import time as real
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

from desk import PARSER
from sqlalchemy import select

from worker.app import build
from worker.config.load import load_config
from worker.config.schema import FeedSpec
from worker.feeds.recent import Recent
from worker.guard import Allow, HostPolicy, NetworkPolicy
from worker.pipeline import polled
from worker.pipeline.poll import poll_due_feeds
from worker.store.schema import feed

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LOOPBACK = ip_network("127.0.0.0/8")
POLITE = HostPolicy(spacing=0.0, concurrent=50)  # as a stranger's host, but for the pauses that no test can wait for


class Crash(BaseException):
    """The end of a worker between what it did and the record of it."""


@dataclass
class Lived:
    """`feeds`: FeedSpecs. `now` is true time, `skew` what the desk's clock is wrong by."""

    desk: object
    feeds: tuple
    monkeypatch: object
    hosts: dict = field(default_factory=lambda: {"127.0.0.1": POLITE, "localhost": POLITE})
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0) + MINUTE)
    skew: timedelta = timedelta()
    runtime: object = None

    def __post_init__(self):
        self.feeds = tuple(FeedSpec(**{"language": "en", **one}) for one in self.feeds)
        self.began = self.now
        clock = type("Clock", (), {"monotonic": lambda _: real.monotonic() + (self.now - self.began).total_seconds()})()
        self.monkeypatch.setattr("worker.feeds.slots.time", clock)
        self.start()

    def start(self):
        """A worker over the same record, in place of the one before."""
        if self.runtime is not None:
            self.runtime.store.close()
        environ = self.desk.environ()
        config = replace(load_config(self.desk.config, environ=environ), feeds=self.feeds)
        made = build(config, data=self.desk.data, environ=environ)
        made.fetcher.policy = NetworkPolicy((Allow(LOOPBACK),), self.hosts)
        store = made.store.with_clock(lambda: self.now + self.skew)
        recent = Recent(lambda: (self.now - self.began).total_seconds())
        self.runtime = replace(made, parser=PARSER, store=store, recent=recent)

    def poll(self):
        while poll_due_feeds(self.runtime):
            pass

    def crash(self):
        """The next poll is answered and never noted: its worker dies, its lease stays."""

        def dies(point):
            if point == "poll_before_commit":
                raise Crash

        with self.monkeypatch.context() as patch:
            patch.setattr(polled, "crash_point", dies)
            try:
                poll_due_feeds(self.runtime)
            except Crash:
                self.start()
                return
        raise AssertionError("nothing was due, so nothing crashed")

    def next_due(self):
        """The true time at which the record next has something to poll; None when never. A lease keeps others away."""
        with self.runtime.store.reading() as connection:
            rows = connection.execute(select(feed.c.next_poll_at, feed.c.lease_until).where(feed.c.state == "active"))
            due = [max(row.next_poll_at, row.lease_until or row.next_poll_at) for row in rows]
        return min(due) - self.skew if due else None

    def step(self):
        """The next poll that falls due, at its moment."""
        self.now = max(self.now, self.next_due()) + timedelta(microseconds=1)
        self.poll()

    def live(self, until):
        """Every poll that falls due before `until`, each at its moment."""
        while (due := self.next_due()) is not None and due < until:
            self.now = max(self.now, due + timedelta(microseconds=1))
            self.poll()
        self.now = max(self.now, until)

    def row(self, name):
        return self.desk.rows(feed, feed.c.id == name)[0]
