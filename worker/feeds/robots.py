"""robots.txt (RFC 9309): what an answer to it means, and what its rules say of our addresses. Pure: no I/O, no clock.

Its rules are read in the pages' child process alone: a hostile file can cost its reader any time and memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from protego import Protego

from worker.guard import host_of

AGENT: Final = "Wirewatch"  # our product token
MAX_BYTES: Final = 500 * 1024  # §2.5: at least so much is to be read
GOOD_FOR: Final = timedelta(days=1)  # §2.4: no longer
AWAY_FOR: Final = timedelta(hours=1)
LONGEST_DELAY: Final = 30.0  # seconds; Crawl-delay is no part of the RFC, and some ask for hours
RULES, ALLOW, DISALLOW = "rules", "allow", "disallow"


@dataclass(frozen=True)
class Robots:
    """A site's robots.txt as it stands in the record. `verdict`: by its rules, all allowed, or all disallowed."""

    verdict: str
    body: str = ""


@dataclass(frozen=True)
class Ruling:
    """What the rules say: which of the asked addresses are allowed, and the seconds to leave between two requests."""

    allowed: frozenset[str]
    delay: float = 0.0


def origin_of(url: str) -> str:
    """Scheme, host and port of an address that the guard takes; '' for one that has none, or one too long to keep."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
        host = host_of(url)
    except ValueError:
        return ""
    found = f"{parts.scheme}://[{host}]:{port}" if ":" in host else f"{parts.scheme}://{host}:{port}"
    return found if parts.scheme in ("http", "https") and host and port and len(found) <= 300 else ""


def read_answer(status: int | None, body: bytes = b"") -> Robots:
    """What an answer means; `status` None: there was none."""
    if status is not None and 200 <= status < 300:
        return Robots(RULES, body[:MAX_BYTES].decode("utf-8-sig", "replace").replace("\0", " "))
    # §2.3.1.3: a site that has none, or shows it to nobody, keeps nobody out. But who is asked to wait waits.
    return Robots(ALLOW if status is not None and 400 <= status < 500 and status != 429 else DISALLOW)


def good_for(robots: Robots) -> timedelta:
    return AWAY_FOR if robots.verdict == DISALLOW else GOOD_FOR


def rule(robots: Robots, urls: Sequence[str]) -> Ruling:
    """What it says of these addresses. Slow for a hostile file: only where time and memory are limited."""
    if robots.verdict != RULES:
        return Ruling(frozenset(urls if robots.verdict == ALLOW else ()))
    rules = Protego.parse(robots.body)
    delay = rules.crawl_delay(AGENT) or 0.0
    allowed = frozenset(url for url in urls if rules.can_fetch(url, AGENT))
    return Ruling(allowed, delay=min(max(delay, 0.0), LONGEST_DELAY))
