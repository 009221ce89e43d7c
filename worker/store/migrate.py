"""Brings a store to the newest schema, at start and under a lock, so that many processes may start at once."""

from __future__ import annotations

import functools
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from worker.errors import StoreError
from worker.store.engine import Lock, Store, take_lock

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(store: Store) -> None:
    """Idempotent; one transaction. Raises StoreError for a database that cannot be reached or brought up to date."""
    try:
        with store.writing() as connection:
            take_lock(connection, Lock.START)
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except (DBAPIError, CommandError) as error:
        first = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise StoreError(f"The database {store.shown} cannot be used: {first[:300]}") from error


def current_revision(store: Store) -> str | None:
    with store.reading() as connection:
        return MigrationContext.configure(connection).get_current_revision()


@functools.cache
def newest_revision() -> str | None:
    """The schema that this program works with."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()
