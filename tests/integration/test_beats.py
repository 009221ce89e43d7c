"""A process's beats for real: the file, the row on both databases, and the end of who falls silent."""

import os
import subprocess
import sys
import threading

import pytest
from desk import wait_for
from stores import migrated_store

from worker.beats import HUNG, Heart, find_beat
from worker.store import heartbeats
from worker.store.engine import open_store


@pytest.fixture
def store(database_url, tmp_path):
    made = migrated_store(database_url, tmp_path)
    yield made
    made.close()


@pytest.fixture
def start():
    """Starts hearts that are stopped, threads and all, when the test is over."""
    started = []

    def begin(heart, store, *, silent_after=60.0, each=lambda: None, end=lambda code: None):
        heart.start(store, silent_after=silent_after, each=each, end=end)
        started.append((heart, store))

    yield begin
    for heart, store in started:
        heart.stop(store)
    for thread in threading.enumerate():
        if thread.name.startswith("heartbeat"):
            thread.join(10)


def rows(store):
    return {row.id: row for row in heartbeats.list_heartbeats(store)}


def test_a_row_comes_with_the_first_beat_follows_the_next_and_goes_at_the_stop(store, start):
    heart = Heart("analyse", 0.05)
    start(heart, store)
    assert rows(store) == {}, "who has not begun to serve is not on record"
    heart.beat()
    first = wait_for(lambda: rows(store).get(heart.id), seconds=10)
    assert (first.role, first.host, first.pid) == ("analyse", heart.host, os.getpid())
    heart.beat()
    wait_for(lambda: rows(store)[heart.id].beat_at > first.beat_at, seconds=10)
    heart.stop(store)
    heart.beat()
    assert rows(store) == {}


def test_a_stop_takes_back_the_row_that_another_process_of_the_role_keeps(store, start):
    """A pool's child keeps its parent's row, and the parent removes it when the child is gone."""
    heart = Heart("analyse", 0.05)
    heartbeats.save_beat(store, heartbeat_id=heart.id, role="analyse", host="h", pid=1, age=heartbeats.FORGOTTEN_AFTER)
    heart.stop(store)
    assert rows(store) == {}


def test_the_first_beat_sweeps_the_dead_of_this_host(store, start):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    heart = Heart("console", 0.05)
    before = dict(role="console", age=heartbeats.FORGOTTEN_AFTER)
    heartbeats.save_beat(store, heartbeat_id="dead", host=heart.host, pid=gone.pid, **before)
    heartbeats.save_beat(store, heartbeat_id="living", host=heart.host, pid=os.getppid(), **before)
    heartbeats.save_beat(store, heartbeat_id="my-number", host=heart.host, pid=os.getpid(), **before)
    heartbeats.save_beat(store, heartbeat_id="foreign", host="elsewhere.example", pid=gone.pid, **before)
    start(heart, store)
    heart.beat()
    wait_for(lambda: set(rows(store)) == {"living", "foreign", heart.id}, seconds=10)


def test_a_beat_without_its_database_counts_by_its_file(tmp_path, start):
    nowhere = open_store("postgresql://desk@127.0.0.1:1/desk", data=tmp_path)
    heart = Heart("scheduler", 0.05, tmp_path / "scheduler.ready")
    start(heart, nowhere)
    assert find_beat(heart.file) is None
    heart.beat()
    first = find_beat(heart.file)
    assert first is not None
    wait_for(lambda: heart.beat() or find_beat(heart.file) != first, seconds=10)
    nowhere.close()


def test_a_beat_whose_folder_is_gone_is_no_error(tmp_path):
    Heart("scheduler", 0.05, tmp_path / "gone" / "scheduler.ready").beat()


def test_b14_silence_ends_the_process_and_beats_keep_it(store, start):
    ended, kept, looks = [], [], []
    silent, beating = Heart("analyse", 0.05), Heart("console", 0.05)
    start(silent, store, silent_after=0.5, end=ended.append)
    start(beating, store, silent_after=0.5, each=lambda: looks.append(beating.beat()), end=kept.append)
    wait_for(lambda: ended, seconds=20)
    wait_for(lambda: len(looks) > 20, seconds=20)
    assert ended == [HUNG]
    assert kept == []
