"""The keys of a story: what finds it, and for how long."""

from datetime import UTC, datetime, timedelta

import pytest

from worker.articles.stories import HEADLINE, LINK, StoryKey, story_keys

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
