"""The feeds that a web page names: what it says is one, and links that look like one. Pure: no I/O, no network.

The page is anybody's. It is read by events, without a tree, up to a bound, and its links are only told, never followed.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

from lxml import etree

from worker.articles.text import MAX_URL, clean_title
from worker.feeds.decode import settle_charset

MOST_READ: Final = 1_000_000  # bytes: a page names its feeds in its head, or in its foot
MOST_FOUND: Final = 50
KINDS: Final[Mapping[str, str]] = {
    "application/rss+xml": "RSS", "application/atom+xml": "Atom", "application/rdf+xml": "RDF",
    "application/feed+json": "JSON Feed", "application/xml": "XML", "text/xml": "XML",
}  # fmt: skip
# What publishers name their feeds' addresses by. One that only looks so is found out when it is asked.
LIKELY: Final = re.compile(
    r"(?:^|[/._-])(?:rss|atom|rdf|feeds?)(?:[/._\d-]|$)|\.(?:rss|atom|rdf)$|rss\w*\.(?:xml|php|aspx?)$|feed\.json$"
    r"|[?&](?:feed|format|type|output)=(?:rss|atom|rdf|feed)",
    re.I,
)


@dataclass(frozen=True)
class NamedFeed:
    """`said`: the page's head says that it is a feed; otherwise a link of the page looks like one. `kind` may be ''."""

    url: str
    title: str
    kind: str
    said: bool


def find_feeds(page: bytes, *, content_type: str, url: str) -> list[NamedFeed]:
    """In the page's order, what it says before what we guess, each address once; `url` is the page's own."""
    listener = _Links(url)
    body, encoding = _readable(page[:MOST_READ], content_type)
    # What was heard before the parser gave up stands.
    with contextlib.suppress(etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
        etree.fromstring(body, parser=etree.HTMLParser(target=listener, encoding=encoding, huge_tree=False))
    found: dict[str, NamedFeed] = {}
    for one in sorted(listener.found, key=lambda one: not one.said):
        if one.url not in found and one.url != url:
            found[one.url] = one
    return list(found.values())[:MOST_FOUND]


def _readable(page: bytes, content_type: str) -> tuple[bytes, str | None]:
    """The page and the charset to read it by; None for the one that the page itself names."""
    for told in (content_type, ""):  # a server may name a charset that nobody has
        body, charset = settle_charset(page, told)
        with contextlib.suppress(LookupError):
            return (body.decode(charset, "replace").encode(), "utf-8") if charset else (body, None)
    return page, None


class _Links:
    """Hears the parser's events and keeps the links that matter."""

    def __init__(self, url: str) -> None:
        self.base = self.url = url
        self.found: list[NamedFeed] = []
        self.href = self.kind = ""
        self.words: list[str] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        kind = KINDS.get(attributes.get("type", "").split(";")[0].strip().lower(), "")
        if tag == "base" and self.base == self.url:
            self.base = _joined(self.url, attributes.get("href", "")) or self.url
        elif tag == "link" and kind:
            relations = attributes.get("rel", "").lower().split()
            if "alternate" in relations or "feed" in relations:
                self._keep(attributes.get("href", ""), attributes.get("title", ""), kind, said=True)
        elif tag == "a":
            self._end_link()
            self.href, self.kind, self.words = attributes.get("href", ""), kind, [attributes.get("title", "")]

    def data(self, text: str) -> None:
        if self.href and len(self.words) < 50:
            self.words.append(text)

    def end(self, tag: str) -> None:
        if tag == "a":
            self._end_link()

    def _end_link(self) -> None:
        if self.href and (self.kind or _is_likely(self.href)):
            spoken = " ".join(self.words[1:]).strip()
            self._keep(self.href, spoken or self.words[0], self.kind, said=False)
        self.href = ""

    def _keep(self, href: str, title: str, kind: str, *, said: bool) -> None:
        if len(self.found) >= 4 * MOST_FOUND:
            return
        if address := _joined(self.base, href):
            self.found.append(NamedFeed(address, clean_title(title)[:200], kind, said))

    def close(self) -> None:
        self._end_link()


def _is_likely(href: str) -> bool:
    try:
        parts = urlsplit(href)
    except ValueError:
        return False
    return bool(LIKELY.search(parts.path) or LIKELY.search(f"?{parts.query}"))


def _joined(base: str, href: str) -> str:
    """The absolute address without its fragment; '' for none that is fetched."""
    try:
        joined = urljoin(base, href.strip()).partition("#")[0].replace(" ", "%20")
        fits = urlsplit(joined).scheme in ("http", "https") and bool(urlsplit(joined).hostname)
    except ValueError:
        return ""
    return joined if href.strip() and fits and joined.isprintable() and len(joined) <= MAX_URL else ""
