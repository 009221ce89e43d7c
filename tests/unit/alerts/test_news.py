"""What is new about a story: only what its readers do not know, in words for them, the weightiest first."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.alerts.news import Told, headline_news, read_told, what_is_new
from worker.model import NewsKind

TOLD = Told("normal", "kim", {"kim": "Kim Jong Un"}, {"en": "English"}, tier=2, source="Daily", originals=1)


@pytest.mark.parametrize(
    ("report", "kinds"),
    [
        (TOLD, []),
        (replace(TOLD, severity="low"), []),  # never down
        (replace(TOLD, severity="critical", because="kn-23"), [NewsKind.SEVERITY]),
        (replace(TOLD, entities={"putin": "Vladimir Putin"}), [NewsKind.ENTITY]),
        (replace(TOLD, entities={}), []),
        (replace(TOLD, languages={"ko": "Korean"}), [NewsKind.LANGUAGE]),
        (replace(TOLD, tier=1, source="Wire"), [NewsKind.TIER]),
        (replace(TOLD, tier=3), []),
        (replace(TOLD, originals=2), [NewsKind.ORIGINALS]),
        (
            replace(TOLD, tier=1, originals=5, severity="high", entities={"putin": "Vladimir Putin"}),
            [NewsKind.SEVERITY, NewsKind.ENTITY, NewsKind.TIER, NewsKind.ORIGINALS],
        ),
    ],
)
def test_what_is_new_names_each_reason_once(report, kinds):
    found = list(what_is_new(TOLD, report))
    assert [one.kind for one in found] == kinds
    assert list(what_is_new(TOLD.joined(report), report)) == [], "and what is known is new no more"


def test_what_is_new_speaks_to_people():
    report = replace(TOLD, severity="high", because="kn-23 named", tier=1, source="Wire", originals=2)
    report = replace(report, entities={"a": "Ana", "b": "Bo", "c": "Cy"}, languages={"ko": "Korean"})
    assert [one.words for one in what_is_new(TOLD, report)] == [
        "severity raised from normal to high: kn-23 named",
        "now naming Ana, Bo and Cy",
        "a more reliable source reports it: Wire (tier 1; tier 2 so far)",
        "2 sources report it for themselves now",
        "the first report in Korean",
    ]


@pytest.mark.parametrize(("before", "after", "told"), [(1, 2, True), (2, 4, False), (4, 5, True), (5, 9, False)])
def test_sources_are_told_of_at_some_numbers_only(before, after, told):
    assert bool(list(what_is_new(replace(TOLD, originals=before), replace(TOLD, originals=after)))) is told


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("North Korea fires two missiles", "North Korea fires two missiles into sea", False),  # a touch
        ("NORTH KOREA FIRES MISSILES AT SEA", "North Korea fires missiles at sea", False),
        ("North Korea fires two missiles", "Seoul says launch was an exercise, not a test", True),
        ("", "North Korea fires two missiles", False),
        ("北朝鮮がミサイルを発射した模様", "韓国軍は訓練だったと発表した", True),
        ("金正恩氏、新型ミサイル工場を視察", "金正恩氏、新型ミサイル工場を視察した", False),
        ("北朝鮮が弾道ミサイルを発射", "北朝鮮が弾道ミサイル発射", False),
        ("북한, 탄도미사일 발사", "북한이 탄도미사일을 발사", False),
        ("김정은, 신형 미사일 공장 시찰", "김정은이 신형 미사일 공장을 시찰", False),
        ("김정은, 신형 미사일 공장 시찰", "김정은, 신형 미사일 공장 시찰 안 해…통일부 부인", True),
        ("Missile test kills 3 in the north", "Missile test kills 300 in the north", True),
        ("Iran strikes Israel with missiles", "Israel strikes Iran with missiles", True),
        ("Kim Jong Un confirmed dead by state media", "Kim Jong Un not dead, state media confirmed", True),
        (
            "North Korea fires missile toward sea, South says",
            "North Korea fires no missile toward sea, South says",
            True,
        ),
        ("Kim Jong Un visits plant, state media says", "State media: Kim Jong Un visits plant", False),
        ("!!! ???", "North Korea fires two missiles", False),
    ],
)
def test_a_headline_is_news_when_it_says_something_else(before, after, told):
    assert bool(headline_news(before, after)) is told


@given(st.builds(
    Told,
    severity=st.sampled_from(["low", "normal", "high", "critical"]),
    because=st.text(max_size=5),
    entities=st.dictionaries(st.sampled_from("abcd"), st.text(max_size=5)),
    languages=st.dictionaries(st.sampled_from(["en", "ko"]), st.text(max_size=5)),
    tier=st.integers(1, 3),
    source=st.text(max_size=5),
    originals=st.integers(1, 60),
))  # fmt: skip
def test_told_law(report):
    """Nothing of a report is new twice, in whichever order; and what is stored reads back."""
    assert not list(what_is_new(TOLD.joined(report), report))
    assert not list(what_is_new(report.joined(TOLD), report))
    assert read_told(report.to_json(), severity="low", report=TOLD) == report


def test_an_alert_without_notes_of_what_was_told_is_told_again_only_of_a_higher_severity():
    report = replace(TOLD, severity="critical", entities={"putin": "Vladimir Putin"}, tier=1, originals=9)
    told = read_told(None, severity="high", report=report)
    assert [one.kind for one in what_is_new(told, report)] == [NewsKind.SEVERITY]
