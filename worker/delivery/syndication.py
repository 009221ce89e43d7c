"""Alerts as documents to subscribe to: Atom 1.0 (RFC 4287) and JSON Feed 1.1. Pure: no I/O, no clock."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

ATOM: Final = "http://www.w3.org/2005/Atom"
JSON_FEED: Final = "https://jsonfeed.org/version/1.1"
NEVER: Final = "1970-01-01T00:00:00Z"  # when a feed without entries was changed last: RFC 4287 asks for a time
AUTHOR: Final = "Wirewatch"
# What XML 1.0 allows nowhere, not even escaped.
FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Entry:
    """One alert, as its latest notification told of it. Times are RFC 3339; `url` is the article's, '' where there
    is none; `html` is markup, all else plain text."""

    id: str
    title: str
    summary: str
    text: str
    html: str
    url: str
    published: str
    updated: str
    tags: tuple[str, ...] = ()

    def as_bytes(self) -> bytes:
        return json.dumps(asdict(self), ensure_ascii=False).encode("utf-8", "replace")


def read_entry(body: bytes) -> Entry:
    """What `as_bytes` wrote, once with the article's address beside that of a page in the console."""
    values = json.loads(body)
    values["url"] = values.pop("article_url", values["url"])
    return Entry(**values | {"tags": tuple(values["tags"])})


@dataclass(frozen=True)
class Head:
    """What stands above the entries. `address` is the document's own, all that its readers reach; '' for none known."""

    id: str
    title: str
    address: str


def changed_at(entries: Sequence[Entry]) -> str:
    return max((entry.updated for entry in entries), default=NEVER)


def atom(head: Head, entries: Sequence[Entry]) -> bytes:
    feed = ET.Element("feed", xmlns=ATOM)
    _add(feed, "id", head.id)
    _add(feed, "title", head.title)
    _add(feed, "updated", changed_at(entries))
    _add(ET.SubElement(feed, "author"), "name", AUTHOR)
    _add(feed, "generator", AUTHOR)
    _link(feed, "self", head.address, "application/atom+xml")
    for entry in entries:
        feed.append(_atom_entry(entry))
    return ET.tostring(feed, encoding="utf-8", xml_declaration=True)


def _atom_entry(entry: Entry) -> ET.Element:
    made = ET.Element("entry")
    for name in ("id", "title", "published", "updated", "summary"):
        _add(made, name, getattr(entry, name))
    _link(made, "alternate", entry.url, "text/html")
    for tag in entry.tags:
        ET.SubElement(made, "category", term=_allowed(tag))
    _add(made, "content", entry.html, type="html")
    return made


def _add(parent: ET.Element, name: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, name, attributes).text = _allowed(text)


def _link(parent: ET.Element, rel: str, href: str, kind: str) -> None:
    if href:
        ET.SubElement(parent, "link", rel=rel, type=kind, href=_allowed(href))


def _allowed(text: str) -> str:
    return FORBIDDEN.sub("", text)


def json_feed(head: Head, entries: Sequence[Entry]) -> bytes:
    document = {
        "version": JSON_FEED,
        "title": head.title,
        "feed_url": head.address,
        "authors": [{"name": AUTHOR}],
        "items": [_json_item(entry) for entry in entries],
    }
    return json.dumps(_without_empty(document), ensure_ascii=False).encode("utf-8", "replace")


def _json_item(entry: Entry) -> dict[str, object]:
    return _without_empty(
        {
            "id": entry.id,
            "url": entry.url,
            "title": entry.title,
            "content_html": entry.html,
            "content_text": entry.text,
            "summary": entry.summary,
            "date_published": entry.published,
            "date_modified": entry.updated,
            "tags": list(entry.tags),
        }
    )


def _without_empty(values: Mapping[str, object]) -> dict[str, object]:
    """A reader takes an empty address for one; the list of items stays."""
    return {name: value for name, value in values.items() if value not in ("", None)}


# By a document's ending: its content type, and how it is written.
FORMATS: Final[Mapping[str, tuple[str, Callable[[Head, Sequence[Entry]], bytes]]]] = {
    "atom": ("application/atom+xml; charset=utf-8", atom),
    "json": ("application/feed+json; charset=utf-8", json_feed),
}
