"""Words for people: times, headers that cannot lie, names for ids, and which words are marked."""

import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import ALSO, NOW, TITLE, alert, article, mention, reminder, update

from worker.alerts.wording import (
    NAMES_SHOWN,
    PREVIEW_LENGTH,
    SUBJECT_LENGTH,
    also_lines,
    direction,
    header_text,
    in_names,
    local_time,
    marked,
    matched_words,
    preview,
    spread_line,
    subject_line,
    web_link,
    why_lines,
)
from worker.model import TopicScore

law = settings(deadline=None)


@pytest.mark.parametrize(
    ("moment", "zone", "words"),
    [
        (NOW, "Asia/Seoul", "8 Nov 2023, 14:05 Asia/Seoul (UTC+09:00)"),
        (NOW, "UTC", "8 Nov 2023, 05:05 UTC"),
        (NOW, "America/St_Johns", "8 Nov 2023, 01:35 America/St_Johns (UTC-03:30)"),
        (datetime(2023, 7, 1, tzinfo=UTC), "Europe/Berlin", "1 Jul 2023, 02:00 Europe/Berlin (UTC+02:00)"),  # summer
        (datetime(2023, 11, 8, 14, 5, tzinfo=timezone(timedelta(hours=9))), "UTC", "8 Nov 2023, 05:05 UTC"),
        (None, "Asia/Seoul", "not given"),
        (datetime(1, 1, 1, tzinfo=UTC), "America/New_York", "1 Jan 1, 00:00 UTC"),  # the year before has no name
        (datetime(9999, 12, 31, 23, tzinfo=UTC), "Asia/Seoul", "31 Dec 9999, 23:00 UTC"),
    ],
)
def test_g07_local_time_names_its_zone_for_every_date(moment, zone, words):
    assert local_time(moment, zone) == words


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("A plain headline", "A plain headline"),
        ("one\r\nBcc: x@evil.example", "one Bcc: x@evil.example"),
        ("one\u2028two\u2029three\x85four\x0bfive\x00six", "one two three four five six"),
        ("=?utf-8?q?a=0ABcc:_x@evil.example?=", "= ?utf-8?q?a=0ABcc:_x@evil.example?="),
        ("=\u200b?utf-8?q?a=0ABcc?=", "= ?utf-8?q?a=0ABcc?="),  # hidden until the invisible goes
        ("pay \u202egnp.exe", "pay gnp.exe"),  # right-to-left override
        ("\ud800lone", "lone"),
        ("a\u00a0 \u3000b", "a b"),
        ("نامه\u200cها", "نامه\u200cها"),
        ("", ""),
    ],
)
def test_h06_header_text_is_one_honest_line(text, header):
    assert header_text(text) == header


def test_h06_header_text_is_cut_with_an_ellipsis():
    assert header_text("x" * 10_000) == "x" * (SUBJECT_LENGTH - 1) + "…"


@law
@given(st.text(st.characters() | st.sampled_from("=?\r\n\u202e\u200b\ud800")))
def test_h06_header_text_law(text):
    found = header_text(text)
    found.encode()
    assert len(found) <= SUBJECT_LENGTH
    assert "=?" not in found
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in found)


def test_subject_line_has_severity_headline_and_rule():
    assert subject_line(alert(article(title="Shells for Moscow"))) == (
        "[High] Shells for Moscow · Arms between North Korea and Russia"
    )


def test_h07_subject_line_with_a_hostile_rule_name_is_one_line():
    assert subject_line(alert(article(title="News"), rule_name="r\r\nBcc: x@evil.example =?utf-8?q?x?=")) == (
        "[High] News · r Bcc: x@evil.example = ?utf-8?q?x?="
    )


def test_subject_line_of_later_messages_answers_the_first_whatever_the_length():
    for title in (TITLE, "x" * 1_000):
        first = subject_line(alert(article(title=title)))
        known = dict(story_title=title, first_subject=first)
        for later in (update(article(title="Another headline"), **known), reminder(severity="low", **known)):
            assert subject_line(later) == f"Re: {first}"
            assert len(subject_line(later)) <= SUBJECT_LENGTH


@pytest.mark.parametrize(
    ("outlets", "originals", "words"),
    [
        (1, 1, "1 outlet so far"),
        (2, 1, "2 outlets, 1 original source, since 8 Nov 2023, 05:05 UTC"),
        (11, 2, "11 outlets, 2 original sources, since 8 Nov 2023, 05:05 UTC"),
    ],
)
def test_spread_line_counts_outlets_and_sources(outlets, originals, words):
    assert spread_line(alert(outlets=outlets, originals=originals), "UTC") == words


def test_also_lines_name_rule_reasons_and_alert():
    assert also_lines(alert(also=(ALSO,))) == ["[Normal] Korean diplomacy: Kim Jong Un (alert b8Kd)"]


