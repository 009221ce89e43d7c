"""The pipeline's steps, one by one in the test's own process: what happens, and when, is the test's to say."""

from datetime import UTC, datetime

from sqlalchemy import select, update

from worker.delivery.pace import Pace
from worker.pipeline.analyse import analyse_new_articles
from worker.pipeline.poll import poll_due_feeds
from worker.pipeline.raising import storify_and_raise
from worker.store.deliveries import claim_due_deliveries
from worker.store.schema import delivery, feed, notification

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


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


def claim_deliveries(store, *, limit, lease):
    """By every channel that has any, each with connections enough."""
    with store.reading() as connection:
        names = connection.execute(select(delivery.c.channel).distinct()).scalars().all()
    return claim_due_deliveries(store, paces={name: Pace(at_once=50) for name in names}, limit=limit, lease=lease)
