"""What is one headline, or one text, but for the wording; and that such pairs meet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.articles.prints import (
    is_comparable,
    read_text,
    read_words,
    text_bands,
    texts_alike,
    title_bands,
    titles_alike,
)

TITLE = "Envoys of both Koreas meet in Geneva over the launch"


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (TITLE, "ENVOYS of both Koreas meet in Geneva over launch", True),
        (TITLE, "Geneva: envoys of both Koreas meet over the launch", True),  # one part moved
        ("Shelling kills three in Kherson, governor says", "Kherson governor says shelling kills 3", True),
        ("U.S. envoy's plane lands in Pyongyang", "US envoy plane lands in Pyongyang", True),
        ("North fires 2 missiles into eastern sea", "North fires 10 missiles into eastern sea", False),  # numbers
        ("Factory one two visited by the leader in the north", "Factory one three visited by the leader", False),
        ("Talks with the North to resume Friday in Geneva", "Talks with the North to resume in Geneva", False),  # a day
        ("North rejects talks in Geneva over launch", "North not in Geneva talks over launch", False),
        ("Minister did meet the envoys in Geneva", "Minister didn't meet the envoys in Geneva", False),  # a denial
        ("Kim visits Vladivostok shipyard and port", "Kim may visit Vladivostok shipyard and port", False),  # a doubt
        ("Another strike hits the port of Odesa", "Strike hits the port of Odesa", False),
        ("Iran strikes Israel after attack on embassy", "Israel strikes Iran after attack on embassy", False),  # turned
        ("Attack by Iran on Israel condemned in Cairo", "Attack by Israel on Iran condemned in Cairo", False),
        ("General held after he sold shells to militia", "He sold shells to militia", False),  # the news is the rest
        ("Union tries to seize works council at plant", "Union wins to seize works council at plant", False),
        ("Talks in Geneva", "Talks in Geneva", False),  # too short to tell an event
        (TITLE, TITLE + " as snow falls on lake and town and quay", False),  # too much besides
        ("北朝鮮が東の海に向けて弾道ミサイルを発射", "【速報】北朝鮮が東の海に向けて弾道ミサイルを発射", True),
        ("北朝鮮が東の海に向けて弾道ミサイルを発射", "北朝鮮が東の海に向けて弾道ミサイルを発射否定", False),
        ("북한 탄도미사일 동해로 발사 합참 확인", "[속보] 북한 탄도미사일 동해로 발사 합참 확인", True),
        ("북한 탄도미사일 동해로 발사 합참 확인", "북한 탄도미사일 동해로 발사 합참 확인 부인", False),
    ],
)
def test_titles_alike(one, other, alike):
    one, other = read_words(one), read_words(other)
    assert titles_alike(one, other) is titles_alike(other, one) is alike


LEDE = (
    "Envoys of both Koreas met on the shore of the lake on Tuesday for the first time since the launch, and agreed to "
    "meet again before winter, a spokesman for the hosts told reporters."
)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (LEDE, LEDE.upper(), True),
        (LEDE, "GENEVA, Nov. 8 (AP) -- " + LEDE, True),  # an agency's dateline, its date included
        (LEDE, LEDE + " The talks had been in doubt until the last hour, when 3 planes landed.", True),  # cut longer
        (LEDE, LEDE.replace("a spokesman", "one spokesman"), False),  # a number, even so
        (LEDE, LEDE.replace("Tuesday", "Wednesday"), False),
        (LEDE, LEDE.replace("agreed", "refused"), False),
        (
            LEDE,
            "Envoys of both sides stayed away from the lake, and nobody could say why they had not come at all.",
            False,
        ),
        ("Envoys of both Koreas met on the shore.", "Envoys of both Koreas met on the shore.", False),  # a caption
    ],
)
def test_texts_alike(one, other, alike):
    one, other = read_text(one), read_text(other)
    assert texts_alike(one, other) is texts_alike(other, one) is alike


def test_alike_ones_meet():
    """Not by law, but nearly always: of each that follow, one word is left out or added."""
    words = LEDE.split()
    cut = [read_text(" ".join(words[:place] + words[place + 1 :])) for place in range(len(words))]
    whole = set(text_bands(read_text(LEDE)))
    assert sum(bool(whole & set(text_bands(one))) for one in cut) >= len(words) - 2
    titles = [read_words(f"{word} {TITLE}") for word in words]
    assert sum(bool(set(title_bands(read_words(TITLE))) & set(title_bands(one))) for one in titles) >= len(words) - 2


def test_bands_are_the_same_in_every_process_and_fit_a_row():
    """They are kept in rows: other numbers would find nothing of what was stored before."""
    assert title_bands(read_words(TITLE))[0] == 6585298550066386489
    assert text_bands(read_text(LEDE))[::5] == (8649996382604613190, 3238787179912755870)
    assert all(0 <= band < 2**63 for band in (*title_bands(read_words(TITLE)), *text_bands(read_text(LEDE))))
    assert not set(title_bands(read_words(LEDE))) & set(text_bands(read_text(LEDE)))


@given(st.text(), st.text())
def test_any_text_can_be_compared(one, other):
    one, other = read_text(one), read_words(other)
    for each in (one, other):
        assert (not text_bands(each)) is not is_comparable(each)
        title_bands(each)
    assert titles_alike(one, other) is titles_alike(other, one)
    assert texts_alike(one, other) is texts_alike(other, one)


def test_a_long_text_is_read_at_its_beginning():
    assert len(read_text("word " * 100_000).words) == 120
    assert read_text(LEDE + "\ud800 tail").words[-1] == "tail"
