"""What a document asks of our timing."""

import pytest

from worker.feeds.wishes import skip_of, wait_of


@pytest.mark.parametrize(
    ("channel", "seconds"),
    [
        ({}, None),
        ({"ttl": "30"}, 1800),
        ({"ttl": " 30 "}, 1800),
        ({"ttl": "0"}, None),
        ({"ttl": "-5"}, None),
        ({"ttl": "often"}, None),
        ({"ttl": "nan"}, None),
        ({"sy_updateperiod": "hourly"}, 3600),
        ({"sy_updateperiod": " Daily ", "sy_updatefrequency": "4"}, 6 * 3600),
        ({"sy_updateperiod": "weekly", "sy_updatefrequency": "x"}, 7 * 86_400),
        ({"sy_updatefrequency": "4"}, None),  # of what?
        ({"sy_updateperiod": "sometimes"}, None),
        ({"ttl": "120", "sy_updateperiod": "hourly"}, 7200),  # the longer of the two
        ({"ttl": "15", "sy_updateperiod": "hourly"}, 3600),
    ],
)
def test_f11_wait_is_the_longer_that_is_asked(channel, seconds):
    assert wait_of(channel) == seconds


def channel(inner, items="<item><title>x</title></item>", behind=""):
    return f"<rss><channel>{inner}{items}{behind}</channel></rss>".encode()


def hours(*values):
    return "<skipHours>" + "".join(f"<hour>{value}</hour>" for value in values) + "</skipHours>"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (channel(""), None),
        (channel(hours(0, 23)), ([0, 23], [])),
        (channel(hours(24, " 1\n")), ([0, 1], [])),  # RSS 0.91 counts to 24
        (channel(hours(25, -1, "x", 99999)), None),
        (channel(hours(*range(24))), None),  # never at all is a mistake
        (channel("<skipDays><day>Sunday</day><DAY>monday</DAY><day>Feiertag</day></skipDays>"), ([], [0, 6])),
        (channel(hours(3) + "<skipDays><day>Saturday</day></skipDays>"), ([3], [5])),
        (channel("", behind=hours(4)), ([4], [])),  # behind the items
        (channel("", f"<item><description><![CDATA[{hours(5)}]]></description></item>"), None),  # an article's
        (channel(hours(6), items=""), ([6], [])),
    ],
)
def test_f11_skip_is_what_stands_outside_of_the_items(document, expected):
    found = skip_of(document)
    assert found == (None if expected is None else {"hours": expected[0], "days": expected[1]})
