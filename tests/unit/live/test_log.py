"""What a line of our log tells a person: the troubles, in words; of everything else nothing."""

from datetime import UTC, datetime

import pytest

from worker.live.log import read_trouble

AT = "timestamp='2026-03-01T12:00:00.000000Z'"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            f"event='child_died' role='analyse' code=-9 again_in=0.2 level='warning' {AT}",
            "analyse died and starts again in 0.2 s",
        ),
        (f"event='child_silent' role='beat' seconds=75 level='error' {AT}", "beat was silent for 75 s and was ended"),
        (
            f"event='child_not_started' role='redis' error='no memory' again_in=30.0 level='warning' {AT}",
            "redis could not be started; again in 30.0 s",
        ),
        (
            f"event='article_quarantined' article='abc' feed_id='harbour' level='error' {AT}",
            "article quarantined harbour abc; the log says more",
        ),
        (f"event='feed_not_saved' feed_id='\\x1b[2Jx' level='error' {AT}", "feed not saved [2Jx; the log says more"),
        # A quoted value is one value, whatever stands in it.
        (f"event='article_not_settled' article=\"it's level='info'\" level='error' {AT}",
         "article not settled it's level='info'; the log says more"),
    ],
)  # fmt: skip
def test_read_trouble_in_words(line, words):
    trouble = read_trouble(line)
    assert (trouble.words, trouble.at) == (words, datetime(2026, 3, 1, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Wirewatch is up after 7.0 s: 6 feeds, 6 rules.",
        f"event='feed_polled' feed_id='a' outcome='new' level='info' {AT}",
        f"event='feed_polled' feed_id=\"level='error'\" level='info' {AT}",
        "Traceback (most recent call last):",
        "event='half",
        " event='child_died' level='warning'",
    ],
)
def test_read_trouble_finds_none(line):
    assert read_trouble(line) is None
