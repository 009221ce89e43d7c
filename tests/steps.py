"""The pipeline's steps, one by one in the test's own process: what happens, and when, is the test's to say."""

from dataclasses import replace
from datetime import UTC, datetime

import yaml
from sqlalchemy import insert, select, update

from worker.delivery.pace import Pace
from worker.pipeline.analyse import analyse_new_articles
from worker.pipeline.poll import poll_due_feeds
from worker.pipeline.raising import storify_and_raise
from worker.store.deliveries import claim_due_deliveries
from worker.store.engine import read_clock
from worker.store.lease import new_token
from worker.store.schema import alert, article, delivery, feed, notification, story

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def change(desk, table, **values):
    with desk.store.writing() as connection:
        connection.execute(update(table).values(**values))


def change_files(desk, **parts):
    """The configuration's files, each by what is done to its content."""
    for name, edit in parts.items():
        path = desk.config / f"{name}.yaml"
        body = yaml.safe_load(path.read_text())
        edit(body)
        path.write_text(yaml.safe_dump(body, sort_keys=False, allow_unicode=True))


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


def now(desk):
    with desk.store.reading() as connection:
        return read_clock(connection)


def later(runtime, moment):
    """The same worker, at that moment."""
    return replace(runtime, store=runtime.store.with_clock(lambda: moment))


def enqueue(desk, runtime, name, count, *, severity="normal", of_alerts=False):
    """So many deliveries by one channel, as raising saves them, in a few statements."""
    made = now(desk)
    sender = runtime.channels[name]
    said = sender.render_operator("Word", ["A line."], recipient=sender.recipients()[0], message_id="m", now=made)
    with desk.store.writing() as connection:
        numbers = [None] * count
        if of_alerts:
            numbers = _alerts(connection, runtime, count, severity, made)
        rows = [
            dict(public_id=new_token(), alert_id=number, n=1, kind="alert.raised", subject="Word", created_at=made)
            for number in numbers
        ]
        saved = connection.execute(insert(notification).returning(notification.c.id), rows).scalars().all()
        one = dict(
            channel=name, kind=sender.kind, recipient=said.recipient, state="pending", subject="Word", body=said.body
        )
        one |= dict(created_at=made, due_at=made, window_at=made, maybe_duplicate=0, attempts=0)
        connection.execute(
            insert(delivery),
            [one | dict(public_id=new_token(), notification_id=number, message_id=new_token()) for number in saved],
        )


def _alerts(connection, runtime, count, severity, made):
    number = connection.execute(select(article.c.id).limit(1)).scalar_one()
    stories = [dict(public_id=new_token(), title=f"Story {n}", first_seen_at=made) for n in range(count)]
    saved = connection.execute(insert(story).returning(story.c.id), stories).scalars().all()
    one = dict(rule_id="kim", severity=severity, article_id=number, because="", raised_at=made)
    one |= dict(config_version=runtime.config_version)
    rows = [one | dict(public_id=new_token(), story_id=story_id) for story_id in saved]
    return connection.execute(insert(alert).returning(alert.c.id), rows).scalars().all()
