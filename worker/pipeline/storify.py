"""Storify: judged articles join the stories that they report, under the desk lock that the serial step holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from worker.articles.agencies import agency_of
from worker.articles.stories import Arrival, Place, Stories, print_keys, story_keys
from worker.articles.terms import sketch_of
from worker.articles.wording import Wording
from worker.pipeline.runtime import Runtime
from worker.store import stories
from worker.store.engine import Connection
from worker.store.remembered import Remembered
from worker.store.stories import Placed


def storify(
    runtime: Runtime, connection: Connection, rows: Sequence[Any], now: datetime, *, remembered: Remembered
) -> list[Placed]:
    """Each article with the story that it joins or opens, saved, in arrival order. A story may have merged into another
    since, by an article of the same batch. What is `remembered` follows; it is worth keeping once this is committed."""
    arrivals = [_arrival(row) for row in rows]
    remembered.catch_up(connection)
    held = stories.read_held(connection, {key for arrival in arrivals for key in arrival.asked()})
    desk = Stories(dict(held), remembered.index)
    placed = []
    for number, (row, arrival) in enumerate(zip(rows, arrivals, strict=True), start=1):
        place = desk.place(arrival, new=-number)
        placed.append(_placed(runtime, row, place, arrival))
    changed = {key: holder for key, holder in desk.held.items() if holder is not held.get(key)}
    saved, ids = stories.save_stories(connection, placed, changed, desk, config_version=runtime.config_version, now=now)
    remembered.index.rename(ids, latest=len(rows))
    remembered.pass_by(connection)
    return saved


def _placed(runtime: Runtime, row: Any, place: Place, arrival: Arrival) -> Placed:
    feed = runtime.config.feed(row.feed_id)
    relays = agency_of(row.judged_title, row.judged_text or "", source=row.outlet or feed.title)
    return Placed(
        row,
        place.story,
        place.by,
        place.copy_of,
        grouped_why=place.why,
        relays=relays or None,
        tier=feed.tier,
        sketch=arrival.sketch.to_bytes(),
    )


def _arrival(row: Any) -> Arrival:
    wording = Wording(row.feed_id, row.canonical_url, row.judged_title, row.judged_text or "")
    keys = story_keys(title=row.judged_title, canonical_url=row.canonical_url) + print_keys(wording)
    return Arrival(row.id, row.first_seen_at, keys, wording, sketch_of(wording.title, wording.text))
