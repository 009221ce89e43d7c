"""A desk on both databases that has polled and told, its Runtime, and its console as a browser comes to it."""

import pytest
from desk import BASELINE, Desk, entries
from served import Served
from steps import bring, poll_now

from worker.pipeline.deliver import deliver_due


@pytest.fixture
def desk(tmp_path, database_url):
    with Desk(tmp_path, database_url=database_url, feeds=("a", "b")) as made:
        yield made


@pytest.fixture
def runtime(desk):
    made = desk.runtime()
    yield made
    made.parser.close()
    made.store.close()


@pytest.fixture
def served(desk):
    with Served(desk) as made:
        yield made


@pytest.fixture
def told(desk, runtime):
    """One alert, delivered by mail and webhook."""
    poll_now(desk, runtime)
    bring(desk, runtime, "a", entries(1) + BASELINE)
    deliver_due(runtime)
    return desk
