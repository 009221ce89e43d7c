"""The outbox under trouble: a channel that fails holds up nobody, digests, the clock of retries, dead letters."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import event, select, update
from steps import LONG_AGO, change, claim_deliveries, enqueue, later, now, operator_subjects, poll_now

from worker.delivery.pace import Pace
from worker.delivery.shown import stored_text
from worker.errors import DeliveryError, DeliveryReason
from worker.pipeline.deliver import deliver_due
from worker.pipeline.digests import fold_overflow
from worker.pipeline.tick import tick
from worker.store import channels, deliveries, digests
from worker.store.channels import enable_channel
from worker.store.engine import read_clock
from worker.store.outbox import Wanted, send_again
from worker.store.schema import alert, article, attempt, channel, delivery

DEAD, LIVE = "hook", "mail"


def states(desk, name):
    """How many deliveries by it are in which state; without their bodies, for there may be thousands."""
    with desk.store.reading() as connection:
        found = connection.execute(select(delivery.c.state).where(delivery.c.channel == name)).scalars()
        return Counter(found)


def many(desk, count):
    """So many on SQLite; a tenth on PostgreSQL, which gets the same statements and fills its tables slowly."""
    return count if desk.store.is_sqlite else count // 10


def standing(desk, name=DEAD):
    return desk.rows(channel, channel.c.id == name)[0]


class Scripted:
    """A channel whose every attempt raises what `fails` gives for it, or is taken where that is None."""

    kind = "webhook"

    def __init__(self, real, fails):
        self.id, self.real, self.fails, self.sent = real.id, real, fails, []

    def recipients(self):
        return self.real.recipients()

    def open(self):
        return self

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass

    async def send(self, message, *, now):
        self.sent.append(message.message_id)
        await asyncio.sleep(0)
        error = self.fails(message)
        if error is not None:
            raise error
        return "taken"


def scripted(runtime, fails, name=DEAD):
    """The same worker, whose channel of that name is scripted; and the channel."""
    made = Scripted(runtime.channels[name], fails)
    return replace(runtime, channels={**runtime.channels, name: made}), made


def refusing(*_):
    return DeliveryError(DeliveryReason.CONNECT, "refused")


# ---------------------------------------------------------------- a channel in trouble, and the others


def test_e09_ten_thousand_for_a_dead_receiver_keep_no_other_waiting(desk, runtime):
    worker, dead = scripted(runtime, refusing)
    count = many(desk, 10_000)
    enqueue(desk, runtime, DEAD, count)
    enqueue(desk, runtime, LIVE, 20)
    deliver_due(worker)  # nobody knows yet that it is dead: an equal share
    assert states(desk, LIVE)["sent"] >= 16
    assert len(dead.sent) <= 8, "dialled no more than its connections"
    assert states(desk, DEAD)["pending"] == count - len(dead.sent), "the others keep their place"
    assert len(desk.rows(delivery, delivery.c.channel == DEAD, delivery.c.attempts > 0)) == len(dead.sent)
    enqueue(desk, runtime, LIVE, 20 - states(desk, LIVE)["pending"])
    change(desk, channel, hold_until=LONG_AGO)
    before = len(dead.sent)
    deliver_due(worker)
    assert states(desk, LIVE) == {"sent": len(desk.mail.received)}, "all of them, in one go"
    assert len(dead.sent) == before + 1, "one probe"


def test_a_claim_makes_as_many_statements_for_one_delivery_as_for_thirty(desk, runtime):
    def claim(count):
        enqueue(desk, runtime, LIVE, count)
        statements = []
        note = lambda *args: statements.append(args[2])  # noqa: E731
        event.listen(desk.store.engine, "before_cursor_execute", note)
        found = claim_deliveries(desk.store, limit=count, lease=timedelta(seconds=60))
        event.remove(desk.store.engine, "before_cursor_execute", note)
        assert len(found.rows) == count
        return len(statements)

    claim(1)  # makes the channel's row
    assert claim(1) == claim(30)


def test_b08_one_channels_places_are_not_taken_twice(desk, runtime):
    enqueue(desk, runtime, LIVE, 100)
    one = dict(paces={LIVE: Pace(at_once=3)}, limit=20, lease=timedelta(seconds=60))
    claims = [deliveries.claim_due_deliveries(desk.store, **one) for _ in range(3)]
    assert [len(claim.rows) for claim in claims] == [20, 0, 0], "each that is under way may hold a connection"
    assert claims[0].lanes == {LIVE: 3}
    with desk.store.writing() as connection:
        for row in claims[0].rows[:18]:
            ended = dict(token=claims[0].token, state="sent", now=claims[0].now)
            assert deliveries.finish_delivery(connection, row, **ended)
    claim = deliveries.claim_due_deliveries(desk.store, **one)
    assert (claim.lanes, len(claim.rows)) == ({LIVE: 1}, 8)


def test_a_failing_channel_is_probed_by_one_delivery_at_a_time_ever_more_rarely(desk, runtime):
    worker, dead = scripted(runtime, refusing)
    enqueue(desk, runtime, DEAD, 30)
    moment, waits = now(desk), []
    deliver_due(later(worker, moment))
    for _ in range(6):
        hold = standing(desk).hold_until
        waits.append((hold - moment).total_seconds())
        before = len(dead.sent)
        deliver_due(later(worker, hold - timedelta(seconds=1)))
        assert len(dead.sent) == before, "held"
        moment = hold
        deliver_due(later(worker, moment))
        assert len(dead.sent) == before + 1
    for wait, least in zip(waits, (5, 30, 120, 300, 600, 600), strict=True):
        assert least <= wait <= least * 1.2
    assert operator_subjects(desk) == []


def test_the_first_success_after_an_outage_sends_what_waited(desk, runtime):
    trouble = [True]
    worker, _ = scripted(runtime, lambda _: refusing() if trouble else None)
    enqueue(desk, runtime, DEAD, 12)
    moment = now(desk)
    for _ in range(4):
        deliver_due(later(worker, moment))
        moment = max(moment + timedelta(seconds=1), standing(desk).hold_until)
    assert states(desk, DEAD)["failed"] >= 4
    trouble.clear()
    while deliver_due(later(worker, moment)):
        pass
    assert states(desk, DEAD) == {"sent": 12}
    row = standing(desk)
    assert (row.failures, row.failing_since, row.hold_until, row.reason) == (0, None, None, None)


def test_a_message_that_breaks_its_connection_each_time_is_not_woken_by_the_others(desk, runtime):
    poisoned = []
    worker, dead = scripted(runtime, lambda m: refusing() if m.message_id in poisoned else None)
    enqueue(desk, runtime, DEAD, 1)
    poisoned.append(desk.rows(delivery)[0].message_id)
    moment = now(desk)
    for _ in range(5):
        while deliver_due(later(worker, moment)):
            pass
        enqueue(desk, runtime, DEAD, 1)
        moment += timedelta(seconds=20)
    assert dead.sent.count(poisoned[0]) == 2, "by its own schedule: at once, and after five seconds"
    assert states(desk, DEAD)["sent"] == 4


def test_e02_attempts_follow_the_schedule_and_end_after_three_days(desk, runtime):
    """500, by a receiver that is otherwise well: the channel's own holds are shorter than the schedule."""
    worker, dead = scripted(runtime, lambda _: DeliveryError(DeliveryReason.REJECTED, "answered 422"))
    enqueue(desk, runtime, DEAD, 1)
    begun, moment, gaps = now(desk), now(desk), []
    while states(desk, DEAD) != {"abandoned": 1}:
        deliver_due(later(worker, moment))
        due = desk.rows(delivery, delivery.c.channel == DEAD)[0].due_at
        gaps.append((due - moment).total_seconds())
        moment = max(due, moment + timedelta(milliseconds=1))
    for gap, least in zip(gaps, (5, 300, 1_800, 7_200, 18_000, 36_000, 36_000), strict=False):
        assert least <= gap <= least * 1.2
    assert timedelta(days=2) < moment - begun <= timedelta(days=3)
    assert len(dead.sent) in range(10, 14)
    assert len(set(dead.sent)) == 1
    assert [subject.split(":")[0] for subject in operator_subjects(desk)] == ["Not delivered"]


