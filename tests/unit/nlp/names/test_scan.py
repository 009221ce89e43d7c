"""Watched names in text: a boundary rule per script, exact acronyms, overlaps, offsets, many names at once."""

import random
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from watched import Watched, named

from worker.articles.folding import fold
from worker.articles.wordbounds import LONGEST_TAIL
from worker.model import ArticleText
from worker.nlp.names import alias_problem, compile_watchlist, find_mentions

DESK = [
    Watched("kim", "Kim Jong Un", ["김정은", "金正恩", "Ким Чен Ын", "كيم جونغ أون"]),
    Watched("putin", "Vladimir Putin", ["Putin", "푸틴", "Путин", "プーチン", "بوتين", "פוטין"]),
    Watched("xi", "Xi Jinping", ["習近平"]),
    Watched("lavrov", "Sergei Lavrov", ["Лавров", "Сергей Лавров"]),
    Watched("zakharova", "Maria Zakharova", ["Мария Захарова"]),
    Watched("peskov", "Dmitry Peskov", ["Дмитрий Песков"]),
    Watched("russia", "Russia", ["Россия", "러시아", "روسيا"]),
    Watched("iran", "Iran", ["이란", "Иран", "إيران", "ایران"]),
    Watched("kremlin", "Kremlin", ["الكرملين"]),
    Watched("ford", "Ford"),
    Watched("is", "Islamic State", ["IS", "ИГ"]),
    Watched("iaea", "IAEA"),
    Watched("kn23", "KN-23"),
    Watched("idf", "IDF", ['צה"ל']),
    Watched("un-agency", "UN agency"),
    Watched("stock", "株式"),
    Watched("orsk-plant", "Orsk plant", ["Ørsk plant"]),
]
INDEX = compile_watchlist(DESK)
PIECES = unicodedata.normalize("NFD", "김정은")


