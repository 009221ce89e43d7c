"""Connections: `reading` never writes; `writing` takes the write lock first, so it never fails half way.

SQLite: write transactions and checkpoints first take one flock in the data folder: it is fair where SQLite's own busy
handler is a lottery, and it closes the WAL-reset race of SQLite < 3.51.3 (hence wal_autocheckpoint=0; the tick
checkpoints).
"""

from __future__ import annotations

import contextlib
import enum
import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from worker.errors import StoreError
from worker.store.schema import EPOCH, MICROSECOND

BUSY_SECONDS = 30
SQLITE = "wirewatch.sqlite3"  # the record in the data folder
CLOCK = "wirewatch_clock"  # the execution option that holds a store's own clock
# A worker that stands still, or whose host is gone, must not keep the desk lock: the server ends its transaction.
POSTGRES_ARGUMENTS = {
    "connect_timeout": 10,
    "options": "-c idle_in_transaction_session_timeout=60s -c lock_timeout=60s",
    "keepalives_idle": 30,
    "tcp_user_timeout": 30_000,
}
NO_ADDRESS = (
    "DATABASE_URL is not a URL. Write postgresql://USER:PASSWORD@HOST/NAME, and each character of the password that is "
    "neither a letter nor a digit by its code: @ is %40, : is %3A."
)
NO_FILE = (
    "DATABASE_URL names an SQLite database without a file: each process would keep a record of its own. Leave "
    "DATABASE_URL out to keep the record in the data folder, or give PostgreSQL's address."
)
# What PostgreSQL says of a server that goes, comes, or is full (Appendix A of its manual); also all of class 08.
AWAY = {"57P01", "57P02", "57P03", "53300"}
IN_THE_WAY = {"55P03", "40P01", "40001"}  # a lock that did not come free, a deadlock, two that changed one row
# What the database raises, or the wait for a connection to it: never a flaw in what was made of its rows.
DATABASE_ERRORS = (DBAPIError, PoolTimeout)


class Lock(enum.IntEnum):
    """PostgreSQL's advisory locks of ours: any numbers, but always these."""

    START = 7_301_944  # migrations, and what every role does as it starts
    DESK = 7_301_945  # storify and raise: the one serial step
    CHORE = 7_301_946
    PAGES = 7_301_947  # claims of pages: a host's are one worker's at a time


