"""The tables. Every unit of work is a row with a state, an attempt count and a lease (token, until).

Those about feeds stand in schema_feeds.py, those about stories in schema_stories.py.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from worker.store.columns import EPOCH, MICROSECOND, Instant, RowId, lease_columns, metadata
from worker.store.schema_feeds import feed, hold, page, poll, quiet_group, robots, trouble
from worker.store.schema_stories import story, story_change, story_key, story_print, story_sketch

__all__ = [
    "EPOCH",
    "MICROSECOND",
    "Instant",
    "alert",
    "article",
    "article_key",
    "attempt",
    "channel",
    "chore",
    "config_version",
    "decision",
    "delivery",
    "denial",
    "feed",
    "former_judgement",
    "heartbeat",
    "hold",
    "judgement",
    "metadata",
    "news",
    "notification",
    "page",
    "poll",
    "quiet_group",
    "revision",
    "robots",
    "signing_key",
    "silence",
    "story",
    "story_change",
    "story_key",
    "story_print",
    "story_sketch",
    "tally",
    "trouble",
]

HAS_TEXT = text("text IS NOT NULL")
IS_MISSED = text("model_id = 'missing'")  # MODEL_MISSING
IS_SETTLED = text("settled_at IS NOT NULL")
IS_FINISHED = text("finished_at IS NOT NULL")
IS_UNTOLD = text("notification_id IS NULL")
IS_RUNNING = text("ended_at IS NULL")
IS_FOLDED = text("digest_id IS NOT NULL")
IS_HELD = text("hold_id IS NOT NULL")

config_version = Table(
    "config_version",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("body", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
)

article = Table(
    "article",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("public_id", String(32), nullable=False, unique=True),
    Column("feed_id", String(80), ForeignKey("feed.id"), nullable=False),
    Column("state", String(16), nullable=False),
    Column("baseline", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text),  # null once retention took it
    Column("url", Text, nullable=False),
    Column("canonical_url", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("published_at", Instant),
    Column("published_raw", Text, nullable=False),
    Column("first_seen_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("duplicate_of", RowId, ForeignKey("article.id")),
    Column("story_id", RowId, ForeignKey("story.id")),
    Column("config_version", RowId),  # by which it was settled: its rules decided the alerts
    # It was published long before it was first seen: old news that resurfaced.
    Column("old", Boolean, nullable=False, default=False, server_default=text("false")),
    Column("outlet", Text, nullable=False, default="", server_default=""),  # who wrote it, where the feed is another's
    Column("hold_id", RowId),  # what keeps it back, or kept it back
    Column("added_keys", Integer, nullable=False, default=0, server_default="0"),  # since its first: feeds/update.py
    Column(
        "grouped_by", String(16)
    ),  # how it found its story: link, headline, title, text, event; null where it opened it
    Column("grouped_why", Text),  # what it has in common with the event's articles, in words
    Column("relays", String(40)),  # the agency whose report it passes on
    *lease_columns(),
    Index(None, "state", "id"),
    Index(None, "story_id"),
    Index(None, "feed_id", "id"),
    # For who watches: what was settled since the last look.
    Index("ix_article_settled", "settled_at", sqlite_where=IS_SETTLED, postgresql_where=IS_SETTLED),
    Index("ix_article_held", "hold_id", sqlite_where=IS_HELD, postgresql_where=IS_HELD),
    # For retention, which asks only for those that still have their text.
    Index("ix_article_with_text", "first_seen_at", sqlite_where=HAS_TEXT, postgresql_where=HAS_TEXT),
)

article_key = Table(
    "article_key",
    metadata,
    Column("feed_id", String(80), ForeignKey("feed.id"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("value", String(200), primary_key=True),
    Column("article_id", RowId, ForeignKey("article.id"), nullable=False),
)

revision = Table(
    "revision",
    metadata,
    Column("article_id", RowId, ForeignKey("article.id"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("title", Text, nullable=False),
    Column("text", Text),
    # What the feed said, where `text` is its page's; `content_hash` is always of the feed's own words.
    Column("feed_text", Text),
    Column("content_hash", String(64), nullable=False),
    Column("seen_at", Instant, nullable=False),
)

judgement = Table(
    "judgement",
    metadata,
    Column("article_id", RowId, ForeignKey("article.id"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("language", String(16), nullable=False),
    Column("topics", JSON, nullable=False),
    Column("mentions", JSON, nullable=False),
    Column("model_id", String(80), nullable=False),
    Column("watchlist", String(80), nullable=False, default="", server_default=""),  # the version of the names
    Column("notes", JSON, nullable=False, default=[], server_default="[]"),  # what was not read: JudgementNote
    Column("config_version", RowId, ForeignKey("config_version.id"), nullable=False),
    Column("judged_at", Instant, nullable=False),
    Column("again_at", Instant),  # when somebody had it judged again, last
)
Index("ix_judgement_missed", judgement.c.article_id, sqlite_where=IS_MISSED, postgresql_where=IS_MISSED)

former_judgement = Table(
    "former_judgement",
    metadata,
    # What was said of a revision before it was judged again; the first is n = 1.
    Column("article_id", RowId, ForeignKey("article.id"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("language", String(16), nullable=False),
    Column("topics", JSON, nullable=False),
    Column("mentions", JSON, nullable=False),
    Column("model_id", String(80), nullable=False),
    Column("watchlist", String(80), nullable=False),
    Column("notes", JSON, nullable=False),
    Column("config_version", RowId, ForeignKey("config_version.id"), nullable=False),
    Column("judged_at", Instant, nullable=False),
)

alert = Table(
    "alert",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("public_id", String(32), nullable=False, unique=True),
    Column("rule_id", String(80), nullable=False),
    Column("story_id", RowId, ForeignKey("story.id"), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("article_id", RowId, ForeignKey("article.id"), nullable=False),  # the one that raised it
    Column("because", Text, nullable=False),
    Column("config_version", RowId, ForeignKey("config_version.id"), nullable=False),
    Column("raised_at", Instant, nullable=False),
    Column("told", JSON),  # what its readers know: entities, languages, originals, tier, severity
    Column("headline", Text),  # its article's, as a message last showed it
    Column("told_at", Instant),  # its last message; null while nothing went out
    Column("tell_at", Instant),  # when its next message is due: its first, news that waits, or a reminder
    Column("acknowledged_at", Instant),
    Column("acknowledged_by", String(80)),
    UniqueConstraint("story_id", "rule_id"),  # in this order, for alerts are looked up by story
    Index(None, "raised_at"),
    Index(None, "tell_at"),
    Index(None, "article_id"),
)

silence = Table(
    "silence",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("public_id", String(32), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),  # rule, entity, story, source, query
    Column("value", Text, nullable=False),
    Column("because", Text, nullable=False),
    Column("author", String(80), nullable=False),  # a person's id
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant),  # when its end was told
    Column("ended_by", String(80)),  # who ended it before its time
    Index("ix_silence_running", "expires_at", sqlite_where=IS_RUNNING, postgresql_where=IS_RUNNING),
)

denial = Table(
    "denial",
    metadata,
    # An analyst's "not this one": what in an article was taken for an entity, and was not.
    Column("id", RowId, primary_key=True),
    Column("public_id", String(32), nullable=False, unique=True),
    Column("entity", String(80), nullable=False),
    Column("text", Text, nullable=False),  # folded, as the matcher compares it
    Column("article_id", RowId, ForeignKey("article.id"), nullable=False),
    Column("words", JSON, nullable=False),  # what stood around it
    Column("because", Text, nullable=False),
    Column("author", String(80), nullable=False),  # a person's id
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),  # when it was taken back
    Column("ended_by", String(80)),
    Index("ix_denial_standing", "id", sqlite_where=IS_RUNNING, postgresql_where=IS_RUNNING),
    Index(None, "article_id"),
)

decision = Table(
    "decision",
    metadata,
    # What became of each rule that fired on an article: raised, news for an alert, or why it stayed quiet.
    Column("article_id", RowId, ForeignKey("article.id"), primary_key=True),
    Column("rule_id", String(80), primary_key=True),
    Column("reason", String(24), nullable=False),
    Column("words", Text, nullable=False),
    Column("severity", String(16), nullable=False),  # of this article alone
    Column("alert_id", RowId, ForeignKey("alert.id")),
    Column("silence_id", RowId, ForeignKey("silence.id")),
    Column("at", Instant, nullable=False),
    Index(None, "silence_id"),
)

news = Table(
    "news",
    metadata,
    # What is new about an alert since it was told; told by the notification, or waiting where that is null.
    Column("id", RowId, primary_key=True),
    Column("alert_id", RowId, ForeignKey("alert.id"), nullable=False),
    Column("article_id", RowId, ForeignKey("article.id"), nullable=False),  # the one that brought it
    Column("kind", String(16), nullable=False),  # entity, originals, tier, language, severity, headline
    Column("words", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("notification_id", RowId, ForeignKey("notification.id")),
    Index(None, "alert_id"),
    Index("ix_news_waiting", "alert_id", sqlite_where=IS_UNTOLD, postgresql_where=IS_UNTOLD),
)

notification = Table(
    "notification",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("public_id", String(32), nullable=False, unique=True),
    Column("alert_id", RowId, ForeignKey("alert.id")),  # null for a message to the operator
    Column("n", Integer, nullable=False),
    Column("kind", String(32), nullable=False),  # alert.raised, alert.updated, alert.reminder, digest, notice, operator
    Column("operator_key", String(200), unique=True),  # one message per trouble
    Column("subject", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    # Another alert's of the same story, raised along with it: whoever hears of that one is told of this one there.
    Column("carried_by", RowId),
    UniqueConstraint("alert_id", "n"),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("public_id", String(32), nullable=False, unique=True),
    Column("notification_id", RowId, ForeignKey("notification.id"), nullable=False),
    Column("channel", String(80), nullable=False),
    Column("kind", String(16)),  # of the channel that it was written for
    Column("recipient", String(320), nullable=False),
    Column("state", String(16), nullable=False),
    Column("message_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # the exact bytes every attempt sends
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("receipt", Text),
    Column("reason", String(32)),
    Column("detail", Text),
    Column("maybe_duplicate", Integer, nullable=False, default=0),
    Column("window_at", Instant),  # since when it is tried, for three days: its making, or its replay
    # The delivery that tells of it along with others, and whose fate it shares; of that one, its own id.
    Column("digest_id", RowId),
    *lease_columns(),
    UniqueConstraint("notification_id", "channel", "recipient"),
    Index(None, "state", "due_at"),
    Index(None, "channel", "state", "due_at"),
    Index("ix_delivery_digest", "digest_id", sqlite_where=IS_FOLDED, postgresql_where=IS_FOLDED),
)

channel = Table(
    "channel",
    metadata,
    # How a configured channel fares; no row: never used.
    Column("id", String(80), primary_key=True),
    Column("failures", Integer, nullable=False, default=0),  # in a row, of the channel as a whole
    Column("refusals", Integer, nullable=False, default=0),  # of its login, since it last worked
    Column("failing_since", Instant),
    Column("hold_until", Instant),  # nothing goes out before
    Column("disabled_at", Instant),  # nothing goes out until somebody enables it
    Column("reason", String(32)),
    Column("detail", Text),
    Column("allowance", Float),  # how many more may go out now; fills up by its rate since
    Column("allowance_at", Instant),
)

signing_key = Table(
    "signing_key",
    metadata,
    # Signs the links in mails; made once, at the first start.
    Column("id", RowId, primary_key=True),
    Column("key", String(100), nullable=False),
    Column("created_at", Instant, nullable=False),
)

attempt = Table(
    "attempt",
    metadata,
    Column("delivery_id", RowId, ForeignKey("delivery.id"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("outcome", String(16), nullable=False),  # started, sent, failed, abandoned, unknown
    Column("reason", String(32)),
    Column("detail", Text),
    # For who watches: every try that ended since the last look.
    Index("ix_attempt_finished", "finished_at", sqlite_where=IS_FINISHED, postgresql_where=IS_FINISHED),
)

chore = Table(
    "chore",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("due_at", Instant, nullable=False),
)

tally = Table(
    "tally",
    metadata,
    # What has happened so often, ever: metrics outlive the rows that they count, and every process.
    Column("name", String(60), primary_key=True),
    Column("labels", String(200), primary_key=True),  # values in the order of the metric's label names, tab-separated
    Column("count", BigInteger, nullable=False),
)

heartbeat = Table(
    "heartbeat",
    metadata,
    Column("id", String(32), primary_key=True),  # one process's, from its start to its end
    Column("role", String(40), nullable=False),  # poll-deliver, analyse, scheduler, console
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("beat_at", Instant, nullable=False),
)
