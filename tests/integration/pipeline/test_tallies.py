"""What is counted equals what is on record, after everything that a desk does, on both databases (K06)."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from desk import BASELINE, entries
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update
from steps import LONG_AGO, bring, change, claim_deliveries, poll_now

from worker import metrics
from worker.articles.stories import story_keys
from worker.console.scrape import scrape
from worker.pipeline import storify
from worker.pipeline.deliver import deliver_due
from worker.pipeline.raising import storify_and_raise
from worker.pipeline.tick import drop_expired, tick
from worker.store.engine import read_clock
from worker.store.schema import alert, article, attempt, channel, delivery, feed, judgement, notification, page, poll
from worker.store.tallies import read_tallies

TIME = metrics.TIME_TO_ALERT.name


def counted(rows, key):
    """How many rows have each key, as the metrics' keys are written."""
    return dict(Counter(key(row) for row in rows))


def on_record(desk):
    """Every counter as the tables have it."""
    channels = {row.id: row.channel for row in desk.rows(delivery)}
    ended = [
        row for row in desk.rows(attempt) if row.outcome in ("sent", "failed", "abandoned")
    ]  # none of unknown fate
    polls, judged = desk.rows(poll), desk.rows(judgement)
    topics = [topic["id"] for row in judged for topic in row.topics if topic["match"]]
    kinds = {kind: sum(getattr(row, kind) for row in polls) for kind in ("seen", "new", "changed", "skipped")}
    states = Counter(row.state for row in desk.rows(article))
    found = {
        **counted(polls, lambda row: metrics.POLLS.of(row.outcome, row.reason or "")),
        **{metrics.ENTRIES.of(kind): n for kind, n in kinds.items()},
        metrics.ARTICLES.of(): len(desk.rows(article)),
        **counted(
            desk.rows(page, page.c.state != "waiting"), lambda row: metrics.PAGES.of(row.state, row.reason or "")
        ),
        metrics.JUDGEMENTS.of(): len(judged),
        **counted(topics, metrics.TOPIC_MATCHES.of),
        metrics.SETTLED.of(): states["settled"],
        metrics.QUARANTINED.of(): states["quarantined"],
        **counted(desk.rows(alert), lambda row: metrics.ALERTS.of(row.rule_id, row.severity)),
        **counted(ended, lambda row: metrics.ATTEMPTS.of(channels[row.delivery_id], row.outcome, row.reason or "")),
        metrics.MAYBE_DUPLICATES.of(): sum(row.maybe_duplicate for row in desk.rows(delivery)),
        **times_to_alert(desk),
    }
    return {key: n for key, n in found.items() if n}


def times_to_alert(desk):
    """Each sent delivery's time since the article of its alert was first seen, as the histogram's rows."""
    seen = {row.id: row.first_seen_at for row in desk.rows(article)}
    raised_by = {row.id: row.article_id for row in desk.rows(alert)}
    alerts = {row.id: row.alert_id for row in desk.rows(notification) if row.alert_id is not None}
    found = Counter()
    for row in desk.rows(delivery, delivery.c.sent_at.is_not(None)):
        if row.notification_id in alerts:
            found.update(metrics.time_to_alert(row.sent_at - seen[raised_by[alerts[row.notification_id]]]))
    return found


def feeds_of_every_outcome(desk, runtime):
    poll_now(desk, runtime)
    poll_now(desk, runtime)  # unchanged
    arms = "North Korea ships artillery shells and missiles to Russia by train"
    bring(desk, runtime, "a", [("n1", arms, "Ammunition from Pyongyang reached Moscow."), *entries(3), *BASELINE])
    guid, headline, _ = entries(1)[0]
    bring(desk, runtime, "a", [(guid, headline, "Kim Jong Un left after an hour."), *BASELINE])  # a revision
    bring(desk, runtime, "b", entries(2, start=5) + BASELINE)
    desk.origin.documents["/a"] = b"<html>moved</html>"
    desk.origin.gone.add("/b")
    poll_now(desk, runtime)
    desk.origin.gone.clear()
    change(desk, feed, state="active")


