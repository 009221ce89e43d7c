"""Brings a store to the newest schema, at start and under a lock, so that many processes may start at once.

Alembic is loaded only where there is something to do: it would cost each start a fifth of a second.
"""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from worker.errors import StoreError
from worker.store.engine import Lock, Store, take_lock

NEWEST = "0005"  # the schema that this program works with: the last of migrations/versions


def migrate(store: Store) -> None:
    """Idempotent; one transaction. Raises StoreError for a database that cannot be reached or brought up to date."""
    try:
        with store.writing() as connection:
            take_lock(connection, Lock.START)
            if find_revision(connection) != NEWEST:
                from worker.store.upgrade import upgrade

                upgrade(connection)
    except (DBAPIError, StoreError) as error:
        first = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise StoreError(f"The database {store.shown} cannot be used: {first[:300]}") from error


def find_revision(connection: Connection) -> str | None:
    """The schema that it has; None for a database without any."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def current_revision(store: Store) -> str | None:
    with store.reading() as connection:
        return find_revision(connection)


def schema_trouble(store: Store) -> str | None:
    """Why this program cannot work with the record as it is; None when it can. Raises what the database raises."""
    found = current_revision(store)
    if found == NEWEST:
        return None
    shown = f"schema {found}" if found else "no schema yet"
    return f"the database has {shown}; this program works with schema {NEWEST}"
