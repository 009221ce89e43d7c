"""docs/health.md says what is so: every state and reason stands there with its own words, and the rhythm's bounds."""

import pathlib
import re

from worker.errors import FetchReason, ParseReason
from worker.feeds.gaps import MOST
from worker.feeds.groups import LEARNT, LEAST_FEEDS, QUIET_FACTOR
from worker.feeds.reasons import WORDS
from worker.feeds.rhythm import DORMANT_AFTER, KNOWN_GAPS, LEAST_QUIET, LEAST_QUIET_YOUNG, SLOW, YOUNG
from worker.feeds.rhythm import QUIET_FACTOR as FEED_FACTOR
from worker.feeds.shown import STATE_WORDS, FeedState
from worker.feeds.trouble_words import NAMED
from worker.feeds.troubles import ALONG, HOLD, LEAST_FAILURES, LONGEST_HOLD, PATIENCE

PAGE = (pathlib.Path(__file__).parents[3] / "docs" / "health.md").read_text(encoding="utf-8")
TEXT = " ".join(PAGE.split())


def test_health_page_has_every_reason_with_its_words():
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", PAGE, re.M)
    assert rows == [(str(one), WORDS[one].says, WORDS[one].advice) for one in (*FetchReason, *ParseReason)]
    assert set(WORDS) == {*FetchReason, *ParseReason}


def test_health_page_has_every_state():
    table = PAGE.split("| state |")[1].split("\n\n")[0]
    named = re.findall(r"^\| ([a-z ]+) \|", table, re.M)
    assert set(named) == {STATE_WORDS[one] for one in FeedState if one is not FeedState.REMOVED}


def test_health_page_says_the_bounds_that_are_used():
    hours, days = 3_600, 86_400
    assert (2.0, 6 * hours) == (FEED_FACTOR, LEAST_QUIET)
    assert "more than twice its longest silence, and for six hours at least" in TEXT
    assert (15 * days, 3 * days, 8) == (YOUNG, LEAST_QUIET_YOUNG, KNOWN_GAPS)
    assert "for 15 days" in TEXT and "three days are the least" in TEXT and "eight silences" in TEXT
    assert (14 * days, 90 * days) == (SLOW, DORMANT_AFTER)
    assert "less than once in two weeks, or has brought nothing for 90 days" in TEXT
    assert (LEARNT.days, QUIET_FACTOR, LEAST_FEEDS) == (10, 1.5, 3)
    assert "three or more: after ten days" in TEXT and "one and a half times as long" in TEXT
    assert (LEAST_FAILURES, ALONG, NAMED) == (3, 4, 20)
    assert "three times at least" in TEXT and "a quarter of that time" in TEXT and "twenty feeds named" in TEXT
    assert (HOLD.seconds, PATIENCE.seconds, LONGEST_HOLD.seconds) == (1_800, 2 * hours, 8 * hours)
    assert "half an hour" in TEXT and "two hours after" in TEXT and "up to eight hours" in TEXT
    assert f"{MOST:,}" in TEXT
