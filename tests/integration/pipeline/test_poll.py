"""What a poll brings, keeps and gives back."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from desk import BASELINE, entries
from origin import rss
from steps import LONG_AGO, bring, change, later, now, operator_subjects, poll_now

from worker.feeds.fetch import Fetcher
from worker.feeds.rounds import Round
from worker.feeds.update import decide_update
from worker.model import Postponed
from worker.pipeline.poll import poll_due_feeds
from worker.pipeline.stopped import tell_of_stopped
from worker.store import feeds, polls
from worker.store.engine import read_clock
from worker.store.feeds import sync_feeds
from worker.store.lease import MAX_ATTEMPTS
from worker.store.schema import alert, article, delivery, feed, poll, revision


def fetcher_of(runtime, kind):
    """The runtime's, whose rounds are of that kind."""

    class Other(Fetcher):
        def open(self):
            return kind(self)

    return Other(runtime.fetcher.policy, user_agent="Test/1")


def test_g05_a_first_import_of_many_entries_raises_nothing(desk, runtime):
    bring(desk, runtime, "a", entries(500))
    assert len(desk.rows(article, article.c.feed_id == "a")) == 500
    assert desk.rows(alert) == []


def test_poll_again_adds_nothing(desk, runtime):
    poll_now(desk, runtime)
    desk.set_feed("a", entries(5) + BASELINE)
    poll_now(desk, runtime)
    before = [(row.id, row.revision) for row in desk.rows(article)]
    change(desk, feed, etag=None, last_modified=None, body_hash=None)  # the whole document comes again
    poll_now(desk, runtime)
    assert [(row.id, row.revision) for row in desk.rows(article)] == before


def test_g04_an_edited_entry_is_a_revision_and_no_alert(desk, runtime):
    poll_now(desk, runtime)
    bring(desk, runtime, "a", entries(1) + BASELINE)
    (guid, headline, _) = entries(1)[0]
    bring(desk, runtime, "a", [(guid, headline, "Kim Jong Un left after an hour."), *BASELINE])
    (row,) = desk.rows(article, article.c.revision == 2)
    assert row.text == "Kim Jong Un left after an hour."
    kept = [r.text for r in desk.rows(revision, revision.c.article_id == row.id)]
    assert kept == ["Kim Jong Un visited the plant.", "Kim Jong Un left after an hour."]
    assert len(desk.rows(alert)) == 1


def test_g06_a_document_that_shares_nothing_with_the_one_before_is_a_possible_gap(desk, runtime):
    poll_now(desk, runtime)
    desk.set_feed("a", entries(3))
    desk.set_feed("b", [*entries(2), *BASELINE])
    poll_now(desk, runtime)
    rows = {row.id: row for row in desk.rows(feed)}
    assert (rows["a"].reason, rows["a"].failures, rows["b"].reason) == ("possible_gap", 0, None)
    (line,) = desk.rows(poll, poll.c.reason == "possible_gap")
    assert (line.feed_id, line.missed) == ("a", 1) and rows["a"].detail == "about 1 entry missed"
    assert len(desk.rows(article, article.c.feed_id == "a")) == 4
    desk.set_feed("a", entries(4))
    poll_now(desk, runtime)
    assert desk.rows(feed, feed.c.id == "a")[0].reason is None, "the next poll says how it is now"


def test_f07_a_document_that_cannot_be_parsed_keeps_the_old_validators(desk, runtime):
    poll_now(desk, runtime)
    before = desk.etag()
    desk.origin.documents["/a"] = b"<html><body>Please sign in</body></html>"
    poll_now(desk, runtime)
    (row,) = desk.rows(feed, feed.c.id == "a")
    assert (row.etag, row.reason, row.failures) == (before, "not_a_feed", 1)
    assert desk.rows(feed, feed.c.id == "b")[0].failures == 0


def test_f23_a_document_that_ends_inside_an_entry_is_asked_for_again(desk, runtime):
    poll_now(desk, runtime)
    before = desk.etag()
    whole = rss("a", entries(3) + BASELINE)
    cut = whole.index(b"<title>", whole.index(b"g2</link>")) + 12  # inside the third headline
    desk.origin.documents["/a"] = whole[:cut]
    poll_now(desk, runtime)
    (row,) = desk.rows(feed, feed.c.id == "a")
    assert (row.etag, row.reason, row.failures) == (before, "truncated", 0)
    assert desk.guids() == ["g0", "g1", "old", "old"]
    desk.origin.documents["/a"] = whole
    poll_now(desk, runtime)
    assert desk.guids() == ["g0", "g1", "g2", "old", "old"]
    assert {r.revision for r in desk.rows(article)} == {1}, "none was stored in half"
    assert desk.etag() != before


