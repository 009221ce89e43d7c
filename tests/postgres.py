"""A private PostgreSQL cluster for the tests, gone with them: on a unix socket, or on TCP behind a password."""

import contextlib
import glob
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import psycopg

from worker.store.migrate import NEWEST
from worker.store.schema import metadata
from worker.up import choose_port

PLACES = ("/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/pgsql-*/bin")


def find_postgres():
    """The folder that holds initdb, newest first; None without one."""
    on_path = shutil.which("initdb")
    if on_path:
        return pathlib.Path(on_path).resolve().parent
    found = [place for pattern in PLACES for place in glob.glob(pattern) if pathlib.Path(place, "initdb").exists()]
    return pathlib.Path(max(found, key=version_of)) if found else None


def version_of(place):
    return [int(number) for number in re.findall(r"\d+", place)]


class Postgres:
    """On a unix socket that trusts everybody; with a `password`, on a port of loopback that asks for it (SCRAM).

    PostgreSQL refuses root, so as root it runs as the user that its package made.
    """

    def __init__(self, *, password=""):
        self.password = password

    def __enter__(self):
        self.bin = find_postgres()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wwpg-", dir="/tmp"))
        self.as_user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        if self.as_user:
            shutil.chown(self.folder, "postgres", "postgres")
        (self.folder / "password").write_text(self.password)
        asked = ["-A", "scram-sha-256", "--pwfile", self.folder / "password"] if self.password else ["-A", "trust"]
        self._run("initdb", "-D", self.folder / "db", "-U", "wirewatch", *asked, "-E", "UTF8", "--no-sync")
        self.port = choose_port(0) if self.password else 5432  # of a socket, only a part of its name
        self.start()
        self.names = (f"test{n}" for n in itertools.count())
        self.cleared = []  # of databases that tests have done with
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        listens = f"-c listen_addresses={'127.0.0.1' if self.password else ''} -c port={self.port}"
        options = f"{listens} -c unix_socket_directories={self.folder} -c fsync=off -c max_connections=200"
        self._run("pg_ctl", "-D", self.folder / "db", "-o", options, "-l", self.folder / "log", "-w", "start")

    def stop(self):
        self._run("pg_ctl", "-D", self.folder / "db", "-m", "immediate", "-w", "stop")

    def _run(self, program, *arguments):
        subprocess.run(
            [str(self.bin / program), *map(str, arguments)],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            cwd="/",
            env=os.environ | {"PGPASSWORD": self.password},
            **self.as_user,
        )

    @contextlib.contextmanager
    def database(self):
        """The URL of a database without rows that nobody else uses; it may have its tables already.

        To clear one costs a fraction of making one, and of putting away all that were made.
        """
        url = self.cleared.pop() if self.cleared else self.new_database()
        yield url
        if clear_database(url):
            self.cleared.append(url)

    def new_database(self):
        """The URL of a database without tables that nobody else uses."""
        name = next(self.names)
        self._run("createdb", "-h", self.folder, "-p", self.port, "-U", "wirewatch", name)
        if self.password:
            return f"postgresql://wirewatch:{self.password}@127.0.0.1:{self.port}/{name}"
        return f"postgresql+psycopg://wirewatch@/{name}?host={self.folder}"


def clear_database(url):
    """Empties every table, and restarts the counts of ids; False where it has not the tables of the newest schema, or
    somebody keeps it: then it is nobody's any more. Whoever is still connected, though killed, is shut out first."""
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as connection:
        found = {name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
        if found != {*metadata.tables, "alembic_version"}:
            return False
        if connection.execute("SELECT version_num FROM alembic_version").fetchall() != [(NEWEST,)]:
            return False
        connection.execute("SET lock_timeout = '5s'")
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        try:
            connection.execute(f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY")
        except psycopg.errors.LockNotAvailable:
            return False
    return True
