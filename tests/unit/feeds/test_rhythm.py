"""A feed's rhythm: what a poll makes of it, and when a silence is more than its own."""

import types
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.feeds.rhythm import (
    DORMANT_AFTER,
    KNOWN_GAPS,
    LEAST_QUIET,
    LEAST_QUIET_YOUNG,
    QUIET_FACTOR,
    YOUNG,
    Rhythm,
    after_poll,
    gap_span,
    is_dormant,
    is_quiet,
    quiet_after,
    rhythm_of,
    rhythm_words,
    unwatched,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OLD = NOON - 60 * DAY
HOURLY = Rhythm(news_at=NOON, gaps=500, usual_gap=3_600.0, longest_gap=10 * 3_600.0, since=OLD)


def seconds(length):
    return length.total_seconds()


def test_rhythm_begins_with_the_first_poll_whose_entries_nobody_knows_to_be_new():
    found = after_poll(Rhythm(), new=30, now=NOON)
    assert found == Rhythm(news_at=NOON, since=NOON)
    assert after_poll(found, new=0, now=NOON + HOUR) == found, "a silence has no end yet"
    second = after_poll(found, new=2, now=NOON + 2 * HOUR)
    assert (second.gaps, second.usual_gap, second.longest_gap) == (1, 7_200.0, 7_200.0)
    assert second.news_at == NOON + 2 * HOUR


def test_rhythm_follows_a_feed_that_becomes_slower_and_keeps_its_longest_silence():
    found = HOURLY
    for _ in range(40):
        found = after_poll(found, new=1, now=found.news_at + 4 * HOUR)
    assert found.gaps == 540
    assert 3.5 * 3_600 < found.usual_gap < 4 * 3_600
    assert found.longest_gap == 10 * 3_600


def test_rhythm_does_not_take_for_silence_what_nobody_watched():
    found = after_poll(HOURLY, new=5, now=NOON + 3 * DAY, unwatched=3 * DAY - HOUR)
    assert (found.gaps, found.longest_gap) == (501, 10 * 3_600.0)


def test_rhythm_survives_a_clock_that_was_set_back():
    found = after_poll(HOURLY, new=1, now=NOON - DAY)
    assert (found.news_at, found.gaps, found.longest_gap) == (NOON - DAY, 500, 10 * 3_600.0)


@pytest.mark.parametrize(
    ("values", "hours"),
    [
        (dict(), 0),  # polled when it was due
        (dict(next_poll_at=NOON - 48 * HOUR, succeeded_at=NOON - 49 * HOUR), 48),  # the desk stood still for two days
        (dict(next_poll_at=NOON, failing_since=NOON - 5 * HOUR, succeeded_at=NOON - 6 * HOUR), 5),
        (dict(next_poll_at=NOON - 90 * DAY, succeeded_at=NOON - 2 * HOUR), 2),  # made due long ago, by hand
        (dict(next_poll_at=NOON + HOUR), 0),  # asked before its time
        (dict(next_poll_at=NOON - HOUR, succeeded_at=None), 1),
        (dict(succeeded_at=NOON - 72 * HOUR), 71),  # due long ago, and put off by a start or for its host's sake
    ],
)
def test_unwatched_is_the_time_in_which_nobody_could_have_seen_anything(values, hours):
    base = dict(next_poll_at=NOON, failing_since=None, succeeded_at=NOON - HOUR)
    row = types.SimpleNamespace(**base | values)
    due_by = row.succeeded_at and row.succeeded_at + HOUR
    assert unwatched(row, NOON, due_by=due_by) == hours * HOUR


@pytest.mark.parametrize(
    ("rhythm", "silence", "quiet"),
    [
        (HOURLY, 19 * HOUR, False),  # longer than ever, and not by much
        (HOURLY, 21 * HOUR, True),
        (Rhythm(NOON, 500, 600.0, 1_200.0, OLD), 5 * HOUR, False),  # nobody minds the least span
        (Rhythm(NOON, 500, 600.0, 1_200.0, OLD), 7 * HOUR, True),
        (Rhythm(NOON, KNOWN_GAPS - 1, 600.0, 1_200.0, OLD), 30 * DAY, False),  # it has no rhythm yet
        (Rhythm(NOON, KNOWN_GAPS, 600.0, 1_200.0, OLD), 30 * DAY, True),
        # Set up on Monday; the first silence from Friday evening to Monday morning, and one that is longer.
        (Rhythm(NOON + 4 * DAY + 6 * HOUR, 60, 3_600.0, 14 * 3_600.0, NOON), 63 * HOUR, False),
        (Rhythm(NOON + 4 * DAY + 6 * HOUR, 60, 3_600.0, 14 * 3_600.0, NOON), 73 * HOUR, True),
        (Rhythm(NOON, 40, 20 * 86_400.0, 30 * 86_400.0, OLD), 80 * DAY, False),  # slow by nature
        (HOURLY, 91 * DAY, False),  # nobody waits for it any more
        (Rhythm(), DAY, False),
    ],
)
def test_quiet_is_clearly_longer_than_ever_and_never_what_is_slow_or_young(rhythm, silence, quiet):
    assert is_quiet(rhythm, (rhythm.news_at or NOON) + silence) == quiet


@pytest.mark.parametrize(
    ("rhythm", "silence", "dormant"),
    [
        (HOURLY, 89 * DAY, False),
        (HOURLY, 91 * DAY, True),
        (Rhythm(news_at=NOON), 91 * DAY, True),  # nothing since its first poll
        (Rhythm(NOON, 3, 15 * 86_400.0, 20 * 86_400.0, OLD), HOUR, True),
        (Rhythm(NOON, 3, 13 * 86_400.0, 20 * 86_400.0, OLD), HOUR, False),
        (Rhythm(), DAY, False),
    ],
)
def test_dormant_is_slow_by_nature_or_silent_for_a_season(rhythm, silence, dormant):
    assert is_dormant(rhythm, (rhythm.news_at or NOON) + silence) == dormant


@given(
    st.lists(st.integers(1, 40 * 86_400), min_size=0, max_size=60),
    st.integers(0, 120 * 86_400),
)
def test_quiet_never_blames_a_silence_that_has_been_before(gaps, silence):
    rhythm = after_poll(Rhythm(), new=1, now=OLD)
    for gap in gaps:
        rhythm = after_poll(rhythm, new=1, now=rhythm.news_at + timedelta(seconds=gap))
    assert rhythm.gaps == len(gaps)
    seen = rhythm.news_at + timedelta(seconds=silence)
    if is_quiet(rhythm, seen):
        assert len(gaps) >= KNOWN_GAPS
        assert silence > max(QUIET_FACTOR * max(gaps), LEAST_QUIET)
        assert not is_dormant(rhythm, seen)
    elif quiet_after(rhythm, seen) is not None and silence <= DORMANT_AFTER:
        young = seconds(seen - OLD) < YOUNG
        assert silence <= max(QUIET_FACTOR * max(gaps), LEAST_QUIET_YOUNG if young else LEAST_QUIET)


def test_rhythm_goes_into_a_row_and_comes_back():
    row = types.SimpleNamespace(**HOURLY.columns(), baseline_at=HOURLY.since)
    assert rhythm_of(row) == HOURLY


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (5, "1 min"),
        (10 * 60, "10 min"),
        (59.4 * 60, "59 min"),
        (59.6 * 60, "1 h"),
        (3.4 * 3_600, "3 h"),
        (47.6 * 3_600, "2 days"),
        (10.2 * 86_400, "10 days"),
    ],
)
def test_gap_span_is_one_rounded_number(length, words):
    assert gap_span(length) == words


def test_rhythm_words_say_the_usual_and_the_longest_or_nothing_while_too_little_is_known():
    assert rhythm_words(HOURLY) == "usually every 1 h, longest 10 h"
    assert rhythm_words(Rhythm(NOON, KNOWN_GAPS - 1, 60.0, 60.0, OLD)) == ""
    assert rhythm_words(Rhythm()) == ""
