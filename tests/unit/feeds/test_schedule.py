"""When a feed is asked next: the floor, what the publisher asked for, back-off; bounds for any outcome."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import FetchReason
from worker.feeds.schedule import DAY, HOUR, JITTER, Pacing, next_poll
from worker.model import Fetched, FetchFailed, NotModified, ServerHints, Validators

NOW = datetime(2023, 11, 9, 12, 0, tzinfo=UTC)
PACING = Pacing(interval=300, floor=60)
UNMOVED = 0.5  # the jitter that changes nothing


def fetched(**hints):
    return Fetched(200, b"", "", Validators(), ServerHints(**hints), "https://example.com/feed")


def failed(reason, status=None, **hints):
    return FetchFailed(reason, "", status, ServerHints(**hints))


def wait(outcome, *, ttl=None, failures=0, pacing=PACING, jitter=UNMOVED):
    found = next_poll(outcome, parsed_ttl=ttl, failures=failures, pacing=pacing, now=NOW, jitter=jitter)
    return (found - NOW).total_seconds()


@pytest.mark.parametrize(
    ("outcome", "ttl", "expected"),
    [
        (fetched(), None, 300),  # nothing asked: the interval
        (NotModified(Validators(), ServerHints()), None, 300),  # an unchanged feed keeps its pace
        (fetched(max_age=43_200.0), None, 43_200),  # twelve hours fresh
        (fetched(max_age=10.0), None, 300),  # fresh for less than the interval: not asked sooner
        (fetched(max_age=315_360_000.0), None, DAY),  # ten years: capped
        (fetched(), 10_800.0, 10_800),  # <ttl>180
        (fetched(max_age=600.0), 900.0, 900),  # the longer of two wishes
        (NotModified(Validators(), ServerHints(retry_after=700.0)), None, 700),  # Retry-After beside a 304
    ],
)
def test_f10_f11_next_poll_waits_as_asked(outcome, ttl, expected):
    assert wait(outcome, ttl=ttl) == expected


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
    assert wait(failed(reason, status), failures=failures) == expected


def test_f12_next_poll_obeys_retry_after_whatever_the_jitter():
    limited = failed(FetchReason.RATE_LIMITED, 429, retry_after=86_400.0)
    assert wait(limited, failures=1, jitter=0.0) == wait(limited, failures=1, jitter=0.999) == DAY


def test_f13_next_poll_after_a_503_with_retry_after_needs_no_hour():
    assert wait(failed(FetchReason.RATE_LIMITED, 503, retry_after=30.0), failures=1) == 900


def test_next_poll_ignores_hints_only_where_told():
    own = Pacing(interval=5, floor=1, ignore_hints=True)
    assert wait(fetched(max_age=9999.0), ttl=9999.0, pacing=own) == 5
    assert wait(failed(FetchReason.NOT_FOUND, 404), failures=1, pacing=own) == 5
    assert wait(failed(FetchReason.SERVER, 503), failures=2, pacing=own) == 10


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
        assert found >= min(outcome.hints.max_age or 0, DAY) - small
        assert found >= min(outcome.hints.retry_after or 0, DAY) - small
