"""When a feed is asked next: the floor, what the publisher asked for, back-off; bounds for any outcome."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import FetchReason
from worker.feeds.schedule import DAY, HOUR, JITTER, Pace, Pacing, follow, next_poll, open_at
from worker.model import Fetched, FetchFailed, NotModified, ParsedFeed, ServerHints, SkipTimes, Validators

NOW = datetime(2023, 11, 9, 12, 0, tzinfo=UTC)
PACING = Pacing(interval=300, floor=60)
UNMOVED = 0.5  # the jitter that changes nothing of an interval
JITTERED = 1 + JITTER


def fetched(**hints):
    return Fetched(200, b"", "", Validators(), ServerHints(**hints), "https://example.com/feed")


def failed(reason, status=None, **hints):
    return FetchFailed(reason, "", status, ServerHints(**hints))


def parsed(*, wait=None, skip=None):
    return ParsedFeed("rss20", "", "", "", (), wait=wait, skip=skip)


def wait(outcome, *, ttl=None, failures=0, pacing=PACING, jitter=UNMOVED):
    """Of a feed's first poll, whose document asks for `ttl`."""
    document = parsed(wait=ttl) if not isinstance(outcome, FetchFailed) else None
    pace = follow(Pace(wait=ttl), outcome, parsed=document, seen=0, new=0, pacing=pacing, first=True)
    found = next_poll(outcome, pace=pace, failures=failures, pacing=pacing, now=NOW, jitter=jitter)
    return (found - NOW).total_seconds()


def adapted(interval, *polls, pacing=PACING):
    """The interval after polls that brought (new, of so many)."""
    pace = Pace(stretch=interval / pacing.interval)
    for new, seen in polls:
        pace = follow(pace, fetched(), parsed=parsed(), seen=seen, new=new, pacing=pacing)
    return pace.stretch * pacing.interval


@pytest.mark.parametrize(
    ("outcome", "ttl", "expected"),
    [
        (fetched(), None, 300),  # nothing asked: the interval
        (NotModified(Validators(), ServerHints()), None, 300),  # an unchanged feed keeps its pace
        (fetched(max_age=43_200.0), None, 43_200 * 1.05),  # twelve hours fresh, and a little for chance
        (fetched(max_age=10.0), None, 300),  # fresh for less than the interval: not asked sooner
        (fetched(max_age=315_360_000.0), None, DAY),  # ten years: capped
        (fetched(), 10_800.0, 10_800 * 1.05),  # <ttl>180
        (fetched(max_age=600.0), 900.0, 900 * 1.05),  # the longer of two wishes
        (NotModified(Validators(), ServerHints(retry_after=700.0)), None, 700 * 1.05),  # Retry-After beside a 304
    ],
)
def test_f10_f11_next_poll_waits_as_asked(outcome, ttl, expected):
    assert wait(outcome, ttl=ttl) == pytest.approx(expected)


def test_f10_f11_what_an_answer_asked_holds_until_another_says_otherwise():
    pace = follow(Pace(), fetched(max_age=7200.0), parsed=parsed(wait=900.0), seen=0, new=0, pacing=PACING)
    quiet = follow(pace, NotModified(Validators(), ServerHints()), parsed=None, seen=0, new=0, pacing=PACING)
    assert (quiet.max_age, quiet.wait) == (7200, 900), "a 304 that says nothing changes nothing"
    told = follow(pace, NotModified(Validators(), ServerHints(max_age=0.0)), parsed=None, seen=0, new=0, pacing=PACING)
    assert told.max_age == 0, "no-cache in a 304"
    same = follow(pace, fetched(), parsed=None, seen=0, new=0, pacing=PACING)
    assert (same.max_age, same.wait) == (None, 900), "a 200 without a Cache-Control claims no freshness"
    assert follow(pace, failed(FetchReason.SERVER, 500), parsed=None, seen=0, new=0, pacing=PACING) == pace


