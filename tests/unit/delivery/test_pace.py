"""How much may go out now: connections at a time, and a bound that holds in every minute."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.delivery.pace import RUN, Pace

START = datetime(2023, 11, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("in_flight", "failing", "lanes"),
    [
        (0, False, 3),
        (2, False, 1),
        (3, False, 0),
        (20, False, 0),  # claimed by one worker for its three connections: each may hold one
        (0, True, 1),  # a probe
        (1, True, 0),
    ],
)
def test_pace_opens_no_more_connections_than_are_free(in_flight, failing, lanes):
    assert Pace(at_once=3).free_lanes(in_flight=in_flight, failing=failing) == lanes


@pytest.mark.parametrize(
    ("lanes", "failing", "allowance", "room"),
    [
        (3, False, float("inf"), 3 * RUN),
        (3, False, 2.9, 2),
        (1, True, float("inf"), 1),
        (1, True, 0.5, 0),
        (0, False, 9, 0),
    ],
)
def test_pace_takes_what_its_connections_and_its_minute_bear(lanes, failing, allowance, room):
    assert Pace(at_once=3).room(lanes=lanes, failing=failing, allowance=allowance) == room


@given(st.integers(1, 2_000), st.lists(st.floats(0, 90), min_size=1, max_size=40))
def test_d07_pace_law_no_minute_sees_more_than_its_bound(per_minute, waits):
    pace, left, since, now, sent = Pace(per_minute=per_minute), None, None, START, []
    for wait in waits:
        now += timedelta(seconds=wait)
        allowance = pace.allowance(left, since=since, now=now)
        sent.append((now, int(allowance)))
        left, since = allowance - int(allowance), now
    for at, _ in sent:
        assert sum(n for moment, n in sent if at <= moment < at + timedelta(minutes=1)) <= per_minute


def test_pace_fills_up_again_and_never_over_its_bucket():
    pace = Pace(per_minute=60)
    assert pace.allowance(None, since=None, now=START) == 15
    assert pace.allowance(0, since=START, now=START + timedelta(seconds=4)) == pytest.approx(3)
    assert pace.allowance(0, since=START, now=START + timedelta(hours=1)) == 15
    assert pace.allowance(7, since=START, now=START - timedelta(hours=1)) == 7, (
        "a clock that was set back takes nothing"
    )


def test_pace_without_a_bound_has_room_for_all():
    assert Pace().allowance(None, since=None, now=START) == float("inf")
