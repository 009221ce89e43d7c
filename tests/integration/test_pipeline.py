"""The steps in this process, on both databases, over a real origin, mail server and webhook receiver."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from desk import BASELINE, Desk, at_once, entries
from origin import rss
from sqlalchemy import update

from worker.articles.stories import story_keys
from worker.feeds.fetch import Fetcher
from worker.health import look
from worker.pipeline import raising
from worker.pipeline.analyse import analyse_new_articles
from worker.pipeline.deliver import deliver_due
from worker.pipeline.poll import poll_due_feeds
from worker.pipeline.raising import storify_and_raise
from worker.pipeline.tick import drop_expired, tick
from worker.store import deliveries, feeds
from worker.store.engine import read_clock
from worker.store.feeds import sync_feeds
from worker.store.recent import Watcher, all_settled
from worker.store.schema import alert, article, attempt, delivery, feed, notification, poll, revision, story_key

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def desk(tmp_path, database_url):
    with Desk(tmp_path, database_url=database_url, feeds=("a", "b")) as made:
        yield made


@pytest.fixture
def runtime(desk):
    made = desk.runtime()
    yield made
    made.parser.close()
    made.store.close()


def change(desk, table, **values):
    with desk.store.writing() as connection:
        connection.execute(update(table).values(**values))


def poll_now(desk, runtime):
    """Every active feed, whatever its next poll says."""
    change(desk, feed, next_poll_at=LONG_AGO)
    while poll_due_feeds(runtime):
        pass


def settle(runtime):
    while analyse_new_articles(runtime):
        pass
    while storify_and_raise(runtime):
        pass


def bring(desk, runtime, name, items):
    desk.set_feed(name, items)
    poll_now(desk, runtime)
    settle(runtime)


def operator_subjects(desk):
    return [row.subject for row in desk.rows(notification, notification.c.kind == "operator")]


# ---------------------------------------------------------------- poll


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
    save = feeds.save_update

    def save_update(connection, *, feed_id, found, **rest):
        save(connection, feed_id=feed_id, found=found, **rest)
        if feed_id == "a" and found.new:
            raise ValueError("a flaw of ours")

    monkeypatch.setattr(feeds, "save_update", save_update)
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


def test_a_date_in_broken_letters_costs_no_entry(desk, runtime):
    items = [
        {"id": "1", "title": "One", "date_published": "\ud800"},
        {"id": "2", "title": "Two", "date_published": "\0"},
    ]
    desk.origin.documents["/a"] = json.dumps({"version": "https://jsonfeed.org/version/1", "items": items}).encode()
    poll_now(desk, runtime)
    assert sorted(row.title for row in desk.rows(article, article.c.feed_id == "a")) == ["One", "Two"]


def test_f08_a_changed_address_ends_the_poll_under_way(desk, runtime):
    class Meanwhile(Fetcher):
        def fetch_all(self, requests, *, start_within):
            for group in super().fetch_all(requests, start_within=start_within):
                sync_feeds(desk.store, [("a", desk.origin.url("/new"), ""), ("b", desk.origin.url("/b"), "")], spread=0)
                yield group

    change(desk, feed, next_poll_at=LONG_AGO)
    poll_due_feeds(replace(runtime, fetcher=Meanwhile(runtime.fetcher.policy, user_agent="Test/1")))
    (row,) = desk.rows(feed, feed.c.id == "a")
    assert (row.current_url, row.etag, row.polled_at) == (desk.origin.url("/new"), None, None)


def test_poll_gives_back_what_its_time_was_too_short_for(desk, runtime):
    class Hurried(Fetcher):
        def fetch_all(self, requests, *, start_within):
            return super().fetch_all(requests, start_within=-1.0)

    change(desk, feed, next_poll_at=LONG_AGO)
    hurried = replace(runtime, fetcher=Hurried(runtime.fetcher.policy, user_agent="Test/1"))
    assert poll_due_feeds(hurried), "there is more to do"
    assert desk.origin.requests == []
    assert desk.rows(poll) == []
    assert [(row.lease_token, row.attempts, row.failures) for row in desk.rows(feed)] == [(None, 0, 0)] * 2
    poll_due_feeds(runtime)
    assert desk.polled()


def test_f16_a_feed_that_is_gone_is_stopped_and_told_once(desk, runtime):
    poll_now(desk, runtime)
    desk.origin.gone.add("/a")
    poll_now(desk, runtime)
    poll_now(desk, runtime)
    assert {row.id: row.state for row in desk.rows(feed)} == {"a": "stopped", "b": "active"}
    assert desk.origin.requests.count(("/a", 410)) == 1
    assert operator_subjects(desk) == ["Feed stopped: a"]


# ---------------------------------------------------------------- storify and raise


def test_one_story_is_one_alert_whoever_carries_it(desk, runtime):
    poll_now(desk, runtime)
    bring(desk, runtime, "a", [("x1", "Kim Jong Un inspects a new missile plant", "By the wire."), *BASELINE])
    bring(desk, runtime, "b", [("y1", "KIM JONG UN inspects a new missile plant - Paper", "Copied."), *BASELINE])
    first, second = desk.rows(article, article.c.baseline.is_(False))
    assert (first.story_id, second.duplicate_of) == (second.story_id, first.id)
    (row,) = desk.rows(alert)
    assert row.article_id == first.id
    assert len(desk.rows(delivery)) == 2  # one for each channel


@pytest.mark.parametrize(
    ("days", "alerts"),
    [
        (2, 1),  # the same headline, and still the same event
        (4, 2),  # the same headline in another week is another event
    ],
)
def test_a_headline_names_one_story_for_three_days(desk, runtime, days, alerts):
    poll_now(desk, runtime)
    bring(desk, runtime, "a", [("x1", "Kim Jong Un inspects a missile plant", "Once."), *BASELINE])
    with desk.store.writing() as connection:
        now = read_clock(connection)
        connection.execute(update(story_key).values(last_seen_at=now - timedelta(days=days)))
    bring(desk, runtime, "b", [("y1", "Kim Jong Un inspects a missile plant", "Again."), *BASELINE])
    assert len(desk.rows(alert)) == alerts
    bring(desk, runtime, "a", [("x2", "Kim Jong Un inspects a missile plant", "A copy."), *BASELINE])
    assert len(desk.rows(alert)) == alerts, "the newer story is found from then on"


def test_storify_by_many_at_once_raises_one_alert_for_one_story(desk, runtime):
    poll_now(desk, runtime)
    copies = [(f"c{n}", "Kim Jong Un inspects a new missile plant", f"Copy {n}.") for n in range(40)]
    desk.set_feed("a", copies[:20] + BASELINE)
    desk.set_feed("b", copies[20:] + BASELINE)
    poll_now(desk, runtime)
    while analyse_new_articles(runtime):
        pass

    def run():
        while storify_and_raise(runtime):
            pass

    at_once(4, run)
    assert len(desk.rows(alert)) == 1
    assert len({row.story_id for row in desk.rows(article, article.c.baseline.is_(False))}) == 1


class Stumbles:
    """A channel that cannot render one headline."""

    def __init__(self, channel, headline):
        self._channel, self._headline = channel, headline

    def __getattr__(self, name):
        return getattr(self._channel, name)

    def render(self, content, *, recipient, now):
        if self._headline in content.story_title:
            raise ValueError("a flaw of ours")
        return self._channel.render(content, recipient=recipient, now=now)


def test_an_alert_that_one_channel_cannot_render_goes_by_the_others(desk, runtime):
    poll_now(desk, runtime)
    channels = {**runtime.channels, "mail": Stumbles(runtime.channels["mail"], "Factory one ")}
    bring(desk, replace(runtime, channels=channels), "a", entries(3) + BASELINE)
    assert len(desk.rows(alert)) == 3
    assert sorted(row.channel for row in desk.rows(delivery)) == ["hook"] * 3 + ["mail"] * 2 + ["operator"]
    assert operator_subjects(desk) == ["Alert not rendered for mail"]


def test_an_article_that_cannot_be_settled_holds_up_no_other_and_is_parked(desk, runtime, monkeypatch):
    poll_now(desk, runtime)
    settle(runtime)

    def keys(*, title, canonical_url):
        if title.startswith("Factory one "):
            raise ValueError("a flaw of ours")
        return story_keys(title=title, canonical_url=canonical_url)

    monkeypatch.setattr(raising, "story_keys", keys)
    bring(desk, runtime, "a", entries(3) + BASELINE)
    assert len(desk.rows(alert)) == 2
    storify_and_raise(runtime)
    storify_and_raise(runtime)
    assert sorted(row.state for row in desk.rows(article)) == ["quarantined"] + ["settled"] * 4
    assert [subject.split(":")[0] for subject in operator_subjects(desk)] == ["Article quarantined"]


def test_analyse_claims_nothing_while_its_model_cannot_be_loaded(desk, runtime):
    poll_now(desk, runtime)

    def judge():
        raise RuntimeError("no such folder")

    for _ in range(4):
        with pytest.raises(RuntimeError):
            analyse_new_articles(replace(runtime, judge=judge))
    assert {(row.state, row.attempts) for row in desk.rows(article)} == {("new", 0)}


# ---------------------------------------------------------------- deliver


def test_deliver_gives_up_what_was_refused_for_good_and_tells_the_operator_once(desk, runtime):
    poll_now(desk, runtime)
    bring(desk, runtime, "a", entries(1) + BASELINE)
    desk.mail.reply = "554 5.7.1 not wanted here"
    deliver_due(runtime)
    deliver_due(runtime)
    rows = {row.channel: row for row in desk.rows(delivery)}
    assert (rows["mail"].state, rows["mail"].reason, rows["mail"].attempts) == ("abandoned", "rejected", 1)
    assert rows["hook"].state == "sent"
    assert [subject.split(":")[0] for subject in operator_subjects(desk)] == ["Not delivered"]
    (told,) = (desk.data / "operator").glob("*.txt")
    assert "554 5.7.1 not wanted here" in told.read_text()


def test_deliver_tries_again_what_failed_and_never_before_its_time(desk, runtime):
    poll_now(desk, runtime)
    bring(desk, runtime, "a", entries(1) + BASELINE)
    desk.webhook.status = 500
    deliver_due(runtime)
    (row,) = desk.rows(delivery, delivery.c.channel == "hook")
    assert (row.state, row.reason) == ("failed", "temporary")
    assert timedelta(seconds=5) <= row.due_at - row.created_at
    deliver_due(runtime)
    assert len(desk.webhook.received) == 1
    desk.webhook.status = 200
    change(desk, delivery, due_at=LONG_AGO)
    deliver_due(runtime)
    (first, body), (second, same) = desk.webhook.received
    assert (first["webhook-id"], body) == (second["webhook-id"], same)
    outcomes = [a.outcome for a in sorted(desk.rows(attempt, attempt.c.delivery_id == row.id), key=lambda a: a.n)]
    assert outcomes == ["failed", "sent"]
    assert operator_subjects(desk) == []


def test_deliver_records_what_it_can_when_one_record_fails(desk, runtime, monkeypatch):
    poll_now(desk, runtime)
    bring(desk, runtime, "a", entries(3) + BASELINE)
    finish, failed = deliveries.finish_delivery, []

    def finish_delivery(connection, row, **rest):
        if not failed:
            failed.append(row)
            raise RuntimeError("the database is away for a moment")
        return finish(connection, row, **rest)

    monkeypatch.setattr(deliveries, "finish_delivery", finish_delivery)
    deliver_due(runtime)
    assert {row.state for row in desk.rows(delivery)} == {"sent"}
    assert (len(desk.mail.received), len(desk.webhook.received)) == (3, 3)


def test_deliver_sends_what_is_new_before_what_is_tried_again(desk, runtime):
    poll_now(desk, runtime)
    bring(desk, runtime, "a", entries(1) + BASELINE)
    change(desk, delivery, attempts=2, state="failed", due_at=LONG_AGO)
    bring(desk, runtime, "a", entries(2) + BASELINE)
    claim = deliveries.claim_due_deliveries(desk.store, limit=2, lease=timedelta(seconds=60))
    assert [row.attempts for row in claim.rows] == [1, 1]


def test_deliver_without_its_channel_waits_for_it(desk, runtime):
    poll_now(desk, runtime)
    bring(desk, runtime, "a", entries(1) + BASELINE)
    deliver_due(replace(runtime, channels={name: c for name, c in runtime.channels.items() if name != "hook"}))
    (row,) = desk.rows(delivery, delivery.c.channel == "hook")
    assert (row.state, row.reason) == ("failed", "no_channel")


# ---------------------------------------------------------------- start and tick


def test_many_roles_may_start_at_once(desk):
    made = at_once(6, desk.runtime)
    for one in made:
        one.store.close()
    assert len({one.config_version for one in made}) == 1
    assert len(desk.rows(feed)) == 2


def test_a11_an_article_that_fails_three_times_is_parked_and_told(desk, runtime):
    poll_now(desk, runtime)
    change(desk, article, state="analysing", attempts=3, lease_until=LONG_AGO)
    tick(runtime)
    tick(runtime)
    assert {row.state for row in desk.rows(article)} == {"quarantined"}
    assert len(operator_subjects(desk)) == 2
    deliver_due(runtime)
    assert len(list((desk.data / "operator").glob("*.txt"))) == 2


def test_retention_drops_poll_history_after_a_month_and_no_sooner(desk, runtime):
    poll_now(desk, runtime)
    (first, second) = desk.rows(poll)
    with desk.store.writing() as connection:
        old = read_clock(connection) - timedelta(days=31)
        connection.execute(update(poll).where(poll.c.id == first.id).values(at=old))
    drop_expired(runtime)
    assert [row.id for row in desk.rows(poll)] == [second.id]


# ---------------------------------------------------------------- what is so


def test_k05_health_names_what_is_late(desk, runtime):
    poll_now(desk, runtime)
    change(desk, feed, next_poll_at=LONG_AGO)
    change(desk, article, first_seen_at=LONG_AGO)
    found = look(desk.store)
    assert found.reasons == (
        "feeds that should have been polled five minutes ago: 2",
        "articles that have waited five minutes to be judged: 2",
    )


def test_health_is_ok_and_then_says_what_is_wrong_in_words(desk, runtime):
    poll_now(desk, runtime)
    settle(runtime)
    assert (look(desk.store).status, look(desk.store).reasons) == ("ok", ())
    desk.origin.documents["/a"] = b"<html>moved</html>"
    poll_now(desk, runtime)
    change(desk, article, state="quarantined")
    found = look(desk.store)
    assert found.status == "degraded"
    assert found.reasons == ("feeds that failed at their last poll: 1", "quarantined articles: 2")


def test_watcher_tells_each_thing_once_and_in_order(desk, runtime):
    watcher = Watcher(desk.store)
    poll_now(desk, runtime)
    settle(runtime)
    assert sorted(kind for kind, _ in watcher.look()) == ["article", "article", "poll", "poll"]
    bring(desk, runtime, "a", entries(1) + BASELINE)
    deliver_due(runtime)
    kinds = [kind for kind, _ in watcher.look()]
    assert sorted(kinds) == ["alert", "article", "delivery", "delivery", "poll", "poll"]
    assert list(watcher.look()) == []
    assert all_settled(desk.store)
