"""The keys of a story: what finds it, and for how long."""

from datetime import UTC, datetime, timedelta

import pytest

from worker.articles.stories import HEADLINE, LINK, Holder, Stories, StoryKey, story_keys

NOW = datetime(2023, 11, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("title", "url", "kinds"),
    [
        ("Envoys meet in Seoul over the launch", "https://paper.example/1", [LINK, HEADLINE]),  # the link is stronger
        ("Envoys meet in Seoul over the launch", "", [HEADLINE]),
        ("Breaking news", "https://paper.example/1", [LINK]),  # too short to tell one event
        ("", "", []),
    ],
)
def test_story_keys_by_link_and_headline(title, url, kinds):
    assert [key.kind for key in story_keys(title=title, canonical_url=url)] == kinds


def test_story_keys_of_long_links_differ_where_the_links_do():
    tail = "x" * 300
    keys = {story_keys(title="", canonical_url=f"https://{host}.example/{tail}") for host in "ab"}
    assert len(keys) == 2
    assert all(len(key.value) <= 200 for found in keys for key in found)


def test_story_keys_take_half_a_character():
    assert story_keys(title="", canonical_url="https://a.example/" + "\ud800" * 300)


@pytest.mark.parametrize(
    ("kind", "last_seen", "at", "finds"),
    [
        (LINK, NOW - timedelta(days=900), NOW, True),  # the same page is the same page
        (HEADLINE, NOW - timedelta(days=3), NOW, True),
        (HEADLINE, NOW - timedelta(days=3, seconds=1), NOW, False),  # the same words in another week
        (HEADLINE, NOW + timedelta(days=9), NOW, True),  # seen out of order
        (HEADLINE, None, NOW, True),  # no telling
        (HEADLINE, NOW, None, True),
    ],
)
def test_a_key_finds_its_story_for_as_long_as_its_kind_lasts(kind, last_seen, at, finds):
    assert StoryKey(kind, "x").finds(last_seen=last_seen, at=at) is finds


PAGE, WORDS = StoryKey(LINK, "https://paper.example/1"), StoryKey(HEADLINE, "envoys meet in seoul over the launch")
LONG_AFTER = NOW + timedelta(days=9)


def test_stories_remember_what_they_have_placed():
    stories = Stories({PAGE: Holder("held", "a0", NOW)})
    assert stories.place("a1", [PAGE, WORDS], at=NOW, new="own") == Holder("held", "a0", NOW)
    assert stories.place("a2", [WORDS], at=NOW, new="own") == Holder("held", "a1", NOW), "the first that brought it"
    assert stories.place("a3", [], at=NOW, new="own") is None


def test_stories_give_a_lapsed_key_to_the_next_story():
    stories = Stories({WORDS: Holder("old", "a0", NOW)})
    assert stories.place("a1", [WORDS], at=LONG_AFTER, new="next") is None
    assert stories.place("a2", [WORDS], at=LONG_AFTER, new="other").story == "next"


@pytest.mark.parametrize(
    ("before", "at", "after"), [(NOW, LONG_AFTER, LONG_AFTER), (LONG_AFTER, NOW, LONG_AFTER), (None, NOW, NOW)]
)
def test_stories_keep_the_latest_sight_of_a_key(before, at, after):
    stories = Stories({PAGE: Holder("held", "a0", before)})
    stories.place("a1", [PAGE], at=at, new="own")
    assert stories.held[PAGE] == Holder("held", "a0", after)


def test_stories_join_the_strongest_key_and_leave_the_other_where_it_is():
    stories = Stories({PAGE: Holder("page", "a0", NOW), WORDS: Holder("words", "a1", NOW)})
    assert stories.place("a2", [PAGE, WORDS], at=NOW, new="own").story == "page"
    assert stories.held[WORDS].story == "words"
