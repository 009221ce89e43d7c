"""One poll step goes on while feeds hang: what falls due meanwhile is taken, and saved, by the same step."""

import threading
from dataclasses import replace

import pytest
from desk import Desk, wait_for
from steps import LONG_AGO, change

from worker.pipeline.poll import poll_due_feeds
from worker.store.schema import feed, poll

FEEDS = tuple("abcdefgh")


@pytest.fixture
def desk(tmp_path, database_url):
    with Desk(tmp_path, database_url=database_url, feeds=FEEDS, timing={"poll_lease": "60s"}) as made:
        yield made


def small(runtime, **settings):
    """The runtime of a desk that asks few feeds at a time."""
    config = runtime.config
    return replace(runtime, config=replace(config, settings=config.settings.model_copy(update=settings)))


def test_a_feed_that_hangs_holds_up_no_other(desk, runtime):
    release = threading.Event()

    def hang(path, changed):
        if path == "/a":
            release.wait(50)

    desk.origin.before_answer = hang
    change(desk, feed, next_poll_at=LONG_AGO)
    step = threading.Thread(target=poll_due_feeds, args=[small(runtime, poll_batch=2)])
    step.start()
    wait_for(lambda: len(desk.rows(poll)) == len(FEEDS) - 1, what="every other feed, two at a time")
    assert [row.id for row in desk.rows(feed) if row.baseline_at is None] == ["a"]
    change(desk, feed, next_poll_at=LONG_AGO)
    wait_for(lambda: len(desk.rows(poll)) == 2 * (len(FEEDS) - 1), what="those that fell due meanwhile")
    release.set()
    step.join(30)
    assert desk.polled()


def test_after_a_power_cut_those_that_were_under_way_come_together(desk, runtime):
    change(desk, feed, next_poll_at=LONG_AGO, attempts=1)
    assert not poll_due_feeds(runtime), "one step is enough for all"
    assert desk.polled()


def test_a_feed_whose_last_two_polls_never_ended_comes_alone(desk, runtime):
    change(desk, feed, next_poll_at=LONG_AGO)
    with desk.store.writing() as connection:
        connection.execute(feed.update().where(feed.c.id == "c").values(attempts=2))
    assert poll_due_feeds(runtime), "the others are left to the next step"
    assert [row.feed_id for row in desk.rows(poll)] == ["c"]
    assert not poll_due_feeds(runtime)
    assert desk.polled()
