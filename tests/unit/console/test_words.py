from datetime import UTC, datetime, timedelta

import pytest

from worker.console.words import (
    DELIVERY_TROUBLE,
    counted,
    distance,
    moment,
    zone_city,
    zone_name,
)
from worker.errors import DeliveryReason

NOW = datetime(2026, 11, 24, 5, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (-0.9, "now"),
        (-8, "8 s ago"),
        (-59.9, "59 s ago"),
        (-60, "1 min ago"),
        (-4 * 60 - 59, "4 min ago"),
        (-3 * 3600, "3 h ago"),
        (-47 * 3600, "47 h ago"),
        (-49 * 3600, "2 days ago"),
        (-4_000 * 86_400, "4000 days ago"),
        (7 * 60, "in 7 min"),
        (30, "in 30 s"),
        (86_400, "in 24 h"),
    ],
)
def test_distance_says_how_far_in_one_number(seconds, words):
    assert distance(NOW + timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("at", "clock"),
    [
        (NOW, "14:05"),
        (NOW - timedelta(hours=5), "09:05"),
        (NOW - timedelta(hours=15), "23 Nov, 23:05"),  # yesterday there, whatever day it is in UTC
        (NOW - timedelta(days=365), "24 Nov 2025, 14:05"),
        (datetime(1, 1, 1, tzinfo=UTC), "1 Jan 1, 08:27"),  # its own time, before there were zones
        (datetime(9999, 12, 31, 23, tzinfo=UTC), "31 Dec 9999, 23:00"),  # there is no later day there
    ],
)
def test_moment_shows_the_date_only_where_it_is_not_todays(at, clock):
    assert moment(at, now=NOW, zone="Asia/Seoul").clock == clock


def test_moment_is_for_people_and_for_programs():
    found = moment(NOW, now=NOW + timedelta(minutes=4), zone="Asia/Seoul", seconds=True)
    assert (found.iso, found.clock, found.ago) == ("2026-11-24T05:05:00Z", "14:05:00", "4 min ago")
    assert found.full == "24 Nov 2026, 14:05 Asia/Seoul (UTC+09:00)"


def test_zone_is_named_with_its_offset():
    assert zone_name("Asia/Seoul", NOW) == "Asia/Seoul (UTC+09:00)"
    assert zone_name("UTC", NOW) == "UTC"
    assert [zone_city(zone) for zone in ("America/New_York", "UTC")] == ["New York time", "UTC"]


def test_every_reason_has_its_words_and_what_to_do():
    assert set(DELIVERY_TROUBLE) == set(DeliveryReason)
    for trouble, advice in DELIVERY_TROUBLE.values():
        assert trouble[0].islower() and not trouble.endswith("."), trouble
        assert advice[0].isupper() and advice.endswith("."), advice
        assert "_" not in trouble + advice, "an analyst is no engineer"


def test_counts_are_words():
    assert [counted(n, "article") for n in (1, 2, 20_000)] == ["1 article", "2 articles", "20,000 articles"]
