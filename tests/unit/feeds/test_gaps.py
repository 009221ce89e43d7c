"""How many entries a gap may have swallowed: an estimate with bounds, and its words."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.feeds.gaps import MOST, estimate_missed, gap_words

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def every(step, count, *, until=NOON):
    return [until - n * step for n in range(count)]


@pytest.mark.parametrize(
    ("dates", "previous", "usual_gap", "missed"),
    [
        # 20 entries in the last 200 minutes, polled 5 hours ago: some ten came in the first 100.
        (every(10 * MINUTE, 21), NOON - 5 * HOUR, None, 10),
        (every(10 * MINUTE, 21), NOON - 13 * HOUR, None, 61),
        (every(10 * MINUTE, 21), NOON - 25 * HOUR, None, 140),  # to two digits
        # Its first is older than the poll before: what is newer than that poll counts, and hardly anything was missed.
        ([*every(HOUR, 5), NOON - 30 * HOUR], NOON - 5 * HOUR, None, 1),
        ([*every(10 * MINUTE, 21), None, None], NOON - 5 * HOUR, None, 10),  # standing items without a date
        ([*every(10 * MINUTE, 21), NOON + DAY], NOON - 5 * HOUR, None, 10),  # a date that is still to come
        ([*every(10 * MINUTE, 21), NOON - 400 * DAY], NOON - 5 * HOUR, None, 10),  # one that resurfaced
        (every(MINUTE, 6), NOON - 3 * DAY, None, 60),  # one busy minute says little about three days
        (every(timedelta(seconds=1), 900), NOON - 3 * DAY, None, MOST),
        # No dates: as many polls as would have brought something, less what is there.
        ([None] * 6, NOON - 40 * HOUR, 3_600.0, 34),
        ([None] * 60, NOON - 40 * HOUR, 3_600.0, 1),
        ([None] * 6, NOON - 40 * HOUR, None, 1),
        ([], NOON - 40 * HOUR, None, 1),
        ([NOON] * 10, NOON - 40 * HOUR, None, 100),  # all of one moment, as collectors fill them in
        (every(HOUR, 5), None, None, 1),  # nothing is known of a poll before
        (every(HOUR, 5), NOON + HOUR, None, 1),  # a clock was set back
    ],
)
def test_g06_missed_is_estimated_by_the_documents_own_pace(dates, previous, usual_gap, missed):
    assert estimate_missed(dates, previous=previous, now=NOON, usual_gap=usual_gap) == missed


@given(
    st.lists(st.one_of(st.none(), st.integers(-90 * 86_400, 90 * 86_400)), max_size=60),
    st.one_of(st.none(), st.integers(-90 * 86_400, 3_600)),
    st.one_of(st.none(), st.floats(0, 1e7)),
)
def test_g06_missed_is_always_a_count_of_two_digits_within_its_bounds(offsets, before, usual_gap):
    dates = [None if n is None else NOON + timedelta(seconds=n) for n in offsets]
    previous = None if before is None else NOON + timedelta(seconds=before)
    missed = estimate_missed(dates, previous=previous, now=NOON, usual_gap=usual_gap)
    assert 1 <= missed <= MOST
    assert len(str(missed).rstrip("0")) <= 2


@given(st.integers(30, 300), st.integers(2, 200), st.integers(1, 40))
def test_g06_missed_is_right_where_a_feed_is_steady(minutes, count, times):
    """To two digits, whatever its pace, its document's length and the length of the gap."""
    step = minutes * MINUTE
    truth = count * times // 10
    dates = every(step, count, until=NOON - step)
    previous = dates[-1] - truth * step
    if NOON - previous > 30 * DAY or truth > 900:
        return
    missed = estimate_missed(dates, previous=previous, now=NOON)
    assert abs(missed - max(1, truth)) <= 0.05 * truth + 0.5


@pytest.mark.parametrize(
    ("missed", "words"),
    [
        (1, "about 1 entry missed"),
        (12, "about 12 entries missed"),
        (MOST, "1,000 entries or more missed"),
    ],
)
def test_g06_gap_words_say_about_how_many(missed, words):
    assert gap_words(missed) == words