def test_preview_says_what_a_subject_does_not():
    assert preview(alert()).startswith("Harbour Wire: Kim Jong Un toured the yard on Tuesday. Russia has")
    assert preview(update()).startswith("New: severity raised from high to critical")
    assert preview(reminder()).startswith("Not acknowledged yet. Harbour Wire: Kim")
    assert len(preview(alert(article(quote="x" * 9_000)))) == PREVIEW_LENGTH
    assert preview(alert(articles=())) == ": "


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("topic arms 0.97", "topic Arms trade 0.97"),
        ("kim, kim-il", "Kim Jong Un, Kim Il"),  # the longer id is not the shorter one and a rest
        ("charms and arms-race", "charms and arms-race"),  # a part of a word is no id
    ],
)
def test_in_names_replaces_whole_ids(words, shown):
    content = alert(topic_names={"arms": "Arms trade"}, entity_names={"kim": "Kim Jong Un", "kim-il": "Kim Il"})
    assert in_names(words, content) == shown


def test_why_lines_say_topic_words_names_and_rule():
    shown = article(
        mentions=(mention("kim-jong-un", "김정은"), mention("russia", "RUSSIA"), mention("russia", "러시아"))
    )
    assert why_lines(alert(shown)) == [
        "About: North Korea–Russia arms (0.97)",
        "Because of: artillery shells, Moscow",
        "Names: Kim Jong Un (김정은), Russia",  # the article's own words where they differ
        "Rule: Arms between North Korea and Russia: topic North Korea–Russia arms 0.97; Kim Jong Un, Russia",
    ]


def test_why_lines_leave_out_what_there_is_none_of():
    assert why_lines(alert(article(mentions=()), topics=(), why=("feed tagged wire",))) == [
        "Rule: Arms between North Korea and Russia: feed tagged wire"
    ]


def test_why_lines_stay_on_one_screen():
    many = tuple(mention(f"e{n}", f"Name {n}") for n in range(NAMES_SHOWN + 30))
    lines = why_lines(alert(article(mentions=many), why=("; ".join(m.entity for m in many) * 100,)))
    assert lines[2].endswith(f"(Name {NAMES_SHOWN - 1}) and 30 more")
    assert len(lines[3]) < 500
    assert lines[3].endswith(" …")


def test_matched_words_are_those_of_mentions_and_of_topics_that_matched():
    tiny = TopicScore("t", 0.9, True, False, ("al", "US", "of", "북한"))
    assert matched_words(alert(topics=(tiny,)), article(mentions=())) == ["US", "북한"], "'al' alone says nothing"
    assert matched_words(alert(), article()) == ["Kim Jong Un", "Russia", "artillery shells", "Moscow"]


@pytest.mark.parametrize(
    ("text", "words", "hits"),
    [
        ("Kim eats kimchi; Kimchi, says Kim", ["Kim"], ["Kim", "Kim"]),  # not inside Kimchi
        ("Russian Russia's Russia", ["Russia"], ["Russia", "Russia"]),
        ("김정은이 러시아에", ["김정은", "러시아"], ["김정은", "러시아"]),  # before a particle
        ("с Кимом, Ким", ["Ким"], ["Ким"]),
        ("وحزب الله", ["حزب الله"], ["حزب الله"]),  # after a prefix
        ("習近平主席", ["習近平"], ["習近平"]),
        ("Kim Jong Un", ["Kim", "Kim Jong Un"], ["Kim Jong Un"]),  # the longest
        ("costs 5 (US$)", ["US$", "("], ["(", "US$"]),  # no pattern characters
        ("nothing here", ["Kim"], []),
        ("", ["Kim"], []),
        ("anything", [], []),
    ],
)
def test_marked_finds_whole_words(text, words, hits):
    assert [piece for piece, hit in marked(text, words) if hit] == hits


@law
@given(st.text("Kim 김정은.*+?()[]", max_size=60), st.lists(st.text("Kim 김.*(", min_size=1, max_size=4), max_size=5))
def test_marked_loses_no_letter(text, words):
    pieces = list(marked(text, words))
    assert "".join(piece for piece, _ in pieces) == text
    assert all(piece in words for piece, hit in pieces if hit)


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("Seoul says", "ltr"),
        ("حزب الله يعلن", "rtl"),
        ("NATO: حزب الله يعلن استهداف", "rtl"),  # one Latin name first turns nothing
        ("ראש הממשלה", "rtl"),
        ("북한 김정은", "ltr"),
        ("", "ltr"),
    ],
)
def test_direction_is_that_of_most_letters(text, way):
    assert direction(text) == way


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://news.example/a?b=1", "https://news.example/a?b=1"),
        ("http://news.example/뉴스", "http://news.example/뉴스"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//news.example/a", ""),
        ("https://news.example/a b", ""),
        ("https://news.example/a\r\nBcc: x", ""),
        ("https://news.example/\u202e", ""),
        ("\nhttps://news.example/", ""),
        ("https://news.example/\ud800", ""),
        ("", ""),
    ],
)
def test_h08_web_link_is_http_and_one_word(url, link):
    assert web_link(url) == link
