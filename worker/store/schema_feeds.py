"""The tables about feeds and what they bring: polls, article pages, what is held back, what is wrong."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Float, ForeignKey, Index, Integer, LargeBinary, String, Table, Text, text

from worker.store.columns import Instant, RowId, lease_columns, metadata

IS_OPEN = text("ended_at IS NULL")
IS_UNDECIDED = text("decision IS NULL")
BROUGHT_NOTHING = text("outcome = 'unchanged'")

feed = Table(
    "feed",
    metadata,
    Column("id", String(80), primary_key=True),
    Column("configured_url", Text, nullable=False),
    Column("current_url", Text, nullable=False),
    Column("state", String(16), nullable=False),  # active, stopped (410), removed
    Column("title", Text, nullable=False, default=""),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("body_hash", String(64)),
    Column("next_poll_at", Instant, nullable=False),
    Column("baseline_at", Instant),  # the first successful poll
    Column("polled_at", Instant),
    Column("succeeded_at", Instant),
    Column("failures", Integer, nullable=False, default=0),
    Column("failing_since", Instant),
    Column("stop_told_at", Instant),  # when the operator was told that it is gone; null where that is to come
    Column("reason", String(32)),
    Column("detail", Text),
    Column("host", String(255), nullable=False, default="", server_default=""),  # of `current_url`
    # What decides the next poll (feeds/schedule.py): how many times the configured interval it is by now,
    Column("stretch", Float, nullable=False, default=1.0, server_default="1"),
    Column("max_age", Float),  # in seconds the freshness that its answers claim; a 304 without one keeps it
    Column("document_wait", Float),  # what its document asks: ttl, sy:updatePeriod
    Column("skip", JSON),  # {"hours": [...], "days": [...]} in which its document says that nothing comes
    Column("items", LargeBinary),  # the items of its last document: hash and article, see feeds/items.py
    # Its rhythm: when it last brought something new, and the silences between such polls (feeds/rhythm.py).
    Column("news_at", Instant),
    Column("gaps", Integer, nullable=False, default=0, server_default="0"),
    Column("usual_gap", Float),
    Column("longest_gap", Float),
    *lease_columns(),
    Index(None, "state", "next_poll_at"),
    Index(None, "host"),
)

poll = Table(
    "poll",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("feed_id", String(80), ForeignKey("feed.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("outcome", String(16), nullable=False),  # new, unchanged, failed
    Column("reason", String(32)),
    Column("seen", Integer, nullable=False, default=0),
    Column("new", Integer, nullable=False, default=0),
    Column("changed", Integer, nullable=False, default=0),
    Column("skipped", Integer, nullable=False, default=0),
    Column("missed", Integer),  # an estimate of the entries that came and went since the poll before
    Column("milliseconds", Integer, nullable=False, default=0),
    Index(None, "feed_id", "at"),
    Index(None, "at"),
    # For retention, which drops polls that brought nothing long before the others.
    Index("ix_poll_unchanged", "at", sqlite_where=BROUGHT_NOTHING, postgresql_where=BROUGHT_NOTHING),
)

hold = Table(
    "hold",
    metadata,
    # Articles of one poll that are stored and wait for somebody's word: 87 old entries from X.
    Column("id", RowId, primary_key=True),
    Column("public_id", String(32), nullable=False, unique=True),
    Column("feed_id", String(80), ForeignKey("feed.id"), nullable=False),
    Column("kind", String(16), nullable=False),  # backdated: old entries, all at once
    Column("count", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("decision", String(16)),  # released, ignored; null: it waits
    Column("decided_at", Instant),
    Column("decided_by", String(80)),
    Index(None, "feed_id"),
    Index("ix_hold_waiting", "at", sqlite_where=IS_UNDECIDED, postgresql_where=IS_UNDECIDED),
)

page = Table(
    "page",
    metadata,
    # An article's own page, to be fetched or fetched: what was asked, when, and what came.
    Column("id", RowId, primary_key=True),
    Column("article_id", RowId, ForeignKey("article.id"), nullable=False, unique=True),
    Column("url", Text, nullable=False),
    Column("host", String(255), nullable=False),  # of the address that is asked next
    Column("state", String(16), nullable=False),  # waiting, fetched, failed
    Column("due_at", Instant, nullable=False),
    Column("since", Instant, nullable=False),  # when its article began to wait
    Column("tries", Integer, nullable=False, default=0),  # that failed and will pass
    Column("hops", Integer, nullable=False, default=0),  # redirects that were followed, to `final_url`
    Column("final_url", Text),
    Column("fetched_at", Instant),
    Column("status", Integer),
    Column("hash", String(64)),  # SHA-256 of the bytes that came
    Column("bytes", Integer),
    Column("characters", Integer),  # of the text that was taken from it
    Column("reason", String(32)),
    Column("detail", Text),
    *lease_columns(),
    Index(None, "state", "due_at"),
)

robots = Table(
    "robots",
    metadata,
    Column("origin", String(300), primary_key=True),  # scheme://host:port
    Column("body", Text, nullable=False),
    Column("verdict", String(16), nullable=False),  # rules, allow, disallow
    Column("fetched_at", Instant, nullable=False),
    Column("good_until", Instant, nullable=False),
    Column("next_at", Instant),  # no page before: its Crawl-delay
)

trouble = Table(
    "trouble",
    metadata,
    # What has been wrong with a feed, or with all feeds of a tag or language, for long enough to be told.
    Column("id", RowId, primary_key=True),
    Column("kind", String(16), nullable=False),  # failing, silent, group
    Column("subject", String(160), nullable=False),  # a feed's id, tag:korea, language:ko
    Column("reason", String(32)),
    Column("detail", Text),
    Column("since", Instant, nullable=False),
    Column("told_at", Instant),
    Column("ended_at", Instant),
    Column("end_told_at", Instant),
    Index("ix_trouble_open", "kind", "subject", unique=True, sqlite_where=IS_OPEN, postgresql_where=IS_OPEN),
)

quiet_group = Table(
    "quiet_group",
    metadata,
    # The rhythm of all feeds of a tag or language together.
    Column("name", String(160), primary_key=True),  # tag:korea, language:ko
    Column("since", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),  # the last look at which enough of its feeds were polled and answered
    Column("news_at", Instant),
    Column("gaps", Integer, nullable=False, default=0),
    Column("longest_gap", Float),
)
