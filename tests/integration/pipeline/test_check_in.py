"""The tick's word to who watches the desk from outside: once a minute when its work is done, and whenever it failed."""

from dataclasses import replace

import pytest
from steps import LONG_AGO, change

from worker.pipeline.tick import tick
from worker.store.schema import chore


@pytest.fixture
def heard():
    return []


@pytest.fixture
def watched(runtime, heard):
    return replace(runtime, check_in=heard.append)


def test_check_in_is_once_a_minute_however_many_tick(desk, watched, heard):
    for _ in range(5):
        tick(watched)
    assert heard == [True]
    change(desk, chore, due_at=LONG_AGO)  # a minute later
    for _ in range(5):
        tick(watched)
    assert heard == [True, True]


def test_check_in_says_of_every_tick_that_it_failed(watched, heard):
    def broken(queue):
        raise ValueError("a flaw of ours")

    for _ in range(2):
        with pytest.raises(ValueError, match="a flaw of ours"):
            tick(replace(watched, hint=broken))
    assert heard == [False, False]


def test_check_in_is_no_chore_where_nobody_listens(desk, runtime):
    assert runtime.check_in is None
    tick(runtime)
    assert "check-in" not in {row.name for row in desk.rows(chore)}
