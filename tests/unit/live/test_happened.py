"""Rows made into what is told: names for ids, and nothing in a string that could do anything to a terminal."""

import json
import unicodedata
from datetime import timedelta
from types import SimpleNamespace

import pytest
from happenings import NOW, judged
from hypothesis import given
from hypothesis import strategies as st

from worker.live.happened import LONGEST, Reader, arrived, as_json, safe

READER = Reader(
    feeds={"harbour": "Harbour Wire"},
    topics={"nk-russia-arms": "Arms"},
    entities={"kim-jong-un": "Kim Jong Un"},
    rules={"arms": "Arms deals"},
    channels={"desk-mail": "email"},
)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),  # the escape itself is gone: the rest is only letters
        ("\x9b2Jgone", "2Jgone"),  # CSI as one character
        ("a\r\nb\tc\x07", "a b c"),
        ("abc\u202edef\u2066x\u200f", "abcdefx"),  # overrides, isolates and marks of direction
        ("[bold]not markup[/bold]", "[bold]not markup[/bold]"),
        ("👨\u200d👩\u200d👧 family", "👨👩👧 family"),  # one picture of three, as wide as terminals disagree
        ("▶\ufe0f", "▶"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # a non-joiner spells a Persian word
        ("Z" + "\u0301" * 50, "Ź" + "\u0301" * 3),  # marks piled up over other lines
        (None, ""),
        ("x" * 5_000, "x" * LONGEST),
    ],
)
def test_safe_leaves_words_and_nothing_else(given, shown):
    assert safe(given) == unicodedata.normalize("NFC", shown)


@given(st.text())
def test_safe_never_lets_a_control_through(text):
    shown = safe(text)
    assert len(shown) <= LONGEST
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    assert not [c for c in shown if unicodedata.category(c) == "Cf" and c not in "\u200c\u200d"]


def poll_row(**changes):
    values = dict(at=NOW, feed_id="harbour", outcome="new", reason=None, seen=5, new=2, changed=1, title="", detail="")
    return SimpleNamespace(**values | dict(baseline_at=NOW - timedelta(hours=1)) | changes)


def test_reader_names_a_feed_by_the_configuration_then_the_record_then_its_id():
    assert READER.read("poll", poll_row(title="Of the feed")).title == "Harbour Wire"
    assert READER.read("poll", poll_row(feed_id="other", title="Of the feed")).title == "Of the feed"
    assert READER.read("poll", poll_row(feed_id="other")).title == "other"


def test_reader_knows_a_baseline_and_keeps_an_old_detail_off_a_good_poll():
    polled = READER.read("poll", poll_row(baseline_at=NOW, detail="of an earlier failure"))
    assert (polled.baseline, polled.detail, polled.edited) == (True, "", 1)
    assert READER.read("poll", poll_row(outcome="failed", reason="dns", detail="no such host")).detail == "no such host"


def test_reader_tells_the_topics_that_matched_and_each_name_once():
    topics = [
        {"id": "nk-russia-arms", "score": 0.971234, "match": True},
        {"id": "middle-east", "score": 0.1, "match": False},
    ]
    mentions = [{"entity": "kim-jong-un"}, {"entity": "kim-jong-un"}, {"entity": "gone-from-the-watchlist"}]
    row = SimpleNamespace(
        at=NOW, public_id="a", feed_id="harbour", title="T", baseline=False, duplicate_of=7, topics=topics,
        notes=[], mentions=mentions, language="en",
    )  # fmt: skip
    found = READER.read("article", row)
    assert [(topic.name, topic.score) for topic in found.topics] == [("Arms", 0.9712)]
    assert found.names == ("Kim Jong Un", "gone-from-the-watchlist")
    assert found.copy and not found.baseline


def test_reader_puts_names_into_the_reason():
    row = SimpleNamespace(
        at=NOW, public_id="a", article="b", feed_id="harbour", title="T", severity="high", rule_id="arms",
        because="topic nk-russia-arms 0.97; kim-jong-un; language ko", first_seen_at=NOW,
    )  # fmt: skip
    found = READER.read("alert", row)
    assert found.because == "topic Arms 0.97; Kim Jong Un; language ko"
    assert found.rule_name == "Arms deals"


def attempt_row(**changes):
    values = dict(
        at=NOW, public_id="d", alert="a", channel="desk-mail", recipient="ana@desk.example", outcome="sent", n=1,
        first_seen_at=NOW - timedelta(seconds=2), created_at=NOW - timedelta(seconds=1), subject="S", reason=None,
        detail=None, kind="alert.raised",
    )  # fmt: skip
    return SimpleNamespace(**values | changes)


def test_reader_measures_from_the_first_sight_and_for_the_operator_from_the_message():
    assert READER.read("attempt", attempt_row()).seconds == 2
    to_operator = READER.read("attempt", attempt_row(alert=None, first_seen_at=None, kind="operator"))
    assert (to_operator.seconds, to_operator.kind, to_operator.alert) == (1, "operator", "")


def test_json_begins_with_the_time_and_the_event_and_names_every_field():
    told = as_json(judged())
    assert list(told)[:2] == ["at", "event"]
    assert (told["at"], told["event"]) == ("2026-03-01T12:00:00.000Z", "article")
    assert list(told["topics"]) == [{"id": "arms", "name": "Arms", "score": 0.97}]
    assert json.loads(json.dumps(told))["names"] == ["Kim Jong Un"]


def test_arrived_is_safe_too():
    assert arrived("mail", at=NOW, recipient="a\x1b]0;title\x07", subject="\u202eevil").recipient == "a ]0;title"
