"""What only a replay asks of the record: which feeds a moment of the history has, and whose first look it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, update

from worker.store.engine import Store
from worker.store.schema import feed

THIS_FEED = update(feed).where(feed.c.id == bindparam("this"))


def set_moment(
    store: Store, *, now: datetime, due: Sequence[str], over: Sequence[str], never: datetime, first: Sequence[str]
) -> None:
    """Makes the feeds in `due` due now, and those that are `over` not again before `never`.

    For those in `first` the next poll is a first look again: what it brings is no news. Their articles stay.
    """
    changes = (("next_poll_at", never, over), ("next_poll_at", now, due), ("baseline_at", None, first))
    with store.writing() as connection:
        for column, value, feed_ids in changes:
            if feed_ids:
                connection.execute(THIS_FEED, [{"this": feed_id, column: value} for feed_id in feed_ids])
