"""A record with its tables, as fast as it can be had: SQLite's from a file that this process has migrated before."""

import functools
import pathlib
import tempfile

from worker.store.engine import SQLITE, open_store
from worker.store.migrate import migrate


def migrated_store(database_url, data):
    """Of the database, or of a new file in the folder `data` where there is none. For a test that is about anything but
    migrating."""
    store = open_store(database_url, data=data)
    if store.is_sqlite and not (data / SQLITE).exists():
        (data / SQLITE).write_bytes(_without_rows())
    migrate(store)
    return store


@functools.cache
def _without_rows():
    with tempfile.TemporaryDirectory() as folder:
        store = open_store("", data=pathlib.Path(folder))
        migrate(store)
        store.checkpoint()
        store.close()
        return (pathlib.Path(folder) / SQLITE).read_bytes()
