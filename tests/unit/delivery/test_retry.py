"""When a delivery is tried again: the schedule, what a receiver may ask for, and the end."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.delivery.retry import GIVE_UP, JITTER, LEAST_TRIES, LONGEST_ASKED, SCHEDULE, next_attempt, next_probe

START = datetime(2023, 11, 8, tzinfo=UTC)


def wait(n, *, jitter=0.0, retry_after=None, elapsed=0.0):
    now = START + timedelta(seconds=elapsed)
    at = next_attempt(n, now=now, first_at=START, jitter=jitter, retry_after=retry_after)
    return None if at is None else (at - now).total_seconds()


@pytest.mark.parametrize(
    ("n", "seconds"),
    [(1, 5), (2, 300), (3, 1_800), (4, 7_200), (5, 18_000), (6, 36_000), (7, 36_000), (50, 36_000), (0, 5)],
)
def test_e02_retry_follows_the_schedule(n, seconds):
    assert wait(n) == seconds
    assert seconds < wait(n, jitter=0.999) <= seconds * (1 + JITTER)  # chance only ever adds


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (None, 5),
        (120, 120),
        (1, 5),  # sooner than ours: ours
        (0, 5),
        (10**9, LONGEST_ASKED),  # a year is not asked seriously
        (float("inf"), LONGEST_ASKED),
    ],
)
def test_e03_retry_waits_as_long_as_the_receiver_asks(asked, seconds):
    assert wait(1, retry_after=asked) == seconds


def test_retry_gives_up_after_three_days():
    end = GIVE_UP.total_seconds()
    assert wait(9, elapsed=end - SCHEDULE[-1]) == SCHEDULE[-1]
    assert wait(9, elapsed=end - 7_200) == 7_200  # the last try is at the end of the third day
    assert wait(9, elapsed=end - 1) == SCHEDULE[0]
    assert wait(9, elapsed=end - 1, retry_after=900) == 900
    assert wait(9, elapsed=end) is None


def test_retry_tries_five_times_however_late_it_begins():
    late = 10 * GIVE_UP.total_seconds()
    assert [wait(n, elapsed=late) for n in (1, 2, 3, 4, 5)] == [5, 300, 1_800, 7_200, None]


def test_d01_retry_outlasts_six_hours_without_a_server():
    now, attempts = START, 0
    while now < START + timedelta(hours=6):
        attempts += 1
        now = next_attempt(attempts, now=now, first_at=START, jitter=0.5, retry_after=None)
    assert attempts == 5
    assert now < START + timedelta(hours=12)


@given(
    st.integers(1, 40), st.floats(0, 1, exclude_max=True), st.none() | st.floats(0, 1e12), st.integers(0, 3 * 86_400)
)
def test_retry_times_never_decrease_with_attempts(n, jitter, retry_after, elapsed):
    now, later = wait(n, jitter=jitter, retry_after=retry_after), wait(n + 1, jitter=jitter, retry_after=retry_after)
    assert later >= now
    found = wait(n, jitter=jitter, retry_after=retry_after, elapsed=elapsed)
    least = max(SCHEDULE[0], min(retry_after or 0, LONGEST_ASKED))
    if n >= LEAST_TRIES and elapsed < GIVE_UP.total_seconds():
        assert least <= found + 1e-5 and found <= max(GIVE_UP.total_seconds() - elapsed, least) + 1e-5
    assert found is not None or (n >= LEAST_TRIES and elapsed >= GIVE_UP.total_seconds())


def hold(failures, *, refusals=0, jitter=0.0, retry_after=None):
    until = next_probe(failures, refusals=refusals, now=START, jitter=jitter, retry_after=retry_after)
    return (until - START).total_seconds()


@pytest.mark.parametrize(("failures", "seconds"), [(1, 5), (2, 30), (3, 120), (4, 300), (5, 600), (50, 600)])
def test_a_failing_channel_is_held_for_longer_each_time(failures, seconds):
    assert hold(failures) == seconds
    assert seconds < hold(failures, jitter=0.999) <= seconds * (1 + JITTER)


def test_d09_refused_logins_are_three_and_then_one_an_hour():
    assert [hold(n, refusals=n) for n in (1, 2, 3, 4)] == [5, 30, 3600, 3600]
    assert [hold(n, refusals=n - 3) for n in (4, 5, 6)] == [300, 600, 3600]


def test_e03_a_channel_is_held_for_as_long_as_its_receiver_asks():
    assert [hold(1, retry_after=asked) for asked in (120, 1, 10**9)] == [120, 5, LONGEST_ASKED]
