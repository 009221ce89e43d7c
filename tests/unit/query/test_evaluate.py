"""What a query finds, script by script, and where: a table, and the laws that hold for any text."""

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from worker.articles.folding import fold
from worker.errors import QueryError
from worker.query.evaluate import Match, Miss, find, weigh
from worker.query.parse import parse_query
from worker.query.tree import Not, Query

ANY = st.text(
    st.characters() | st.sampled_from(list('\ud800\udfff\x00"*()-/· 김이은핵ㅎЙйёءال־״ßİ㎞㈜\u0301\u200b\u00ad'))
)


def said(query, text, title=""):
    """The words that carried it, as the article has them; None where it does not match."""
    found = find(parse_query(query), title=title, text=text)
    return found and [span.text for span in found.spans]


@pytest.mark.parametrize(
    ("query", "text", "words"),
    [
        # Latin: whole words, in whatever case and with whatever accents, hyphens and quotation marks
        ("missile", "Two Missile launches", ["Missile"]),
        ("missile", "two missiles", None),
        ("missil*", "two missiles", ["missiles"]),
        ("mis*", "MISSION to Mars", ["MISSION"]),
        ("orsk", "In Őrsk today", ["Őrsk"]),
        ("Zürich", "zurich", ["zurich"]),
        ("strasse", "Straße", ["Straße"]),
        ("KN-23", "the KN‑23 and the KN 23", ["KN‑23"]),
        ("KN-23", "the KN23", None),
        ("U.S.", "the U.S. forces", ["U.S"]),
        ("AT&T", "at&t said", ["at&t"]),
        ("don’t", "they don't", ["don't"]),
        ("Iran", "Iran’s own", ["Iran"]),
        ("Iran", "iran_news Iran2 Iranian", None),
        ("km", "100 ㎞", ["㎞"]),
        ("k", "100 ㎞", None),  # one character is not cut
        ("ｍｉｓｓｉｌｅ", "missile", ["missile"]),
        # Phrases: the words follow one another, whatever marks stand between
        ('"artillery shells"', "Artillery  shells; artillery-shells", ["Artillery  shells"]),
        ('"artillery shells"', "artillery, shells", ["artillery, shells"]),
        ('"artillery shells"', "artillery and shells", None),
        ('"artillery shells"', "artilleryshells", None),
        ('“artillery shel*”', "artillery shelling", ["artillery shelling"]),
        ("«North Korea»", 'the “North” Korea', ["North” Korea"]),
        ('"north korea"', "North\nKorea", ["North\nKorea"]),
        # Korean: particles and titles follow; compounds may be written in one
        ("미사일", "미사일을 발사했다", ["미사일"]),
        ("미사일", "탄도미사일을", None),
        ("미사*", "미사일을 발사", ["미사일을"]),
        ("핵*", "핵무기", ["핵무기"]),
        ("핵*", "비핵화", None),
        ('"탄도 미사일"', "탄도미사일은 탄도 미사일", ["탄도미사일"]),
        ('"탄도 미사일"', "새 탄도 미사일을", ["탄도 미사일"]),
        ("김정은", "北김정은위원장이", ["김정은"]),
        ("김정은", "김정은희", None),
        ("IAEA", "IAEA는", ["IAEA"]),
        ("핵실험", "\u1112\u1162\u11a8실험이", ["\u1112\u1162\u11a8실험"]),  # a syllable in pieces
        # Chinese and Japanese: a sequence of characters; katakana is whole
        ("北朝鮮", "昨日北朝鮮がミサイルを", ["北朝鮮"]),
        ("核", "核実験", ["核"]),
        ("ミサイル", "弾道ミサイルを", ["ミサイル"]),
        ("プーチン", "ラスプーチン", None),
        ('"朝鮮 労働党"', "朝鮮労働党の", ["朝鮮労働党"]),
        ("导弹*", "发射导弹了", ["导弹"]),
        # Cyrillic: the endings of the word
        ("ракета", "пуск ракет и о ракетах", ["ракет"]),
        ("ракета", "ракетный", None),
        ("ракет*", "ракетный удар", ["ракетный"]),
        ('"баллистическая ракета"', "баллистической ракеты", ["баллистической ракеты"]),
        ("ядерный", "ядерного ядерных", ["ядерного"]),
        ("оружие", "оружия", ["оружия"]),
        ("иго", "игом", None),  # too short for a stem
        ("ООН", "в ООН", ["ООН"]),
        # Arabic and Hebrew: short words are written together with what follows
        ("صاروخ", "والصاروخ", ["صاروخ"]),
        ("الكرملين", "للكرملين", ["للكرملين"]),
        ("صاروخ", "صاروخية", None),
        ('"صاروخ باليستي"', "الصاروخ الباليستي", ["صاروخ الباليستي"]),
        ("טיל", "הטיל נורה", ["טיל"]),
        ('צה"ל', "בצה״ל", ["צה״ל"]),
        # AND, OR, NOT: NOT binds most, then NEAR, then AND
        ("a b", "b a", ["a", "b"]),
        ("a AND b", "a", None),
        ("a OR b c", "b", None),  # a, or b with c
        ("(a OR b) c", "c b", ["b", "c"]),
        ("a NOT b", "a", ["a"]),
        ("a NOT b", "a b", None),
        ("a NOT b OR c", "b c", ["c"]),
        ("a NOT (b c)", "a b", ["a"]),
        ("a (b OR NOT c)", "a", ["a"]),
        ("NOT NOT a", "a", ["a"]),
        ("NOT (NOT a OR b)", "a", ["a"]),
        # NEAR: at most so many words between, in whatever order
        ("a NEAR/0 b", "b-a", ["b", "a"]),
        ("a NEAR/1 b", "a x b", ["a", "b"]),
        ("a NEAR/1 b", "a x y b", None),
        ("a NEAR/2 b", "a x x x b x x a", ["b", "a"]),
        ('("a b" OR c) NEAR/1 d', "d x a b", ["d", "a b"]),
        ("a NEAR/3 a", "a", None),  # another one
        ("a NEAR/3 a", "a a", ["a", "a"]),
        ("NOT (a NEAR/1 b) c", "a x y b c", ["c"]),
        ("a NEAR/1 b OR c", "c", ["c"]),
        ("روسيا NEAR/0 إيران", "إيران وروسيا", ["إيران", "روسيا"]),
        ("金正恩 NEAR/2 习近平", "金正恩会见习近平", ["金正恩", "习近平"]),  # a character counts as a word
        ("金正恩 NEAR/1 习近平", "金正恩会见习近平", None),
    ],
)  # fmt: skip
def test_find_by_the_rule_of_the_script(query, text, words):
    assert said(query, text) == words
    assert said(query, "", title=text) == words


