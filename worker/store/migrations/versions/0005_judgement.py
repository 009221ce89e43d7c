"""What lets judgements be explained and made again: the watchlist's version, what was not read, what was said before"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IS_MISSED = sa.text("model_id = 'missing'")


def upgrade() -> None:
    op.add_column("judgement", sa.Column("watchlist", sa.String(length=80), nullable=False, server_default=""))
    op.add_column("judgement", sa.Column("notes", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("judgement", sa.Column("again_at", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_judgement_missed", "judgement", ["article_id"], sqlite_where=IS_MISSED, postgresql_where=IS_MISSED
    )
    _add_former_judgements()


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


def downgrade() -> None:
    op.drop_table("former_judgement")
    op.drop_index("ix_judgement_missed", "judgement", sqlite_where=IS_MISSED, postgresql_where=IS_MISSED)
    op.drop_column("judgement", "again_at")
    op.drop_column("judgement", "notes")
    op.drop_column("judgement", "watchlist")