def deliveries_of_every_outcome(desk, runtime):
    desk.webhook.status, desk.mail.reply = 500, "554 5.7.1 not wanted here"
    deliver_due(runtime)  # failed; abandoned; and the operator's, sent
    desk.webhook.status, desk.mail.reply = 200, "250 OK"
    bring(desk, runtime, "b", entries(1, start=7) + BASELINE)
    change(desk, delivery, due_at=LONG_AGO)
    change(desk, channel, failures=0, hold_until=None)
    claim = claim_deliveries(desk.store, limit=50, lease=timedelta(seconds=60))
    assert len(claim.rows) > 3
    change(desk, delivery, lease_until=LONG_AGO)  # whoever claimed them was killed
    while deliver_due(runtime):
        pass


def articles_quarantined_by_each_step(desk, runtime, monkeypatch):
    def keys(*, title, canonical_url):
        if title.startswith("Factory nine "):
            raise ValueError("a flaw of ours")
        return story_keys(title=title, canonical_url=canonical_url)

    monkeypatch.setattr(storify, "story_keys", keys)
    bring(desk, runtime, "b", entries(1, start=8) + BASELINE)
    storify_and_raise(runtime)
    storify_and_raise(runtime)  # for the third time
    desk.set_feed("b", entries(1, start=9) + BASELINE)
    poll_now(desk, runtime)
    with desk.store.writing() as connection:
        killed = dict(state="analysing", attempts=3, lease_until=LONG_AGO)
        connection.execute(update(article).where(article.c.state == "new").values(**killed))
    tick(runtime)


def pages_that_are_not_there(desk, runtime):
    """Their links lead to a host that there is none of."""
    feeds = tuple(one.model_copy(update={"full_text": True}) for one in runtime.config.feeds)
    asking = replace(runtime, config=replace(runtime.config, feeds=feeds))
    desk.set_feed("b", entries(2, start=20) + BASELINE)
    poll_now(desk, asking)
    change(desk, page, since=LONG_AGO)
    tick(asking)


def test_k06_every_counter_equals_the_database(desk, runtime, monkeypatch):
    feeds_of_every_outcome(desk, runtime)
    deliveries_of_every_outcome(desk, runtime)
    articles_quarantined_by_each_step(desk, runtime, monkeypatch)
    pages_that_are_not_there(desk, runtime)
    found = read_tallies(desk.store)
    assert found == on_record(desk)
    for metric in metrics.METRICS:  # the scenario leaves none out
        recorded = metric.kind != "gauge" and metric is not metrics.HINTS_LOST  # of which there is no other record
        assert not recorded or any(name == metric.name for name, _ in found), metric.name
    assert {outcome for outcome, _ in metrics.POLLS.values(found)} == {"new", "unchanged", "failed"}
    assert {outcome for _, outcome, _ in metrics.ATTEMPTS.values(found)} == {"sent", "failed", "abandoned"}
    assert metrics.QUARANTINED.values(found) == {(): 2}


def test_k06_what_is_served_equals_the_database(desk, runtime):
    feeds_of_every_outcome(desk, runtime)
    deliver_due(runtime)
    expected = on_record(desk)
    families = {family.name: family for family in text_string_to_metric_families(scrape(desk.store).decode())}
    for metric in metrics.METRICS:
        family = families[metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.kind, metric.help)
        if metric.kind == "counter":
            samples = {tuple(s.labels[name] for name in metric.labels): s.value for s in family.samples if s.value}
            assert samples == metric.values(expected)
    served = {sample.name + sample.labels.get("le", ""): sample.value for sample in families[TIME].samples}
    assert served[TIME + "_count"] == served[TIME + "_bucket+Inf"] == len(desk.webhook.received) * 2 > 0
    assert served[TIME + "_sum"] == expected[TIME, metrics.SUM] / 1e6


def test_k06_what_retention_drops_stays_counted(desk, runtime):
    poll_now(desk, runtime)
    with desk.store.writing() as connection:
        connection.execute(update(poll).values(at=read_clock(connection) - timedelta(days=31)))
    before = read_tallies(desk.store)
    drop_expired(runtime)
    assert desk.rows(poll) == []
    assert read_tallies(desk.store) == before
    assert before[metrics.POLLS.of("new", "")] == 2


def test_what_is_not_saved_is_not_counted(desk, runtime):
    poll_now(desk, runtime)
    bring(desk, runtime, "a", entries(1) + BASELINE)
    before = read_tallies(desk.store)

    def steal(*_):
        change(desk, delivery, lease_token="another")

    desk.mail.on_receive = desk.webhook.on_receive = steal
    deliver_due(runtime)
    assert len(desk.webhook.received) == 1
    assert read_tallies(desk.store) == before
