"""The tables about stories: what they are called, by what articles find them, and what became of them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text, text

from worker.store.columns import Instant, RowId, metadata

HAS_MERGED = text("merged_into IS NOT NULL")

story = Table(
    "story",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("public_id", String(32), nullable=False, unique=True),
    Column("title", Text, nullable=False),  # the first headline of the most reliable feeds that report it
    Column("title_tier", Integer),  # that feed's; null: from before it was kept, and never replaced
    Column("first_seen_at", Instant, nullable=False),
    Column("merged_into", RowId, ForeignKey("story.id")),  # the story it is part of now, which is in no other itself
    Index("ix_story_merged", "merged_into", sqlite_where=HAS_MERGED, postgresql_where=HAS_MERGED),
)

story_key = Table(
    "story_key",
    metadata,
    Column("kind", String(16), primary_key=True),  # link, headline; shared: a link that finds nothing
    Column("value", String(200), primary_key=True),
    Column("story_id", RowId, ForeignKey("story.id"), nullable=False),
    Column("article_id", RowId, nullable=False),  # the first article that brought this key
    Column("last_seen_at", Instant, nullable=False),  # when the last article with this key was first seen
)

story_print = Table(
    "story_print",
    metadata,
    # By which nearly equal headlines and texts meet: a band of a MinHash. Of two articles the first has it.
    Column("value", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("story_id", RowId, ForeignKey("story.id"), nullable=False),
    Column("article_id", RowId, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Index(None, "article_id"),  # for retention
)

story_sketch = Table(
    "story_sketch",
    metadata,
    # What an article is about, for as long as its story may grow (articles/event_index.py). Numbered in the order in
    # which the articles were settled, so that a process reads only what another has settled since.
    Column("n", RowId, primary_key=True),
    Column("article_id", RowId, ForeignKey("article.id"), nullable=False),
    Column("at", Instant, nullable=False),  # when the article was first seen
    Column("body", LargeBinary, nullable=False),
    Index(None, "at"),
    Index(None, "article_id"),
)

story_change = Table(
    "story_change",
    metadata,
    # What became of two stories: `story_id` is part of the other from then on, or goes on where the other was over.
    Column("id", RowId, primary_key=True),
    Column("kind", String(16), nullable=False),  # merge, split
    Column("story_id", RowId, ForeignKey("story.id"), nullable=False),
    Column("other_id", RowId, ForeignKey("story.id"), nullable=False),
    Column("article_id", RowId, ForeignKey("article.id"), nullable=False),  # the one that made it so
    Column("why", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "story_id"),
    Index(None, "other_id"),
)
