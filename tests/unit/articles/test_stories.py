"""The keys of a story: what finds it, for how long, and what makes one story of two."""

from datetime import UTC, datetime, timedelta

import pytest

from worker.articles.stories import (
    HEADLINE,
    LINK,
    TEXT,
    TITLE,
    Arrival,
    Place,
    Stories,
    StoryKey,
    print_keys,
    story_keys,
)
from worker.articles.terms import sketch_of
from worker.articles.wording import Wording

NOW = datetime(2023, 11, 8, tzinfo=UTC)
PAGE, OTHER_PAGE = "https://paper.example/1", "https://daily.example/2"
TALKS = "Envoys meet in Seoul over the launch"
LEDE = (
    "Envoys of both Koreas met on the shore of the lake on Tuesday for the first time since the launch, and agreed to "
)
LEDE += "meet again before winter, a spokesman for the hosts told reporters."


@pytest.mark.parametrize(
    ("title", "url", "kinds"),
    [
        (TALKS, PAGE, [LINK, HEADLINE]),
        (TALKS, "", [HEADLINE]),
        ("Breaking news", PAGE, [LINK]),  # too short to tell one event
        (TALKS, "https://paper.example/", [HEADLINE]),  # a front page is no article's
        (TALKS, "https://paper.example/?id=1", [LINK, HEADLINE]),
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
        (TEXT, NOW - timedelta(days=900), NOW, True),  # for as long as it is kept
        (HEADLINE, NOW - timedelta(days=3), NOW, True),
        (HEADLINE, NOW - timedelta(days=3, seconds=1), NOW, False),  # the same words in another week
        (TITLE, NOW - timedelta(days=3, seconds=1), NOW, False),
        (HEADLINE, NOW + timedelta(days=9), NOW, True),  # seen out of order
        (HEADLINE, None, NOW, True),  # no telling
        (HEADLINE, NOW, None, True),
    ],
)
def test_a_key_finds_its_story_for_as_long_as_its_kind_lasts(kind, last_seen, at, finds):
    assert StoryKey(kind, "x").finds(last_seen=last_seen, at=at) is finds


class Newsroom:
    """Stories, told of articles numbered from 1; a story that article n opens is -n."""

    def __init__(self):
        self.stories, self.count = Stories({}), 0

    def __call__(self, title="", *, url="", text="", feed="", at=NOW):
        self.count += 1
        wording = Wording(feed or f"feed-{self.count}", url, title, text)
        keys = story_keys(title=title, canonical_url=url) + print_keys(wording)
        return self.stories.place(Arrival(self.count, at, keys, wording, sketch_of(title, text)), new=-self.count)


@pytest.fixture
def place():
    return Newsroom()


def test_an_article_joins_by_its_strongest_key(place):
    assert place(TALKS, url=PAGE, text=LEDE) == Place(-1)
    assert place(TALKS, url=PAGE, text=LEDE) == Place(-1, LINK, 1)
    assert place(TALKS, url=OTHER_PAGE, text=LEDE) == Place(-1, TEXT, 1)
    assert place(TALKS) == Place(-1, HEADLINE, 1)
    assert place(f"{TALKS}, hosts say") == Place(-1, TITLE), "no copy: nobody knows what it says"
    assert place("A bridge falls", text=LEDE) == Place(-1, TEXT, 1)
    assert place("Snow in the hills of the west") == Place(-7)


def test_a_headline_over_another_text_is_the_same_story_and_an_article_of_its_own(place):
    place(TALKS, text=LEDE)
    another = "A reporter of ours saw how the delegations came by boat in the rain, and left again in one car at night."
    assert place(TALKS, text=another) == Place(-1, HEADLINE)


def test_what_an_article_brings_finds_those_after_it(place):
    place(TALKS, url=PAGE)
    place("A bridge falls", url=PAGE, text=LEDE)
    assert place("Nothing alike", text=LEDE) == Place(-1, TEXT, 2)


def test_a_lapsed_headline_goes_to_the_next_story(place):
    place(TALKS)
    later = NOW + timedelta(days=9)
    assert place(TALKS, at=later) == Place(-2)
    assert place(TALKS, at=later) == Place(-2, HEADLINE, 2)


def test_a_headline_lives_from_its_last_article_on(place):
    assert [place(TALKS, at=NOW + timedelta(days=days)).story for days in (0, 2, 4, 3, 7, 10)] == [-1] * 6
    assert place(TALKS, at=NOW + timedelta(days=14)).story == -7


def test_old_news_under_a_new_address_is_a_copy(place):
    place(TALKS, url=PAGE, text=LEDE)
    assert place("Koreas talk", url=OTHER_PAGE, text=LEDE, at=NOW + timedelta(days=200)) == Place(-1, TEXT, 1)


def test_a_page_under_unlike_headlines_of_one_feed_finds_nothing_any_more(place):
    assert place("Talks begin on the lake today", url=PAGE, feed="live") == Place(-1)
    assert place("A bridge falls into the river", url=PAGE, feed="live") == Place(-2)
    assert place("Snow is expected in the hills", url=PAGE, feed="live") == Place(-3)
    assert place("What they said at the lake", url=PAGE) == Place(-4)


def test_two_stories_with_one_text_and_one_page_become_the_older(place):
    place("The first of them", url=PAGE)
    place("Unlike the first one", text=LEDE)
    assert place("Both of these at once", url=PAGE, text=LEDE) == Place(-1, LINK, 1)
    assert place.stories.merged == {-2: -1}
    assert place("One more of that text", text=LEDE).story == -1


def test_what_merged_before_follows_its_story(place):
    text = LEDE.replace("lake", "river").replace("first", "last").replace("winter", "spring")
    pages = [f"https://paper.example/{n}" for n in range(3)]
    place("The first of them", url=pages[0])
    place("Unlike the first one", url=pages[1], text=LEDE)
    place("Nothing like the others", url=pages[2])
    place("Third and second now", url=pages[2], text=LEDE)
    place("All of them together", url=pages[0], text=text)
    assert place("All of these as one", url=pages[2], text=text).story == -1
    assert place.stories.merged == {-3: -1, -2: -1}


def test_a_headline_alone_makes_no_story_of_two(place):
    place("The first of them", url=PAGE)
    place(TALKS, text=LEDE)
    assert place(TALKS, url=PAGE) == Place(-1, LINK, 1)
    assert place.stories.merged == {}
    assert place(TALKS) == Place(-2, HEADLINE, 2), "it stays with the story that it found"