def test_f11_no_poll_in_hours_and_days_of_rest():
    nights = SkipTimes(hours=frozenset(range(12)))  # NOW is a Thursday, noon
    assert open_at(NOW, nights, jitter=0.0) == NOW
    assert open_at(NOW + timedelta(hours=13), nights, jitter=0.0) == NOW + timedelta(days=1)
    weekend = SkipTimes(days=frozenset({5, 6}))
    assert open_at(NOW + timedelta(days=2), weekend, jitter=0.0) == datetime(2023, 11, 13, tzinfo=UTC)
    both = SkipTimes(hours=frozenset({0}), days=frozenset({4}))
    assert open_at(NOW + timedelta(days=1), both, jitter=0.5) == datetime(2023, 11, 11, 1, 7, 30, tzinfo=UTC)
    assert open_at(NOW, SkipTimes(hours=frozenset(range(24))), jitter=0.0) == NOW, "all of a day: nobody means that"
    pace = follow(Pace(), fetched(), parsed=parsed(skip=SkipTimes(frozenset({12}))), seen=0, new=0, pacing=PACING)
    found = next_poll(fetched(), pace=pace, failures=0, pacing=PACING, now=NOW, jitter=0.0)
    assert found == NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("interval", "polls", "expected"),
    [
        (300, [(0, 0)], 330),  # nothing new: a tenth slower
        (300, [(0, 0)] * 200, HOUR),  # down to the slowest
        (3000, [(1, 30)], 2250),  # news: a quarter faster
        (310, [(1, 30)], 300),  # never faster than configured,
        (300, [(20, 30)], 150),  # unless entries may come and go between two polls;
        (300, [(20, 30)] * 9, 75),  # a quarter of the interval then,
        (3000, [(20, 30)], 150),  # at once, however slow it was
        (150, [(10, 30)], 150),  # and until it clearly does not overflow
        (150, [(2, 30)], 165),
        (300, [(3, 3)], 300),  # of so few, half is no rush
    ],
)
def test_the_interval_follows_what_polls_bring(interval, polls, expected):
    assert adapted(interval, *polls) == pytest.approx(expected)


def test_a_feed_at_rest_brings_news_at_one_poll_in_four():
    interval, due, polls = 300.0, 0.0, []
    for n in range(1, 200):  # an entry every 40 minutes
        while due < 2400 * n:
            fresh = 2400 * (n - 1) <= due and (not polls or polls[-1][0] < 2400 * (n - 1))
            interval = adapted(interval, (int(fresh), 30))
            polls.append((due, fresh))
            due += interval
    late = [fresh for _, fresh in polls[100:]]
    assert 0.2 < sum(late) / len(late) < 0.3


def test_the_interval_of_a_rush_is_never_below_the_floor():
    pacing = Pacing(interval=300, floor=200)
    found = next_poll(fetched(), pace=Pace(stretch=0.25), failures=0, pacing=pacing, now=NOW, jitter=0.0)
    assert (found - NOW).total_seconds() == 200


def test_another_interval_in_the_configuration_counts_at_once():
    slow = Pacing(interval=7200, floor=60, slowest=HOUR)
    found = next_poll(fetched(), pace=Pace(stretch=3.0), failures=0, pacing=slow, now=NOW, jitter=UNMOVED)
    assert (found - NOW).total_seconds() == 7200, "slower than the slowest is as configured"


def test_a_host_of_the_operators_own_is_asked_at_its_interval():
    assert adapted(5, *[(0, 0)] * 9, pacing=Pacing(interval=5, floor=1, ignore_hints=True)) == 5


