"""Brings a store to the newest schema, at start and under a lock, so that many processes may start at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext

from worker.store.engine import Lock, Store, take_lock

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(store: Store) -> None:
    """Idempotent; one transaction."""
    with store.writing() as connection:
        take_lock(connection, Lock.START)
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def current_revision(store: Store) -> str | None:
    with store.reading() as connection:
        return MigrationContext.configure(connection).get_current_revision()