def test_d01_six_hours_without_a_server_lose_nothing(desk, runtime):
    worker, _ = scripted(runtime, refusing, LIVE)
    enqueue(desk, runtime, LIVE, 10)
    begun = moment = now(desk)
    while moment < begun + timedelta(hours=6):
        deliver_due(later(worker, moment))
        moment = max(moment + timedelta(minutes=1), standing(desk, LIVE).hold_until)
    assert desk.mail.received == []
    while deliver_due(later(runtime, moment)):
        pass
    assert states(desk, LIVE) == {"sent": 10}
    assert len(desk.mail.received) == 10


@pytest.mark.parametrize("answer", ["429", "503"])
def test_e03_a_receiver_that_asks_for_time_gets_it_from_every_delivery(desk, runtime, answer):
    desk.webhook.status, desk.webhook.headers = int(answer), {"Retry-After": "120"}
    enqueue(desk, runtime, DEAD, 3)
    moment = now(desk)
    deliver_due(later(runtime, moment))
    asked = len(desk.webhook.received)
    enqueue(desk, runtime, DEAD, 3)
    deliver_due(later(runtime, moment + timedelta(seconds=119)))
    assert len(desk.webhook.received) == asked
    desk.webhook.status = 200
    while deliver_due(later(runtime, moment + timedelta(seconds=150))):
        pass
    assert states(desk, DEAD)["sent"] >= 3


