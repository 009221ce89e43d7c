"""Who may look: whoever brings the desk's key, by GET; and who may act: whoever brings a link that we signed.

Decides; `door` acts on it.

The key lies in the data folder, for its owner to read. It opens the address that `up` and `console` print; from then on
the browser has a cookie. Nothing is thrown at a guesser but a "no": 256 bits are not guessed. A link in a mail and a
feed's address bring a proof of their own, which their routes look at: no cookie, and none of the console's pages.
"""

from __future__ import annotations

import enum
import fcntl
import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from worker import links
from worker.errors import WirewatchError
from worker.store.engine import make_folder

KEY_FILE: Final = "console.key"
KEY_BYTES: Final = 32
KEY: Final = "key"  # its name in the address
# A name that leads to us by DNS is still none of these: what a foreign page asks for in its own name is refused
# (DNS rebinding).
OUR_HOSTS: Final = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.IGNORECASE)
OPEN: Final = frozenset({"/healthz", "/readyz"})  # for probes: counts and plain words, no headline
OPEN_FOLDER: Final = "/static/"  # the same files for everyone; a page without the key is laid out by them too
LINKS_FOLDER: Final = links.PLACE  # the only place where anything is done
FEEDS_FOLDER: Final = "/feeds/"


class NoKey(WirewatchError):
    """The key's file is there and holds no key; the message says what to do."""


class Verdict(enum.Enum):
    """What comes of a request, before any route sees it."""

    PASS = "pass"  # noqa: S105 - no password
    ENTER = "enter"  # the key stood in the address: a cookie, and the same address without it
    WRONG_HOST = "wrong_host"
    WRONG_METHOD = "wrong_method"
    WRONG_ORIGIN = "wrong_origin"
    NO_KEY = "no_key"
    WRONG_KEY = "wrong_key"


def bring_key(data: Path) -> str:
    """The desk's key, made at the first call. Of processes that call at once one makes it, and all agree.

    Raises NoKey, or StoreError where there can be no data folder.
    """
    make_folder(data)
    path = data / KEY_FILE
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise NoKey(f"{path} cannot be opened: {error.strerror}. It belongs to the user who runs the desk.") from error
    with os.fdopen(handle, "r+", encoding="ascii", errors="replace") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # until it is closed
        os.fchmod(file.fileno(), 0o600)
        key = file.read().strip()
        if not key:
            key = secrets.token_urlsafe(KEY_BYTES)
            file.write(key + "\n")
            file.flush()
            os.fsync(file.fileno())
    if not re.fullmatch(r"[A-Za-z0-9_-]{32,200}", key):
        raise NoKey(f"{path} holds no key. Delete it: the next start makes a new one.")
    return key


def console_address(data: Path, port: int) -> str:
    """The address that lets a browser in, key and all: for a person's terminal, never for a log."""
    return f"{plain_address(port)}?{KEY}={bring_key(data)}"


def plain_address(port: int) -> str:
    return f"http://127.0.0.1:{port}/"


def told_address(data: Path, port: int, *, terminal: bool) -> str:
    """What to print: where a person reads it, with the key; where a log may keep it, where the key lies."""
    if terminal:
        return console_address(data, port)
    bring_key(data)
    return f"{plain_address(port)} (its key: {data / KEY_FILE})"


def cookie_name(key: str) -> str:
    """Two desks on one host share its cookies, whatever their ports: each has a name of its own."""
    return f"wirewatch-{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def cookie_value(key: str) -> str:
    """Follows from the key, and does not give it away."""
    return hmac.new(key.encode(), b"console cookie", hashlib.sha256).hexdigest()


def judge_request(request: Request, *, key: str, public_url: str = "") -> Verdict:
    """`public_url`: where a proxy lets readers in, in whose name they ask; '' where there is none."""
    host, path = request.headers.get("host", ""), request.scope["path"]
    if not OUR_HOSTS.fullmatch(host) and not is_public(host, public_url):
        return Verdict.WRONG_HOST
    acts = request.method == "POST" and path.startswith(LINKS_FOLDER)
    if not acts and request.method not in ("GET", "HEAD"):
        return Verdict.WRONG_METHOD
    if acts and not is_from_us(request, public_url):
        return Verdict.WRONG_ORIGIN
    if path in OPEN or path.startswith((OPEN_FOLDER, LINKS_FOLDER, FEEDS_FOLDER)):
        return Verdict.PASS
    known = has_cookie(request, key=key) or has_bearer(request, key=key)
    given = request.query_params.get(KEY)
    if given is not None and (known or same(given, key)):
        return Verdict.ENTER
    if known:
        return Verdict.PASS
    return Verdict.NO_KEY if given is None else Verdict.WRONG_KEY


def is_public(host: str, public_url: str) -> bool:
    """Whether it is the name under which readers reach us; the port may be left out where it is the scheme's own."""
    if not public_url:
        return False
    own = {"https": ":443", "http": ":80"}[urlsplit(public_url).scheme]
    return host.lower().removesuffix(own) == urlsplit(public_url).netloc.lower().removesuffix(own)


def is_from_us(request: Request, public_url: str) -> bool:
    """Whether the page with the button was ours, as far as the browser says: a form of another site does nothing."""
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site", "none") in ("same-origin", "none")
    scheme, _, host = origin.lower().partition("://")
    if is_public(host, public_url):
        return public_url.lower().startswith(f"{scheme}://")
    return origin.lower() == f"http://{request.headers.get('host', '').lower()}"


def has_cookie(request: Request, *, key: str) -> bool:
    return same(request.cookies.get(cookie_name(key), ""), cookie_value(key))


def has_bearer(request: Request, *, key: str) -> bool:
    """For programs, such as who collects the metrics: `Authorization: Bearer KEY`."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and same(given.strip(), key)


def same(given: str, wanted: str) -> bool:
    """In a time that tells nothing of `wanted`."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())