def found(text, index=INDEX):
    return named(index, text)


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        # Korean: particles and titles follow without a space; other words do not
        ("김정은이 푸틴을 만났다", [("kim", "김정은"), ("putin", "푸틴")]),
        ("김정은위원장에게서는 답이 없다", [("kim", "김정은")]),  # a title, then two particles
        ("김정은·푸틴 회담", [("kim", "김정은"), ("putin", "푸틴")]),
        ("北김정은, 러시아에", [("kim", "김정은"), ("russia", "러시아")]),  # a Chinese prefix, as headlines have it
        ("쌍둥이란 말", []),  # 이란 inside a word
        ("이란성 쌍둥이", []),  # ... and with another word's ending
        ("김정은희 씨", []),  # another name
        ("IAEA는 KN-23형을", [("iaea", "IAEA"), ("kn23", "KN-23")]),  # a particle after Latin letters
        (f"{PIECES}\u110b\u1175 왔다", [("kim", PIECES)]),  # syllables in pieces
        # Russian: every word of a name is inflected
        ("Встреча Путина с Лавровым", [("putin", "Путина"), ("lavrov", "Лавровым")]),
        ("Сергея Лаврова и Марии Захаровой", [("lavrov", "Сергея Лаврова"), ("zakharova", "Марии Захаровой")]),
        ("Дмитрию Пескову в Россию", [("peskov", "Дмитрию Пескову"), ("russia", "Россию")]),
        ("Ким Чен Ына, Ким Чен Ыном", [("kim", "Ким Чен Ына"), ("kim", "Ким Чен Ыном")]),
        ("путинский иранский россиянин", []),  # adjectives and people are other words
        ("боевики ИГ и иго, ига", [("is", "ИГ")]),  # an acronym is neither inflected nor in small letters
        # Chinese and Japanese: no spaces at all
        ("中国国家主席習近平と金正恩氏", [("xi", "習近平"), ("kim", "金正恩")]),
        ("ロシアのプーチン大統領", [("putin", "プーチン")]),
        ("怪僧ラスプーチンの生涯", []),  # inside a word in katakana
        ("プーチンスキー", []),
        # Arabic and Hebrew: short words are written together with the name that follows
        ("قال بوتين وبوتين لبوتين ببوتين ولبوتين", [("putin", "بوتين")] * 5),
        ("في الكرملين وللكرملين", [("kremlin", "الكرملين"), ("kremlin", "للكرملين")]),
        ("وإيران وروسيا", [("iran", "إيران"), ("russia", "روسيا")]),
        ("كيم جونغ اون", [("kim", "كيم جونغ اون")]),  # without the hamza
        ("إيراني", []),  # an adjective
        ("פוטין ופוטין לפוטין", [("putin", "פוטין")] * 3),
        ('צה"ל צה״ל בצה״ל', [("idf", 'צה"ל'), ("idf", "צה״ל"), ("idf", "צה״ל")]),  # any mark of abbreviation
        ("㍿と株式", [("stock", "株式")]),  # one character that stands for four (株式会社) is not cut
        # Latin
        ("Oxford, Fordham, Bradford and Ford's", [("ford", "Ford")]),  # G08
        (
            "KIM JONG UN, Kim Jong-un and kim jong un",
            [("kim", w) for w in ("KIM JONG UN", "Kim Jong-un", "kim jong un")],
        ),
        ("This is IS, not Is", [("is", "IS")]),  # an acronym in its own case
        ("KN‑23, KN 23, kn-23", [("kn23", "KN‑23"), ("kn23", "KN 23")]),  # any dash; the case still counts
        ("Ｋｉｍ Ｊｏｎｇ Ｕｎ", [("kim", "Ｋｉｍ Ｊｏｎｇ Ｕｎ")]),  # full width
        ("Kim  Jong\n Un", [("kim", "Kim  Jong\n Un")]),  # broken over a line
        ("Ki\u00adm Jong\u00a0Un\u200b said", [("kim", "Ki\u00adm Jong\u00a0Un")]),  # soft hyphen, hard space
        ("L'Iran, d'Iran, “Iran”, Iran’s", [("iran", "Iran")] * 4),
        ("ørsk plant, ORSK PLANT", [("orsk-plant", "ørsk plant"), ("orsk-plant", "ORSK PLANT")]),
        ("Iran_news Iran2 Irán", [("iran", "Irán")]),  # an accent more is the same name
    ],
)
def test_find_mentions_by_the_rule_of_the_script(text, mentions):
    assert found(text) == mentions


@pytest.mark.parametrize(
    ("watched", "text", "mentions"),
    [
        # the longest of overlapping names
        (
            [Watched("a", "Kim"), Watched("b", "Kim Jong Un")],
            "Kim Jong Un and Kim",
            [("b", "Kim Jong Un"), ("a", "Kim")],
        ),
        # ... also where the longer one begins later
        ([Watched("a", "Bank of"), Watched("b", "of North Korea")], "Bank of North Korea", [("b", "of North Korea")]),
        # one name of two entities names both: neither is silently lost
        ([Watched("a", "Al Noor"), Watched("b", "Noor", ["Al Noor"])], "Al Noor", [("a", "Al Noor"), ("b", "Al Noor")]),
        # one entity once, though its name is found by two rules
        ([Watched("a", "Путин", ["Путина"])], "Путина", [("a", "Путина")]),
    ],
)
def test_find_mentions_of_overlapping_names(watched, text, mentions):
    assert found(text, compile_watchlist(watched)) == mentions


def test_find_mentions_says_where_and_how():
    article = ArticleText("1", "Vladimir Putin speaks", "푸틴이 말했다. МАГАТЭ, Путину")
    marks = [(m.field, m.start, m.end, m.alias, m.how) for m in find_mentions(INDEX, article)]
    assert marks == [
        ("title", 0, 14, "Vladimir Putin", "name"),
        ("text", 0, 2, "푸틴", "particle"),
        ("text", 17, 23, "Путин", "inflected"),
    ]


def test_find_mentions_without_names_or_text():
    assert found("Kim Jong Un", compile_watchlist([])) == []
    assert find_mentions(INDEX, ArticleText("1", "")) == ()


