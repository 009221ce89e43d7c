"""Bounds on what goes out, and digests where more waits than a person reads."""

from datetime import timedelta

from outboxes import LIVE, bounded, many, refusing, scripted, states
from sqlalchemy import update
from steps import change, enqueue, later, now, poll_now

from worker.delivery.shown import stored_text
from worker.pipeline.deliver import deliver_due
from worker.pipeline.digests import fold_overflow
from worker.store import channels, digests
from worker.store.engine import read_clock
from worker.store.outbox import Wanted, send_again
from worker.store.schema import alert, article, channel, delivery


def test_d07_five_thousand_alerts_in_a_minute_keep_the_bounds_and_lose_none(desk, runtime):
    poll_now(desk, runtime)
    worker, count = bounded(runtime, LIVE, per_minute=60, digest_over=30), many(desk, 5_000)
    enqueue(desk, runtime, LIVE, count, of_alerts=True)
    enqueue(desk, runtime, LIVE, 3, severity="critical", of_alerts=True)
    moment = begun = now(desk)
    while set(states(desk, LIVE)) != {"sent"}:
        while deliver_due(later(worker, moment)):
            pass
        moment += timedelta(seconds=10)
    assert moment - begun < timedelta(minutes=2)
    rows = desk.rows(delivery)
    alone, folded = [row for row in rows if row.digest_id is None], [row for row in rows if row.digest_id]
    mailed = sorted(row.sent_at for row in [*alone, *folded] if row.digest_id in (None, row.id))
    assert all(sum(at <= one < at + timedelta(minutes=1) for one in mailed) <= 60 for at in mailed)
    subjects = [message["Subject"] for message in desk.mail.received if "alerts in one message" in message["Subject"]]
    assert sum(int(subject.split()[0]) for subject in subjects) + len(alone) == count + 3
    assert 3 <= len(alone) < 30, "the critical ones, and what was too little for another digest"
    assert all(row.receipt.startswith("in digest ") for row in folded if row.id != row.digest_id)


def test_d07_a_bound_a_minute_holds_in_every_minute(desk, runtime):
    worker, line = scripted(runtime, lambda _: None, LIVE)
    worker = bounded(worker, LIVE, per_minute=20)
    enqueue(desk, runtime, LIVE, 60)
    moment, sent = now(desk), []
    while len(line.sent) < 60:
        before = len(line.sent)
        while deliver_due(later(worker, moment)):
            pass
        sent += [moment] * (len(line.sent) - before)
        moment += timedelta(seconds=5)
    assert all(sum(at <= one < at + timedelta(minutes=1) for one in sent) <= 20 for at in sent)
    assert moment - sent[0] < timedelta(minutes=5)


def test_where_more_comes_than_may_go_out_what_failed_once_is_not_left_behind_for_ever(desk, runtime):
    worker, line = scripted(runtime, lambda _: None, LIVE)
    worker = bounded(worker, LIVE, per_minute=4)  # and so one at a time
    enqueue(desk, runtime, LIVE, 20)
    first, lost, *_, last = sorted(row.id for row in desk.rows(delivery))
    moment = now(desk)
    with desk.store.writing() as connection:
        for number, since in ((first, timedelta(minutes=50)), (last, timedelta(minutes=61))):
            failed = dict(state="failed", due_at=moment - since)
            connection.execute(update(delivery).where(delivery.c.id == number).values(**failed))
        ago = moment - timedelta(hours=2)
        killed = dict(state="sending", due_at=ago, lease_token="t", lease_until=ago, attempts=1)
        connection.execute(update(delivery).where(delivery.c.id == lost).values(**killed))
    for n, waited in enumerate((lost, last), start=1):
        deliver_due(later(worker, moment + timedelta(seconds=30 * n)))
        assert desk.rows(delivery, delivery.c.id == waited)[0].state == "sent"
    deliver_due(later(worker, moment + timedelta(seconds=90)))
    assert desk.rows(delivery, delivery.c.id == first)[0].state == "failed", "what is new goes before it"
    assert len(line.sent) == 3


