"""Many starts at once; poison parked; what is past its time dropped."""

from datetime import timedelta

from desk import at_once
from sqlalchemy import update
from steps import LONG_AGO, change, operator_subjects, poll_now

from worker.pipeline.deliver import deliver_due
from worker.pipeline.tick import drop_expired, tick
from worker.store import polls
from worker.store.engine import read_clock
from worker.store.schema import article, feed, poll


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


def test_retention_drops_poll_history_in_batches_until_none_is_left(desk, runtime, monkeypatch):
    for _ in range(3):
        poll_now(desk, runtime)
    change(desk, poll, at=LONG_AGO)
    with desk.store.writing() as connection:
        now = read_clock(connection)
        assert polls.forget_old_polls(connection, before=now, quiet_before=now, limit=1) == 1
    monkeypatch.setattr("worker.pipeline.tick.RETENTION_BATCH", 2)
    drop_expired(runtime)
    assert desk.rows(poll) == []