@pytest.mark.parametrize(
    ("reason", "status", "failures", "expected"),
    [
        (FetchReason.TIMEOUT, None, 1, 300),  # a hiccup: the interval
        (FetchReason.TIMEOUT, None, 2, 600),  # doubles
        (FetchReason.TIMEOUT, None, 4, 2400),
        (FetchReason.TIMEOUT, None, 1000, HOUR),  # nobody answers: our own line may be down, so soon again
        (FetchReason.TLS, None, 1000, DAY),  # for ever, and no overflow
        (FetchReason.NOT_FOUND, 404, 1, HOUR),  # not there: an hour first
        (FetchReason.NOT_FOUND, 404, 6, DAY),  # F16: one request a day in the end
        (FetchReason.GONE, 410, 1, DAY),
        (FetchReason.SERVER, 500, 1, 300),  # an error page is a hiccup
        (FetchReason.SERVER, 503, 1, HOUR),  # F13: overloaded, no word for how long
        (FetchReason.SERVER, 503, 3, 4 * HOUR),
        ("too_dear", None, 1, 300),  # a document that cannot be parsed
    ],
)
def test_f13_f16_next_poll_backs_off_and_doubles(reason, status, failures, expected):
    assert wait(failed(reason, status), failures=failures, jitter=0.0) == max(expected, 270)
    assert wait(failed(reason, status), failures=failures, jitter=0.999) <= max(min(DAY, expected * JITTERED), 330)


def test_f16_a_feed_that_is_not_found_for_a_month_is_asked_at_most_once_a_day():
    for failures in range(6, 40):
        for jitter in (0.0, 0.5, 0.999):
            assert wait(failed(FetchReason.NOT_FOUND, 404), failures=failures, jitter=jitter) == DAY


def test_f12_next_poll_obeys_retry_after_whatever_the_jitter():
    limited = failed(FetchReason.RATE_LIMITED, 429, retry_after=86_400.0)
    assert wait(limited, failures=1, jitter=0.0) == wait(limited, failures=1, jitter=0.999) == DAY


def test_f13_next_poll_after_a_503_with_retry_after_needs_no_hour():
    assert wait(failed(FetchReason.RATE_LIMITED, 503, retry_after=30.0), failures=1, jitter=0.0) == 900


def test_next_poll_ignores_hints_only_where_told():
    own = Pacing(interval=5, floor=1, ignore_hints=True)
    assert wait(fetched(max_age=9999.0), ttl=9999.0, pacing=own) == 5
    assert wait(failed(FetchReason.NOT_FOUND, 404), failures=1, pacing=own, jitter=0.0) == 5
    assert wait(failed(FetchReason.SERVER, 503), failures=2, pacing=own, jitter=0.0) == 10


def test_f09_next_poll_jitter_is_a_tenth_both_ways_and_never_below_the_floor():
    assert wait(fetched(), jitter=0.0) == pytest.approx(270)
    assert wait(fetched(), jitter=0.999) == pytest.approx(330, abs=0.1)
    assert wait(fetched(), pacing=Pacing(interval=60, floor=60), jitter=0.0) == 60


SECONDS = st.one_of(st.none(), st.floats(0, 1e12))
OUTCOMES = st.builds(
    lambda kind, reason, status, hints: (
        fetched(**hints)
        if kind == 0
        else NotModified(Validators(), ServerHints(**hints))
        if kind == 1
        else failed(reason, status, **hints)
    ),
    st.integers(0, 2),
    st.sampled_from(list(FetchReason)),
    st.sampled_from([None, 404, 500, 503]),
    st.fixed_dictionaries({"retry_after": SECONDS, "max_age": SECONDS}),
)


@given(
    OUTCOMES,
    SECONDS,
    st.integers(0, 10_000),
    st.floats(1, 1e6),
    st.floats(0, 1e5),
    st.booleans(),
    st.floats(0, 1, exclude_max=True),
)
def test_next_poll_stays_within_its_bounds(outcome, ttl, failures, interval, floor, ignore, jitter):
    pacing = Pacing(interval=interval, floor=floor, ignore_hints=ignore)
    found = wait(outcome, ttl=ttl, failures=failures, pacing=pacing, jitter=jitter)
    small = 1e-5  # instants are whole microseconds
    assert found >= max(floor, interval * (1 - JITTER)) - small
    assert found <= max(DAY, interval, floor) + small
    if not ignore:
        if not isinstance(outcome, FetchFailed):
            assert found >= min(outcome.hints.max_age or 0, DAY) - small
        assert found >= min(outcome.hints.retry_after or 0, DAY) - small
