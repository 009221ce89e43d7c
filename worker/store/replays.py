"""What only a replay asks of the record: a first look that is of several documents."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import update

from worker.store.engine import Store
from worker.store.schema import feed


def forget_baselines(store: Store, feed_ids: Sequence[str]) -> None:
    """The next poll of these feeds is their first again: what it brings is no news. Their articles stay."""
    with store.writing() as connection:
        for feed_id in feed_ids:
            connection.execute(update(feed).where(feed.c.id == feed_id).values(baseline_at=None))