@pytest.mark.parametrize("query", ['"north korea"', "north NEAR/0 korea"])
def test_find_never_reaches_from_the_title_into_the_text(query):
    assert find(parse_query(query), title="Up north", text="Korea waits") is None
    assert find(parse_query("north korea"), title="Up north", text="Korea waits")


def test_find_says_where_with_the_first_of_each_field():
    found = find(parse_query("shells OR Kim"), title="Shells", text="Kim saw shells and shells")
    spans = [(span.field, span.start, span.end, span.text) for span in found.spans]
    assert spans == [("title", 0, 6, "Shells"), ("text", 8, 14, "shells"), ("text", 0, 3, "Kim")]
    assert found.quoted() == ("Shells", "Kim")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("a b", "does not say b"),
        ("a NOT c", "says c"),
        ("b OR d", "does not say b or d"),
        ("b OR d OR e OR f OR g OR h", "does not say b, d, e, f or 2 others"),
        ("a NEAR/2 c", "does not say a near c (at most 2 words between)"),
        ("a NOT (b OR c)", "says b or c"),
    ],
)
def test_weigh_says_what_does_not_hold(query, words):
    assert weigh(parse_query(query), title="a", text="c") == Miss(words)


WORDS = ["missile", '"artillery shells"', "김정은", "北朝鮮", "ракета", "صاروخ", "miss*", "핵*", "ab NEAR/3 (cd OR ef)"]


@settings(max_examples=100, deadline=None)
@given(ANY, ANY, st.sampled_from(WORDS), st.sampled_from(WORDS))
@example("\ud800\x00", "\udfff", "missile", "ракета")
def test_find_never_raises_and_its_spans_slice_back(title, text, one, other):
    bare = other.strip('"').removesuffix("*")
    article = {"title": title, "text": f"{text} {bare} {text}"}
    found = weigh(parse_query(f"{one} OR ({other}) OR {one} NOT zz"), **article)
    assert isinstance(found, Match | Miss)
    for span in getattr(found, "spans", ()):
        assert article[span.field][span.start : span.end] == span.text != ""
        assert fold(span.text).text.strip()


@given(ANY, ANY, st.sampled_from(WORDS))
def test_find_twice_not_is_the_thing_itself(title, text, word):
    query = parse_query(word)
    twice = Query(Not(Not(query.root)), word)
    assert parse_query(f"NOT NOT ({word})") == query
    assert (find(twice, title=title, text=text) is None) == (find(query, title=title, text=text) is None)


@given(ANY)
def test_find_what_a_text_itself_asks(text):
    for word in re.findall(r"\w+", text):
        try:
            query = parse_query(f'"{word}"')
        except QueryError:
            continue
        assert find(query, title="", text=f". {word} .")


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("a b c", "a" * 100_000),
        ("a NEAR/5 b", "a " * 50_000),
        ("(a OR b) NEAR/2 (c OR a)", "a x y z " * 12_500),
        (f'"{"a " * 9}b"', "a " * 5_000 + "b"),
        (f"({' OR '.join(f'aa{n}' for n in range(199))})", "aa" * 50_000),
        ("김정은", "김정은" * 33_000),
        ("김정은", "김정은" + "과의" * 50_000),
        ("김정은", "김정은과의과의과의과의과의과의뷁 " * 5_000),  # each could be read in thousands of ways
        ("IAEA*", "IAEA가" * 20_000),
        ("путин", "путина" * 16_000),
        ("بوتين", "و" * 100_000 + "بوتين"),
        ("核核核*", "核" * 100_000),
        ("zz", "\ud800\x00é" * 33_000),
    ],
    ids=range(13),
)
def test_h14_find_ends_soon_on_hostile_text(query, text):
    """A second for 100,000 characters made for this query; an article takes microseconds."""
    began = time.process_time()
    weigh(parse_query(query), title="", text=text)
    assert time.process_time() - began < 3