def test_d07_what_a_digest_tells_of_shares_its_fate_and_is_never_folded_twice(desk, runtime):
    poll_now(desk, runtime)
    worker = bounded(runtime, LIVE, digest_over=5)
    enqueue(desk, runtime, LIVE, 8, of_alerts=True)
    desk.mail.reply = "554 5.7.1 not wanted here"
    deliver_due(worker)
    deliver_due(worker)
    rows = desk.rows(delivery, delivery.c.channel == LIVE)
    (digest,) = [row for row in rows if row.digest_id == row.id]
    assert {(row.state, row.reason, row.digest_id) for row in rows} == {("abandoned", "rejected", digest.id)}
    assert len(desk.mail.received) == 1
    desk.mail.reply = "250 OK"
    with desk.store.writing() as connection:
        assert send_again(connection, Wanted(channels=(LIVE,)), now=read_clock(connection)) == 1
    deliver_due(worker)
    assert states(desk, LIVE) == {"sent": 9}
    assert len(desk.mail.received) == 2
    assert desk.mail.received[0].raw == desk.mail.received[1].raw


def test_a_digest_leads_to_the_articles_gives_nobody_up_early_and_is_made_for_no_held_channel(desk, runtime):
    poll_now(desk, runtime)
    worker = bounded(runtime, LIVE, digest_over=5)
    enqueue(desk, runtime, LIVE, 8, severity="critical", of_alerts=True)
    fold_overflow(worker)
    assert not desk.rows(delivery, delivery.c.digest_id.is_not(None)), "critical ones are not counted, or folded"
    change(desk, alert, severity="high")
    old = now(desk) - timedelta(days=3)
    first = min(row.id for row in desk.rows(delivery))
    with desk.store.writing() as connection:
        connection.execute(update(delivery).where(delivery.c.id == first).values(window_at=old))
        channels.note_failure(connection, LIVE, refusing(), now=read_clock(connection), jitter=0.0)
    fold_overflow(worker)
    assert states(desk, LIVE) == {"pending": 8}
    change(desk, channel, hold_until=None)
    fold_overflow(worker)
    (digest,) = desk.rows(delivery, delivery.c.digest_id == delivery.c.id)
    assert digest.window_at > now(desk) - timedelta(minutes=5), "eight alerts, seven of them of this minute"
    (told,) = {row.url for row in desk.rows(article, article.c.id == desk.rows(alert)[0].article_id)}
    text = stored_text(digest.body)
    assert told and told in text and "/alerts/" not in text


def test_d07_one_of_a_digest_can_be_sent_by_itself(desk, runtime):
    poll_now(desk, runtime)
    worker = bounded(runtime, LIVE, digest_over=5)
    enqueue(desk, runtime, LIVE, 8, of_alerts=True)
    desk.mail.reply = "554 5.7.1 not wanted here"
    deliver_due(worker)
    desk.mail.reply = "250 OK"
    one = next(row for row in desk.rows(delivery, delivery.c.channel == LIVE) if row.digest_id != row.id)
    with desk.store.writing() as connection:
        assert send_again(connection, [one.id], now=read_clock(connection)) == 1
    deliver_due(worker)
    assert [row.state for row in desk.rows(delivery, delivery.c.id == one.id)] == ["sent"]
    assert states(desk, LIVE) == {"sent": 1, "abandoned": 8}


def test_a_digest_that_cannot_be_made_leaves_each_to_itself(desk, runtime, monkeypatch):
    poll_now(desk, runtime)
    worker = bounded(runtime, LIVE, digest_over=5)
    enqueue(desk, runtime, LIVE, 8, of_alerts=True)

    def fail(connection, *_, **__):
        connection.execute(update(delivery).values(digest_id=1))
        raise RuntimeError("killed half way")

    monkeypatch.setattr(digests, "save_digest", fail)
    while deliver_due(worker):
        pass
    assert len(desk.mail.received) == 8
    assert {row.digest_id for row in desk.rows(delivery)} == {None}