@pytest.mark.parametrize(
    ("alias", "bad"),
    [
        ("Kim", False),
        ("習近平", False),
        ("UN", False),
        ("?", True),  # no letter
        ("", True),
        ("\u200b", True),  # nothing that is seen
        ("X", True),  # one letter
        ("a" * 201, True),  # longer than any name
    ],
)
def test_alias_problem_names_what_never_matches(alias, bad):
    assert bool(alias_problem(alias)) is bad
    assert (compile_watchlist([Watched("a", alias)]).count == 0) is bad


NAMES = ["Kim Jong Un", "김정은", "金正恩", "Путин", "بوتين", "IAEA", "Ford", 'צה"ל']
PIECE = st.one_of(
    st.characters(),
    st.sampled_from(list("ﬁßİ㎞㈜\u0301\u200b\u00ad\u1100\u1161\u11a8이은 \n\t-'\"·") + ["👩‍🚀"]),
)
AROUND = st.lists(PIECE, max_size=12).map("".join)


@settings(max_examples=300)
@given(st.lists(st.tuples(AROUND, st.sampled_from(NAMES), AROUND), max_size=4))
def test_g08_mention_offsets_slice_back_to_the_mention(parts):
    """Offsets are code points into the field as it was given, whatever stands around the name."""
    text = "".join(before + name + after for before, name, after in parts)
    for mention in find_mentions(INDEX, ArticleText("1", text, text)):
        assert text[mention.start : mention.end] == mention.text != ""
        assert fold(mention.text).text.strip() == fold(mention.text).text


@given(AROUND, st.sampled_from(NAMES), AROUND)
def test_g08_mention_is_found_between_spaces(before, name, after):
    text = f"{before} . {name} . {after}"
    at = len(before) + 3
    assert any(m.start == at and m.text == name for m in find_mentions(INDEX, ArticleText("1", text)))


@given(st.text(st.characters()))
def test_fold_maps_every_letter_back(text):
    folded = fold(text)
    assert len(folded.starts) == len(folded.text) + 1 and folded.starts[-1] == len(text)
    assert list(folded.starts) == sorted(folded.starts)
    assert "  " not in folded.text


@pytest.mark.parametrize(
    "text",
    [
        "김정은" + "과의" * 5000 + "X",  # particles that can be read in two ways each
        "김정은과의과의과의과의과의과의뷁 " * 2000,
        "김정은" + "이" * 5000,  # deeper than a recursion may go
        "김정은" * 30_000,
        "北김정은" * 25_000,
        "IAEA가" * 25_000,
        "Путин" * 20_000,
        "و" * 100_000 + "بوتين",
        " " * 100_000,
    ],
)
def test_find_mentions_ends_soon_on_hostile_text(text):
    began = time.process_time()
    found(text)
    assert time.process_time() - began < 2


def test_find_mentions_takes_the_longest_tail_and_no_longer_one():
    tail = "국무위원장에게서는"
    assert len(tail) <= LONGEST_TAIL and found(f"김정은{tail}") == [("kim", "김정은")]
    assert found("김정은" + "이" * (LONGEST_TAIL + 1)) == []


def test_g08_watchlist_of_100_000_names_builds_and_matches_fast():
    chance = random.Random(3)
    parts = "an bo ka li mo ra shi te vu zen dor mik pol gra".split()

    def name():
        return " ".join("".join(chance.choices(parts, k=3)).title() for _ in range(2))

    names = sorted({name() for _ in range(130_000)})[:100_000]
    assert len(names) == 100_000
    began = time.process_time()
    index = compile_watchlist([Watched(str(n), name) for n, name in enumerate(names)])
    built = time.process_time() - began
    texts = [" ".join(name() if chance.random() < 0.2 else "word" for _ in range(500)) for _ in range(40)]
    began = time.process_time()
    hits = [find_mentions(index, ArticleText("1", "", text)) for text in texts]
    each = (time.process_time() - began) / len(texts)
    assert built < 8 and each < 0.005  # a second and 0.2 ms on a quiet machine
    assert sum(map(len, hits)) > 40
    assert all(names[int(m.entity)] == m.text for mentions in hits for m in mentions)
