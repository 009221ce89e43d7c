"""A channel in trouble: held, probed, disabled, let in again; and none of it holds up another."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from outboxes import DEAD, LIVE, bounded, give_up_all, many, refusing, scripted, standing, states
from sqlalchemy import event, insert, select, update
from steps import LONG_AGO, change, claim_deliveries, enqueue, later, now, operator_subjects

from worker.delivery.pace import Pace
from worker.errors import DeliveryError, DeliveryReason
from worker.pipeline.deliver import deliver_due
from worker.pipeline.tick import tick
from worker.store import channels, deliveries
from worker.store.channels import enable_channel
from worker.store.engine import read_clock
from worker.store.outbox import Wanted, send_again
from worker.store.schema import channel, chore, delivery


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


@pytest.mark.parametrize("failed_before", [False, True])
def test_what_waited_through_a_standstill_of_days_outlives_the_first_failure_after_it(desk, runtime, failed_before):
    worker, dead = scripted(runtime, refusing)
    enqueue(desk, runtime, DEAD, 30)
    if failed_before:
        deliver_due(worker)  # the network goes, and then the lid is shut
    back = now(desk) + timedelta(days=4)
    deliver_due(later(worker, back))
    tick(later(worker, back + timedelta(seconds=1)))
    assert states(desk, DEAD)["abandoned"] == 0 and dead.sent
    worker, well = scripted(runtime, lambda _: None)
    for seconds in (10, 60):
        while deliver_due(later(worker, back + timedelta(seconds=seconds))):
            pass
    assert states(desk, DEAD) == {"sent": 30} and len(well.sent) == 30


def test_one_that_waits_alone_is_the_probe_of_its_channel(desk, runtime):
    worker, dead = scripted(runtime, refusing)
    enqueue(desk, runtime, DEAD, 1)
    at, began = now(desk), now(desk)
    while at < began + timedelta(hours=3):
        deliver_due(later(worker, at))
        at += timedelta(minutes=1)
    assert 15 <= len(dead.sent) <= 25, "every ten minutes or so"
    worker, well = scripted(runtime, lambda _: None)
    while at < began + timedelta(hours=3, minutes=14):
        deliver_due(later(worker, at))
        at += timedelta(minutes=1)
    assert len(well.sent) == 1


def test_more_busy_channels_than_a_batch_takes_have_their_turns(desk, runtime):
    names = ("hook", "mail", "operator")
    for name in names:
        enqueue(desk, runtime, name, 10)
    served = []
    for _ in range(6):
        paces = {name: Pace(at_once=8) for name in names}
        claim = deliveries.claim_due_deliveries(desk.store, paces=paces, limit=2, lease=timedelta(seconds=60))
        assert claim.full
        served += [row.channel for row in claim.rows]
    assert {name: served.count(name) for name in names} == dict.fromkeys(names, 4)


def test_what_was_written_for_a_channel_of_another_kind_is_sent_to_nobody(desk, runtime):
    enqueue(desk, runtime, LIVE, 2)
    worker, found = scripted(runtime, lambda _: None, LIVE)
    found.kind = "webhook"
    deliver_due(worker)
    assert found.sent == []
    rows = desk.rows(delivery, delivery.c.channel == LIVE)
    assert {(row.state, row.reason) for row in rows} == {("abandoned", "no_channel")}
    assert rows[0].detail == "it was written for email, and the channel is webhook now"
    assert operator_subjects(desk) == ["Not delivered: Word"]


def test_a_clock_that_is_set_back_takes_along_what_is_planned(desk, runtime):
    enqueue(desk, runtime, DEAD, 1)
    enqueue(desk, runtime, LIVE, 3)
    true, ahead = now(desk), now(desk) + timedelta(hours=9)
    change(desk, delivery, due_at=ahead)
    worker, dead = scripted(runtime, refusing)
    tick(later(worker, ahead))
    deliver_due(later(bounded(worker, LIVE, per_minute=4), ahead))
    assert states(desk, LIVE) == {"sent": 1, "pending": 2} and len(dead.sent) == 1
    planned = planned_for(desk, ahead + timedelta(hours=1))
    worker, well = scripted(runtime, lambda _: None)
    worker = bounded(worker, LIVE, per_minute=4)
    tick(later(worker, true))
    assert standing(desk).hold_until <= true + timedelta(seconds=10)
    assert abs(planned() - (true + timedelta(hours=1))) < timedelta(seconds=5)
    for minutes in (1, 2, 3):
        deliver_due(later(worker, true + timedelta(minutes=minutes)))
    assert (states(desk, LIVE), len(well.sent)) == ({"sent": 3}, 1)
    before = {row.id: row.due_at for row in desk.rows(delivery)}
    tick(later(worker, true + timedelta(minutes=4)))
    assert {row.id: row.due_at for row in desk.rows(delivery)} == before


def test_a_lease_of_now_outlives_a_clock_that_is_set_back(desk, runtime):
    enqueue(desk, runtime, LIVE, 1)
    true = now(desk)
    tick(later(runtime, true + timedelta(hours=9)))
    store = later(runtime, true).store
    lease = timedelta(seconds=runtime.config.settings.timing.deliver_lease)
    (row,) = claim_deliveries(store, limit=1, lease=lease).rows
    tick(later(runtime, true + lease / 3))
    assert claim_deliveries(later(runtime, true + lease / 2).store, limit=1, lease=lease).rows == []
    assert desk.rows(delivery)[0].lease_until == row.lease_until


def planned_for(desk, at):
    """A chore that is planned for then; and how to read for when it is."""
    with desk.store.writing() as connection:
        connection.execute(insert(chore).values(name="planned", due_at=at))
    return lambda: desk.rows(chore, chore.c.name == "planned")[0].due_at
