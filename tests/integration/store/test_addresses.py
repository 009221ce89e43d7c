"""DATABASE_URL: what is no address of a database is refused in plain words, and nothing of a password is shown."""

import pytest

from worker.errors import StoreError
from worker.store.engine import open_store
from worker.store.migrate import current_revision, migrate


@pytest.mark.parametrize(
    "url",
    [
        "garbage canary",
        "postgresql://w:se@canary@127.0.0.1:1/x",  # the rest would be taken for the host
        "postgresql://w:se@canary:ret@127.0.0.1:1/x",  # and for its port
        "postgresql://w:canary@127.0.0.1:port/x",
    ],
)
def test_j06_address_that_is_none_is_refused_and_not_quoted(tmp_path, url):
    with pytest.raises(StoreError) as refused:
        open_store(url, data=tmp_path)
    assert "DATABASE_URL is not a URL" in str(refused.value)
    error = refused.value
    assert "canary" not in str(error) and (error.__suppress_context__ or error.__context__ is None)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_address_of_sqlite_without_a_file_is_refused(tmp_path, url):
    with pytest.raises(StoreError, match="a record of its own"):
        open_store(url, data=tmp_path)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+asyncpg"])
def test_address_of_postgresql_may_be_written_in_any_way(tmp_path, postgres_tcp, scheme):
    url = postgres_tcp.new_database().replace("postgresql", scheme, 1)
    store = open_store(url, data=tmp_path)
    migrate(store)
    assert current_revision(store)
    store.close()


def test_j06_address_with_the_wrong_password_names_the_user_and_no_password(tmp_path, postgres_tcp):
    url = postgres_tcp.new_database().replace(postgres_tcp.password, "canary-of-mine")
    store = open_store(url, data=tmp_path)
    with pytest.raises(StoreError) as refused:
        migrate(store)
    assert 'password authentication failed for user "wirewatch"' in str(refused.value)
    assert "canary" not in str(refused.value)
    store.close()


def test_j06_address_with_its_password_in_the_query_is_shown_without(tmp_path):
    store = open_store("postgresql://w@127.0.0.1:1/desk?password=canary", data=tmp_path)
    with pytest.raises(StoreError) as refused:
        migrate(store)
    assert "127.0.0.1:1/desk cannot be used" in str(refused.value) and "canary" not in str(refused.value)
    store.close()


def test_address_with_codes_in_its_password_is_understood(tmp_path, postgres_tcp):
    url = postgres_tcp.new_database().replace("canary", "%63anary")
    store = open_store(url, data=tmp_path)
    migrate(store)
    store.close()
