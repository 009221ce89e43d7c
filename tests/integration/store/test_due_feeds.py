"""Which of the due feeds are claimed: no more of one host than it can be asked for, and the others beside them."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select, update
from stores import migrated_store

from worker.store import feeds
from worker.store.engine import read_clock
from worker.store.feeds import HostRoom
from worker.store.schema import feed

LEASE = timedelta(seconds=60)


@pytest.fixture
def store(database_url, tmp_path):
    made = migrated_store(database_url, tmp_path)
    crowd = [(f"crowd{n:03}", f"https://crowded.example/{n}", "") for n in range(40)]
    alone = [(f"alone{n}", f"https://paper{n}.example/rss", "") for n in range(10)]
    feeds.sync_feeds(made, crowd + alone, spread=0)
    with made.writing() as connection:
        late = read_clock(connection) - timedelta(hours=1)
        connection.execute(update(feed).where(feed.c.host == "crowded.example").values(next_poll_at=late))
    yield made
    made.close()


def room(host):
    return HostRoom(most=4, spacing=1.0)


def claim(store, *, busy=None):
    return Counter(row.host for row in feeds.claim_due_feeds(store, limit=10, lease=LEASE, room=room, busy=busy).rows)


def test_f17_a_crowded_host_leaves_room_for_others(store):
    first, second = claim(store), claim(store)
    assert first["crowded.example"] == 4, "though forty of its feeds were due before all others"
    assert first.total() + second.total() >= 14 and len(first | second) == 11
    with store.reading() as connection:
        crowd = select(feed).where(feed.c.host == "crowded.example").order_by(feed.c.next_poll_at)
        waiting = [row.next_poll_at for row in connection.execute(crowd) if row.lease_token is None]
    gaps = [(after - before).total_seconds() for before, after in pairwise(waiting)]
    assert all(gap == pytest.approx(1.0) for gap in gaps), "what makes way is due as far apart as its host is asked"


def test_f17_what_is_under_way_takes_its_hosts_room(store):
    assert claim(store, busy={"crowded.example": 4})["crowded.example"] == 0


def test_f12_a_host_that_is_held_is_not_due(store):
    with store.writing() as connection:
        until = read_clock(connection) + timedelta(minutes=10)
        feeds.hold_host(connection, "crowded.example", until=until)
    assert claim(store) == Counter({f"paper{n}.example": 1 for n in range(10)})
    with store.writing() as connection:
        feeds.hold_host(connection, "crowded.example", until=read_clock(connection))
    with store.reading() as connection:
        held = select(feed.c.next_poll_at).where(feed.c.host == "crowded.example").distinct()
        assert connection.execute(held).scalars().all() == [until], "never sooner than it was told before"
