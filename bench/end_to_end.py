"""From the publisher to the reader, through the real processes of `wirewatch up`, on SQLite and on PostgreSQL.

First a flood: every feed publishes 50 entries at once; from the first that was stored to the last that is settled.
Then a steady load, and for each alert the time from when its article was first seen to when the delivery was sent. Both
by the record's own clock. Publisher, mail server and webhook receiver are processes of the bench.
"""

from __future__ import annotations

import pathlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

from postgres import Postgres, find_postgres
from sinks import MailSink, WebhookSink
from sqlalchemy import func, select

from bench.desk import Up, wait_for, write_desk
from bench.figures import Figure
from bench.progress import say
from bench.publisher import ENTRIES, Publisher
from worker.model import ArticleState, DeliveryState
from worker.store.engine import Store, open_store
from worker.store.schema import alert, article, delivery, feed, notification

SETTLING, SENDING = 120.0, 60.0  # seconds, and then the bench gives up


@dataclass(frozen=True)
class Size:
    """`rate`: articles a second of the steady load, for so many `seconds`."""

    feeds: int
    rate: float
    seconds: float


FULL, QUICK = Size(feeds=20, rate=10.0, seconds=15.0), Size(feeds=1, rate=5.0, seconds=1.0)


def measure(*, quick: bool) -> list[Figure]:
    size = QUICK if quick else FULL
    found = run("SQLite", "", size)
    if find_postgres() is None:
        say("end-to-end: PostgreSQL is NOT INSTALLED, so nothing is measured on it (apt install postgresql)")
        return found
    with DurablePostgres() as server:
        other = run("PostgreSQL", server.new_database(), size)
    return found + [beside(theirs, ours) for theirs, ours in zip(other, found, strict=True)]


def beside(theirs: Figure, ours: Figure) -> Figure:
    return Figure(theirs.what, theirs.value, theirs.unit, theirs.value / ours.value, "SQLite")


class DurablePostgres(Postgres):
    """The tests' private cluster, which writes to the disk before it says yes: SQLite does so too."""

    def start(self) -> None:
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c max_connections=200"
        self._run("pg_ctl", "-D", self.folder / "db", "-o", options, "-l", self.folder / "log", "-w", "start")


def run(named: str, database_url: str, size: Size) -> list[Figure]:
    with world(database_url, size) as (publisher, store):
        say(f"end-to-end: {named}: {size.feeds * ENTRIES} entries at once")
        flood = since(store)
        for n in range(size.feeds):
            publisher.publish(str(n), ENTRIES)
        settled = wait_settled(store, flood.articles + size.feeds * ENTRIES)
        wait_sent(store)
        rate = told_a_second(store, flood)
        say(f"end-to-end: {named}: {size.rate:g} articles a second for {size.seconds:g} s")
        steady = since(store)
        publish_steadily(publisher, size)
        wait_settled(store, steady.articles + int(size.rate * size.seconds))
        wait_sent(store)
        waits = latencies(store, steady)
        seconds = (settled - first_seen(store, flood)).total_seconds()
    return [
        Figure(f"{named}: flood, stored, judged and settled", size.feeds * ENTRIES / seconds, "articles/s"),
        Figure(f"{named}: flood, told", rate, "deliveries/s"),
        Figure(f"{named}: steady, first seen to sent, half within", statistics.median(waits), "s"),
        Figure(f"{named}: steady, first seen to sent, 95 of 100 within", high(waits), "s"),
    ]


@contextmanager
def world(database_url: str, size: Size) -> Iterator[tuple[Publisher, Store]]:
    """A desk that has its baseline, and everything around it."""
    with ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        publisher, mail, hook = (stack.enter_context(part) for part in (Publisher(), MailSink(), WebhookSink()))
        config = write_desk(
            folder / "config",
            feeds={f"live-{n}": publisher.url("live", str(n)) for n in range(size.feeds)},
            interval="1s",
            ports=[publisher.port, hook.port],
            mail=mail.port,
            hook=hook.url,
        )
        say("end-to-end: starting wirewatch up")
        environ = {"DATABASE_URL": database_url} if database_url else {}
        stack.enter_context(Up(config, folder / "var", **environ))
        store = open_store(database_url, data=folder / "var")
        stack.callback(store.close)
        wait_for(lambda: baselines(store) == size.feeds, "every feed's first poll")
        wait_settled(store, size.feeds)
        yield publisher, store


def publish_steadily(publisher: Publisher, size: Size) -> None:
    began = time.monotonic()
    for n in range(int(size.rate * size.seconds)):
        time.sleep(max(0.0, began + n / size.rate - time.monotonic()))
        publisher.publish(str(n % size.feeds), 1)


# ---- what the record says


@dataclass(frozen=True)
class Mark:
    """Where the record stood: what came later has a greater id."""

    articles: int
    last_article: int
    last_notification: int


def since(store: Store) -> Mark:
    with store.reading() as connection:
        count, last = connection.execute(select(func.count(), func.max(article.c.id)).select_from(article)).one()
        told = connection.execute(select(func.max(notification.c.id))).scalar()
    return Mark(count, last or 0, told or 0)


def baselines(store: Store) -> int:
    with store.reading() as connection:
        return connection.execute(select(func.count()).where(feed.c.baseline_at.is_not(None))).scalar_one()


def wait_settled(store: Store, count: int) -> datetime:
    """When the last of so many was settled."""

    def look() -> datetime | None:
        with store.reading() as connection:
            settled = select(func.count(), func.max(article.c.settled_at)).where(
                article.c.state == ArticleState.SETTLED
            )
            found, last = connection.execute(settled).one()
        return last if found >= count else None

    return wait_for(look, f"{count} settled articles", seconds=SETTLING)


def wait_sent(store: Store) -> None:
    def look() -> bool:
        with store.reading() as connection:
            waiting = select(func.count()).where(delivery.c.state != DeliveryState.SENT)
            return connection.execute(waiting).scalar_one() == 0

    wait_for(look, "every delivery sent", seconds=SENDING)


def first_seen(store: Store, mark: Mark) -> datetime:
    with store.reading() as connection:
        later = article.c.id > mark.last_article
        return connection.execute(select(func.min(article.c.first_seen_at)).where(later)).scalar_one()


def told_since(store: Store, mark: Mark) -> list[tuple[datetime, datetime]]:
    """Of every delivery since: when the article that raised its alert was first seen, and when it was sent."""
    told = (
        select(article.c.first_seen_at, delivery.c.sent_at)
        .join(alert, alert.c.article_id == article.c.id)
        .join(notification, notification.c.alert_id == alert.c.id)
        .join(delivery, delivery.c.notification_id == notification.c.id)
        .where(notification.c.id > mark.last_notification)
    )
    with store.reading() as connection:
        found = [(row.first_seen_at, row.sent_at) for row in connection.execute(told)]
    if not found:
        raise RuntimeError("nobody was told of anything: there is nothing to measure")
    return found


def told_a_second(store: Store, mark: Mark) -> float:
    told = told_since(store, mark)
    return len(told) / (max(sent for _, sent in told) - min(seen for seen, _ in told)).total_seconds()


def latencies(store: Store, mark: Mark) -> list[float]:
    return [(sent - seen).total_seconds() for seen, sent in told_since(store, mark)]


def high(waits: list[float]) -> float:
    return statistics.quantiles(waits, n=20, method="inclusive")[-1] if len(waits) > 1 else waits[0]