def test_a_poll_that_cannot_be_stored_is_its_feeds_failure_and_nobody_elses(desk, runtime, monkeypatch):
    poll_now(desk, runtime)
    before = desk.etag()
    save = polls.save_update

    def save_update(connection, *, feed_id, found, **rest):
        if feed_id == "a" and found.new:
            save(connection, feed_id=feed_id, found=found, **rest)
            raise ValueError("a flaw of ours")
        return save(connection, feed_id=feed_id, found=found, **rest)

    monkeypatch.setattr(polls, "save_update", save_update)
    desk.set_feed("a", entries(2) + BASELINE)
    desk.set_feed("b", entries(1, start=5) + BASELINE)
    poll_now(desk, runtime)
    (row,) = desk.rows(feed, feed.c.id == "a")
    assert (row.etag, row.reason, row.failures) == (before, "unstorable", 1)
    assert row.next_poll_at > row.polled_at, "it is asked again by the back-off, not at once"
    assert desk.guids() == ["g5", "old", "old"]
    monkeypatch.undo()
    poll_now(desk, runtime)
    assert desk.guids() == ["g0", "g1", "g5", "old", "old"]


def test_a_document_that_no_decision_can_be_made_of_is_its_feeds_failure(desk, runtime, monkeypatch):
    poll_now(desk, runtime)
    before = desk.etag()

    def decide(parsed, known):
        if any("leader" in entry.title for entry in parsed.entries) and len(parsed.entries) == 2:
            raise ValueError("a flaw of ours")
        return decide_update(parsed, known)

    monkeypatch.setattr("worker.feeds.document.decide_update", decide)
    desk.set_feed("a", entries(2) + BASELINE)
    desk.set_feed("b", entries(1, start=5) + BASELINE)
    poll_now(desk, runtime)
    (row,) = desk.rows(feed, feed.c.id == "a")
    assert (row.etag, row.reason, row.failures, row.attempts) == (before, "unstorable", 1, 0)
    assert "ValueError" in row.detail
    assert desk.guids() == ["g5", "old", "old"]


def test_a_feed_that_ends_its_worker_is_recorded_as_failed_after_three_and_told_once(desk, runtime):
    poll_now(desk, runtime)
    for failures in (1, 2):
        change(desk, feed, next_poll_at=LONG_AGO)
        for _ in range(MAX_ATTEMPTS):  # each claims one of them and is killed
            feeds.claim_due_feeds(desk.store, limit=1, lease=timedelta(seconds=-1))
        asked = len(desk.origin.requests)
        while poll_due_feeds(runtime):
            pass
        (lost,) = desk.rows(feed, feed.c.failures > 0)
        assert (lost.reason, lost.failures, lost.attempts, lost.lease_token) == ("crashed", failures, 0, None)
        assert lost.next_poll_at > lost.polled_at
        assert len(desk.origin.requests) == asked + 1, "only the other one was asked"
        assert [row.reason for row in desk.rows(poll, poll.c.feed_id == lost.id)] == [None] + ["crashed"] * failures
    assert operator_subjects(desk) == [f"Feed whose polls never end: {lost.id}"]


def test_a_date_in_broken_letters_costs_no_entry(desk, runtime):
    items = [
        {"id": "1", "title": "One", "date_published": "\ud800"},
        {"id": "2", "title": "Two", "date_published": "\0"},
    ]
    desk.origin.documents["/a"] = json.dumps({"version": "https://jsonfeed.org/version/1", "items": items}).encode()
    poll_now(desk, runtime)
    assert sorted(row.title for row in desk.rows(article, article.c.feed_id == "a")) == ["One", "Two"]


