"""Feeds: which there are, who is due and may be asked now, how each stands. What polls bring is polls.py's."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, bindparam, case, func, insert, select, update

from worker.errors import ParseReason
from worker.feeds.shown import MOST_COUNTED
from worker.guard import host_of
from worker.store.engine import Lock, Store, read_clock, take_lock
from worker.store.lease import NOW, Claim, Claimable, new_token
from worker.store.rhythms import is_dormant, is_quiet
from worker.store.schema import article, feed, poll

NO_LEASE = dict(lease_token=None, lease_until=None, attempts=0)
NO_TROUBLE = dict(failures=0, failing_since=None)
# What a list of all feeds reads of each: the items of twenty thousand documents are 50 MB that nobody would look at.
LISTED = [column for column in feed.c if column is not feed.c["items"]]
LOOK_AHEAD = 4  # times the wanted number of due feeds are looked at, so that one host's do not hide the others'
IDS_PER_QUERY = 400  # SQLite's variable limit is far off; long IN lists plan badly


def sync_feeds(store: Store, wanted: Sequence[tuple[str, str, str]], *, spread: float, at_once: int = 0) -> None:
    """Makes the rows agree with the configured (id, url, title).

    New feeds fall due `spread` seconds apart, after the first `at_once`; so do those that have become due while nobody
    was there, if they are more than those.

    A changed URL forgets the validators (they belong to the old one) and keeps the articles. A title that is given
    replaces the feed's own. A feed that left the configuration is 'removed', its articles stay.
    """
    with store.writing() as connection:
        take_lock(connection, Lock.START)
        now = read_clock(connection)
        rows = {row.id: row for row in connection.execute(select(*LISTED))}
        fresh = _spread_overdue(connection, rows.values(), spread=spread, at_once=at_once, now=now)
        for feed_id, url, title in wanted:
            row = rows.get(feed_id)
            if row is None:
                due = now + timedelta(seconds=max(fresh - at_once, 0) * spread)
                fresh += 1
                values = dict(configured_url=url, current_url=url, state="active", title=title, next_poll_at=due)
                connection.execute(insert(feed).values(id=feed_id, host=host_of(url), **values))
            elif row.configured_url != url and row.current_url == url:
                # It moved there for good long ago, and somebody has written down so: nothing else is new.
                values = dict(configured_url=url, state="active")
                connection.execute(update(feed).where(feed.c.id == feed_id).values(**values))
            elif row.configured_url != url:
                # Without its lease, a poll of the old address that is under way saves nothing.
                values = dict(configured_url=url, state="active", next_poll_at=now) | NO_TROUBLE | NO_LEASE
                values |= new_address(url)
                connection.execute(update(feed).where(feed.c.id == feed_id).values(**values))
            elif row.state == "removed":
                # When it is due stays: its publisher may have asked for a day, and did not hear of our configuration.
                connection.execute(update(feed).where(feed.c.id == feed_id).values(state="active"))
            elif row.host != host_of(row.current_url):  # of a record from before hosts were kept
                connection.execute(update(feed).where(feed.c.id == feed_id).values(host=host_of(row.current_url)))
            if row is not None and title and row.title != title:
                connection.execute(update(feed).where(feed.c.id == feed_id).values(title=title))
        gone = rows.keys() - {feed_id for feed_id, _, _ in wanted}
        if gone:
            connection.execute(update(feed).where(feed.c.id.in_(gone)).values(state="removed", **NO_LEASE))


def _spread_overdue(connection: Connection, rows: Iterable[Any], *, spread: float, at_once: int, now: datetime) -> int:
    """Plans those that are due anew, the longest due first, where they are many. Returns how many there are."""
    due = [row for row in rows if row.state == "active" and row.next_poll_at <= now and row.lease_token is None]
    later = sorted(due, key=lambda row: row.next_poll_at)[at_once:]
    planned = [{"feed": row.id, "next_poll_at": now + timedelta(seconds=n * spread)} for n, row in enumerate(later, 1)]
    if planned and spread:
        connection.execute(update(feed).where(feed.c.id == bindparam("feed")), planned)
    return len(due)


def new_address(url: str) -> dict[str, Any]:
    """What a feed's row becomes with another address: validators, hints and bytes belong to the one before."""
    values: dict[str, Any] = dict.fromkeys(
        ("etag", "last_modified", "body_hash", "max_age", "document_wait", "skip", "items")
    )
    return values | dict(current_url=url, host=host_of(url), stretch=1.0)


