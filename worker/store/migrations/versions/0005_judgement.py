"""What lets judgements be explained and made again, and events be found: versions, what was not read, sketches"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("judgement", sa.Column("watchlist", sa.String(length=80), nullable=False, server_default=""))
    op.add_column("judgement", sa.Column("notes", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("article", sa.Column("grouped_why", sa.Text(), nullable=True))
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
    op.drop_column("article", "grouped_why")
    op.drop_column("judgement", "notes")
    op.drop_column("judgement", "watchlist")
