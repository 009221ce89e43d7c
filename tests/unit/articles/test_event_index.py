"""The index of events: what it finds, what it forgets, and that it is the same whenever it was made."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from worker.articles.event_index import KEPT, LATEST, MEMBERS, Entry, EventIndex
from worker.articles.events import DENSE
from worker.articles.terms import sketch_of

NOW = datetime(2023, 11, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLACES = "Zanzibar Tashkent Reykjavik Windhoek Asuncion Vientiane Ljubljana Bamako".split()
THINGS = ["ferry sinks", "dam bursts", "palace burns", "bank collapses", "train derails", "tower falls"]
WAYS = ["{} {}, dozens missing", "Dozens missing after {} {}", "{}: {} in the night", "Rescuers rush as {} {}"]


def article(title, *, story=0, at=NOW, feed="", text=""):
    return Entry(story, feed, at, sketch_of(title, text).to_bytes())


def find(index, title, *, at=NOW, feed="", text=""):
    return [one.story for one in index.find(sketch_of(title, text), feed=feed, at=at) if one.over is None]


@pytest.fixture
def index():
    made = EventIndex()
    made.add(article("Ferry sinks off Zanzibar, 40 drown", story=1))
    made.add(article("Dam bursts near Tashkent, valley flooded", story=2))
    return made


def test_the_event_is_found(index):
    assert find(index, "Zanzibar ferry sinks, divers search") == [1]
    assert find(index, "Flooded valley near Tashkent is empty after dam bursts") == [2]
    assert find(index, "Snow in the hills") == []


def test_another_language_is_not_looked_for(index):
    index.add(article("Фери затонул у Занзибара, сорок погибших", story=3))
    assert find(index, "Фери затонул у Занзибара, сорок погибших") == []


def test_what_has_merged_is_found_by_the_older(index):
    index.merge(2, 1)
    index.add(article("Tashkent dam bursts, engineers warned", story=2))
    assert find(index, "Tashkent dam bursts, engineers in court") == [1]
    assert index.stories[1].size == 3
    assert 2 not in index.stories


def test_a_story_is_over_for_events_and_says_why(index):
    later = NOW + timedelta(hours=30)
    for n in range(DENSE):
        index.add(
            article(f"Ferry sinks off Zanzibar, {WAYS[n % 4].format('ferry', n)}", story=1, at=NOW + n * 2 * HOUR)
        )
    found = index.find(sketch_of("Zanzibar ferry sinks, divers search", ""), feed="", at=later)
    assert [(one.story, one.over) for one in found] == [(1, "dense")]


def test_what_is_silent_is_no_candidate(index):
    assert find(index, "Zanzibar ferry sinks, divers search", at=NOW + timedelta(days=2, hours=1)) == []


def test_new_numbers_are_taken_for_stories(index):
    index.add(article("Palace burns in Vientiane, king safe", story=-1))
    index.add(article("Vientiane palace burns for hours", story=-1))
    index.rename({-1: 7}, latest=2)
    assert find(index, "King safe as palace burns in Vientiane") == [7]
    assert find(index, "Zanzibar ferry sinks, divers search") == [1]


def test_what_is_long_over_is_let_go(index):
    index.add(article("Palace burns in Vientiane, king safe", story=3, at=NOW + KEPT + HOUR))
    assert list(index.stories) == [3]
    assert len(index.entries) == 1
    assert set(index.postings) == set(sketch_of("Palace burns in Vientiane, king safe", "").terms)


def test_a_word_that_all_have_is_bounded():
    index = EventIndex()
    for n in range(5 * LATEST):
        index.add(article(f"Zanzibar {n} {PLACES[n % 8]}", story=n + 1, at=NOW + n * timedelta(seconds=1)))
    assert max(map(len, index.postings.values())) <= 2 * LATEST


def lived(count, *, seed):
    """Articles placed one by one, with their stories then, and the index after."""
    chance = random.Random(seed)
    index, entries = EventIndex(), []
    for n in range(count):
        title = chance.choice(WAYS).format(chance.choice(PLACES), chance.choice(THINGS))
        at = NOW + n * timedelta(minutes=20)
        going = [one for one in index.find(sketch_of(title, ""), feed="", at=at) if one.over is None]
        story = going[0].story if going else n + 1
        for other in {one.story for one in going[1:] if one.score > 1}:
            index.merge(max(story, other), min(story, other))
            story = min(story, other)
        entries.append(article(title, story=story, at=at))
        index.add(entries[-1])
    return index, entries


@pytest.mark.parametrize("seed", range(3))
def test_an_index_made_again_answers_as_the_one_that_lived(seed):
    index, entries = lived(400, seed=seed)
    first = {}
    for entry in entries:
        first.setdefault(entry.story, entry.at)
    again = EventIndex()
    newest = entries[-1].at
    for entry in entries:
        if newest - entry.at <= KEPT:
            root = index.root(entry.story)
            again.add(entry._replace(story=root), first=first[root])
    assert {name: grown.members[-1] - grown.members[0] for name, grown in index.stories.items()} == {
        name: grown.members[-1] - grown.members[0] for name, grown in again.stories.items()
    }
    for place in PLACES:
        for thing in THINGS:
            sketch = sketch_of(WAYS[0].format(place, thing), "")
            asked = dict(feed="", at=newest + HOUR)
            mine, theirs = ([(o.story, o.score, o.over) for o in i.find(sketch, **asked)] for i in (index, again))
            assert mine == theirs


def test_only_the_latest_articles_are_summed_up():
    index = EventIndex()
    for n in range(MEMBERS + 5):
        index.add(article(f"Ferry sinks off Zanzibar {n}", story=1, at=NOW + n * timedelta(minutes=1)))
        find(index, "Zanzibar ferry sinks, divers search", at=NOW)
    assert len(index.stories[1].members) == MEMBERS
    again = EventIndex()
    for n in range(5, MEMBERS + 5):
        again.add(article(f"Ferry sinks off Zanzibar {n}", story=1, at=NOW + n * timedelta(minutes=1)))
    assert index._sums(1) == again._sums(1)
