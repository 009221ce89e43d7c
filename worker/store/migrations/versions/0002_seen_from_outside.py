"""What shows a desk from outside: tallies, heartbeats, the version that settled an article, indexes for who watches"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

IS_SETTLED = sa.text("settled_at IS NOT NULL")
IS_FINISHED = sa.text("finished_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "tally",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("labels", sa.String(length=200), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "labels", name=op.f("pk_tally")),
    )
    op.create_table(
        "heartbeat",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("beat_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heartbeat")),
    )
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("article", sa.Column("config_version", row_id, nullable=True))
    op.create_index(op.f("ix_article_feed_id_id"), "article", ["feed_id", "id"])
    op.create_index(
        "ix_article_settled", "article", ["settled_at"], sqlite_where=IS_SETTLED, postgresql_where=IS_SETTLED
    )
    op.create_index(
        "ix_attempt_finished", "attempt", ["finished_at"], sqlite_where=IS_FINISHED, postgresql_where=IS_FINISHED
    )


def downgrade() -> None:
    op.drop_index("ix_attempt_finished", "attempt")
    op.drop_index("ix_article_settled", "article")
    op.drop_index(op.f("ix_article_feed_id_id"), "article")
    op.drop_column("article", "config_version")
    op.drop_table("heartbeat")
    op.drop_table("tally")