@dataclass(frozen=True)
class Store:
    """The record at one address. Open connections through `reading()` and `writing()` only."""

    engine: Engine
    lock_path: Path | None  # SQLite's write lock file; None on PostgreSQL

    @property
    def shown(self) -> str:
        """Its address without the password, which may also stand in the query."""
        return self.engine.url.set(query={}).render_as_string(hide_password=True)

    @property
    def is_sqlite(self) -> bool:
        return self.lock_path is not None

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that cannot write, and sees the record as it was at its first query."""
        with self.engine.connect() as connection:
            if self.is_sqlite:
                _begin(connection, "DEFERRED", query_only=True)
            else:
                connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            yield connection
            connection.rollback()

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back by any exception."""
        with self._write_lock(), self.engine.connect() as connection:
            if self.is_sqlite:
                _begin(connection, "IMMEDIATE", query_only=False)
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextlib.contextmanager
    def _write_lock(self) -> Iterator[None]:
        if self.lock_path is None:
            yield
            return
        # Opened anew each time: flock belongs to the open file, so threads of one process exclude each other too.
        handle = os.open(self.lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def checkpoint(self) -> None:
        """Moves SQLite's WAL into the database file; nothing on PostgreSQL."""
        if not self.is_sqlite:
            return
        with self._write_lock(), self.engine.connect() as connection:
            # Who reads now must not be waited for, with every writer waiting behind us: the next one will do.
            connection.exec_driver_sql("PRAGMA busy_timeout=0")
            try:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")

    def with_clock(self, clock: Callable[[], datetime]) -> Store:
        """The same record, whose every moment is `clock`'s: for a replay."""
        return replace(self, engine=self.engine.execution_options(**{CLOCK: clock}))

    def close(self) -> None:
        self.engine.dispose()


def _begin(connection: Connection, kind: str, *, query_only: bool) -> None:
    """Begins SQLite's transaction. What the connection was last time, it is still."""
    if connection.info.get("query_only") is not query_only:
        connection.info.pop("query_only", None)  # until it is done, nobody knows
        connection.exec_driver_sql(f"PRAGMA query_only={'ON' if query_only else 'OFF'}")
        connection.info["query_only"] = query_only
    connection.exec_driver_sql(f"BEGIN {kind}")


def open_store(url: str, *, data: Path, durable: bool = True) -> Store:
    """The store at a SQLAlchemy URL; '' means SQLite in the data folder, which is made if it is missing.

    Not `durable`: a scratch store of that folder, which need not outlast a power cut.
    Raises StoreError for what is no URL of a database; one that cannot be reached is found out by its first use.
    """
    if not url:
        make_folder(data)
        engine = _sqlite(data / SQLITE, synchronous="FULL" if durable else "OFF")
        return Store(engine=engine, lock_path=data / "wirewatch.write-lock")
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError(NO_ADDRESS) from None  # their words may quote the password
    if parsed.get_backend_name() not in ("sqlite", "postgresql", "postgres"):
        raise StoreError(f"DATABASE_URL names {parsed.get_backend_name()}: Wirewatch keeps its record in PostgreSQL.")
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise StoreError(NO_FILE)
        path = Path(parsed.database)
        return Store(engine=_sqlite(path), lock_path=path.with_suffix(".write-lock"))
    if "@" in (parsed.host or ""):
        raise StoreError(NO_ADDRESS)  # the rest of a password, which a message would show as the host
    parsed = parsed.set(drivername="postgresql+psycopg")  # the driver that we bring, whichever was named
    engine = create_engine(
        parsed, pool_pre_ping=True, pool_recycle=1800, hide_parameters=True, connect_args=POSTGRES_ARGUMENTS
    )
    event.listen(engine, "handle_error", _hide_values)
    return Store(engine=engine, lock_path=None)


def find_file(url: str, *, data: Path) -> Path | None:
    """The file that `open_store` would open or make; None for a database that is none, or an address that is wrong."""
    if not url:
        return data / SQLITE
    with contextlib.suppress(ArgumentError, ValueError):
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
            return Path(parsed.database)
    return None


def make_folder(data: Path) -> None:
    """The data folder, for its owner only. Raises StoreError where there can be none."""
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(f"{data} cannot be the data folder: {error.strerror}. Choose another with --data.") from error


def _sqlite(path: Path, *, synchronous: str = "FULL") -> Engine:
    arguments = {"timeout": BUSY_SECONDS, "isolation_level": None}
    engine = create_engine(f"sqlite:///{path}", hide_parameters=True, connect_args=arguments)

    @event.listens_for(engine, "connect")
    def _configure(raw, _record):  # type: ignore[no-untyped-def]
        for pragma in ("journal_mode=WAL", f"synchronous={synchronous}", "foreign_keys=ON", "wal_autocheckpoint=0"):
            raw.execute(f"PRAGMA {pragma}")

    return engine


def _hide_values(context: ExceptionContext) -> None:
    """Leaves the first line of what PostgreSQL said: the next, in the server's own language, quotes the row, and so an
    article, into logs. `hide_parameters` hides only the statement's."""
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None and error.args:
            error.args = (str(error.args[0]).split("\n", 1)[0], *error.args[1:])


def is_away(error: BaseException) -> bool:
    """Whether a database's server could not be reached, or had no place for us. Never SQLite's: its errors are a
    file's, and a disk that is full or broken mends itself for nobody."""
    if not isinstance(error, DBAPIError) or not hasattr(error.orig, "sqlstate"):
        return False
    state = error.orig.sqlstate
    unreachable = isinstance(error, OperationalError) and (state is None or state.startswith("08") or state in AWAY)
    return error.connection_invalidated or unreachable


def will_pass(error: BaseException) -> bool:
    """Whether the next try may well go through: the server is away, or another was in the way. Then it is no fault of
    what was tried."""
    return is_away(error) or getattr(getattr(error, "orig", None), "sqlstate", None) in IN_THE_WAY


def take_lock(connection: Connection, lock: Lock) -> None:
    """Waits for who else holds it; kept until the transaction ends. SQLite's write transaction is every lock."""
    if connection.dialect.name != "sqlite":
        connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": int(lock)})


def read_clock(connection: Connection) -> datetime:
    """The database's own clock, the one that leases and due times use; of a replay, its own. Read once per claim."""
    clock = connection.get_execution_options().get(CLOCK)
    if clock is not None:
        return clock()
    if connection.dialect.name == "sqlite":
        sql = (
            "SELECT CAST(strftime('%s','now') AS INTEGER) * 1000000"
            " + CAST(substr(strftime('%f','now'), 4) AS INTEGER) * 1000"
        )
    else:
        sql = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"
    return EPOCH + connection.execute(text(sql)).scalar_one() * MICROSECOND
