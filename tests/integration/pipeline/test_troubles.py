"""Feeds in trouble: the operator hears once when it lasts, once when it is over, and of many in one message."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta

import pytest
from desk import at_once
from sqlalchemy import select, update
from steps import operator_subjects

from worker.config.schema import FeedSpec
from worker.console.scrape import read_gauges
from worker.errors import FetchReason, ParseReason
from worker.feeds.rhythm import is_dormant, is_quiet, rhythm_of
from worker.health import look as look_at_health
from worker.health import stand
from worker.metrics import QUIET_GROUPS, TROUBLED
from worker.pipeline.tick import look_around
from worker.pipeline.troubles import look_for_troubles
from worker.store import feeds
from worker.store.rhythms import is_dormant as row_is_dormant
from worker.store.rhythms import is_quiet as row_is_quiet
from worker.store.schema import delivery, feed, notification, quiet_group, trouble

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WELL = dict(failures=0, failing_since=None, reason=None, detail=None)


class Fleet:
    """A desk of so many feeds whose rows the tests write, and whose clock stands still until it is moved."""

    def __init__(self, desk, runtime, count=12, **spec):
        self.desk, self.now, self.ids = desk, NOON, [f"feed-{n:03}" for n in range(count)]
        specs = [FeedSpec(id=one, url=f"https://{one}.example/", title=f"The {one}", **spec) for one in self.ids]
        config = dataclasses.replace(runtime.config, feeds=tuple(specs))
        store = runtime.store.with_clock(lambda: self.now)
        self.runtime = dataclasses.replace(runtime, config=config, store=store)
        feeds.sync_feeds(store, [(one.id, one.url, one.title) for one in specs], spread=0)
        # Each has been here for a season, brings something every hour, and rested for ten hours at the longest.
        known = dict(baseline_at=NOON - 90 * DAY, gaps=500, usual_gap=3_600.0, longest_gap=36_000.0)
        self.set(*self.ids, polled_at=NOON, succeeded_at=NOON, news_at=NOON, **known, **WELL)

    def set(self, *ids, **values):
        with self.desk.store.writing() as connection:
            for start in range(0, len(ids), 400):
                connection.execute(update(feed).where(feed.c.id.in_(ids[start : start + 400])).values(**values))

    def fail(self, *ids, since=None, failures=3, reason="connect", detail=None):
        self.set(*ids, failures=failures, failing_since=since or self.now, reason=reason, detail=detail)

    def mend(self, *ids):
        self.set(*ids, **WELL, succeeded_at=self.now)

    def answer(self, *ids, news=False):
        """These were just polled."""
        found = dict(polled_at=self.now, succeeded_at=self.now, next_poll_at=self.now + 10 * MINUTE)
        self.set(*ids, **found, **(dict(news_at=self.now) if news else {}))

    def look(self, after=timedelta(0)):
        """What the operator has been told by a look at that moment: subjects."""
        before = len(operator_subjects(self.desk))
        self.now += after
        look_for_troubles(self.runtime)
        return operator_subjects(self.desk)[before:]

    def watch(self, length, step=15 * MINUTE):
        """What is told while time passes and nothing else happens."""
        until, told = self.now + length, []
        while self.now < until:
            told += self.look(step)
        return told

    def text(self):
        """The last message, as its reader has it."""
        row = max(self.desk.rows(delivery), key=lambda row: row.id)
        return json.loads(bytes(row.body))["text"]

    def groups(self):
        return {row.name: row for row in self.desk.rows(quiet_group)}


@pytest.fixture
def fleet(desk, runtime):
    return Fleet(desk, runtime)


@pytest.fixture
def many(desk, runtime):
    return Fleet(desk, runtime, 300)


# ---------------------------------------------------------------- many at once


def test_three_hundred_feeds_that_fail_at_once_are_one_message_and_one_when_they_are_back(many):
    gone = many.ids[:290]
    for n in range(10):  # as they are asked, within an hour
        reason = ("connect", "dns", "timeout")[n % 3]
        many.fail(*gone[n::10], since=NOON + n * 6 * MINUTE, failures=1, reason=reason)
    many.fail(*gone[:4], since=NOON, failures=1, reason="not_found")
    assert many.watch(50 * MINUTE) == []
    many.set(*gone, failures=4)
    assert many.watch(2 * HOUR) == ["290 feeds fail"]
    text = many.text()
    assert text.startswith("Most of the desk's feeds cannot be reached at once")
    assert "this machine's own line" in text
    assert text.count("\n- feed-") == 20, "some of each reason are named"
    assert all(f"\n- {one} (The {one})" in text for one in gone[:4]), "the few that are another matter all are"
    assert text.count("\n- and ") == 3, "the rest is counted"
    assert "\n4 feeds, of each: nothing is at its address (404). If it stays so, look on" in text
    for reason in ("its host takes no connection", "its host's name leads nowhere", "it did not answer in time"):
        assert text.count(reason) == 1, "with its advice, once"
    many.fail(*many.ids[290:], failures=1)  # those that are asked more rarely: the same outage
    assert many.watch(2 * HOUR) == []
    for start in range(0, 300, 50):
        many.mend(*many.ids[start : start + 50])
        assert many.look(10 * MINUTE) == []
    assert many.watch(3 * HOUR) == ["300 feeds answer again"]
    assert many.text().count("\n- feed-") == 20
    assert many.desk.rows(trouble, trouble.c.end_told_at.is_(None)) == []
    assert many.watch(DAY, step=HOUR) == []


def test_an_outage_is_told_although_some_feeds_have_been_dead_for_weeks(many):
    dead, alive = many.ids[:8], many.ids[8:]
    many.fail(*dead, since=NOON - 20 * DAY, reason="dns")
    assert many.look() == ["8 feeds fail"]
    assert "own line" not in many.text()
    many.now += DAY
    many.fail(*alive, reason="dns")
    assert many.look(30 * MINUTE) == []
    assert many.look(40 * MINUTE) == ["292 feeds fail"]
    assert "this machine's own line" in many.text()


def test_feeds_that_stay_in_trouble_do_not_keep_the_end_of_the_others_back_for_ever(fleet):
    fleet.fail(*fleet.ids[:6], since=NOON - HOUR, reason="server")
    assert fleet.look() == ["6 feeds fail"]
    fleet.mend(*fleet.ids[:4])
    assert fleet.watch(110 * MINUTE) == []
    assert fleet.watch(30 * MINUTE) == ["4 feeds answer again"]
    assert "2 are still in trouble" in fleet.text()
    fleet.mend(*fleet.ids[4:6])
    assert fleet.watch(3 * HOUR) == ["2 feeds answer again"]


# ---------------------------------------------------------------- when it is told


def test_a_feed_is_told_when_it_has_failed_for_an_hour_and_three_times(fleet):
    fleet.fail("feed-003", since=NOON, failures=2, reason="server", detail="status 502")
    assert fleet.watch(2 * HOUR) == [], "twice"
    fleet.fail("feed-003", since=NOON, failures=3, reason="server", detail="status 502")
    assert fleet.look(MINUTE) == ["A feed fails: feed-003"]
    assert "1 feed: its server has trouble of its own (5xx)." in fleet.text()
    assert "- feed-003 (The feed-003), for 2 h: status 502" in fleet.text()
    fleet.fail("feed-004", since=fleet.now, failures=9)
    assert fleet.watch(45 * MINUTE) == [], "for less than an hour"


def test_what_others_write_cannot_dress_up_in_a_message(fleet):
    fleet.fail("feed-003", since=NOON - HOUR, detail="x\n\u202eAll is well\n" + "y" * 500)
    fleet.look()
    (line,) = [line for line in fleet.text().split("\n") if line.startswith("- feed-003")]
    assert "\u202e" not in line and len(line) < 200


def test_troubles_that_come_one_by_one_are_told_once_an_hour(fleet):
    told = []
    for n in range(10):
        fleet.fail(fleet.ids[n], since=fleet.now - HOUR, reason="server")
        told += fleet.look(12 * MINUTE)
    assert told == ["A feed fails: feed-000", "5 feeds fail"]


def test_a_trouble_that_ends_before_it_is_told_leaves_nothing(fleet):
    fleet.fail("feed-003", since=NOON - 30 * MINUTE)
    assert fleet.look() == []
    assert len(fleet.desk.rows(trouble)) == 1
    fleet.mend("feed-003")
    assert fleet.watch(3 * HOUR) == []
    assert fleet.desk.rows(trouble) == []


def test_a_feed_that_flaps_is_not_told_again_and_again(fleet):
    fleet.fail("feed-003", since=NOON - HOUR)
    told = fleet.look()
    for _ in range(40):  # ten hours: well for a quarter of an hour, gone for another
        fleet.mend("feed-003")
        told += fleet.watch(10 * MINUTE)
        fleet.fail("feed-003")
        told += fleet.watch(10 * MINUTE)
    assert told == ["A feed fails: feed-003"], "it has never been well for long enough"
    fleet.mend("feed-003")
    assert fleet.watch(3 * HOUR) == ["A feed answers again: feed-003"]


def test_the_end_of_what_comes_back_each_few_hours_is_waited_for_ever_longer(fleet):
    told = []
    for _ in range(12):  # a day: gone for an hour and a half, well for forty minutes
        fleet.fail("feed-003")
        told += fleet.watch(90 * MINUTE)
        fleet.mend("feed-003")
        fleet.answer("feed-003", news=True)
        told += fleet.watch(40 * MINUTE)
    assert told == 2 * ["A feed fails: feed-003", "A feed answers again: feed-003"][:3], told


def test_a_feed_that_is_gone_for_good_or_taken_out_is_told_of_by_whoever_did_it(fleet):
    fleet.fail("feed-003", "feed-004", since=NOON - HOUR)
    assert fleet.look() == ["2 feeds fail"]
    fleet.set("feed-003", state="stopped", reason="gone")
    fleet.set("feed-004", state="removed")
    assert fleet.watch(4 * HOUR) == []
    assert {row.ended_at is not None for row in fleet.desk.rows(trouble)} == {True}


# ---------------------------------------------------------------- quiet, and without entries


def test_a_quiet_feed_is_told_once_and_once_when_it_brings_something(fleet):
    fleet.now = NOON + 19 * HOUR
    fleet.answer(*fleet.ids, news=False)
    assert fleet.look() == [], "twice its longest silence has not passed"
    fleet.answer(*fleet.ids[1:], news=True)
    fleet.now = NOON + 21 * HOUR
    fleet.answer(*fleet.ids)
    assert fleet.look() == ["A feed is quiet: feed-000"]
    assert "it answers, but has brought nothing new for longer than ever before" in fleet.text()
    assert "- feed-000 (The feed-000), for 21 h" in fleet.text()
    fleet.answer("feed-000", news=True)
    assert fleet.watch(2 * HOUR) == ["A feed brings news again: feed-000"]
    assert "after 21 h" in fleet.text()


def test_what_nobody_asked_is_not_quiet(fleet):
    fleet.now = NOON + 9 * DAY  # the desk stood still; its first look is before its first poll
    assert fleet.look() == []


def test_a_quiet_feed_that_becomes_dormant_is_no_trouble_and_no_news(fleet):
    fleet.now = NOON + 3 * DAY
    fleet.answer(*fleet.ids[1:], news=True)
    fleet.answer("feed-000")
    assert fleet.look() == ["A feed is quiet: feed-000"]
    fleet.now = NOON + 91 * DAY
    fleet.answer(*fleet.ids[1:], news=True)
    fleet.answer("feed-000")
    assert fleet.watch(4 * HOUR) == []
    assert [row.ended_at is None for row in fleet.desk.rows(trouble)] == [False]


def test_a_feed_without_entries_is_told_when_it_stays_so_also_while_it_fails(fleet):
    fleet.set("feed-003", reason="no_entries")
    assert fleet.watch(50 * MINUTE) == []
    assert fleet.watch(30 * MINUTE) == ["A feed has no entries: feed-003"]
    fleet.fail("feed-003", failures=1)
    assert fleet.watch(50 * MINUTE) == [], "it has not come back by failing"
    fleet.mend("feed-003")
    assert fleet.watch(HOUR) == ["A feed has entries again: feed-003"]


def test_quiet_and_dormant_are_the_same_in_the_record_as_in_the_rhythm(fleet):
    """Every kind of row, judged by SQL and by the pure functions."""
    ages, silences = (5 * DAY, 14.9 * DAY, 15.1 * DAY, 200 * DAY), (HOUR, 7 * HOUR, 25 * HOUR, 71 * HOUR, 100 * DAY)
    rows = [
        dict(gaps=gaps, usual_gap=usual, longest_gap=longest, baseline_at=NOON - age, news_at=NOON - silence)
        for gaps in (0, 7, 8)
        for usual, longest in ((None, None), (600.0, 3_600.0), (7_200.0, 40_000.0), (15 * 86_400.0, 16 * 86_400.0))
        for age in ages
        for silence in silences
    ]
    rows += [dict(gaps=9, usual_gap=1.0, longest_gap=1.0, baseline_at=NOON, news_at=None)]
    found = {True: 0, False: 0}
    for start in range(0, len(rows), len(fleet.ids)):
        with fleet.desk.store.writing() as connection:
            for name, values in zip(fleet.ids, rows[start : start + len(fleet.ids)], strict=False):
                changed = update(feed).where(feed.c.id == name).values(**values, succeeded_at=NOON)
                connection.execute(changed)
        with fleet.desk.store.reading() as connection:
            judged = select(feed, row_is_quiet().label("quiet"), row_is_dormant().label("dormant"))
            for row in connection.execute(judged.where(feed.c.id.in_(fleet.ids))):
                known = rhythm_of(row)
                assert bool(row.quiet) == is_quiet(known, NOON), known
                assert bool(row.dormant) == is_dormant(known, NOON), known
                found[bool(row.quiet)] += 1
    assert min(found.values()) > 5


# ---------------------------------------------------------------- all feeds of a tag or language


def live(fleet, length, *, news=True):
    """Every feed is polled each ten minutes; `news`: they bring something each time."""
    until, told = fleet.now + length, []
    while fleet.now < until:
        fleet.now += 10 * MINUTE
        fleet.answer(*fleet.ids, news=news)
        told += fleet.look()
    return told


@pytest.fixture
def korean(desk, runtime):
    """Its groups have been watched for a week, and were silent for three hours at the longest."""
    made = Fleet(desk, runtime, 4, language="ko", tags=("korea",))
    assert live(made, 20 * MINUTE) == []
    known = dict(since=NOON - 12 * DAY, gaps=60, longest_gap=3 * 3_600.0)
    with desk.store.writing() as connection:
        connection.execute(update(quiet_group).values(**known))
    return made


def test_all_feeds_of_a_language_that_are_quiet_longer_than_ever_are_told_at_once(korean):
    assert korean.groups().keys() == {"language:ko", "tag:korea"}
    assert live(korean, 270 * MINUTE, news=False) == []
    (told,) = live(korean, 30 * MINUTE, news=False)
    assert told == "All feeds in Korean are quiet; All feeds with the tag korea are quiet"
    assert "All feeds in Korean together have brought nothing new for 5 h, longer than ever before." in korean.text()
    assert live(korean, 3 * HOUR, news=False) == [], "once"
    korean.answer("feed-001", news=True)
    (over,) = live(korean, HOUR, news=False)
    assert over == "Feeds in Korean bring news again; Feeds with the tag korea bring news again"
    assert korean.groups()["tag:korea"].longest_gap == 8 * 3_600


def test_k05_quiet_groups_and_feeds_are_measured_and_a_group_makes_the_desk_degraded(korean):
    words = "tags or languages whose feeds have all been quiet for longer than ever: 2"
    assert words not in look_at_health(korean.desk.store).reasons
    live(korean, 5 * HOUR, news=False)
    assert words in look_at_health(korean.desk.store).reasons
    korean.set("feed-000", news_at=korean.now - 3 * DAY)
    korean.fail("feed-001", failures=1, reason="server")
    gauges = read_gauges(stand(korean.desk.store, None), [])
    assert gauges[QUIET_GROUPS.name] == {(): 2}
    found = {labels[0]: n for labels, n in gauges[TROUBLED.name].items()}
    assert set(found) == {*FetchReason, *ParseReason}, "closed, and each from the start"
    assert {reason: n for reason, n in found.items() if n} == {"quiet": 1, "server": 1}


def test_one_feed_that_brings_something_keeps_its_group_from_being_quiet(korean):
    for _ in range(4):
        korean.answer("feed-002", news=True)
        assert live(korean, 4 * HOUR, news=False) == []
    row = korean.groups()["tag:korea"]
    assert (row.gaps, row.longest_gap) == (60 + 3, 4 * 3_600)


def test_a_group_is_not_quiet_while_its_feeds_fail_or_are_not_asked(korean):
    korean.now += 2 * DAY  # the desk stood still
    assert korean.look() == []
    korean.answer(*korean.ids, news=True)
    korean.look(MINUTE)
    assert korean.groups()["tag:korea"].longest_gap == 3 * 3_600, "nor is it silence"
    korean.fail(*korean.ids, reason="server")
    assert korean.watch(DAY, step=HOUR) == ["4 feeds fail"], "that they fail is one message, and no other"


def test_a_quiet_group_whose_feeds_then_fail_has_not_come_back(korean):
    assert len(live(korean, 5 * HOUR, news=False)) == 1
    korean.fail(*korean.ids, failures=1, reason="connect")
    assert korean.watch(50 * MINUTE) == []


@pytest.mark.parametrize("count", [2, 3])
def test_groups_have_three_feeds_or_more(desk, runtime, count):
    Fleet(desk, runtime, count, tags=("korea",)).look()
    assert len(desk.rows(quiet_group)) == (1 if count == 3 else 0)


def test_a_group_that_leaves_the_configuration_is_forgotten(korean):
    live(korean, 5 * HOUR, news=False)
    feeds_now = tuple(one.model_copy(update={"tags": ()}) for one in korean.runtime.config.feeds)
    config = dataclasses.replace(korean.runtime.config, feeds=feeds_now)
    korean.runtime = dataclasses.replace(korean.runtime, config=config)
    assert korean.look() == []
    assert korean.groups().keys() == {"language:ko"}
    over = {row.subject: row.ended_at is not None for row in korean.desk.rows(trouble)}
    assert over == {"language:ko": False, "tag:korea": True}


# ---------------------------------------------------------------- once


def test_a_restart_in_between_tells_nothing_twice(fleet, desk, runtime):
    fleet.fail("feed-003", since=NOON - HOUR)
    assert fleet.look() == ["A feed fails: feed-003"]
    again = dataclasses.replace(fleet.runtime, store=runtime.store.with_clock(lambda: fleet.now))
    fleet.runtime = dataclasses.replace(again, config_version=fleet.runtime.config_version + 1)
    assert fleet.watch(2 * HOUR) == []
    fleet.mend("feed-003")
    assert fleet.watch(2 * HOUR) == ["A feed answers again: feed-003"]


def test_a_look_that_fails_at_its_end_is_taken_back_whole(fleet, monkeypatch):
    fleet.fail("feed-003", since=NOON - HOUR)
    monkeypatch.setattr("worker.store.troubles.forget_old_troubles", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fleet.look()
    monkeypatch.undo()
    assert fleet.desk.rows(trouble) == [] and fleet.desk.rows(notification) == []
    assert fleet.look() == ["A feed fails: feed-003"]


def test_two_workers_that_look_at_once_tell_once(fleet):
    fleet.fail(*fleet.ids[:5], since=NOON - HOUR)
    at_once(4, lambda: look_for_troubles(fleet.runtime))
    assert operator_subjects(fleet.desk) == ["5 feeds fail"]


def test_the_tick_looks_once_a_minute(fleet):
    fleet.fail("feed-003", since=NOON - HOUR)
    look_around(fleet.runtime)
    assert operator_subjects(fleet.desk) == ["A feed fails: feed-003"]
    fleet.fail("feed-004", since=NOON - HOUR)
    fleet.now += 2 * HOUR
    look_around(fleet.runtime)
    look_around(fleet.runtime)
    assert operator_subjects(fleet.desk) == ["A feed fails: feed-003", "A feed fails: feed-004"]


# ---------------------------------------------------------------- away, and clocks


def restart(fleet, **options):
    specs = fleet.runtime.config.feeds
    feeds.sync_feeds(fleet.runtime.store, [(one.id, one.url, one.title) for one in specs], **options)


def test_a_restart_after_days_makes_no_group_quiet(korean):
    korean.now += 2 * DAY
    restart(korean, spread=5.0, at_once=0)  # as app.build does with what is beyond AT_ONCE
    assert korean.look() == []


def test_a_desk_that_was_away_is_not_its_groups_longest_silence(korean):
    korean.now += 2 * DAY
    restart(korean, spread=300.0, at_once=0)
    korean.look()
    korean.now += 5 * MINUTE
    korean.answer(*korean.ids, news=True)
    korean.look()
    assert korean.groups()["tag:korea"].longest_gap == 3 * 3_600


def test_messages_after_a_clock_set_back_keep_their_hour(fleet, desk):
    fleet.fail("feed-000", since=NOON - HOUR, reason="server")
    assert fleet.look() == ["A feed fails: feed-000"]
    fleet.now = NOON - DAY
    told = []
    for n in range(1, 10):
        fleet.fail(fleet.ids[n], since=fleet.now - HOUR, reason="server")
        told += fleet.look(5 * MINUTE)
    assert len(told) <= 2, told


def test_no_entries_is_listed_by_the_command_that_the_message_names(fleet, desk):
    fleet.set("feed-003", reason="no_entries")
    assert fleet.watch(90 * MINUTE) == ["A feed has no entries: feed-003"]
    rows = {row.id: row.shown for row in feeds.list_feeds(desk.store)}
    assert rows["feed-003"] in ("failing", "quiet"), rows["feed-003"]
