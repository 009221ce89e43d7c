"""Brings a store to the newest schema, at start and under a lock, so that many processes may start at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import text

from worker.store.engine import Store

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_ID = 7_301_944  # pg_advisory_xact_lock: any number, but always this one


def migrate(store: Store) -> None:
    """Idempotent; one transaction."""
    with store.writing() as connection:
        if not store.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": LOCK_ID})
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def current_revision(store: Store) -> str | None:
    with store.reading() as connection:
        return MigrationContext.configure(connection).get_current_revision()
