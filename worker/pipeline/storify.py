"""Storify: judged articles join the stories that they report, under the desk lock that the serial step holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from worker.articles.stories import Stories, story_keys
from worker.pipeline.runtime import Runtime
from worker.store import articles
from worker.store.engine import Connection


def storify(runtime: Runtime, connection: Connection, rows: Sequence[Any], now: datetime) -> list[articles.Placed]:
    """Each article with the story that it joins or opens, saved, in arrival order."""
    keys = {row.id: story_keys(title=row.judged_title, canonical_url=row.canonical_url) for row in rows}
    held = articles.held_keys(connection, [key for found in keys.values() for key in found])
    stories = Stories(held)
    placed = []
    for number, row in enumerate(rows, start=1):
        found = stories.place(row.id, keys[row.id], at=row.first_seen_at, new=-number)
        story, original = (found.story, found.article) if found else (-number, None)
        placed.append(articles.Placed(row, story, duplicate_of=original))
    changed = {key: holder for key, holder in stories.held.items() if holder is not held.get(key)}
    return articles.save_stories(connection, placed, changed, config_version=runtime.config_version, now=now)
