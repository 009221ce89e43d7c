"""Who works for the desk, on both databases: rows that come, move, go, are swept and are forgotten (K05)."""

from datetime import UTC, datetime, timedelta

import pytest
from stores import migrated_store

from worker.store import heartbeats
from worker.store.engine import read_clock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AGE = timedelta(seconds=5)


@pytest.fixture
def store(database_url, tmp_path):
    made = migrated_store(database_url, tmp_path)
    yield made
    made.close()


def at(store, moment):
    return store.with_clock(lambda: moment)


def beat(store, name, *, host="here", pid=1, role="analyse", age=AGE):
    heartbeats.save_beat(store, heartbeat_id=name, role=role, host=host, pid=pid, age=age)


def names(store):
    return [one.id for one in heartbeats.list_heartbeats(store)]


def test_a_row_comes_with_the_first_beat_and_moves_with_the_next(store):
    beat(at(store, NOON), "a", pid=7)
    beat(at(store, NOON + timedelta(seconds=15)), "a", pid=7, age=timedelta(seconds=20))
    (row,) = heartbeats.list_heartbeats(at(store, NOON + timedelta(seconds=25)))
    assert (row.role, row.host, row.pid) == ("analyse", "here", 7)
    assert (row.started_at, row.beat_at) == (NOON - AGE, NOON + timedelta(seconds=15))
    assert row.silent_for == timedelta(seconds=10)


def test_a_beat_is_stamped_by_the_databases_clock(store):
    beat(store, "a")
    (row,) = heartbeats.list_heartbeats(store)
    with store.reading() as connection:
        assert timedelta(0) <= read_clock(connection) - row.beat_at < timedelta(minutes=1)


def test_a_row_goes_at_an_orderly_stop_and_takes_no_other_along(store):
    beat(store, "a")
    beat(store, "b")
    for _ in range(2):
        heartbeats.remove_heartbeat(store, "a")
    assert names(store) == ["b"]


def test_the_dead_of_this_host_are_swept_and_nobody_elses(store):
    beat(store, "dead", pid=7)
    beat(store, "living", pid=8)
    beat(store, "foreign", host="elsewhere", pid=7)
    beat(store, "mine", pid=7)
    assert heartbeats.sweep_dead(store, host="here", keep="mine", is_dead=lambda pid: pid == 7) == 1
    assert sorted(names(store)) == ["foreign", "living", "mine"]


def test_who_was_swept_by_mistake_comes_back_as_old_as_it_is(store):
    beat(at(store, NOON), "a")
    heartbeats.sweep_dead(store, host="here", keep="", is_dead=lambda pid: True)
    assert names(store) == []
    beat(at(store, NOON + timedelta(hours=1)), "a", age=AGE + timedelta(hours=1))
    (row,) = heartbeats.list_heartbeats(store)
    assert row.started_at == NOON - AGE


@pytest.mark.parametrize(
    ("minutes", "left"),
    [
        (14.9, ["a", "b"]),  # people may still see who fell silent
        (15.1, ["b"]),
    ],
)
def test_the_silent_are_forgotten_after_a_quarter_of_an_hour(store, minutes, left):
    beat(at(store, NOON), "a")
    later = at(store, NOON + timedelta(minutes=minutes))
    beat(later, "b")
    assert heartbeats.forget_silent(later) == 2 - len(left)
    assert sorted(names(later)) == left


def test_k05_of_each_is_told_for_how_long_it_is_silent(store):
    beat(at(store, NOON), "a", role="scheduler")
    later = at(store, NOON + timedelta(seconds=151))
    beat(later, "b", role="console")
    silent = {one.role: one.silent_for for one in heartbeats.list_heartbeats(later)}
    assert silent == {"scheduler": timedelta(seconds=151), "console": timedelta(0)}
