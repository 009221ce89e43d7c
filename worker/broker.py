"""The broker's address, and what is wrong with it, in words that never quote it. Starts nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import redis

from worker.errors import WirewatchError

SOCKETS: Final = ("unix", "redis+socket")
NOT_SET: Final = "REDIS_URL is not set. Set it (redis://host:6379/0), or run `wirewatch up`, which brings its own."
NO_ADDRESS: Final = (
    "REDIS_URL is no address of a Redis. Write redis://:PASSWORD@HOST:6379/0, and each character of the password that "
    "is neither a letter nor a digit by its code: / is %2F, # is %23."
)


class NoBroker(WirewatchError):
    """REDIS_URL is not set, or is no address."""


def broker_url(environ: Mapping[str, str]) -> str:
    """REDIS_URL as Celery takes it. Raises NoBroker."""
    url = environ.get("REDIS_URL", "")
    if not url:
        raise NoBroker(NOT_SET)
    if not is_address(url):
        raise NoBroker(NO_ADDRESS)
    return "redis+socket://" + url.removeprefix("unix://") if url.startswith("unix://") else url


def is_address(url: str) -> bool:
    """Whether Celery and redis-py can both read it. Of what they cannot, they say a part, and that is the password's.

    A / or # in a password ends the host's part there: what follows is then no number of a database.
    """
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    if parts.fragment:
        return False
    if parts.scheme in SOCKETS:
        return bool(parts.path)
    database = parts.path.strip("/")
    return parts.scheme in ("redis", "rediss") and named and (database.isdecimal() or not database)


def why_refused(probe: redis.Redis) -> str | None:
    """Why a Redis that is there does not let us in. None when it does, and when it is away: that is waited for."""
    try:
        probe.ping()
    except redis.AuthenticationError:
        given = probe.connection_pool.connection_kwargs.get("password")
        held = "refuses the password of REDIS_URL" if given else "wants a password, and REDIS_URL has none"
        return f"Redis {held}. Correct it and start again; until then the workers' own timers find the work."
    except redis.ResponseError as error:
        return f"Redis does not serve REDIS_URL: {str(error).strip()[:200]!r}"
    except (redis.RedisError, OSError):
        return None
    return None
