"""What lets judgements be explained and made again, and events be found: versions, notes, earlier ones, sketches"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IS_MISSED = sa.text("model_id = 'missing'")
IS_STANDING = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.add_column("judgement", sa.Column("watchlist", sa.String(length=80), nullable=False, server_default=""))
    op.add_column("judgement", sa.Column("notes", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("judgement", sa.Column("again_at", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_judgement_missed", "judgement", ["article_id"], sqlite_where=IS_MISSED, postgresql_where=IS_MISSED
    )
    _add_former_judgements()
    _add_denials()
    _add_events()


def _add_former_judgements() -> None:
    op.create_table(
        "former_judgement",
        sa.Column("article_id", ROW_ID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("mentions", sa.JSON(), nullable=False),
        sa.Column("model_id", sa.String(length=80), nullable=False),
        sa.Column("watchlist", sa.String(length=80), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("config_version", ROW_ID, nullable=False),
        sa.Column("judged_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", "revision", "n", name=op.f("pk_former_judgement")),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_former_judgement_article_id")),
        sa.ForeignKeyConstraint(
            ["config_version"], ["config_version.id"], name=op.f("fk_former_judgement_config_version")
        ),
    )


def _add_denials() -> None:
    op.create_table(
        "denial",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("entity", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("article_id", ROW_ID, nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.String(length=80), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_denial")),
        sa.UniqueConstraint("public_id", name=op.f("uq_denial_public_id")),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_denial_article_id")),
    )
    op.create_index("ix_denial_standing", "denial", ["id"], sqlite_where=IS_STANDING, postgresql_where=IS_STANDING)
    op.create_index(op.f("ix_denial_article_id"), "denial", ["article_id"])


def _add_events() -> None:
    op.add_column("article", sa.Column("grouped_why", sa.Text(), nullable=True))
    op.add_column("article", sa.Column("relays", sa.String(length=40), nullable=True))
    op.add_column("story", sa.Column("title_tier", sa.Integer(), nullable=True))
    op.create_table(
        "story_sketch",
        sa.Column("n", ROW_ID, nullable=False),
        sa.Column("article_id", ROW_ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_story_sketch")),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_story_sketch_article_id")),
    )
    op.create_index(op.f("ix_story_sketch_at"), "story_sketch", ["at"])
    op.create_index(op.f("ix_story_sketch_article_id"), "story_sketch", ["article_id"])
    op.create_table(
        "story_change",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("story_id", ROW_ID, nullable=False),
        sa.Column("other_id", ROW_ID, nullable=False),
        sa.Column("article_id", ROW_ID, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_story_change")),
        sa.ForeignKeyConstraint(["story_id"], ["story.id"], name=op.f("fk_story_change_story_id")),
        sa.ForeignKeyConstraint(["other_id"], ["story.id"], name=op.f("fk_story_change_other_id")),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_story_change_article_id")),
    )
    op.create_index(op.f("ix_story_change_story_id"), "story_change", ["story_id"])
    op.create_index(op.f("ix_story_change_other_id"), "story_change", ["other_id"])


def downgrade() -> None:
    op.drop_table("story_change")
    op.drop_table("story_sketch")
    op.drop_column("story", "title_tier")
    op.drop_column("article", "relays")
    op.drop_column("article", "grouped_why")
    op.drop_table("denial")
    op.drop_table("former_judgement")
    op.drop_index("ix_judgement_missed", "judgement", sqlite_where=IS_MISSED, postgresql_where=IS_MISSED)
    op.drop_column("judgement", "again_at")
    op.drop_column("judgement", "notes")
    op.drop_column("judgement", "watchlist")
