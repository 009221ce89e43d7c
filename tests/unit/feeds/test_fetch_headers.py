"""What validators, hints and statuses mean, and how hosts take turns; no sockets."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from worker.errors import FetchReason
from worker.feeds.fetch import conditional_headers, read_answer, read_hints, read_validators, reason_of
from worker.model import Fetched, FetchFailed, FetchRequest, NotModified, ServerHints, Validators
from worker.net import Answer

NOW = datetime(2023, 11, 9, 12, 0, tzinfo=UTC)
URL = "https://example.com/feed"


def headers(*pairs):
    return CIMultiDictProxy(CIMultiDict(pairs))


def answer(status, *pairs, body=b"", url=URL, hops=()):
    return Answer(status, headers(*pairs), body, url, hops)


@pytest.mark.parametrize(
    ("etag", "modified"),
    [
        ('W/"a,b"', "Thu, 9 Nov 2023 12:00 GMT+1"),  # a comma in a weak tag; a date of nobody's format
        ("unquoted", "yesterday"),
        ('"é한"', "2023-11-09"),  # valid UTF-8 is sent as it came
        ('"a\tb"', None),  # a tab is allowed in a field value
        ('"gzip--gzip"', ""),
    ],
)
def test_f02_validators_return_byte_for_byte(etag, modified):
    pairs = [("ETag", etag)] + ([("Last-Modified", modified)] if modified is not None else [])
    kept = read_validators(headers(*pairs))
    expected = {"If-None-Match": etag} | ({"If-Modified-Since": modified} if modified else {})
    assert conditional_headers(kept) == expected


@pytest.mark.parametrize(
    "value",
    [
        '"a\r\nCookie: x"',  # would break the header
        '"a\x00"',
        '"\udce9"',  # bytes that were not UTF-8: we could not send the same ones
        '"' + "a" * 3000 + '"',
    ],
)
def test_f02_validators_that_cannot_be_sent_are_left_out(value):
    assert conditional_headers(Validators(value, value)) == {}
    assert read_validators(headers(("ETag", value), ("Last-Modified", value))) == Validators()


@pytest.mark.parametrize(
    ("pairs", "retry_after", "max_age"),
    [
        ([("Retry-After", "120")], 120, None),
        ([("Retry-After", "Thu, 09 Nov 2023 12:05:00 GMT")], 300, None),
        ([("Retry-After", "Thu, 09 Nov 2023 11:00:00 GMT")], 0, None),  # already over
        ([("Retry-After", "-5")], None, None),
        ([("Retry-After", "soon")], None, None),
        ([("Retry-After", "99999999999")], 86_400, None),  # capped
        ([("Cache-Control", "public, max-age=43200")], None, 43_200),  # F10
        ([("Cache-Control", "max-age=315360000")], None, 86_400),  # ten years
        ([("Cache-Control", 'Max-Age = "60"')], None, 60),
        ([("Cache-Control", "s-maxage=10, max-age=60")], None, 60),
        ([("Cache-Control", "public"), ("Cache-Control", "max-age=60")], None, 60),  # two lines
        ([("Cache-Control", "no-cache, max-age=60")], None, 0),
        ([("Cache-Control", "no-store")], None, 0),
        ([("Cache-Control", "max-age=600"), ("Age", "100")], None, 500),
        ([("Cache-Control", "max-age=600"), ("Age", "1000")], None, 0),
        ([("Cache-Control", "max-age=x")], None, None),
        ([("Expires", "Thu, 09 Nov 2023 13:00:00 GMT"), ("Date", "Thu, 09 Nov 2023 12:30:00 GMT")], None, 1800),
        ([("Expires", "Thu, 09 Nov 2023 13:00:00 GMT")], None, 3600),
        ([("Expires", "0")], None, None),
        ([("Expires", "Thu, 09 Nov 1993 13:00:00 GMT")], None, None),
        ([], None, None),
    ],
)
def test_f10_hints(pairs, retry_after, max_age):
    assert read_hints(headers(*pairs), now=NOW) == ServerHints(retry_after, max_age)


@given(
    st.dictionaries(
        st.sampled_from(["Retry-After", "Cache-Control", "Age", "Expires", "Date"]),
        st.text(max_size=40) | st.integers().map(str) | st.integers().map("max-age={}".format),
    )
)
def test_hints_any_text_stays_within_a_day(found):
    hints = read_hints(headers(*found.items()), now=NOW)
    assert all(value is None or 0 <= value <= 86_400 for value in (hints.retry_after, hints.max_age))


@pytest.mark.parametrize(
    ("status", "waits", "reason"),
    [
        (401, False, "forbidden"),
        (403, False, "forbidden"),
        (451, False, "forbidden"),
        (404, False, "not_found"),
        (410, False, "gone"),
        (429, False, "rate_limited"),
        (503, True, "rate_limited"),
        (503, False, "server"),
        (500, True, "server"),
        (418, False, "status"),
        (204, False, "status"),
        (206, False, "status"),
        (304, False, "status"),
        (300, False, "status"),
    ],
)
def test_reason_of_status(status, waits, reason):
    assert reason_of(status, asked_to_wait=waits) == reason


def test_f03_f05_a_whole_answer_brings_only_its_own_validators():
    asked = FetchRequest("f", URL, Validators('"old"', "Mon"))
    found = read_answer(asked, answer(200, ("ETag", '"new"'), body=b"x"), now=NOW)
    assert isinstance(found, Fetched) and found.validators == Validators('"new"', None)
    found = read_answer(asked, answer(200, body=b"x"), now=NOW)
    assert isinstance(found, Fetched) and found.validators == Validators()


def test_f06_not_modified_keeps_or_renews():
    asked = FetchRequest("f", URL, Validators('"old"', "Mon"))
    assert read_answer(asked, answer(304), now=NOW) == NotModified(Validators('"old"', "Mon"), ServerHints())
    renewed = read_answer(asked, answer(304, ("ETag", '"new"')), now=NOW)
    assert isinstance(renewed, NotModified) and renewed.validators == Validators('"new"', "Mon")


def test_not_modified_without_a_question_is_a_failure():
    found = read_answer(FetchRequest("f", URL), answer(304), now=NOW)
    assert isinstance(found, FetchFailed) and found.reason == FetchReason.STATUS


def test_f08_validators_of_a_detour_are_not_kept():
    tagged = ("ETag", '"elsewhere"')
    detour = answer(200, tagged, url="https://cdn.example/x", hops=((302, "https://cdn.example/x"),))
    found = read_answer(FetchRequest("f", URL), detour, now=NOW)
    assert isinstance(found, Fetched) and found.validators == Validators() and found.permanent_url is None
    moved = answer(200, tagged, url="https://new.example/x", hops=((301, "https://new.example/x"),))
    found = read_answer(FetchRequest("f", URL), moved, now=NOW)
    assert isinstance(found, Fetched) and found.validators == Validators('"elsewhere"', None)
    assert found.permanent_url == "https://new.example/x"


def test_f16_gone_after_a_detour_does_not_stop_the_feed():
    gone = answer(410, url="https://cdn.example/x", hops=((302, "https://cdn.example/x"),))
    found = read_answer(FetchRequest("f", URL), gone, now=NOW)
    assert isinstance(found, FetchFailed) and found.reason == FetchReason.NOT_FOUND
    found = read_answer(FetchRequest("f", URL), answer(410), now=NOW)
    assert isinstance(found, FetchFailed) and found.reason == FetchReason.GONE
