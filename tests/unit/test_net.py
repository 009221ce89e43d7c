"""The bounded gzip reader: exact, whatever the chunks, and never over its limit; the delay that a server asks for."""

import gzip
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.errors import FetchError, FetchReason
from worker.net import MIB, _Gunzip, read_delay

NOW = datetime(2023, 11, 8, 5, 5, tzinfo=UTC)


def unpack(wire, *, limit=MIB, size=7):
    reader = _Gunzip(limit)
    body = b"".join(reader.feed(wire[i : i + size]) for i in range(0, len(wire), size))
    reader.finish()
    return body


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.integers(1, 50))
def test_gunzip_members_and_chunks_do_not_matter(parts, size):
    assert unpack(b"".join(map(gzip.compress, parts)), size=size) == b"".join(parts)


@given(st.binary(max_size=200), st.integers(1, 50))
def test_h03_gunzip_any_bytes_are_a_body_or_broken(wire, size):
    try:
        assert len(unpack(wire, limit=1000, size=size)) <= 1001
    except FetchError as error:
        assert error.reason in (FetchReason.TRUNCATED, FetchReason.TOO_LARGE)


def test_f23_gunzip_a_body_that_breaks_off():
    with pytest.raises(FetchError, match="truncated"):
        unpack(gzip.compress(b"feed" * 100)[:-9])


def test_f23_gunzip_a_wrong_checksum():
    wire = bytearray(gzip.compress(b"feed" * 100))
    wire[-6] ^= 0xFF
    with pytest.raises(FetchError, match="truncated"):
        unpack(bytes(wire))


@pytest.mark.parametrize("padding", [b"\0" * 30, b"garbage", b"\x1fgarbage"])
def test_gunzip_ignores_padding_after_the_end(padding):
    for size in (1, 7, 1000):
        assert unpack(gzip.compress(b"feed") + padding, size=size) == b"feed"


def test_gunzip_an_empty_body_is_empty():
    assert unpack(b"") == b""


def test_h03_gunzip_stops_at_the_limit():
    bomb = zlib.compressobj(9, wbits=31)
    wire = b"".join(bomb.compress(bytes(MIB)) for _ in range(64)) + bomb.flush()
    reader = _Gunzip(1000)
    assert len(reader.feed(wire)) == 1001


def test_h03_gunzip_refuses_endless_members():
    with pytest.raises(FetchError, match="members"):
        unpack(gzip.compress(b"") * 2000, size=4096)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 90 ", 90),
        ("Wed, 08 Nov 2023 05:06:00 GMT", 60),
        ("Wed, 08 Nov 2023 14:06:00 +0900", 60),
        ("Wednesday, 08-Nov-23 05:06:00 GMT", 60),  # the old form of RFC 850
        ("Wed, 08 Nov 2023 04:00:00 GMT", 0),  # long past
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),  # a digit, and no number
        ("٣", None),
        ("9" * 400, None),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
        ("0\x1f", 0),  # white space to str.strip, not to float
        ("", None),
    ],
)
def test_e03_delay_is_read_in_both_forms(value, seconds):
    assert read_delay(value, now=NOW) == seconds


@settings(deadline=None)
@given(st.text(max_size=60) | st.text("0123456789:,-+ WedNovGMT", max_size=40))
def test_e03_delay_never_raises(value):
    found = read_delay(value, now=NOW)
    assert found is None or found >= 0
