"""What lets judgements be explained and made again: the watchlist's version, and what was not read"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("judgement", sa.Column("watchlist", sa.String(length=80), nullable=False, server_default=""))
    op.add_column("judgement", sa.Column("notes", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("judgement", "notes")
    op.drop_column("judgement", "watchlist")
