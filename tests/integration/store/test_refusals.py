"""What a database says when it refuses: nothing of the row that it refused, for that is an article (J06)."""

import traceback

import pytest
import sqlalchemy.exc
from sqlalchemy import insert, text
from stores import migrated_store

from worker.store.engine import Lock, is_away, open_store, take_lock, will_pass
from worker.store.schema import EPOCH, feed

CANARY = "canary of the tests only"


@pytest.fixture
def store(tmp_path, database_url):
    made = migrated_store(database_url, tmp_path)
    yield made
    made.close()


def refused(store, do, kind=sqlalchemy.exc.IntegrityError):
    with pytest.raises(kind) as raised, store.writing() as connection:
        do(connection)
    return raised.value


def told(error):
    return "".join(traceback.format_exception(error))


@pytest.mark.parametrize("next_poll_at", [EPOCH, None], ids=["the same key twice", "no value where one must be"])
def test_j06_a_refused_row_is_not_quoted(store, next_poll_at):
    row = dict(id=CANARY, configured_url=CANARY, current_url=CANARY, title=CANARY, next_poll_at=next_poll_at)

    def twice(connection):
        for _ in range(2):
            connection.execute(insert(feed).values(**row))

    error = refused(store, twice)
    assert CANARY not in told(error)
    assert "feed" in str(error), "which table it was is said"
    assert not is_away(error)


def test_j06_a_refused_row_is_not_quoted_where_a_value_begins_a_line(store):
    """What PostgreSQL says more than its first line is in the server's own language."""
    if store.is_sqlite:
        pytest.skip("SQLite says one line")
    sql = f"DO $$ BEGIN RAISE EXCEPTION 'no' USING DETAIL = '{CANARY}', HINT = '{CANARY}', ERRCODE = '23514'; END $$"
    error = refused(store, lambda connection: connection.execute(text(sql)))
    assert CANARY not in told(error).replace(sql, "")


def test_is_away_knows_a_server_that_does_not_answer(tmp_path):
    store = open_store("postgresql://desk:canary-password@127.0.0.1:1/desk", data=tmp_path)
    error = refused(store, lambda connection: None, sqlalchemy.exc.OperationalError)
    assert is_away(error)
    assert "canary-password" not in told(error)
    store.close()


def test_is_away_is_not_said_of_a_flaw_in_a_statement(store):
    kind = sqlalchemy.exc.OperationalError if store.is_sqlite else sqlalchemy.exc.ProgrammingError
    assert not is_away(refused(store, lambda connection: connection.execute(text("SELECT * FROM nowhere")), kind))


def test_is_away_knows_a_server_that_ends_a_connection(store):
    if store.is_sqlite:
        pytest.skip("SQLite has no server")

    def end(connection):
        own = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with store.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own})
        connection.execute(text("SELECT 1"))

    assert is_away(refused(store, end, sqlalchemy.exc.OperationalError))


def test_a_lock_that_another_holds_is_no_fault_of_what_waits_for_it(store):
    if store.is_sqlite:
        pytest.skip("SQLite's writers wait for one lock, before they begin")

    def wait(connection):
        connection.execute(text("SET LOCAL lock_timeout = '50ms'"))
        take_lock(connection, Lock.DESK)

    with store.writing() as holder:
        take_lock(holder, Lock.DESK)
        error = refused(store, wait, sqlalchemy.exc.OperationalError)
    assert will_pass(error)
    assert not is_away(error)
    assert not will_pass(
        refused(store, lambda one: one.execute(text("SELECT * FROM nowhere")), sqlalchemy.exc.DBAPIError)
    )
