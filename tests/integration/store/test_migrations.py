"""The schema: made once by however many start at the same time, the one that the program works with."""

import sys

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from desk import at_once

from worker.store.engine import open_store
from worker.store.migrate import NEWEST, current_revision, migrate
from worker.store.schema import metadata
from worker.store.upgrade import MIGRATIONS


def test_migrate_twice_and_from_many_threads_makes_one_schema(new_database_url, tmp_path):
    store = open_store(new_database_url, data=tmp_path)
    at_once(4, lambda: migrate(store))
    assert current_revision(store) == NEWEST
    store.close()


def test_the_migrations_go_back_and_forth(new_database_url, tmp_path):
    store = open_store(new_database_url, data=tmp_path)
    migrate(store)
    with store.engine.connect() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
        connection.commit()
    assert current_revision(store) != NEWEST
    migrate(store)
    with store.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    store.close()


def test_migrate_loads_alembic_only_where_there_is_something_to_do(tmp_path, monkeypatch):
    store = open_store("", data=tmp_path)
    migrate(store)
    monkeypatch.setitem(sys.modules, "worker.store.upgrade", None)  # importing it would be an error now
    migrate(store)
    store.close()


def test_newest_schema_is_the_last_of_the_migrations():
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == NEWEST


def test_the_migrations_make_the_tables_that_the_program_works_with(new_database_url, tmp_path):
    store = open_store(new_database_url, data=tmp_path)
    migrate(store)
    with store.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    store.close()
