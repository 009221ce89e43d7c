"""Times in words: how late a story was seen, and dates that cannot be right."""

from datetime import UTC, datetime, timedelta

import pytest
from samples import NOW, alert, article, reminder, update

from worker.alerts.moments import first_raised, seen_words, span, times_line

SEEN = " publication"
YEAR_1 = datetime(1, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 s"),
        (-5, "1 s"),
        (99, "99 s"),
        (100, "2 min"),
        (240, "4 min"),
        (119 * 60, "119 min"),
        (2 * 3600, "2 hours"),
        (47 * 3600, "47 hours"),
        (48 * 3600, "2 days"),
        (729 * 86400, "729 days"),
        (2022 * 31_557_600, "2022 years"),
    ],
)
def test_span_has_one_unit(seconds, words):
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("published", "words"),
    [
        (NOW - timedelta(minutes=4), "published 8 Nov 2023, 14:01 Asia/Seoul (UTC+09:00) · seen 4 min after" + SEEN),
        (NOW - timedelta(days=3), "published 5 Nov 2023, 14:05 Asia/Seoul (UTC+09:00) · seen 3 days after" + SEEN),
        # A publisher's clock that is a little fast is no news.
        (NOW + timedelta(seconds=30), "published 8 Nov 2023, 14:05 Asia/Seoul (UTC+09:00) · seen 1 s after" + SEEN),
        (
            NOW + timedelta(hours=9),  # local time written as UTC
            "dated 8 Nov 2023, 23:05 Asia/Seoul (UTC+09:00) by its feed, which is later than it was seen:"
            " 8 Nov 2023, 14:05 Asia/Seoul (UTC+09:00)",
        ),
        (None, "no date given; seen 8 Nov 2023, 14:05 Asia/Seoul (UTC+09:00)"),
        (YEAR_1, "published 1 Jan 1, 08:27 Asia/Seoul (UTC+08:27) · seen 2023 years after" + SEEN),
    ],
    ids=["minutes", "days", "a fast clock", "in the future", "none", "the year 1"],
)  # fmt: skip
def test_g07_seen_words_say_how_late_and_doubt_what_cannot_be(published, words):
    assert seen_words(article(published=published), "Asia/Seoul") == words


def test_times_line_counts_from_the_article_that_brings_the_news():
    later = article(first_seen=NOW + timedelta(hours=1))
    content = update(later, analysed=NOW + timedelta(hours=1, seconds=2), raised=NOW + timedelta(hours=1, seconds=3))
    assert times_line(content, "UTC") == "First seen 8 Nov 2023, 06:05 UTC · analysed within 2 s · told within 3 s"
    assert times_line(reminder(), "UTC") == "First seen 8 Nov 2023, 05:05 UTC · analysed within 1 s"
    assert times_line(alert(raised=NOW + timedelta(seconds=3)), "UTC").endswith("raised within 3 s")


def test_first_raised_says_when_and_how_long_ago():
    assert first_raised(update(), "UTC") == "8 Nov 2023, 05:05 UTC, 2 hours before this"
    assert first_raised(reminder(raised=NOW), "UTC") == "8 Nov 2023, 05:05 UTC"
    assert first_raised(update(first_raised=None), "UTC") == "8 Nov 2023, 07:05 UTC"
