"""Which words may leave a desk, in a log or to Sentry: no secret, no address with its tokens, no name before an @.

Pure: no I/O, no clock. What it cannot tell from a secret, it hides.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

HIDDEN: Final = "***"
SHORTEST: Final = 4  # letters: a shorter secret stands in half of all words, and hides nothing from anybody
SHORTEST_BASE64: Final = 6  # letters of its middle: fewer come up by chance
SHORTEST_QUERY, SHORTEST_SEGMENT = 4, 12  # letters: what in a webhook's address may be a token, and not a word
SHORTEST_KEY: Final = 16  # letters: a user name that long is a key, such as Sentry's

# Each run is begun once and never given back (`++`, and what may not stand before it), so that no text takes long.
_BEFORE = r"A-Za-z0-9+.\-"
URL = re.compile(rf"(?<![{_BEFORE}])([{_BEFORE}]*+):(?:\\*+/){{2}}(\S*)")  # to the next white space: \/ is JSON's
QUOTED_URL = re.compile(r"%(?:25)*+3A(?:%(?:25)*+2F){2}\S*", re.IGNORECASE)  # inside another's query
HOST = re.compile(r"(?:[\w.\-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5}(?!\d))?")
QUERY = re.compile(r"\?[^\s?=]++=\S*")
MAIL = re.compile(r"""(?<![^\s@<>"'(),;:=/\\])[^\s@<>"'(),;:=/\\]++@(?=\w)""")
SECRET_NAME = r"(?:password|passwd|passphrase|secret|token|api[_-]?key|authorization|cookie|credential)s?"  # noqa: S105
NAMED = re.compile(rf"(?i)({SECRET_NAME}[\"']?\s{{0,3}}[=:]\s{{0,3}}[\"']?)(?:(?:bearer|basic)\s{{1,3}})?\S+")
SIGNING_KEY = re.compile(r"whsec_[A-Za-z0-9+/=_\-]+")
KEY = re.compile(SECRET_NAME, re.IGNORECASE)


@dataclass(frozen=True)
class Scrub:
    """`forms`: every way in which a known secret may be written, longest first."""

    forms: tuple[str, ...] = ()

    def text(self, text: str) -> str:
        for form in self.forms:
            if form in text:
                text = text.replace(form, HIDDEN)
        text = URL.sub(_without_path, text)
        text = QUOTED_URL.sub("://…", text)
        text = SIGNING_KEY.sub("whsec_" + HIDDEN, text)
        text = NAMED.sub(rf"\1{HIDDEN}", text)
        text = QUERY.sub("?…", text)
        return MAIL.sub("…@", text)

    def value(self, value: Any) -> Any:
        """The same for texts however deep, and for the names and values of mappings; the rest as JSON would have it."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int | float):
            return HIDDEN if self.text(str(value)) != str(value) else value
        if isinstance(value, Mapping):
            return {self.text(str(name)): self._named(str(name), inner) for name, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(inner) for inner in value]
        if isinstance(value, bytes | bytearray):
            return self.text(bytes(value).decode("utf-8", "backslashreplace"))
        return self.text(repr(value))

    def _named(self, name: str, value: Any) -> Any:
        return HIDDEN if value and KEY.search(name) else self.value(value)


def make_scrub(secrets: Iterable[str]) -> Scrub:
    """For these known secrets, besides what gives itself away by its form."""
    forms = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
    return Scrub(tuple(sorted(forms, key=lambda form: (-len(form), form))))


def secrets_in_url(url: str, *, path: bool = False) -> Iterator[str]:
    """What of an address nobody may read: itself, its password or key and, where its `path` is one, that too."""
    yield url
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    userinfo = parts.netloc.rpartition("@")[0]
    user, _, password = userinfo.partition(":")
    for one in (password, user if len(user) >= SHORTEST_KEY else ""):
        yield from (one, unquote(one))
    queries = parse_qsl(parts.query)
    yield from (value for name, value in queries if KEY.search(name))
    if path:
        whole = f"{parts.path}?{parts.query}" if parts.query else parts.path
        yield from (one for one in (whole, *parts.path.split("/")) if len(one) >= SHORTEST_SEGMENT)
        yield from (value for _, value in queries if len(value) >= SHORTEST_QUERY)


def _forms(secret: str) -> Iterator[str]:
    raw = secret.encode("utf-8", "surrogatepass")
    yield from (secret, html.escape(secret), repr(secret)[1:-1], repr(raw)[2:-1])
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    for quoted in (quote(raw), quote(raw, safe=""), quote_plus(raw)):
        yield from (quoted, re.sub("%..", lambda found: found[0].lower(), quoted))
    yield quote(quote(raw, safe=""), safe="")
    # Inside a longer text in base64 it stands in one of three ways; the letters that it shares with its neighbours are
    # left out.
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        first = (before * 8 + 5) // 6
        middle = whole[first : (before + len(raw)) * 8 // 6]
        if len(middle) >= SHORTEST_BASE64:
            yield from (middle, middle.replace("+", "-").replace("/", "_"))


def _without_path(found: re.Match[str]) -> str:
    """`scheme://host/…`. Where an @ may be a password's as well as a path's, not even the host."""
    scheme, rest = found[1], found[2]
    end = re.search(r"[/\\?#]", rest)
    netloc, path = (rest[: end.start()], rest[end.start() :]) if end else (rest, "")
    host = HOST.match(netloc.rpartition("@")[2])
    return f"{scheme}://…" if "@" in path or host is None else f"{scheme}://{host[0]}/…"
