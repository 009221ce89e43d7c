"""What waits: one look that tells the tick which queues have work, and the chores that only one process should do."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import case, exists, func, insert, or_, select, update

from worker.store import articles, deliveries, feeds
from worker.store.engine import Lock, Store, read_clock, take_lock
from worker.store.schema import article, chore, delivery, feed


def due_queues(store: Store) -> list[str]:
    """The names of the queues that have claimable work now."""
    with store.reading() as connection:
        now = read_clock(connection)

        def waits(table, condition):  # type: ignore[no-untyped-def]
            free = or_(table.c.lease_until.is_(None), table.c.lease_until < now)
            return connection.execute(select(exists().where(condition, free))).scalar_one()

        found = {
            "poll": waits(feed, feeds.is_due(now)),
            "analyse": waits(article, articles.is_unjudged()) or waits(article, articles.is_judged()),
            "deliver": waits(delivery, deliveries.is_due(now)),
        }
    return [queue for queue, due in found.items() if due]


def count_late(store: Store, *, by: timedelta) -> tuple[int, int, int]:
    """How many feeds, articles and deliveries should have been worked on `by` ago and were not."""
    with store.reading() as connection:
        before = read_clock(connection) - by

        def count(table, condition):  # type: ignore[no-untyped-def]
            free = or_(table.c.lease_until.is_(None), table.c.lease_until < before)
            statement = select(func.count()).select_from(table).where(condition, free)
            return connection.execute(statement).scalar_one()

        return (
            count(feed, feeds.is_due(before)),
            count(article, articles.is_open() & (article.c.first_seen_at < before)),
            count(delivery, deliveries.is_due(before)),
        )


def count_states(store: Store) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """How many feeds, articles and deliveries are in each state. An active feed whose last poll failed is 'failing'."""
    shown = case(((feed.c.state == "active") & (feed.c.failures > 0), "failing"), else_=feed.c.state)
    with store.reading() as connection:

        def count(state):  # type: ignore[no-untyped-def]
            rows = connection.execute(select(state.label("state"), func.count().label("n")).group_by(state))
            return {row.state: row.n for row in rows}

        return count(shown), count(article.c.state), count(delivery.c.state)


def claim_chore(store: Store, name: str, *, every: timedelta) -> bool:
    """True for exactly one caller per `every`, whoever and however many ask."""
    with store.writing() as connection:
        take_lock(connection, Lock.CHORE)
        now = read_clock(connection)
        held = connection.execute(select(chore.c.due_at).where(chore.c.name == name)).scalar()
        if held is None:
            connection.execute(insert(chore).values(name=name, due_at=now + every))
            return True
        if held > now:
            return False
        connection.execute(update(chore).where(chore.c.name == name).values(due_at=now + every))
        return True
