"""What is sent, tried again, given up; every outcome on record."""

import time
from dataclasses import replace
from datetime import timedelta

from desk import BASELINE, entries
from steps import LONG_AGO, bring, change, claim_deliveries, now, operator_subjects, poll_now

from worker.pipeline import deliver
from worker.pipeline.deliver import deliver_due
from worker.pipeline.tick import tick
from worker.store import deliveries
from worker.store.lease import MAX_ATTEMPTS
from worker.store.schema import attempt, channel, delivery


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
    change(desk, channel, hold_until=LONG_AGO)
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


def test_deliver_records_a_receipt_after_an_outage_of_some_seconds(desk, runtime, monkeypatch):
    poll_now(desk, runtime)
    bring(desk, runtime, "a", entries(1) + BASELINE)
    finish, until = deliveries.finish_delivery, time.monotonic() + 2.0

    def finish_delivery(connection, row, **rest):
        if time.monotonic() < until:
            raise RuntimeError("the database is away")
        return finish(connection, row, **rest)

    monkeypatch.setattr(deliveries, "finish_delivery", finish_delivery)
    monkeypatch.setattr(deliver, "AGAIN", 0.3)
    deliver_due(runtime)
    assert {row.state for row in desk.rows(delivery)} == {"sent"}
    assert (len(desk.mail.received), len(desk.webhook.received)) == (1, 1)


def test_deliver_records_no_more_when_its_lease_is_over(desk, runtime, monkeypatch):
    poll_now(desk, runtime)
    bring(desk, runtime, "a", entries(1) + BASELINE)

    tried = []

    def away(_, row, **__):
        tried.append(row.id)
        raise RuntimeError("the database is away")

    monkeypatch.setattr(deliveries, "finish_delivery", away)
    monkeypatch.setattr(deliver, "AGAIN", 0.3)
    deliver_due(runtime)  # comes to an end
    assert all(tried.count(row.id) > len(deliver.RECORD_WAITS) + 1 for row in desk.rows(delivery)), "and put aside once"
    assert {row.state for row in desk.rows(delivery)} == {"sending"}


def test_a_delivery_whose_attempts_never_end_is_given_up_after_three_days_and_told_once(desk, runtime):
    poll_now(desk, runtime)
    bring(desk, runtime, "a", entries(1) + BASELINE)
    for _ in range(MAX_ATTEMPTS):  # each claims them and is killed
        claim_deliveries(desk.store, limit=5, lease=timedelta(seconds=-1))
    tick(runtime)
    assert {row.state for row in desk.rows(delivery)} == {"sending"}, "not before its time"
    change(desk, delivery, created_at=LONG_AGO, window_at=LONG_AGO)
    tick(runtime)
    tick(runtime)
    ours = desk.rows(delivery, delivery.c.channel != "operator")
    assert {(row.state, row.reason, row.lease_token) for row in ours} == {("abandoned", "internal", None)}
    assert all(row.due_at > row.created_at for row in ours), "given up now: the operator's day to look begins"
    outcomes = [a.outcome for a in sorted(desk.rows(attempt, attempt.c.delivery_id == ours[0].id), key=lambda a: a.n)]
    assert outcomes == ["unknown", "unknown", "unknown"]
    assert [subject.split(":")[0] for subject in operator_subjects(desk)] == ["Not delivered"] * 2


def test_an_old_delivery_of_a_desk_that_stood_still_is_tried_again_first(desk, runtime):
    poll_now(desk, runtime)
    bring(desk, runtime, "a", entries(1) + BASELINE)
    claim_deliveries(desk.store, limit=5, lease=timedelta(seconds=-1))
    change(desk, delivery, created_at=LONG_AGO, window_at=LONG_AGO)
    tick(runtime)
    deliver_due(runtime)
    assert {row.state for row in desk.rows(delivery)} == {"sent"}


def test_deliver_sends_what_is_new_before_what_is_tried_again(desk, runtime):
    poll_now(desk, runtime)
    bring(desk, runtime, "a", entries(1) + BASELINE)
    change(desk, delivery, attempts=2, state="failed", due_at=now(desk) - timedelta(minutes=1))
    bring(desk, runtime, "a", entries(2) + BASELINE)
    claim = claim_deliveries(desk.store, limit=2, lease=timedelta(seconds=60))
    assert [row.attempts for row in claim.rows] == [1, 1]


def test_deliver_without_its_channel_waits_for_it(desk, runtime):
    poll_now(desk, runtime)
    bring(desk, runtime, "a", entries(1) + BASELINE)
    deliver_due(replace(runtime, channels={name: c for name, c in runtime.channels.items() if name != "hook"}))
    (row,) = desk.rows(delivery, delivery.c.channel == "hook")
    assert (row.state, row.attempts) == ("pending", 0)
    deliver_due(runtime)
    assert {row.state for row in desk.rows(delivery)} == {"sent"}