def test_f08_a_changed_address_ends_the_poll_under_way(desk, runtime):
    class Meanwhile(Round):
        def take(self, seconds=None):
            group = super().take(seconds)
            sync_feeds(desk.store, [("a", desk.origin.url("/new"), ""), ("b", desk.origin.url("/b"), "")], spread=0)
            return group

    change(desk, feed, next_poll_at=LONG_AGO)
    desk.origin.documents["/new"] = desk.origin.documents["/a"]
    poll_due_feeds(replace(runtime, fetcher=fetcher_of(runtime, Meanwhile)))
    (row,) = desk.rows(feed, feed.c.id == "a")
    assert row.current_url == desk.origin.url("/new")
    asked = [path for path, _ in desk.origin.requests]
    assert asked.count("/a") == 1
    assert row.polled_at is None or "/new" in asked, "what the old address brought is nobody's"


def test_poll_gives_back_what_its_time_was_too_short_for(desk, runtime):
    class Hurried(Round):
        def add(self, requests, *, start_within):
            super().add(requests, start_within=-1.0)

    change(desk, feed, next_poll_at=LONG_AGO)
    hurried = replace(runtime, fetcher=fetcher_of(runtime, Hurried))
    assert poll_due_feeds(hurried), "there is more to do"
    assert desk.origin.requests == []
    assert desk.rows(poll) == []
    assert [(row.lease_token, row.attempts, row.failures) for row in desk.rows(feed)] == [(None, 0, 0)] * 2
    poll_due_feeds(runtime)
    assert desk.polled()


def test_f12_a_feed_that_falls_due_while_its_host_is_held_waits_for_the_end(desk, runtime):
    class Held(Round):
        def take(self, seconds=None):
            return [replace(one, outcome=Postponed(held=300.0)) for one in super().take(seconds)]

    change(desk, feed, next_poll_at=LONG_AGO)
    held = replace(runtime, fetcher=fetcher_of(runtime, Held))
    poll_due_feeds(held)
    assert not poll_due_feeds(held), "else it is claimed and given back without end"
    waits = [(row.next_poll_at - now(desk)).total_seconds() for row in desk.rows(feed)]
    assert all(wait == pytest.approx(300, abs=20) for wait in waits)


def test_a_feed_that_cannot_be_given_back_holds_up_no_other(desk, runtime, monkeypatch):
    class OneOnly(Round):
        def take(self, seconds=None):
            return [
                replace(one, outcome=Postponed()) if one.request.feed_id == "a" else one
                for one in super().take(seconds)
            ]

    def release_feed(connection, row):
        raise ValueError("a flaw of ours")

    monkeypatch.setattr(polls, "release_feed", release_feed)
    change(desk, feed, next_poll_at=LONG_AGO)
    poll_due_feeds(replace(runtime, fetcher=fetcher_of(runtime, OneOnly)))
    assert [(row.id, row.baseline_at is None, row.failures) for row in desk.rows(feed)] == [
        ("a", True, 0),
        ("b", False, 0),
    ]


def test_f16_a_feed_that_is_gone_is_stopped_and_told_once(desk, runtime):
    poll_now(desk, runtime)
    desk.origin.gone.add("/a")
    poll_now(desk, runtime)
    poll_now(desk, runtime)
    assert {row.id: row.state for row in desk.rows(feed)} == {"a": "stopped", "b": "active"}
    assert desk.origin.requests.count(("/a", 410)) == 1
    tell_of_stopped(runtime)
    tell_of_stopped(runtime)
    assert operator_subjects(desk) == ["Feed stopped: a"]


def test_f16_feeds_that_go_together_are_told_together(desk, runtime):
    ids = [f"section-{n:03}" for n in range(300)]
    sync_feeds(desk.store, [(one, desk.origin.url("/a"), "") for one in ids], spread=0)
    change(desk, feed, state="stopped", reason="gone")
    tell_of_stopped(runtime)
    assert operator_subjects(desk) == ["302 feeds stopped"]
    text = str(desk.rows(delivery, delivery.c.subject == "302 feeds stopped")[0].body, errors="replace")
    assert "section-005" in text and "and 282 more" in text
    change(desk, feed, stop_told_at=None)
    with desk.store.writing() as connection:
        connection.execute(feed.update().where(feed.c.id != "a").values(stop_told_at=read_clock(connection)))
    tell_of_stopped(runtime)
    assert len(operator_subjects(desk)) == 1, "what goes within the hour waits for its end"
    tell_of_stopped(later(runtime, now(desk) + timedelta(hours=1, minutes=1)))
    assert operator_subjects(desk) == ["302 feeds stopped", "Feed stopped: a"]
