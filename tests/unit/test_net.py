"""The delay that a server asks for."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.net import read_delay

NOW = datetime(2023, 11, 8, 5, 5, tzinfo=UTC)


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
