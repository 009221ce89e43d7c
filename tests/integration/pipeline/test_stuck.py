"""Each state that a desk can be stuck in is seen within five minutes of its beginning, and no sooner (K05)."""

from datetime import timedelta

import pytest
from desk import BASELINE, entries
from steps import bring, change, claim_deliveries, poll_now, settle

from worker import metrics
from worker.config.schema import Config, Settings
from worker.console.scrape import read_gauges
from worker.health import look, stand
from worker.pipeline.deliver import deliver_due
from worker.store import articles, feeds, heartbeats
from worker.store.engine import read_clock
from worker.store.schema import article, delivery, feed

LEASE = timedelta(seconds=60)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
QUEUES = {"poll": feed, "analyse": article, "deliver": delivery}


@pytest.fixture
def at_work(desk, runtime):
    """Two feeds, one alert; nothing waits, the next poll is an hour away."""
    poll_now(desk, runtime)
    bring(desk, runtime, "a", entries(1) + BASELINE)
    deliver_due(runtime)
    change(desk, feed, next_poll_at=now(desk) + timedelta(hours=1))
    return desk


def now(desk):
    with desk.store.reading() as connection:
        return read_clock(connection)


def later(desk, wait):
    """The same record, seen so much later."""
    moment = now(desk) + wait
    return desk.store.with_clock(lambda: moment)


def reasons(desk, wait, config=None):
    return look(later(desk, wait), config).reasons


def gauges(desk, wait):
    return read_gauges(stand(later(desk, wait), None), [])


def test_health_is_ok_and_then_says_what_is_wrong_in_words(at_work, runtime):
    found = look(at_work.store)
    assert (found.status, found.reasons, found.feeds) == ("ok", (), {"active": 2})
    assert (found.articles, found.deliveries) == ({}, {}), "what came to its end is nobody's trouble"
    at_work.origin.documents["/a"] = b"<html>moved</html>"
    poll_now(at_work, runtime)
    change(at_work, article, state="quarantined")
    found = look(at_work.store)
    assert found.status == "degraded"
    assert found.reasons == ("feeds that failed at their last poll: 1", "articles quarantined within a day: 3")
    assert reasons(at_work, timedelta(days=1, minutes=1))[-1] != "articles quarantined within a day: 3"


def test_k05_a_feed_that_nobody_polls(at_work):
    change(at_work, feed, next_poll_at=now(at_work))
    assert reasons(at_work, 4.9 * MINUTE) == ()
    assert reasons(at_work, 5.1 * MINUTE) == ("feeds that should have been polled five minutes ago: 2",)
    seen = gauges(at_work, 6 * MINUTE)
    assert seen[metrics.LATE.name]["poll",] == seen[metrics.QUEUE_DEPTH.name]["poll",] == 2
    assert 360 <= seen[metrics.QUEUE_AGE.name]["poll",] < 380
    assert seen[metrics.LAST_POLL_AGE.name][()] >= 360


def test_k05_an_article_that_nobody_judges(at_work, runtime):
    at_work.set_feed("a", entries(3) + BASELINE)
    poll_now(at_work, runtime)
    change(at_work, feed, next_poll_at=now(at_work) + timedelta(hours=1))
    assert reasons(at_work, 4.9 * MINUTE) == ()
    assert reasons(at_work, 5.1 * MINUTE) == ("articles that have waited five minutes to be judged: 2",)
    seen = gauges(at_work, 6 * MINUTE)
    assert seen[metrics.LATE.name]["analyse",] == seen[metrics.QUEUE_DEPTH.name]["analyse",] == 2
    unsettled = {("awaiting",): 0, ("new",): 2, ("analysing",): 0, ("judged",): 0, ("quarantined",): 0}
    assert seen[metrics.UNSETTLED.name] == unsettled
    assert 360 <= seen[metrics.QUEUE_AGE.name]["analyse",] < 380


def test_k05_an_article_that_nobody_settles(at_work):
    change(at_work, article, state="judged", first_seen_at=now(at_work))
    assert reasons(at_work, 4.9 * MINUTE) == ()
    assert reasons(at_work, 5.1 * MINUTE) == ("articles that have waited five minutes to be judged: 3",)


def test_k05_a_poison_article_that_nobody_parks(at_work):
    change(at_work, article, state="analysing", attempts=3, lease_until=now(at_work), first_seen_at=now(at_work))
    assert gauges(at_work, 6 * MINUTE)[metrics.QUEUE_DEPTH.name]["analyse",] == 0, "no analyst gets it again"
    assert reasons(at_work, 5.1 * MINUTE) == ("articles that have waited five minutes to be judged: 3",)


