"""The exception tree. Only the unexpected is an exception; an expected outcome is a value.

WirewatchError
├── ConfigError       the configuration cannot be used; carries every Problem found
├── QueryError        a query cannot be read; its words say where, and what to write instead
├── FetchError        a request could not be made or answered; `reason` is a FetchReason
├── PageError         an article's page gave no text; `reason` is a PageReason
├── FeedParseError    a document is not a feed, or was too dear to parse; `reason` is a ParseReason
├── StoreError        the record refused a write (a lost lease, a failed migration)
└── DeliveryError     a receiver did not take a delivery; `reason` is a DeliveryReason
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass


class FetchReason(enum.StrEnum):
    """Why a request failed; also the metric label and the console's text."""

    REFUSED_ADDRESS = "refused_address"  # the guard: private, reserved or not allow-listed
    REFUSED_URL = "refused_url"  # scheme, port, userinfo or host form
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    RESET = "reset"
    TRUNCATED = "truncated"  # short body, broken chunk, bad gzip
    TOO_LARGE = "too_large"
    ENCODING = "encoding"  # an unrequested or stacked Content-Encoding
    PROXY = "proxy"  # the operator's own: it cannot be reached, or does not let us through
    REDIRECT = "redirect"  # loop, too many hops, https to http
    GONE = "gone"  # 410
    NOT_FOUND = "not_found"  # 404
    FORBIDDEN = "forbidden"  # 401, 403, 451
    RATE_LIMITED = "rate_limited"  # 429, 503 with Retry-After
    SERVER = "server"  # other 5xx
    STATUS = "status"  # any other status


class ParseReason(enum.StrEnum):
    """Why a body gave no feed, or perhaps not all of it."""

    EMPTY = "empty"
    NOT_A_FEED = "not_a_feed"
    FORBIDDEN_MARKUP = "forbidden_markup"  # entity or attribute-list declarations
    TOO_DEAR = "too_dear"  # over its CPU, memory or wall time
    CRASHED = "crashed"  # the parser child died, or three polls in a row never ended
    UNSTORABLE = "unstorable"  # the record refused what was read
    POSSIBLE_GAP = "possible_gap"  # it was read, and shares no entry with what was read before
    NO_ENTRIES = "no_entries"  # it was read, and has none although it had some before
    QUIET = "quiet"  # it answers, and brought nothing new for longer than ever before


class PageReason(enum.StrEnum):
    """Why an article's own page was not used: the feed's text stands."""

    ROBOTS = "robots"  # robots.txt keeps robots out of it
    ROBOTS_AWAY = "robots_away"  # robots.txt cannot be had: nobody is let in meanwhile (RFC 9309 §2.3.1.4)
    REFUSED = "refused"  # the guard: its address, or one that it leads to
    FORBIDDEN = "forbidden"  # 401, 402, 403, 451: a paywall, or no programs
    NOT_FOUND = "not_found"  # 404, 410
    UNREACHABLE = "unreachable"  # no name, no connection, no secure one
    TIMEOUT = "timeout"
    BROKEN = "broken"  # the answer broke off, or was none that we can read
    RATE_LIMITED = "rate_limited"
    SERVER = "server"  # 5xx
    STATUS = "status"  # any other status
    REDIRECT = "redirect"  # on and on, or from https down to http
    TOO_LARGE = "too_large"
    NOT_HTML = "not_html"
    TOO_DEAR = "too_dear"  # over its CPU, memory or wall time; or it ended its reader
    NO_TEXT = "no_text"
    SHORTER = "shorter"  # no more text than the feed's own
    OUT_OF_TIME = "out_of_time"  # its article waited long enough


class DeliveryReason(enum.StrEnum):
    """Why an attempt failed."""

    CONNECT = "connect"
    TIMEOUT = "timeout"
    TLS = "tls"
    AUTH = "auth"
    REJECTED = "rejected"  # a permanent no: 5xx at RCPT or DATA, 4xx from a webhook
    TEMPORARY = "temporary"  # a 4xx from SMTP, 429 or 5xx from a webhook
    REDIRECTED = "redirected"
    GONE = "gone"
    REFUSED_ADDRESS = "refused_address"
    NO_CHANNEL = "no_channel"  # the channel left the configuration or was disabled
    INTERNAL = "internal"


# Never about one message: who cannot be reached, or lets nobody in, takes none.
WHOLE = frozenset(
    {
        DeliveryReason.CONNECT,
        DeliveryReason.TIMEOUT,
        DeliveryReason.TLS,
        DeliveryReason.AUTH,
        DeliveryReason.REDIRECTED,
        DeliveryReason.GONE,
        DeliveryReason.REFUSED_ADDRESS,
    }
)


class WirewatchError(Exception):
    """The root: catch this to catch anything Wirewatch raises on purpose."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong in the configuration, in words that say what to do."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        return (
            f"{self.file}:{self.line}: {self.key}: {self.message}"
            if self.key
            else f"{self.file}:{self.line}: {self.message}"
        )


class ConfigError(WirewatchError):
    """Raised with every problem found, never just the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class QueryError(WirewatchError):
    """`column` counts the query's characters from 1."""

    def __init__(self, column: int, words: str) -> None:
        self.column = column
        super().__init__(f"column {column}: {words}")


class FetchError(WirewatchError):
    """`detail` is safe to show: it holds no secret and no URL with a token in it. `sent`: the server may have got what
    was posted."""

    def __init__(self, reason: FetchReason, detail: str = "", *, sent: bool = False) -> None:
        self.reason, self.detail, self.sent = reason, detail, sent
        super().__init__(f"{reason}: {detail}" if detail else str(reason))


class PageError(WirewatchError):
    """`detail` is safe to show."""

    def __init__(self, reason: PageReason, detail: str = "") -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}" if detail else str(reason))


class FeedParseError(WirewatchError):
    def __init__(self, reason: ParseReason, detail: str = "") -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}" if detail else str(reason))


class StoreError(WirewatchError):
    """The record refused."""


class DeliveryError(WirewatchError):
    """`permanent`: never try this recipient again. `retry_after`: seconds the receiver asked for, or None.

    `whole`: it is the channel that failed, not this message or recipient: the next message would fare no better.
    `unknown`: the receiver may have got it.
    """

    def __init__(
        self, reason: DeliveryReason, detail: str = "", *, permanent: bool = False, retry_after: float | None = None,
        whole: bool = False, unknown: bool = False,
    ) -> None:  # fmt: skip
        self.reason, self.detail, self.permanent, self.retry_after = reason, detail, permanent, retry_after
        self.whole, self.unknown = whole or reason in WHOLE, unknown
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
