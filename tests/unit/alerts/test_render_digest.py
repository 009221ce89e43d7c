"""A digest's words: the gravest first, the rest counted, and whatever a headline holds, it stays a headline."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from worker.alerts.render_digest import LINES, DigestLine, digest_html, digest_subject, digest_text

AT = datetime(2023, 11, 8, 5, 5, tzinfo=UTC)
HOSTILE = '<script>alert(1)</script>\r\nBcc: x@y.example\x00\u202e"><img src=x>'


def line(n=0, **changes):
    made = dict(
        title=f"Headline {n}", severity="normal", rule_name="Arms", at=AT + timedelta(minutes=n), alert_id=f"a{n}"
    )
    return DigestLine(**made | changes)


def test_digest_counts_in_its_subject():
    lines = [line(0), line(1, severity="high"), line(2)]
    assert digest_subject(lines) == "3 alerts in one message: 1 high, 2 normal"


def test_digest_lists_the_gravest_first_and_then_by_time():
    lines = [line(3), line(1, severity="low"), line(2), line(4, severity="high")]
    text = digest_text(lines, "Asia/Seoul")
    assert re.findall(r"· alert (\w+)", text) == ["a4", "a2", "a3", "a1"]
    assert "8 Nov 2023, 14:09 Asia/Seoul" in text
    assert text.index("[High] Headline 4") < text.index("[Normal] Headline 2") < text.index("[Low] Headline 1")


def test_digest_counts_what_is_too_much_to_list():
    lines = [line(n, rule_name=f"Rule {n % 30}") for n in range(LINES + 60)]
    for shown in (digest_text(lines, "UTC"), digest_html(lines, "UTC")):
        assert shown.count("Headline ") == LINES
        assert "And 60 more: 60 normal." in shown
        assert "and others" in shown
    assert "more" not in digest_text(lines[:LINES], "UTC").split("\n", 1)[1]


def test_digest_names_alerts_with_their_page_and_says_what_is_an_update():
    one = line(url="https://desk.example/alerts/a0", kind="alert.updated")
    assert "https://desk.example/alerts/a0" in digest_text([one, line(1)], "UTC")
    assert 'href="https://desk.example/alerts/a0"' in digest_html([one, line(1)], "UTC")
    assert "Headline 0 (update)" in digest_text([one, line(1)], "UTC")
    assert "href" not in digest_html([line(1, url="javascript:alert(1)"), line(2)], "UTC")


@pytest.mark.parametrize("field", ["title", "rule_name"])
def test_h08_digest_shows_hostile_words_as_words(field):
    lines = [line(**{field: HOSTILE}), line(1)]
    assert "\u0338" not in digest_html([line(**{field: "\u0338 onclick=alert(1)"}), line(1)], "UTC")
    assert "<script" not in digest_html(lines, "UTC") and "<img" not in digest_html(lines, "UTC")
    assert "\nBcc:" not in digest_text(lines, "UTC")
    assert digest_subject(lines).isprintable()
