"""Watching a real record: a database that goes and comes back, a reader that is gone, a log that is cut."""

import os
import time

import pytest
from desk import wait_for
from sqlalchemy import insert

from worker.live import log as live_log
from worker.live.happened import Polled, Reader, Trouble
from worker.live.log import LogTail, open_log
from worker.live.watch import Follower, Watch
from worker.store.engine import open_store, read_clock
from worker.store.feeds import sync_feeds
from worker.store.migrate import migrate
from worker.store.recent import clock_of
from worker.store.schema import poll

READER = Reader(feeds={}, topics={}, entities={}, rules={}, channels={})
DIED = "event='child_died' role='analyse' code=-9 again_in=0.2 level='warning' timestamp='2026-03-01T12:00:00Z'\n"


@pytest.fixture
def store(database_url, tmp_path):
    made = open_store(database_url, data=tmp_path)
    yield made
    made.close()


def add_poll(store):
    with store.writing() as connection:
        values = dict(feed_id="one", at=read_clock(connection), outcome="unchanged")
        connection.execute(insert(poll).values(**values))


def events(look):
    return [(one.event, getattr(one, "words", "")) for one in look.happenings]


def test_watch_says_that_the_record_cannot_be_read_once_and_goes_on_when_it_can(new_database_url, tmp_path):
    store = open_store(new_database_url, data=tmp_path)
    watch = Watch(store, READER, began=time.monotonic())
    first = watch.look()  # not migrated: there is no table to read
    assert events(first) == [("trouble", "the database does not answer")] and first.away is not None
    assert (events(watch.look()), watch.look().away) == ([], first.away)
    migrate(store)
    sync_feeds(store, [("one", "https://one.example/rss", "One")], spread=0)
    add_poll(store)
    back = watch.look()
    assert [event for event, _ in events(back)] == ["polled", "trouble"] and back.away is None
    assert events(back)[-1] == ("trouble", "the database answers again")
    assert back.backlog.feeds == {"new": 1}
    store.close()


def test_watch_begins_when_it_was_told_to_by_the_databases_clock(store):
    migrate(store)
    sync_feeds(store, [("one", "https://one.example/rss", "One")], spread=0)
    add_poll(store)
    assert events(Watch(store, READER, began=time.monotonic() - 60).look()) == [("polled", "")]
    moment = clock_of(store)
    wait_for(lambda: clock_of(store) > moment)
    assert events(Watch(store, READER, began=time.monotonic()).look()) == []


class Kept:
    """An audience that keeps what it is told; or is gone."""

    def __init__(self, *, gone=False):
        self.gone, self.told = gone, []

    def tell(self, look):
        if self.gone:
            raise BrokenPipeError
        self.told += look.happenings


def test_follower_tells_until_it_is_stopped_and_what_came_last(store):
    migrate(store)
    sync_feeds(store, [("one", "https://one.example/rss", "One")], spread=0)
    audience = Kept()
    follower = Follower(Watch(store, READER, began=time.monotonic()), audience, every=60)
    follower.start()
    add_poll(store)
    follower.stop()
    assert [type(one) for one in audience.told] == [Polled]


def test_follower_of_a_reader_that_is_gone_ends_quietly(store):
    migrate(store)
    follower = Follower(Watch(store, READER, began=time.monotonic()), Kept(gone=True), every=0.01)
    follower.start()
    follower._thread.join(10)
    assert not follower._thread.is_alive()
    follower.stop()


def test_log_tail_tells_of_troubles_as_they_come(tmp_path):
    path = tmp_path / "up.log"
    with open_log(path) as log:
        log.write(DIED.encode())
        tail = LogTail.from_now(path)
        assert tail.look() == []
        log.write(DIED.encode() + DIED[:30].encode())  # the second is not whole yet
        assert [type(one) for one in tail.look()] == [Trouble]
        log.write(DIED[30:].encode())
        assert len(tail.look()) == 1
        assert tail.look() == []


def test_log_is_its_owners_alone_and_is_appended_to(tmp_path):
    path = tmp_path / "new" / "up.log"
    for _ in range(2):
        with open_log(path) as log:
            log.write(b"one\n")
    assert path.read_bytes() == b"one\none\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_log_that_is_too_large_begins_anew_while_others_write_to_it(tmp_path, monkeypatch):
    monkeypatch.setattr(live_log, "LARGEST", 1_000)
    path = tmp_path / "up.log"
    tail = LogTail(path)
    with open_log(path) as log:
        log.write(DIED.encode() * 20)
        assert len(tail.look()) == 20
        log.write(DIED.encode())
        assert len(tail.look()) == 1
    former = tmp_path / "up.log.1"
    assert former.read_text() == DIED * 20 and path.read_text() == DIED
    assert former.stat().st_mode & 0o777 == 0o600


def test_log_tail_skips_a_flood_and_survives_a_log_that_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(live_log, "READ_MOST", 1_000)
    path = tmp_path / "up.log"
    tail = LogTail(path)
    path.write_text(DIED * 100)
    assert 0 < len(tail.look()) < 20
    assert tail.look() == []
    os.unlink(path)
    assert tail.look() == []