def test_e05_a_receiver_that_is_gone_is_disabled_told_and_left_alone(desk, runtime):
    desk.webhook.status = 410
    enqueue(desk, runtime, DEAD, 20)
    deliver_due(runtime)
    asked = len(desk.webhook.received)
    assert asked <= 8
    deliver_due(later(runtime, now(desk) + timedelta(hours=5)))
    assert len(desk.webhook.received) == asked
    assert operator_subjects(desk) == ["The channel hook is disabled"]
    assert states(desk, DEAD).keys() <= {"pending", "failed"}, "they wait"
    give_up_all(desk, runtime, DEAD, "gone")


def give_up_all(desk, runtime, name, reason):
    """After three days each is given up; the operator hears of all in one message."""
    change(desk, delivery, window_at=LONG_AGO)
    tick(runtime)
    rows = desk.rows(delivery, delivery.c.channel == name)
    assert {(row.state, row.reason) for row in rows} == {("abandoned", reason)}
    told = [subject for subject in operator_subjects(desk) if subject.startswith("Not delivered")]
    assert told == [f"Not delivered by {name}"]


def test_e06_a_receiver_that_failed_for_five_days_is_disabled_and_what_failed_can_be_sent_again(desk, runtime):
    worker, _ = scripted(runtime, refusing)
    enqueue(desk, runtime, DEAD, 3)
    moment = now(desk)
    deliver_due(later(worker, moment))
    enqueue(desk, runtime, DEAD, 1)
    for hours in (20, 21, 22, 23):
        deliver_due(later(worker, moment + timedelta(days=4, hours=hours)))
        change(desk, channel, hold_until=LONG_AGO)
    assert standing(desk).disabled_at is None
    change(desk, channel, hold_until=LONG_AGO)
    change(desk, delivery, due_at=LONG_AGO, state="pending")
    deliver_due(later(worker, moment + timedelta(days=5)))
    assert standing(desk).disabled_at is not None
    assert operator_subjects(desk).count("The channel hook is disabled") == 1
    change(desk, delivery, window_at=LONG_AGO, state="failed")
    tick(worker)
    assert states(desk, DEAD) == {"abandoned": 4}
    assert enable_channel(desk.store, DEAD) is True
    with desk.store.writing() as connection:
        assert send_again(connection, Wanted(channels=(DEAD,)), now=read_clock(connection)) == 4
    while deliver_due(runtime):
        pass
    assert states(desk, DEAD) == {"sent": 4}
    assert len(desk.webhook.received) == 4


def test_e06_a_quiet_channel_with_two_bad_moments_five_days_apart_is_not_disabled(desk, runtime):
    worker, _ = scripted(runtime, refusing)
    enqueue(desk, runtime, DEAD, 1)
    moment = now(desk)
    deliver_due(later(worker, moment))
    change(desk, delivery, due_at=LONG_AGO)
    deliver_due(later(worker, moment + timedelta(days=6)))
    assert (standing(desk).failures, standing(desk).disabled_at) == (2, None)


