"""docs/promise.md names what is there: its tests exist, and its figures are the program's."""

import pathlib
import re

import pytest

from worker.celery import STOP_SECONDS
from worker.config.schema import Retention
from worker.delivery.retry import GIVE_UP, LEAST_TRIES
from worker.feeds.parse_child import MAX_ENTRIES
from worker.net import MIB, Limits
from worker.store.lease import MAX_ATTEMPTS

ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "promise.md").read_text()
NAMED = re.findall(r"`(test_\w+)`", PAGE)


@pytest.fixture(scope="module")
def defined():
    sources = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    return {name for source in sources for name in re.findall(r"^def (test_\w+)\(", source, re.M)}


def test_promise_names_tests_that_exist(defined):
    assert len(NAMED) > 20
    assert set(NAMED) - defined == set()


def test_promise_is_on_one_page_and_the_readmes():
    assert len(PAGE.split()) < 1300
    words = " ".join(PAGE.replace("**", "").split())
    assert "stored exactly once, or the feed's validators do not advance and the next poll sees it again" in words


def test_promise_has_the_programs_figures():
    assert (GIVE_UP.days, Retention().text / 86400, MAX_ATTEMPTS, STOP_SECONDS) == (3, 180, 3, 6)
    assert (MAX_ENTRIES, Limits().max_body) == (2_000, 10 * MIB)
    assert LEAST_TRIES == 5
    said = (
        "for three days, five times at least, then given up",
        "after 180 days",
        "after three it is quarantined",
        "than the six seconds",
    )
    said += ("first 2,000 entries", "over 10 MB")
    for words in said:
        assert words in " ".join(PAGE.split())
