"""Watching the record, on both databases: nothing twice, nothing left out, whatever comes late or in a flood."""

from datetime import timedelta

import pytest
from sqlalchemy import event, insert, text
from stores import migrated_store

from worker.store import recent
from worker.store.feeds import sync_feeds
from worker.store.recent import KINDS, LATE, PAGE, PAGES, Watcher, clock_of
from worker.store.schema import EPOCH, MICROSECOND, poll


@pytest.fixture
def store(database_url, tmp_path):
    made = migrated_store(database_url, tmp_path)
    sync_feeds(made, [("one", "https://one.example/rss", "One")], spread=0)
    yield made
    made.close()


def add_polls(store, *moments):
    with store.writing() as connection:
        rows = [dict(feed_id="one", at=at, outcome="unchanged") for at in moments]
        connection.execute(insert(poll), rows)


def ids(watcher):
    return [row.id for _, row in watcher.look()]


def test_a_row_that_comes_late_with_an_earlier_time_is_told(store):
    now = clock_of(store)
    watcher = Watcher(store, since=now - timedelta(minutes=1))
    add_polls(store, now)
    assert ids(watcher) == [1]
    add_polls(store, now - LATE / 2)
    assert ids(watcher) == [2]
    assert ids(watcher) == []


def test_rows_of_one_instant_are_each_told_once(store):
    now = clock_of(store)
    watcher = Watcher(store, since=now)
    add_polls(store, now, now)
    assert ids(watcher) == [1, 2]
    add_polls(store, now)
    assert ids(watcher) == [3]


def test_a_flood_is_read_in_bounded_looks_and_whole(store):
    now = clock_of(store)
    count = PAGE * PAGES + PAGE + 7
    add_polls(store, *(now - timedelta(minutes=1) + n * MICROSECOND for n in range(count)))
    watcher = Watcher(store, since=EPOCH)
    first, second, third = ids(watcher), ids(watcher), ids(watcher)
    assert len(first) <= PAGE * PAGES
    assert sorted(first + second) == list(range(1, count + 1))
    assert third == []


def test_what_is_remembered_does_not_grow_with_what_was_told(store, monkeypatch):
    monkeypatch.setattr(recent, "LATE", timedelta(0))
    watcher = Watcher(store, since=EPOCH)
    for _ in range(3):
        now = clock_of(store)
        add_polls(store, *(now - n * timedelta(seconds=1) for n in range(50)))
        watcher.look()
    assert sum(len(trail.seen) for trail in watcher.trails.values()) <= 3


def test_a_clock_that_was_set_back_is_followed(store):
    now = clock_of(store)
    watcher = Watcher(store, since=now)
    watcher.trails["poll"] = recent.Trail(now + timedelta(hours=1))
    watcher.look()
    add_polls(store, clock_of(store))
    assert ids(watcher) == [1]


def test_every_look_walks_an_index(store):
    """The plan names one for each kind's keys, and for nothing does it read a whole table."""
    seen = []
    event.listen(store.engine, "before_cursor_execute", lambda *call: seen.append(call[2:4]))
    now = clock_of(store)
    with store.reading() as connection:
        for kind in KINDS.values():
            kind.find_keys(connection, now)
    queries = [(sql, given) for sql, given in seen if "ORDER BY" in sql]
    assert len(queries) == len(KINDS)
    with store.reading() as connection:
        if not store.is_sqlite:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        for sql, given in queries:
            plan = "\n".join(
                str(row) for row in connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN ' * store.is_sqlite}{sql}", given)
            )
            assert "INDEX" in plan.upper() and "ix_" in plan and "SEQ SCAN" not in plan.upper(), plan
