"""How a feed stands, in words, from the configuration's line and the record's row."""

import types
from datetime import UTC, datetime, timedelta

import pytest

from worker.config.schema import FeedSpec
from worker.feeds.shown import (
    AWAITED,
    MOST_COUNTED,
    STATE_WORDS,
    TAKEN_OUT,
    FeedState,
    article_words,
    count_states,
    show_feed,
    stand_of,
)

SPEC = FeedSpec(id="a", url="https://a.example/", title="A", language="ko", tags=("x",), tier=1)
THEN = datetime(2026, 11, 24, 12, tzinfo=UTC)


def row(**values):
    base = dict(shown="active", title="Its own title", articles=7, succeeded_at=THEN, next_poll_at=THEN, failures=0)
    base |= dict(reason=None, detail=None, configured_url=SPEC.url, current_url=SPEC.url)
    base |= dict(news_at=THEN, gaps=40, usual_gap=10_800.0, longest_gap=50_400.0, baseline_at=THEN - timedelta(days=60))
    base |= dict(polled_at=THEN - timedelta(minutes=30), missed=None)
    return types.SimpleNamespace(**base | values)


def test_shown_without_a_record_is_never_polled():
    shown = show_feed(SPEC, None)
    assert (shown.state, shown.words, shown.articles, shown.last_success, shown.next_poll) == (
        "new",
        "never polled",
        0,
        None,
        None,
    )
    assert (shown.id, shown.url, shown.title, shown.language, shown.tags, shown.tier) == (
        "a",
        "https://a.example/",
        "A",
        "ko",
        ("x",),
        1,
    )


@pytest.mark.parametrize(
    ("counted", "articles", "more", "words"),
    [
        (MOST_COUNTED, 1_000, False, "1,000"),
        (MOST_COUNTED + 1, 1_000, True, "over 1,000"),  # where the record stops counting
    ],
)
def test_shown_articles_are_counted_up_to_a_limit_and_say_so(counted, articles, more, words):
    shown = show_feed(SPEC, row(articles=counted))
    assert (shown.articles, shown.more_articles) == (articles, more)
    assert article_words(counted) == words


def test_shown_that_works_has_its_times_and_no_trouble():
    shown = show_feed(SPEC, row())
    assert (shown.words, shown.articles, shown.last_success, shown.next_poll) == ("working", 7, THEN, THEN)
    assert (shown.wrong, shown.advice, shown.reason) == ("", "", "")


@pytest.mark.parametrize(
    ("spec", "values", "words", "wrong", "polled"),
    [
        (SPEC, dict(shown="new", succeeded_at=None), "never polled", "", True),
        (
            SPEC,
            dict(shown="failing", reason="server", detail="status 502", failures=3),
            "failing",
            "its server has trouble of its own (5xx): status 502 (3 times in a row)",
            True,
        ),
        (
            SPEC,
            dict(shown="failing", reason="empty", failures=1),
            "failing",
            "its answer has no content",
            True,
        ),
        (
            SPEC,
            dict(shown="stopped", reason="gone", detail="status 410", failures=1),
            "gone",
            "its publisher says that it is gone for good (410): status 410",
            False,
        ),
        # it works, and not all of it came
        (SPEC, dict(reason="truncated"), "working", "its answer broke off before its end", True),
        (
            SPEC,
            dict(current_url="https://b.example/"),
            "working",
            "it moved for good to https://b.example/",
            True,
        ),
        # the file says something that the workers do not know yet
        (
            SPEC,
            dict(configured_url="https://old.example/", reason="gone", shown="failing"),
            "failing",
            "its address in feeds.yaml is new",
            True,
        ),
        # it answers, and has been silent for longer than ever
        (
            SPEC,
            dict(shown="quiet", news_at=THEN - timedelta(days=3)),
            "quiet",
            "it answers, but has brought nothing new for longer than ever before: "
            "for 3 days, usually every 3 h, longest 14 h",
            True,
        ),
        (SPEC, dict(shown="dormant", news_at=THEN - timedelta(days=300)), "dormant", "", True),  # no trouble
        (SPEC, dict(shown="removed"), AWAITED, "", False),
        (SPEC.model_copy(update={"enabled": False}), dict(shown="removed", reason="gone"), "disabled", "", False),
    ],
)
def test_shown_says_what_is_wrong_and_what_to_do(spec, values, words, wrong, polled):
    shown = show_feed(spec, row(**values))
    assert (shown.words, shown.wrong) == (words, wrong)
    assert (shown.next_poll is not None) == polled
    assert bool(shown.advice) == bool(wrong)


def test_shown_takes_the_feeds_own_title_where_the_file_has_none():
    assert show_feed(SPEC.model_copy(update={"title": ""}), row()).title == "Its own title"
    assert show_feed(SPEC, row()).title == "A"


def test_shown_has_the_rhythm_what_was_missed_and_how_often_it_is_asked():
    shown = show_feed(SPEC, row(missed=12, reason="possible_gap"))
    assert (shown.rhythm, shown.usual_gap, shown.longest_gap) == ("usually every 3 h, longest 14 h", 10_800, 50_400)
    assert (shown.interval, shown.missed, shown.missed_words) == (1_800, 12, "about 12 entries missed")
    assert (shown.last_news, shown.quiet_since, shown.reason) == (THEN, None, "possible_gap")
    quiet = show_feed(SPEC, row(shown="quiet"))
    assert (quiet.quiet_since, quiet.reason, quiet.interval) == (THEN, "quiet", 1_800)
    assert show_feed(SPEC, row(shown="stopped")).interval is None, "it is asked no more"


def test_shown_has_words_for_each_state():
    assert set(STATE_WORDS) == set(FeedState)


def test_stand_of_a_feed_that_was_taken_out_says_so_and_no_more():
    stand = stand_of(None, row(shown="removed", reason="gone"))
    assert (stand.state, stand.words, stand.trouble, stand.polled) == ("removed", TAKEN_OUT, None, False)


def test_stand_without_the_configuration_is_the_record_s():
    stand = stand_of(None, row(shown="failing", reason="dns", failures=2))
    assert (stand.state, stand.words, stand.polled) == ("failing", "failing", True)
    assert stand.trouble.whole == "its host's name leads nowhere (2 times in a row)"


def test_count_states_says_the_worst_first_and_leaves_out_what_is_none():
    assert count_states({"active": 20_000, "stopped": 1, "new": 2, "removed": 0}) == [
        "1 gone",
        "2 never polled",
        "20,000 working",
    ]
