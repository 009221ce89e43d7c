"""The rhythm of all feeds of a tag or language: what a look makes of it, and when all are quiet."""

import types
from datetime import UTC, datetime, timedelta

import pytest

from worker.config.schema import FeedSpec
from worker.feeds.groups import (
    KNOWN_GAPS,
    LEARNT,
    GroupRhythm,
    group_words,
    groups_of,
    is_group_quiet,
    is_watched,
    look_at_group,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
KNOWN = GroupRhythm("tag:x", since=NOON - 11 * DAY, seen_at=NOON, news_at=NOON, gaps=60, longest_gap=2 * 3_600.0)


def member(news_at=NOON, *, failures=0, late=timedelta(0), at=NOON, answered=None):
    """`answered`: when it last was asked and answered, if not just now."""
    seen = at if answered is None else answered
    return types.SimpleNamespace(news_at=news_at, failures=failures, next_poll_at=at - late, succeeded_at=seen)


def members(*news, at=NOON):
    return [member(one, at=at) for one in news]


def spec(name, **values):
    return FeedSpec(id=name, url=f"https://{name}.example/", **values)


def test_groups_are_the_tags_and_languages_of_three_enabled_feeds_or_more():
    feeds = [spec(f"a{n}", language=code, tags=("x", "y")) for n, code in enumerate(("ko", "ko-KR", "KO"))]
    feeds += [spec("b", language="ja", tags=("x",)), spec("c", language="ja"), spec("d", language="ja", enabled=False)]
    assert groups_of(feeds) == {
        "language:ko": ["a0", "a1", "a2"],
        "tag:x": ["a0", "a1", "a2", "b"],
        "tag:y": ["a0", "a1", "a2"],
    }
    assert groups_of(feeds[:2]) == {}


def test_group_words_name_it():
    assert (group_words("language:ko"), group_words("tag:korea")) == ("in Korean", "with the tag korea")


def test_look_starts_a_rhythm_and_counts_the_silences_between_its_newest():
    found = look_at_group(None, "tag:x", members(None, NOON - HOUR), NOON)
    assert found == GroupRhythm("tag:x", since=NOON, seen_at=NOON, news_at=NOON - HOUR)
    later = look_at_group(found, "tag:x", members(NOON, NOON - HOUR, at=NOON + MINUTE), NOON + MINUTE)
    assert (later.gaps, later.longest_gap, later.news_at, later.seen_at) == (1, 3_600.0, NOON, NOON + MINUTE)
    assert look_at_group(later, "tag:x", members(NOON, at=NOON + MINUTE), NOON + MINUTE) == later
    assert look_at_group(None, "tag:x", members(None), NOON).news_at is None
    nothing = look_at_group(None, "tag:x", [], NOON)
    assert look_at_group(nothing, "tag:x", members(NOON), NOON).gaps == 0, "the first news ends no silence"


def test_look_takes_no_time_for_silence_in_which_nobody_could_see_anything():
    down = NOON + 2 * DAY
    found = look_at_group(KNOWN, "tag:x", members(down, down, at=down), down)
    assert (found.gaps, found.longest_gap) == (61, 2 * 3_600.0), "no look for two days"
    failing = KNOWN
    for n in range(1, 300):
        failing = look_at_group(failing, "tag:x", [member(failures=1), member(failures=3)], NOON + n * MINUTE)
    assert failing.seen_at == NOON
    back = NOON + 300 * MINUTE
    found = look_at_group(failing, "tag:x", members(back, back, at=back), back)
    assert found.longest_gap == 2 * 3_600.0, "all failed for five hours"


@pytest.mark.parametrize(
    ("rows", "watched"),
    [
        ([], False),
        (members(NOON, NOON), True),
        ([member(), member(failures=2)], True),  # half of them
        ([member(), member(failures=2), member(failures=1)], False),
        ([member(late=4 * MINUTE), member(late=4 * MINUTE)], True),  # a batch or two is before them
        ([member(late=6 * MINUTE), member(late=6 * MINUTE)], False),  # nobody polls
    ],
)
def test_watched_is_a_group_of_which_half_answer_in_time(rows, watched):
    assert is_watched(rows, NOON) == watched


@pytest.mark.parametrize(
    ("rhythm", "silence", "quiet"),
    [
        (KNOWN, 2.9 * HOUR, False),
        (KNOWN, 3.1 * HOUR, True),
        (GroupRhythm("x", NOON - 11 * DAY, NOON, NOON, 900, 60.0), 0.9 * HOUR, False),  # nobody minds an hour
        (GroupRhythm("x", NOON - 11 * DAY, NOON, NOON, 900, 60.0), 1.1 * HOUR, True),
        (GroupRhythm("x", NOON - 6 * DAY, NOON, NOON, 900, 60.0), 20 * HOUR, False),  # no weekend seen yet
        (GroupRhythm("x", NOON - 11 * DAY, NOON, NOON, KNOWN_GAPS - 1, 60.0), 20 * HOUR, False),
        (GroupRhythm("x", NOON - LEARNT, NOON), 20 * HOUR, False),
    ],
)
def test_group_is_quiet_when_it_is_silent_for_clearly_longer_than_ever(rhythm, silence, quiet):
    now = NOON + silence
    assert is_group_quiet(rhythm, members(NOON, NOON, at=now), now) == quiet
    assert not is_group_quiet(rhythm, [member(failures=1), member(failures=1)], now), "they fail"


def test_group_is_quiet_no_longer_than_its_feeds_were_asked():
    """After a pause polls are planned anew: due in time they all are, and nobody has asked them yet."""
    now = NOON + 2 * DAY
    planned = [member(NOON, at=now + HOUR, answered=NOON + n * MINUTE) for n in range(4)]
    assert is_watched(planned, now)
    assert not is_group_quiet(KNOWN, planned, now)
    assert look_at_group(KNOWN, "tag:x", planned, now).seen_at == NOON, "nor has anybody looked again"
    asked = [member(NOON, at=now), member(NOON, at=now), *planned[2:]]
    assert is_group_quiet(KNOWN, asked, now)


def test_group_is_not_quiet_in_its_second_weekend_whenever_it_was_set_up():
    monday = datetime(2026, 3, 2, 8, tzinfo=UTC)
    hours = [monday + n * HOUR for n in range(28 * 24)]
    news = [at for at in hours if at.weekday() < 5 and 8 <= at.hour <= 18]
    for began in hours[: 7 * 24 : 7]:
        rhythm = None
        for at in (one for one in hours if began <= one < began + 16 * DAY):
            newest = max((one for one in news if one <= at), default=began)
            for minute in (0, 30):
                moment = at + minute * MINUTE
                rows = members(max(newest, began), at=moment)
                rhythm = look_at_group(rhythm, "tag:x", rows, moment)
                assert not is_group_quiet(rhythm, rows, moment), (began, moment)
