"""Stories: the keys and prints by which articles find theirs, the ones they open, and those that merge.

An article keeps the story that it was put into. Where that has merged into another, `merged_into` names the one that it
is part of now, and that one is never part of a third.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, text, update

from worker.articles.prints import TEXT_LETTERS
from worker.articles.stories import PRINTS, Change, Holder, Stories, StoryKey
from worker.articles.wording import Wording
from worker.model import ArticleState
from worker.store.lease import new_token
from worker.store.schema import (
    Instant,
    article,
    judgement,
    revision,
    story,
    story_change,
    story_key,
    story_print,
    story_sketch,
)

ROOT = func.coalesce(story.c.merged_into, story.c.id).label("story")
# Kinds and values apart, the pairs sorted out here: for pairs of them SQLite would read the whole table.
HELD_KEYS = (
    select(story_key, ROOT)
    .join(story, story.c.id == story_key.c.story_id)
    .where(
        story_key.c.kind.in_(bindparam("kinds", expanding=True)),
        story_key.c.value.in_(bindparam("values", expanding=True)),
    )
)
HELD_PRINTS = (
    select(story_print, ROOT)
    .join(story, story.c.id == story_print.c.story_id)
    .where(story_print.c.value.in_(bindparam("values", expanding=True)))
)
# As it was judged, whatever became of it since: the prints are those of that revision.
WORDINGS = (
    select(article.c.id, article.c.feed_id, article.c.canonical_url, revision.c.title)
    .add_columns(func.substr(revision.c.text, 1, TEXT_LETTERS).label("text"))
    .join(judgement, judgement.c.article_id == article.c.id)
    .join(revision, (revision.c.article_id == article.c.id) & (revision.c.n == judgement.c.revision))
    .where(article.c.id.in_(bindparam("ids", expanding=True)))
)
HOLD_KEY = text(
    "INSERT INTO story_key (kind, value, story_id, article_id, last_seen_at)"
    " VALUES (:kind, :value, :story_id, :article_id, :last_seen_at)"
    " ON CONFLICT (kind, value) DO UPDATE SET story_id = excluded.story_id, article_id = excluded.article_id,"
    " last_seen_at = excluded.last_seen_at"
).bindparams(bindparam("last_seen_at", type_=Instant))
HOLD_PRINT = text(
    "INSERT INTO story_print (value, story_id, article_id, last_seen_at)"
    " VALUES (:value, :story_id, :article_id, :last_seen_at)"
    " ON CONFLICT (value) DO UPDATE SET story_id = excluded.story_id, article_id = excluded.article_id,"
    " last_seen_at = excluded.last_seen_at"
).bindparams(bindparam("last_seen_at", type_=Instant))
# With what is part of the younger already: a story's `merged_into` never leads to one that has merged itself.
MERGE = (
    update(story)
    .where((story.c.id == bindparam("younger")) | (story.c.merged_into == bindparam("younger")))
    .values(merged_into=bindparam("older"))
)

# The first headline of the most reliable: a later one of no better feed changes nothing.
BETTER_TITLE = (
    update(story)
    .where(story.c.id == bindparam("root"), story.c.title_tier > bindparam("tier"))
    .values(title=bindparam("better"), title_tier=bindparam("tier"))
)

Held = Mapping[StoryKey, Holder]


def read_held(connection: Connection, keys: Collection[StoryKey]) -> dict[StoryKey, Holder]:
    """Those of these keys that some story holds. Three statements, however many keys."""
    found = _held_keys(connection, [key for key in keys if key.kind not in PRINTS])
    found |= _held_prints(connection, {key.value: key for key in keys if key.kind in PRINTS})
    ids = {row.article_id for row in found.values()}
    wordings = {
        row.id: Wording(row.feed_id, row.canonical_url, row.title, row.text or "")
        for row in connection.execute(WORDINGS, {"ids": sorted(ids)})
    }
    return {
        key: Holder(row.story, row.article_id, row.last_seen_at, wordings[row.article_id]) for key, row in found.items()
    }


def _held_keys(connection: Connection, keys: Collection[StoryKey]) -> dict[StoryKey, Any]:
    wanted = {"kinds": sorted({key.kind for key in keys}), "values": sorted({key.value for key in keys})}
    held = {StoryKey(row.kind, row.value): row for row in connection.execute(HELD_KEYS, wanted)}
    return {key: held[key] for key in keys if key in held}


def _held_prints(connection: Connection, keys: Mapping[str | int, StoryKey]) -> dict[StoryKey, Any]:
    return {keys[row.value]: row for row in connection.execute(HELD_PRINTS, {"values": sorted(keys)})}


@dataclass(frozen=True)
class Placed:
    """An article and the story that it joins, `grouped_by` what, or opens where that is None: such a story has no id
    yet, but a number below zero. `duplicate_of`: the article that it is a copy of."""

    row: Any
    story: int
    grouped_by: str | None
    duplicate_of: int | None
    grouped_why: str | None = None
    relays: str | None = None
    tier: int = 3
    sketch: bytes = b""


def save_stories(
    connection: Connection,
    placed: Sequence[Placed],
    changed: Held,
    desk: Stories,
    *,
    config_version: int,
    now: datetime,
) -> tuple[list[Placed], dict[int, int]]:
    """Settles the articles: the stories they open, the keys by which later ones will find them, their own rows; and
    what became of other stories.

    Returns them with the ids of their stories, and these by the numbers that they had. One statement a table, however
    many: that is what a batch costs.
    """
    ids = _open_stories(connection, [one for one in placed if one.grouped_by is None])
    placed = [replace(one, story=ids.get(one.story, one.story)) for one in placed]
    _hold(connection, changed, ids)
    if desk.merged:
        pairs = [dict(younger=ids.get(one, one), older=ids.get(other, other)) for one, other in desk.merged.items()]
        connection.execute(MERGE, pairs)
    connection.execute(BETTER_TITLE, [_title_row(one, desk, ids) for one in placed])
    _note_changes(connection, desk.changes, ids, now=now)
    connection.execute(insert(story_sketch), [_sketch_row(one) for one in placed])
    same = dict(state=ArticleState.SETTLED, settled_at=now, config_version=config_version)
    rows = [
        dict(settled=one.row.id, story_id=one.story, duplicate_of=one.duplicate_of, grouped_by=one.grouped_by)
        | dict(grouped_why=one.grouped_why, relays=one.relays)
        | same
        for one in placed
    ]
    connection.execute(update(article).where(article.c.id == bindparam("settled")), rows)
    return placed, ids


def _title_row(one: Placed, desk: Stories, ids: Mapping[int, int]) -> dict[str, Any]:
    root = desk.root(one.story)
    return dict(root=ids.get(root, root), better=one.row.judged_title, tier=one.tier)


def _sketch_row(one: Placed) -> dict[str, Any]:
    return dict(article_id=one.row.id, at=one.row.first_seen_at, body=one.sketch)


def _note_changes(connection: Connection, changes: Sequence[Change], ids: Mapping[int, int], *, now: datetime) -> None:
    rows = [
        dict(kind=one.kind, story_id=ids.get(one.story, one.story), other_id=ids.get(one.other, one.other))
        | dict(article_id=one.article, why=one.why, at=now)
        for one in changes
    ]
    if rows:
        connection.execute(insert(story_change), rows)


def _open_stories(connection: Connection, opening: Sequence[Placed]) -> dict[int, int]:
    """The ids of the stories that these articles open, by their numbers."""
    if not opening:
        return {}
    numbers = {new_token(): one.story for one in opening}
    rows = [
        dict(public_id=public_id, title=one.row.judged_title, first_seen_at=one.row.first_seen_at, title_tier=one.tier)
        for public_id, one in zip(numbers, opening, strict=True)
    ]
    saved = connection.execute(insert(story).returning(story.c.id, story.c.public_id), rows)
    return {numbers[row.public_id]: row.id for row in saved}


def _hold(connection: Connection, changed: Held, ids: Mapping[int, int]) -> None:
    rows: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for key, holder in changed.items():
        rows[key.kind in PRINTS].append(
            dict(
                kind=key.kind,
                value=key.value,
                story_id=ids.get(holder.story, holder.story),
                article_id=holder.article,
                last_seen_at=holder.last_seen,
            )
        )
    for is_print, statement in ((False, HOLD_KEY), (True, HOLD_PRINT)):
        if rows[is_print]:
            connection.execute(statement, rows[is_print])


def drop_prints(connection: Connection, article_ids: Collection[int]) -> None:
    """Forgets by which words these articles' stories are found; by their addresses and headlines they still are."""
    connection.execute(delete(story_print).where(story_print.c.article_id.in_(article_ids)))
