"""The index of events in a process's memory: what it is made from, and how it follows what others have settled."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select

from worker.articles.event_index import KEPT, Entry, EventIndex
from worker.articles.stories import MERGED
from worker.store.schema import article, story, story_change, story_sketch

OWN = story.alias("own")
ROOT = func.coalesce(OWN.c.merged_into, OWN.c.id)
SINCE = (
    select(story_sketch.c.n, story_sketch.c.at, story_sketch.c.body, article.c.feed_id)
    .add_columns(story.c.id.label("story"), story.c.first_seen_at.label("first"))
    .join(article, article.c.id == story_sketch.c.article_id)
    .join(OWN, OWN.c.id == article.c.story_id)
    .join(story, story.c.id == ROOT)
    .where(story_sketch.c.n > bindparam("upto"), story_sketch.c.at >= bindparam("since", type_=story_sketch.c.at.type))
    .order_by(story_sketch.c.n)
)
LAST = select(func.max(story_sketch.c.n), func.max(story_sketch.c.at))


@dataclass
class Remembered:
    """The index as of the sketch numbered `upto` and the change numbered `changes`."""

    index: EventIndex = field(default_factory=EventIndex)
    upto: int = 0
    changes: int = 0

    def catch_up(self, connection: Connection) -> None:
        """Follows what any process has settled since. Under the desk lock: nothing is settled meanwhile."""
        last, latest = connection.execute(LAST).one()
        if last is not None and last > self.upto:
            for row in connection.execute(SINCE, {"upto": self.upto, "since": latest - KEPT}):
                self.index.add(Entry(row.story, row.feed_id, row.at, row.body), first=row.first)
            self.upto = last
        self._follow_merges(connection)

    def _follow_merges(self, connection: Connection) -> None:
        made = select(story_change).where(story_change.c.id > self.changes).order_by(story_change.c.id)
        if self.changes == 0:  # made anew: what was read says already which story each is part of
            self.changes = connection.execute(select(func.max(story_change.c.id))).scalar() or 0
            return
        for row in connection.execute(made):
            self.changes = row.id
            if row.kind == MERGED:
                self.index.merge(row.story_id, row.other_id)

    def pass_by(self, connection: Connection) -> None:
        """What this process has put into the index itself is not read again."""
        self.upto = connection.execute(select(func.max(story_sketch.c.n))).scalar() or 0
        self.changes = connection.execute(select(func.max(story_change.c.id))).scalar() or 0


@dataclass
class Memory:
    """One process's index between two batches. It is taken out while it is worked with and put back once that is
    committed, so that what was undone is never remembered: without one, it is made again from the rows."""

    _kept: Remembered | None = None
    _lock: Any = field(default_factory=Lock)

    def take(self) -> Remembered:
        with self._lock:
            found, self._kept = self._kept, None
        return found or Remembered()

    def keep(self, one: Remembered) -> None:
        with self._lock:
            if self._kept is None or self._kept.upto < one.upto:
                self._kept = one


def drop_sketches(connection: Connection, *, before: datetime, limit: int) -> int:
    """Forgets what articles first seen before `before` were about, but for the last one, whose number is counted on
    from. Returns how many."""
    last = select(func.max(story_sketch.c.n)).scalar_subquery()
    old = select(story_sketch.c.n).where(story_sketch.c.at < before, story_sketch.c.n < last).limit(limit)
    numbers: Collection[int] = list(connection.execute(old).scalars())
    if numbers:
        connection.execute(delete(story_sketch).where(story_sketch.c.n.in_(numbers)))
    return len(numbers)