def test_k05_a_delivery_that_nobody_sends(at_work, runtime):
    bring(at_work, runtime, "a", entries(2) + BASELINE)
    change(at_work, feed, next_poll_at=now(at_work) + timedelta(hours=1))
    assert reasons(at_work, 4.9 * MINUTE) == ()
    assert reasons(at_work, 5.1 * MINUTE) == ("deliveries that should have gone out five minutes ago: 2",)
    seen = gauges(at_work, 6 * MINUTE)
    assert seen[metrics.LATE.name]["deliver",] == seen[metrics.QUEUE_DEPTH.name]["deliver",] == 2
    assert seen[metrics.UNSENT.name]["pending",] == 2 == sum(seen[metrics.UNSENT.name].values())
    assert 360 <= seen[metrics.UNSENT_AGE.name][()] < 380


def test_k05_a_delivery_that_fails_again_and_again_is_seen_though_it_is_tried(at_work, runtime):
    at_work.webhook.status = 500
    bring(at_work, runtime, "a", entries(2) + BASELINE)
    deliver_due(runtime)
    change(at_work, feed, next_poll_at=now(at_work) + timedelta(hours=1))
    change(at_work, delivery, due_at=now(at_work) + timedelta(hours=1))
    assert reasons(at_work, 4.9 * MINUTE) == ()
    assert reasons(at_work, 5.1 * MINUTE) == ("deliveries that have not come through for five minutes: 1",)
    seen = gauges(at_work, 6 * MINUTE)
    assert seen[metrics.LATE.name]["deliver",] == seen[metrics.QUEUE_DEPTH.name]["deliver",] == 0
    assert seen[metrics.UNSENT_AGE.name][()] >= 360


@pytest.mark.parametrize("queue", QUEUES)
def test_k05_a_lease_that_nobody_finishes(at_work, queue):
    begin = now(at_work)
    change(at_work, article, state="new", first_seen_at=begin)
    change(at_work, delivery, state="pending", due_at=begin)
    change(at_work, feed, next_poll_at=begin)
    claimed = {
        "poll": feeds.claim_due_feeds,
        "analyse": articles.claim_new_articles,
        "deliver": claim_deliveries,
    }[queue](at_work.store, limit=1, lease=LEASE)
    assert len(claimed.rows) == 1
    timing = with_leases(LEASE)
    stuck = f"{dict(poll='feeds', analyse='articles', deliver='deliveries')[queue]} claimed and never finished: 1"
    assert stuck not in reasons(at_work, 10 * LEASE - 5 * SECOND, timing)
    assert stuck in reasons(at_work, 10 * LEASE + 5 * SECOND, timing)
    seen = gauges(at_work, 10 * 120 * SECOND + MINUTE)[metrics.STUCK.name]
    assert seen[queue,] == 1 and sum(seen.values()) == 1


def with_leases(lease):
    """A configuration with these leases for each queue."""
    seconds = f"{lease.total_seconds():g}s"
    timing = dict.fromkeys(("poll_lease", "analyse_lease", "deliver_lease"), seconds)
    return Config(settings=Settings(contact="mailto:tests@wirewatch.example", timing=timing))


def test_k05_a_feed_claimed_and_polled_is_not_stuck(at_work, runtime):
    poll_now(at_work, runtime)
    settle(runtime)
    assert set(gauges(at_work, timedelta(hours=1))[metrics.STUCK.name].values()) == {0}


def test_k05_who_beats_no_more_is_silent_and_what_it_did_nobody_does(at_work):
    def beat(role, store):
        heartbeats.save_beat(store, heartbeat_id=role, role=role, host="h", pid=1, age=timedelta(hours=1))

    beat("poll-deliver", at_work.store)
    beat("analyse", at_work.store)
    assert reasons(at_work, 2.9 * MINUTE) == ()
    beat("poll-deliver", later(at_work, 4 * MINUTE))
    assert reasons(at_work, 4.1 * MINUTE) == (
        "processes that have been silent for three minutes: 1",
        "no process judges articles",
    )
    heartbeats.forget_silent(later(at_work, 16 * MINUTE))
    beat("poll-deliver", later(at_work, 16 * MINUTE))
    assert reasons(at_work, 16 * MINUTE) == ("no process judges articles",)


def test_k05_given_up_within_a_day(at_work):
    change(at_work, delivery, state="abandoned", due_at=now(at_work))
    assert reasons(at_work, 5 * MINUTE) == ("deliveries given up within a day: 2",)
    assert "deliveries given up within a day: 2" not in reasons(at_work, timedelta(days=1, minutes=1))
    assert look(at_work.store).deliveries == {"abandoned": 2}, "it stays in the count"
