"""What lets feeds be asked well: their pace, rhythm and remembered items; held articles, pages, robots.txt, troubles"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IS_OPEN = sa.text("ended_at IS NULL")
BROUGHT_NOTHING = sa.text("outcome = 'unchanged'")
IS_HELD = sa.text("hold_id IS NOT NULL")
PACE = ("max_age", "document_wait", "usual_gap", "longest_gap")


def upgrade() -> None:
    op.add_column("feed", sa.Column("failing_since", sa.BigInteger(), nullable=True))
    op.add_column("feed", sa.Column("stop_told_at", sa.BigInteger(), nullable=True))
    # Until now each was told as it was stopped.
    op.execute("UPDATE feed SET stop_told_at = polled_at WHERE state = 'stopped'")
    op.add_column("feed", sa.Column("host", sa.String(length=255), nullable=False, server_default=""))
    op.add_column("feed", sa.Column("stretch", sa.Float(), nullable=False, server_default="1"))
    for name in PACE:
        op.add_column("feed", sa.Column(name, sa.Float(), nullable=True))
    op.add_column("feed", sa.Column("skip", sa.JSON(), nullable=True))
    op.add_column("feed", sa.Column("items", sa.LargeBinary(), nullable=True))
    op.add_column("feed", sa.Column("news_at", sa.BigInteger(), nullable=True))
    op.add_column("feed", sa.Column("gaps", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(op.f("ix_feed_host"), "feed", ["host"])
    op.add_column("poll", sa.Column("missed", sa.Integer(), nullable=True))
    op.create_index("ix_poll_unchanged", "poll", ["at"], sqlite_where=BROUGHT_NOTHING, postgresql_where=BROUGHT_NOTHING)
    _add_holds()
    _add_pages()
    _add_troubles()


def _add_holds() -> None:
    op.create_table(
        "hold",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("feed_id", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.String(length=80), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
        sa.UniqueConstraint("public_id", name=op.f("uq_hold_public_id")),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name=op.f("fk_hold_feed_id")),
    )
    op.create_index(op.f("ix_hold_feed_id"), "hold", ["feed_id"])
    waits = sa.text("decision IS NULL")
    op.create_index("ix_hold_waiting", "hold", ["at"], sqlite_where=waits, postgresql_where=waits)
    op.add_column("article", sa.Column("outlet", sa.Text(), nullable=False, server_default=""))
    op.add_column("article", sa.Column("hold_id", ROW_ID, nullable=True))
    op.add_column("article", sa.Column("added_keys", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_article_held", "article", ["hold_id"], sqlite_where=IS_HELD, postgresql_where=IS_HELD)


def _add_pages() -> None:
    op.create_table(
        "page",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("article_id", ROW_ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("hops", sa.Integer(), nullable=False),
        sa.Column("final_url", sa.Text(), nullable=True),
        sa.Column("fetched_at", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("hash", sa.String(length=64), nullable=True),
        sa.Column("bytes", sa.Integer(), nullable=True),
        sa.Column("characters", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page")),
        sa.UniqueConstraint("article_id", name=op.f("uq_page_article_id")),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_page_article_id")),
    )
    op.create_index(op.f("ix_page_state_due_at"), "page", ["state", "due_at"])
    op.add_column("revision", sa.Column("feed_text", sa.Text(), nullable=True))
    op.create_table(
        "robots",
        sa.Column("origin", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("fetched_at", sa.BigInteger(), nullable=False),
        sa.Column("good_until", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("origin", name=op.f("pk_robots")),
    )


def _add_troubles() -> None:
    op.create_table(
        "trouble",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=160), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("end_told_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trouble")),
    )
    op.create_index(
        "ix_trouble_open", "trouble", ["kind", "subject"], unique=True, sqlite_where=IS_OPEN, postgresql_where=IS_OPEN
    )
    op.create_table(
        "quiet_group",
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("news_at", sa.BigInteger(), nullable=True),
        sa.Column("gaps", sa.Integer(), nullable=False),
        sa.Column("longest_gap", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_quiet_group")),
    )


def downgrade() -> None:
    op.drop_table("quiet_group")
    op.drop_table("trouble")
    op.drop_table("robots")
    op.drop_column("revision", "feed_text")
    op.drop_table("page")
    op.drop_index("ix_article_held", "article")
    op.drop_column("article", "added_keys")
    op.drop_column("article", "hold_id")
    op.drop_column("article", "outlet")
    op.drop_table("hold")
    op.drop_index("ix_poll_unchanged", "poll")
    op.drop_column("poll", "missed")
    op.drop_index(op.f("ix_feed_host"), "feed")
    for name in ("gaps", "news_at", "items", "skip", *PACE, "stretch", "host", "stop_told_at", "failing_since"):
        op.drop_column("feed", name)