def set_next_polls(store: Store, feed_ids: Sequence[str], *, at: datetime) -> None:
    """Makes these feeds due at that moment, whatever was planned."""
    with store.writing() as connection:
        for start in range(0, len(feed_ids), IDS_PER_QUERY):
            chosen = feed.c.id.in_(feed_ids[start : start + IDS_PER_QUERY])
            connection.execute(update(feed).where(chosen).values(next_poll_at=at))


def is_due(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return (feed.c.state == "active") & (feed.c.next_poll_at <= now)


# The retried keep the time for which they were due, and so come first.
DUE_FEEDS = Claimable(feed, looks=(is_due(NOW),), order=(feed.c.next_poll_at,))


@dataclass(frozen=True)
class HostRoom:
    """How many of one host's feeds may be claimed together, and how many seconds apart it is asked; 0: at once."""

    most: int
    spacing: float


def claim_due_feeds(
    store: Store,
    *,
    limit: int,
    lease: timedelta,
    room: Callable[[str], HostRoom] = lambda host: HostRoom(most=sys.maxsize, spacing=0.0),
    busy: Mapping[str, int] | None = None,
    wait: Callable[[Any], float] = lambda row: 0.0,
) -> Claim:
    """Claims up to `limit` due feeds, of no host more than there is room for beside those that are `busy`.

    What is due and has no room is put off by as long as its host needs for those before it: it makes way for others.
    A feed whose last poll never ended may have been asked by it: it is not asked again for the seconds that `wait` says
    of its row (id, host, max_age, document_wait).
    """
    with store.writing() as connection:
        now = read_clock(connection)
        found = DUE_FEEDS.find(connection, limit=LOOK_AHEAD * limit, now=now)
        retried = [row.id for row in found if row.attempts > 0]
        early = _asked_lately(connection, retried, lease=lease, wait=wait, now=now)
        found = [row for row in found if row.id not in early]
        # Once may be a power cut, and then it is every feed that was under way: one by one they would hold up the desk.
        retried = [row.id for row in found if row.attempts > 1]
        if retried:
            ids, put_off = retried[:1], []
        else:
            hosts = _hosts(connection, [row.id for row in found])
            ids, put_off = _with_room(hosts, limit=limit, room=room, busy=Counter(busy or {}), now=now)
        token = new_token()
        rows = DUE_FEEDS.lease(connection, ids, token=token, until=now + lease)
        put_off += [{"feed": feed_id, "next_poll_at": at} for feed_id, at in early.items()]
        if put_off:
            connection.execute(update(feed).where(feed.c.id == bindparam("feed")), put_off)
        full = bool(retried or early) or len(ids) == limit or len(found) == LOOK_AHEAD * limit
        return Claim(rows=rows, token=token, now=now, full=full)


def _asked_lately(
    connection: Connection, ids: Sequence[str], *, lease: timedelta, wait: Callable[[Any], float], now: datetime
) -> dict[str, datetime]:
    """Of feeds whose last poll never ended, those that it may have asked too lately, and when they may be asked."""
    if not ids:
        return {}
    columns = (feed.c[name] for name in ("id", "host", "lease_until", "max_age", "document_wait"))
    rows = connection.execute(select(*columns).where(feed.c.id.in_(ids), feed.c.lease_until.is_not(None)))
    free = {row.id: row.lease_until - lease + timedelta(seconds=wait(row)) for row in rows}
    return {feed_id: at for feed_id, at in free.items() if at > now}


def _hosts(connection: Connection, ids: Sequence[str]) -> list[tuple[str, str]]:
    """(feed, host), in the order given."""
    if not ids:
        return []
    hosts = {row.id: row.host for row in connection.execute(select(feed.c.id, feed.c.host).where(feed.c.id.in_(ids)))}
    return [(feed_id, hosts[feed_id]) for feed_id in ids]


def _with_room(
    due: Sequence[tuple[str, str]],
    *,
    limit: int,
    room: Callable[[str], HostRoom],
    busy: Counter[str],
    now: datetime,
) -> tuple[list[str], list[dict[str, Any]]]:
    """Which are claimed, and what becomes of those that make way. Pure."""
    chosen, put_off = [], []
    for feed_id, host in due:
        there = room(host)
        before = busy[host]
        busy[host] += 1
        if before >= there.most and there.spacing:
            put_off.append({"feed": feed_id, "next_poll_at": now + timedelta(seconds=before * there.spacing)})
        elif before < there.most and len(chosen) < limit:
            chosen.append(feed_id)
    return chosen, put_off


def stopped_untold(connection: Connection) -> list[Any]:
    """(id, title) of the feeds that are gone and of which the operator does not know yet, by id."""
    untold = (feed.c.state == "stopped") & feed.c.stop_told_at.is_(None)
    return list(connection.execute(select(feed.c.id, feed.c.title).where(untold).order_by(feed.c.id)))


def last_stop_told(connection: Connection, *, before: datetime) -> datetime | None:
    """When that was last told of any feed; what lies ahead is of before the clock was set back."""
    told = select(func.max(feed.c.stop_told_at)).where(feed.c.stop_told_at <= before)
    return connection.execute(told).scalar_one()


def note_stop_told(connection: Connection, feed_ids: Sequence[str], *, now: datetime) -> None:
    for start in range(0, len(feed_ids), IDS_PER_QUERY):
        chosen = feed.c.id.in_(feed_ids[start : start + IDS_PER_QUERY])
        connection.execute(update(feed).where(chosen).values(stop_told_at=now))


def hold_host(connection: Connection, host: str, *, until: datetime) -> None:
    """Nobody asks that host before: it asked one of its feeds to be left alone."""
    soon = (feed.c.host == host) & (feed.c.state == "active") & (feed.c.next_poll_at < until)
    connection.execute(update(feed).where(soon).values(next_poll_at=until))


def shown_state() -> ColumnElement[str]:
    """A feed's state in one word for people: 'removed', 'stopped', 'new' (never polled), 'failing', 'quiet', 'dormant'
    or 'active'."""
    return case(
        (feed.c.state != "active", feed.c.state),
        (feed.c.polled_at.is_(None), "new"),
        (feed.c.failures > 0, "failing"),
        (feed.c.reason == ParseReason.NO_ENTRIES, "quiet"),
        (is_quiet(), "quiet"),
        (is_dormant(), "dormant"),
        else_="active",
    )


def shown_reason() -> ColumnElement[str]:
    """What is wrong with a feed that is polled, as a FetchReason or ParseReason; '' for nothing."""
    return case((feed.c.reason.is_not(None), feed.c.reason), (is_quiet(), str(ParseReason.QUIET)), else_="")


def count_articles() -> ColumnElement[int]:
    """How many articles of the feed are stored, at most MOST_COUNTED + 1."""
    some = select(article.c.id).where(article.c.feed_id == feed.c.id).limit(MOST_COUNTED + 1).correlate(feed)
    return select(func.count()).select_from(some.subquery()).scalar_subquery()


def list_feeds(store: Store) -> list[Any]:
    """Every feed's row, by id, with `articles`, as they are counted here, `shown`, its state in one word, and `missed`,
    what its last poll estimated to have come and gone before it."""
    latest = select(poll.c.missed).where(poll.c.feed_id == feed.c.id).order_by(poll.c.at.desc()).limit(1)
    counted = count_articles().label("articles"), latest.correlate(feed).scalar_subquery().label("missed")
    statement = select(*LISTED, *counted, shown_state().label("shown")).order_by(feed.c.id)
    with store.reading() as connection:
        return list(connection.execute(statement))
