"""A desk on both databases over a real origin, mail server and webhook receiver, and its Runtime in this process."""

import pytest
from desk import Desk
from lookout import Watch


@pytest.fixture
def desk(tmp_path, database_url):
    with Desk(tmp_path, database_url=database_url, feeds=("a", "b")) as made:
        yield made


@pytest.fixture
def runtime(desk):
    made = desk.runtime()
    yield made
    made.store.close()


@pytest.fixture
def watch(desk, runtime):
    return Watch(desk, runtime)
