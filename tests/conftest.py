"""Fixtures shared by all: a scrubbed environment, and the record on both databases."""

import gc
import os
import signal

import pytest
import structlog
from own_redis import OwnRedis
from postgres import Postgres, find_postgres
from tcp_redis import TcpRedis

SCRUBBED = (
    "REDIS_URL",
    "DATABASE_URL",
    "SENTRY_DSN",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
    "NO_PROXY",
    "REMAP_SIGTERM",
)


# Python's 700 new objects between two looks for garbage are made for small programs.
gc.set_threshold(50_000, 20, 50)
# Whoever runs us in the background has us ignore Ctrl-C, and what we start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
# As the roles log; structlog's own default draws each traceback with every local value, which takes seconds.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(key_order=["event"]),
    ]
)


def pytest_collection_modifyitems(items):
    """Those that start processes first: at the end only short ones are left, and no worker waits for another's last."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    """No test sees this machine's settings."""
    for name in SCRUBBED:
        monkeypatch.delenv(name, raising=False)


def need_postgres():
    """Without its binaries: a loud skip, and a failure in CI."""
    if find_postgres() is None:
        reason = "PostgreSQL is not installed: everything on PostgreSQL goes UNTESTED (install postgresql)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres():
    """A private PostgreSQL cluster on a unix socket."""
    need_postgres()
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_tcp():
    """One on a port of loopback, behind a password that no log and no command line may show."""
    need_postgres()
    with Postgres(password="canary-of-postgres") as server:
        yield server


@pytest.fixture
def redis_tcp():
    """A Redis of the test's own on a port of loopback, behind such a password."""
    with TcpRedis("canary-of-redis") as server:
        yield server


@pytest.fixture
def own_redis():
    """A Redis of the test's own, on a unix socket."""
    with OwnRedis() as server:
        yield server


@pytest.fixture
def redis_url(own_redis):
    """Its address."""
    return own_redis.url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request):
    """'' for SQLite in the data folder, or the URL of a PostgreSQL database without rows."""
    if request.param == "sqlite":
        yield ""
        return
    with request.getfixturevalue("postgres").database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database_url(request):
    """The same, of a database that has no tables either."""
    return "" if request.param == "sqlite" else request.getfixturevalue("postgres").new_database()
