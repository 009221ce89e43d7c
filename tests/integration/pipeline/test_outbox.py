"""What was given up or is of unknown fate: said, kept, and sent again at a word."""

from dataclasses import replace
from datetime import timedelta

from outboxes import DEAD, LIVE, bounded, give_up_all, scripted, states
from steps import LONG_AGO, change, claim_deliveries, enqueue, later, now, operator_subjects, poll_now

from worker.errors import DeliveryError, DeliveryReason
from worker.pipeline.deliver import deliver_due
from worker.pipeline.digests import fold_overflow
from worker.pipeline.tick import tick
from worker.store.engine import read_clock
from worker.store.outbox import Wanted, send_again
from worker.store.schema import attempt, delivery


def test_e05_deliveries_of_a_channel_that_left_the_configuration_wait_and_are_given_up_together(desk, runtime):
    enqueue(desk, runtime, DEAD, 5)
    without = replace(runtime, channels={name: c for name, c in runtime.channels.items() if name != DEAD})
    deliver_due(without)
    tick(without)
    assert states(desk, DEAD) == {"pending": 5}
    give_up_all(desk, later(without, now(desk) + timedelta(minutes=2)), DEAD, "no_channel")


def test_what_was_under_way_when_its_channel_left_ends_too_and_is_sent_again(desk, runtime):
    poll_now(desk, runtime)
    enqueue(desk, runtime, LIVE, 8, of_alerts=True)
    fold_overflow(bounded(runtime, LIVE, digest_over=5))
    (digest,) = claim_deliveries(desk.store, limit=5, lease=timedelta(minutes=1)).rows  # and is killed
    without = replace(runtime, channels={name: c for name, c in runtime.channels.items() if name != LIVE})
    change(desk, delivery, window_at=LONG_AGO)
    tick(without)
    assert states(desk, LIVE) == {"sending": 1, "pending": 8}, "not while its lease lasts"
    give_up_all(desk, later(without, now(desk) + timedelta(minutes=2)), LIVE, "no_channel")
    (ended,) = desk.rows(delivery, delivery.c.id == digest.id)
    assert (ended.lease_token, ended.lease_until, ended.maybe_duplicate) == (None, None, 1)
    assert [row.outcome for row in desk.rows(attempt, attempt.c.delivery_id == digest.id)] == ["unknown"]
    with desk.store.writing() as connection:
        assert send_again(connection, Wanted(channels=(LIVE,)), now=read_clock(connection)) == 1
    while deliver_due(runtime):
        pass
    assert states(desk, LIVE) == {"sent": 9}


def test_d08_what_was_given_up_is_told_by_another_channel_and_sent_again_once(desk, runtime):
    desk.mail.reply = "554 5.7.1 not wanted here"
    enqueue(desk, runtime, LIVE, 4)
    deliver_due(runtime)
    assert states(desk, LIVE) == {"abandoned": 4}
    assert [subject.split(":")[0] for subject in operator_subjects(desk)] == ["Not delivered"], "one for the hour"
    desk.mail.reply = "250 OK"
    ids = [row.id for row in desk.rows(delivery, delivery.c.channel == LIVE)]
    with desk.store.writing() as connection:
        moment = read_clock(connection)
        assert send_again(connection, ids, now=moment) == 4
        assert send_again(connection, ids, now=moment) == 0, "a second click does nothing"
    refused = [message["Message-ID"] for message in desk.mail.received]
    deliver_due(runtime)
    assert states(desk, LIVE) == {"sent": 4}
    assert sorted(message["Message-ID"] for message in desk.mail.received[4:]) == sorted(refused)
    assert {row.window_at for row in desk.rows(delivery, delivery.c.channel == LIVE)} == {moment}


def test_d04_a_mail_of_unknown_fate_is_tried_again_under_its_id_and_counted(desk, runtime):
    lost = [DeliveryError(DeliveryReason.CONNECT, "reset after DATA", unknown=True)]
    worker, line = scripted(runtime, lambda _: lost.pop() if lost else None, LIVE)
    enqueue(desk, runtime, LIVE, 1)
    moment = now(desk)
    deliver_due(later(worker, moment))
    (row,) = desk.rows(delivery)
    assert (row.state, row.maybe_duplicate) == ("failed", 1)
    deliver_due(later(worker, moment + timedelta(seconds=10)))
    (row,) = desk.rows(delivery)
    assert (row.state, row.maybe_duplicate) == ("sent", 1)
    assert len(set(line.sent)) == 1 and len(line.sent) == 2
    assert [one.outcome for one in sorted(desk.rows(attempt), key=lambda one: one.n)] == ["unknown", "sent"]


def test_a07_a_late_result_of_a_worker_that_stood_still_sends_nothing_again(desk, runtime):
    enqueue(desk, runtime, LIVE, 1)

    def stand_still(_):
        change(desk, delivery, lease_until=LONG_AGO)  # while it stood, its lease ran out
        deliver_due(runtime)  # and another worker did the work
        return None

    worker, _ = scripted(runtime, stand_still, LIVE)
    deliver_due(worker)
    (row,) = desk.rows(delivery)
    assert (row.state, row.attempts, row.maybe_duplicate) == ("sent", 2, 1)
    assert row.receipt != "taken", "the late word is refused"
    assert deliver_due(runtime) is False
    assert len(desk.mail.received) == 1
