"""What lets a story be told once: decisions, news, silences, acknowledgements; a channel's state; merged stories"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IS_UNTOLD = sa.text("notification_id IS NULL")
IS_RUNNING = sa.text("ended_at IS NULL")
IS_FOLDED = sa.text("digest_id IS NOT NULL")
HAS_MERGED = sa.text("merged_into IS NOT NULL")


def upgrade() -> None:
    _add_to_stories()
    _add_to_alerts()
    _add_silences()
    _add_decisions_and_news()
    _add_to_deliveries()
    _add_signing_keys()


def _add_to_stories() -> None:
    op.add_column("article", sa.Column("old", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("article", sa.Column("grouped_by", sa.String(length=16), nullable=True))
    op.create_index("ix_story_merged", "story", ["merged_into"], sqlite_where=HAS_MERGED, postgresql_where=HAS_MERGED)
    op.create_table(
        "story_print",
        sa.Column("value", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("story_id", ROW_ID, nullable=False),
        sa.Column("article_id", ROW_ID, nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("value", name=op.f("pk_story_print")),
        sa.ForeignKeyConstraint(["story_id"], ["story.id"], name=op.f("fk_story_print_story_id")),
    )
    op.create_index(op.f("ix_story_print_article_id"), "story_print", ["article_id"])


def _add_silences() -> None:
    op.create_table(
        "silence",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.String(length=80), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silence")),
        sa.UniqueConstraint("public_id", name=op.f("uq_silence_public_id")),
    )
    op.create_index(
        "ix_silence_running", "silence", ["expires_at"], sqlite_where=IS_RUNNING, postgresql_where=IS_RUNNING
    )


def _add_decisions_and_news() -> None:
    op.create_table(
        "decision",
        sa.Column("article_id", ROW_ID, nullable=False),
        sa.Column("rule_id", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("alert_id", ROW_ID, nullable=True),
        sa.Column("silence_id", ROW_ID, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", "rule_id", name=op.f("pk_decision")),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_decision_article_id")),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_decision_alert_id")),
        sa.ForeignKeyConstraint(["silence_id"], ["silence.id"], name=op.f("fk_decision_silence_id")),
    )
    op.create_index(op.f("ix_decision_silence_id"), "decision", ["silence_id"])
    op.create_table(
        "news",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("alert_id", ROW_ID, nullable=False),
        sa.Column("article_id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("notification_id", ROW_ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_news")),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_news_alert_id")),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_news_article_id")),
        sa.ForeignKeyConstraint(["notification_id"], ["notification.id"], name=op.f("fk_news_notification_id")),
    )
    op.create_index(op.f("ix_news_alert_id"), "news", ["alert_id"])
    op.create_index("ix_news_waiting", "news", ["alert_id"], sqlite_where=IS_UNTOLD, postgresql_where=IS_UNTOLD)


def _add_signing_keys() -> None:
    op.create_table(
        "signing_key",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_key")),
    )


def _add_to_alerts() -> None:
    op.add_column("alert", sa.Column("told", sa.JSON(), nullable=True))
    op.add_column("alert", sa.Column("headline", sa.Text(), nullable=True))
    op.add_column("alert", sa.Column("told_at", sa.BigInteger(), nullable=True))
    # Until now every alert was told in the transaction that raised it.
    op.execute("UPDATE alert SET told_at = raised_at WHERE id IN (SELECT alert_id FROM notification)")
    op.add_column("alert", sa.Column("tell_at", sa.BigInteger(), nullable=True))
    op.add_column("alert", sa.Column("acknowledged_at", sa.BigInteger(), nullable=True))
    op.add_column("alert", sa.Column("acknowledged_by", sa.String(length=80), nullable=True))
    op.create_index(op.f("ix_alert_tell_at"), "alert", ["tell_at"])
    op.create_index(op.f("ix_alert_article_id"), "alert", ["article_id"])
    op.add_column("notification", sa.Column("carried_by", ROW_ID, nullable=True))


def _add_to_deliveries() -> None:
    op.add_column("delivery", sa.Column("kind", sa.String(length=16), nullable=True))
    op.add_column("delivery", sa.Column("window_at", sa.BigInteger(), nullable=True))
    op.execute("UPDATE delivery SET window_at = created_at")
    op.add_column("delivery", sa.Column("digest_id", ROW_ID, nullable=True))
    op.create_index(op.f("ix_delivery_channel_state_due_at"), "delivery", ["channel", "state", "due_at"])
    op.create_index("ix_delivery_digest", "delivery", ["digest_id"], sqlite_where=IS_FOLDED, postgresql_where=IS_FOLDED)
    op.create_table(
        "channel",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("hold_until", sa.BigInteger(), nullable=True),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("allowance", sa.Float(), nullable=True),
        sa.Column("allowance_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel")),
    )


def downgrade() -> None:
    op.drop_table("signing_key")
    op.drop_table("channel")
    op.drop_index("ix_delivery_digest", "delivery")
    op.drop_index(op.f("ix_delivery_channel_state_due_at"), "delivery")
    op.drop_column("delivery", "digest_id")
    op.drop_column("delivery", "window_at")
    op.drop_column("delivery", "kind")
    op.drop_table("news")
    op.drop_table("decision")
    op.drop_table("silence")
    op.drop_column("notification", "carried_by")
    op.drop_index(op.f("ix_alert_article_id"), "alert")
    op.drop_index(op.f("ix_alert_tell_at"), "alert")
    for name in ("acknowledged_by", "acknowledged_at", "tell_at", "told_at", "headline", "told"):
        op.drop_column("alert", name)
    op.drop_table("story_print")
    op.drop_index("ix_story_merged", "story")
    op.drop_column("article", "grouped_by")
    op.drop_column("article", "old")