@pytest.mark.parametrize("reason", [DeliveryReason.REJECTED, DeliveryReason.TEMPORARY])
def test_an_answer_about_one_message_ends_its_channels_trouble(desk, runtime, reason):
    worker, _ = scripted(runtime, refusing)
    enqueue(desk, runtime, DEAD, 2)
    moment = now(desk)
    deliver_due(later(worker, moment))
    change(desk, delivery, due_at=LONG_AGO)
    moment += timedelta(minutes=1)
    deliver_due(later(worker, moment))
    assert standing(desk).failures == 2
    change(desk, delivery, due_at=LONG_AGO)
    moment += timedelta(minutes=1)
    answer = DeliveryError(reason, "not this one", permanent=reason is DeliveryReason.REJECTED)
    deliver_due(later(scripted(runtime, lambda _: answer)[0], moment))
    row = standing(desk)
    assert (row.failures, row.failing_since, row.hold_until) == (0, None, None)
    waiting = desk.rows(delivery, (delivery.c.channel == DEAD) & (delivery.c.reason == "temporary"))
    assert all(one.due_at > moment for one in waiting), "what was answered for keeps its time"


def test_a_late_success_does_not_enable_what_another_has_just_disabled(desk):
    with desk.store.writing() as connection:
        channels.note_failure(connection, DEAD, refusing(), now=read_clock(connection), jitter=0.0)
    with desk.store.writing() as connection:
        looked = connection.execute(select(channel)).first()
        connection.execute(update(channel).values(disabled_at=LONG_AGO))

        class Before:
            """Reads as the transaction did that looked before."""

            def execute(self, statement):
                return SimpleNamespace(first=lambda: looked) if statement.is_select else connection.execute(statement)

        assert channels.note_success(Before(), DEAD) is None
    assert standing(desk).disabled_at == LONG_AGO


def test_d09_a_refused_login_pauses_the_channel_after_three_and_is_told_once(desk, runtime):
    trouble = [True]
    locked = DeliveryError(DeliveryReason.AUTH, "refused the user name or password")
    before = [refusing(), refusing(), refusing()]  # nobody there is no login refused
    worker, dead = scripted(runtime, lambda _: before.pop() if before else locked if trouble else None, LIVE)
    enqueue(desk, runtime, LIVE, 9)
    moment = now(desk)
    for _ in range(8):
        deliver_due(later(worker, moment))
        moment += timedelta(minutes=12)
    assert len(dead.sent) == 6, "and then one an hour"
    assert standing(desk, LIVE).hold_until > moment
    moment += timedelta(hours=1)
    deliver_due(later(worker, moment))
    assert len(dead.sent) == 7
    assert operator_subjects(desk) == ["The channel mail is not let in"]
    trouble.clear()
    moment += timedelta(hours=2)
    while deliver_due(later(worker, moment)):
        pass
    assert states(desk, LIVE) == {"sent": 9}
    assert operator_subjects(desk) == ["The channel mail is not let in", "The channel mail is let in again"]


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


# ---------------------------------------------------------------- the unknown


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


# ---------------------------------------------------------------- bounds and digests


def bounded(runtime, name, **bounds):
    """The same worker, whose channel has these bounds."""
    channels = tuple(spec.model_copy(update=bounds) if spec.id == name else spec for spec in runtime.config.channels)
    return replace(runtime, config=replace(runtime.config, channels=channels))


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


def test_a_digest_leads_to_the_articles_waits_as_its_oldest_did_and_is_made_for_no_held_channel(desk, runtime):
    poll_now(desk, runtime)
    worker = bounded(runtime, LIVE, digest_over=5)
    enqueue(desk, runtime, LIVE, 8, severity="critical", of_alerts=True)
    fold_overflow(worker)
    assert not desk.rows(delivery, delivery.c.digest_id.is_not(None)), "critical ones are not counted, or folded"
    change(desk, alert, severity="high")
    old = now(desk) - timedelta(days=1)
    first = min(row.id for row in desk.rows(delivery))
    with desk.store.writing() as connection:
        connection.execute(update(delivery).where(delivery.c.id == first).values(window_at=old))
        channels.note_failure(connection, LIVE, refusing(), now=read_clock(connection), jitter=0.0)
    fold_overflow(worker)
    assert states(desk, LIVE) == {"pending": 8}
    change(desk, channel, hold_until=None)
    fold_overflow(worker)
    (digest,) = desk.rows(delivery, delivery.c.digest_id == delivery.c.id)
    assert digest.window_at == old
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
