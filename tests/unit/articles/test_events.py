"""What tells one event from another: the score on plain cases, and each guard by its name."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.articles.events import (
    DENSE,
    JOINS,
    MERGES,
    Sums,
    contradicts,
    has_enough,
    is_over,
    measures,
    score,
    sums_of_one,
)
from worker.articles.terms import sketch_of

NOW = datetime(2023, 11, 8, tzinfo=UTC)
FERRY = sketch_of(
    "Ferry sinks off Zanzibar", "At least 40 passengers drowned when a ferry capsized near Zanzibar island."
)


def scored(title, text="", *, hours=1.0, beside=FERRY):
    return score(measures(sketch_of(title, text), sums_of_one(beside), [beside], hours=hours))


def test_another_report_of_the_event_joins():
    assert scored("Dozens drown as Zanzibar ferry capsizes", "Rescuers searched the sea for survivors.") > JOINS


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Tanzania elects a new parliament", "Voters in Zanzibar went to the polls, too."),
        ("Ferry fares to rise in Sydney harbour", "Passengers will pay more from next month."),
        ("A bridge falls into the river", "Nobody was hurt."),
    ],
)
def test_news_of_the_place_or_of_the_kind_is_another_event(title, text):
    assert scored(title, text) < JOINS


def test_the_longer_ago_the_less_likely():
    title = "Zanzibar ferry victims buried"
    found = [scored(title, hours=hours) for hours in (0, 3, 12, 36)]
    assert found == sorted(found, reverse=True)


def test_two_stories_become_one_only_by_what_is_clearly_of_both():
    assert MERGES >= JOINS + 1


@given(st.lists(st.sampled_from(["Ferry sinks", "A bridge falls", "Snow in the hills", "Talks go on"]), max_size=8))
def test_sums_are_the_same_in_whatever_order(titles):
    one, other = Sums(), Sums()
    for title in titles:
        one.add(sketch_of(title, title.upper()))
    for title in reversed(titles):
        other.add(sketch_of(title, title.upper()))
    other.add(FERRY)
    other.add(FERRY, times=-1)
    assert one == other


def test_sums_of_one_are_its_own():
    added = Sums()
    added.add(FERRY)
    assert sums_of_one(FERRY) == added


# ---------------------------------------------------------------- the guards


@pytest.mark.parametrize(
    ("size", "first", "last", "over"),
    [
        (3, timedelta(days=1), timedelta(hours=1), None),
        (3, timedelta(days=3), timedelta(days=2, seconds=1), "silent"),
        (3, timedelta(days=5, seconds=1), timedelta(hours=1), "long"),
        (DENSE, timedelta(hours=23), timedelta(minutes=1), None),
        (DENSE, timedelta(hours=25), timedelta(minutes=1), "dense"),  # the next day's news is another event
        (DENSE - 1, timedelta(hours=25), timedelta(minutes=1), None),
        (DENSE, -timedelta(days=9), -timedelta(days=9), None),  # seen out of order
    ],
)
def test_is_over(size, first, last, over):
    assert is_over(SimpleNamespace(size=size, first=NOW - first, last=NOW - last), NOW) == over


def test_nothing_is_over_without_a_time():
    assert is_over(SimpleNamespace(size=1, first=None, last=None), NOW) is None
    assert is_over(SimpleNamespace(size=1, first=NOW - timedelta(days=99), last=NOW), None) is None


@pytest.mark.parametrize(
    ("one", "other", "enough"),
    [
        ("Zanzibar ferry sinks", "Ferry off Zanzibar lost", True),
        ("Zanzibar", "Zanzibar", False),  # one word is a place, a person or a column
        ("Minister on the way", "Minister in court", False),
    ],
)
def test_has_enough(one, other, enough):
    assert has_enough(sketch_of(one, ""), sketch_of(other, "")) is enough


MOULD = "The leader was shown round the new {} by its builders, and praised the {} as the finest of the whole country."


@pytest.mark.parametrize(
    ("one", "other", "guard"),
    [
        (("Factory two opens in the north", ""), ("Factory three opens in the north", ""), "figures"),
        (("What we know on day 269", "Of the war."), ("What we know on day 270", "More of the war."), "figures"),
        # A figure more, or beside other words, is how an event grows.
        (("Zanzibar ferry: 40 drown", ""), ("Zanzibar ferry sinks: 52 drown", ""), None),
        (
            ("Leader sees harbour", MOULD.format("harbour", "harbour")),
            ("A visit", MOULD.format("school", "school")),
            "mould",
        ),
        (
            ("Leader sees harbour", MOULD.format("harbour", "harbour")),
            ("A port", "Ships call at the harbour again."),
            None,
        ),
        (("Snow", "Of the day."), ("Rain", "Of the day."), None),  # too short to be from a mould
    ],
)
def test_contradicts(one, other, guard):
    assert contradicts(sketch_of(*one), sketch_of(*other), same_feed=False) == guard


def test_headlines_of_one_feed_that_differ_in_a_word_are_two_events():
    one, other = sketch_of("Leader inspects the iron works", ""), sketch_of("Leader inspects the coal works", "")
    assert contradicts(one, other, same_feed=True) == "mould"
    assert contradicts(one, other, same_feed=False) is None


def test_one_teaser_of_a_feed_under_unlike_headlines_is_standing():
    teaser = "Here is where things stand along the front as the leaders send their men, in brief."
    one, other = sketch_of("A bridge that fell", teaser), sketch_of("Snow in the hills", teaser)
    assert contradicts(one, other, same_feed=True) == "mould"
    assert contradicts(one, other, same_feed=False) is None
