"""OPML 1.0 and 2.0, as damaged as it comes, to feeds and back (opml.org/spec2.opml). Pure: no I/O.

What only we know of a feed (its id, tier, interval) stands in attributes of our own namespace, as OPML has it.
"""

from __future__ import annotations

import contextlib
import html.entities
import io
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lxml import etree

from worker.articles.text import MAX_TITLE
from worker.config.schema import FeedSpec
from worker.display import one_line
from worker.feeds.listed import MAX_LISTED, FeedList, ListedFeed, ListError, as_tags, refuse_long

NAMESPACE: Final = "urn:wirewatch:feed"
OURS: Final = ("id", "tier", "interval", "enabled")
FEED_TYPES: Final = frozenset({"rss", "atom", "rdf"})
MAX_MARKUP: Final = 20 * MAX_LISTED  # "<" and "&": each costs time and memory while it is repaired
MAX_ATTRIBUTES: Final = 100  # exporters write a dozen; lxml's time for them grows with their square
MAX_DAMAGE: Final = 20  # places that are told; the rest is counted
MAX_NOTES: Final = 20  # folders that are told of

DECLARATION: Final = re.compile(r"<!(?:ENTITY|ATTLIST|ELEMENT|NOTATION)\b", re.I)
XML_LINE: Final = re.compile(r"\A\s*<\?xml[^>]{0,400}>")
# No XML may hold these, also not as a reference.
UNSPEAKABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
AMPERSAND: Final = re.compile(r"&(?:#(?P<number>\d{1,7}|[xX][0-9a-fA-F]{1,6});|(?P<name>\w{1,31});)?")
# What OPML is made of. Any other "<" is part of somebody's title.
NO_TAG: Final = re.compile(r"<(?!/?(?:opml|head|body|outline)\b|!--|!DOCTYPE\b|!\[CDATA\[|\?)", re.I)


@dataclass
class _Open:
    """An outline whose end has not come yet. `folder` is its name where it is one.

    `tags` are those of all open folders down to it, made once: every feed in there shares them. `notes` are of its own.
    """

    line: int
    folder: str
    kind: str
    tags: tuple[str, ...]
    notes: tuple[str, ...] = ()
    empty: bool = True


@dataclass
class _Reading:
    """How far a list is read. `notes` are those of the folders that hold something, each once."""

    feeds: list[ListedFeed] = field(default_factory=list)
    above: list[_Open] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)


def read_opml(text: str) -> FeedList:
    """Its feeds in order; the folders around a feed and its categories are its tags. Raises ListError."""
    if DECLARATION.search(text):
        raise ListError("The list declares entities, elements or attributes, as attacks do: it is not read.")
    if text.count("<") + text.count("&") > MAX_MARKUP:
        raise ListError("The list holds more markup than any list of feeds needs: it is not read.")
    refuse_long(text.split("<"), what="an outline")
    tree = etree.iterparse(
        io.BytesIO(_repaired(text).encode()),
        events=("start", "end"),
        encoding="utf-8",
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    reading = _Reading()
    seen = False
    for event, element in _until_broken(tree):
        name = str(element.tag).lower()
        seen |= name in ("opml", "outline")
        if name == "outline" and event == "start":
            _open(element, reading)
        elif name == "outline" and reading.above:
            _close(reading)
        if event == "end":
            _forget(element)
        if len(reading.feeds) > MAX_LISTED:
            break
    if not seen:
        raise ListError("No outline is in it: it is no OPML list of feeds.")
    return FeedList(tuple(reading.feeds), _damage(tree.error_log), _told(reading.notes))


def _until_broken(tree: Any) -> Iterator[tuple[str, Any]]:
    """What ends the reading is in the parser's log."""
    with contextlib.suppress(etree.XMLSyntaxError):
        yield from tree


def _repaired(text: str) -> str:
    """As the XML that was meant: by itself, lxml drops an ampersand with what follows, and so changes addresses."""
    text = XML_LINE.sub(lambda found: "\n" * found[0].count("\n"), text)
    text = UNSPEAKABLE.sub(" ", text)
    return NO_TAG.sub("&lt;", AMPERSAND.sub(_reference, text))


def _reference(found: re.Match[str]) -> str:
    name, number = found["name"], found["number"]
    if name in ("amp", "lt", "gt", "quot", "apos"):
        return found[0]
    if number:
        code = int(number[1:], 16) if number[0] in "xX" else int(number)
        spoken = code <= 0x10FFFF and not UNSPEAKABLE.match(chr(code))
        return found[0].replace("X", "x") if spoken else " "
    meant = html.entities.html5.get(f"{name};", "")
    return "".join(f"&#{ord(one)};" for one in meant) or f"&amp;{found[0][1:]}"


def _open(element: Any, reading: _Reading) -> None:
    if len(element.attrib) > MAX_ATTRIBUTES:
        raise ListError(f"The list holds an outline of more than {MAX_ATTRIBUTES} attributes: it is not read.")
    said = {_name(key): value for key, value in element.attrib.items()}
    kind = said.get("type", "").lower()
    url = said.get("xmlurl", said.get("url", "") if kind in FEED_TYPES else None)
    name = one_line(said.get("title") or said.get("text", ""))[:MAX_TITLE].rstrip()
    folders = _enter(reading)
    if url is None or (not url and "xmlurl" not in said):
        tags, notes = as_tags([name], above=folders)
        reading.above.append(_Open(element.sourceline, name, kind, tags, notes))
        return
    tags, notes = as_tags(re.split("[,/]", said.get("category", "")), above=folders)
    ours = {key: said.get(f"{NAMESPACE} {key}", "").strip() for key in OURS}
    title = (
        "" if name == ours["id"] and not said.get("title") else name
    )  # an outline must have a text: ours had no title
    language = one_line(said.get("language", ""))
    reading.feeds.append(
        ListedFeed(
            line=element.sourceline,
            url=url.strip(),
            title=title,
            language="" if language.lower() == "unknown" else language,  # OPML's own word for none
            tags=tags,
            notes=notes,
            **ours,
        )
    )
    reading.above.append(_Open(element.sourceline, "", "", folders, empty=False))


def _enter(reading: _Reading) -> tuple[str, ...]:
    """The tags of the folder that the next outline stands in; the folder is known to hold something now."""
    if not reading.above:
        return ()
    folder = reading.above[-1]
    folder.empty = False
    if len(reading.notes) <= MAX_NOTES:  # one more, so that it is seen
        reading.notes |= dict.fromkeys(folder.notes)
    return folder.tags


def _close(reading: _Reading) -> None:
    one = reading.above.pop()
    if one.empty and one.kind in FEED_TYPES:
        reading.feeds.append(ListedFeed(line=one.line, url="", title=one.folder))


def _name(key: str) -> str:
    """In small letters: exporters write xmlUrl, xmlurl and XMLURL. With its namespace, if it has one."""
    space, _, local = key.rpartition("}")
    return f"{space[1:]} {local}" if space else local.lower()


def _forget(element: Any) -> None:
    """A long list needs no tree."""
    element.clear()
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]


def _damage(log: Any) -> tuple[tuple[int, str], ...]:
    found = [(one.line, f"damaged ({one.message.strip()})") for one in log if one.domain_name != "NAMESPACE"]
    found = list(dict.fromkeys(found))
    more = [(found[MAX_DAMAGE][0], f"and {len(found) - MAX_DAMAGE} more")] if len(found) > MAX_DAMAGE else []
    return tuple(found[:MAX_DAMAGE] + more)


def _told(notes: Mapping[str, None]) -> tuple[str, ...]:
    more = ("and more of the kind",) if len(notes) > MAX_NOTES else ()
    return (*itertools.islice(notes, MAX_NOTES), *more)


def write_opml(feeds: Sequence[FeedSpec]) -> bytes:
    """OPML 2.0 in UTF-8, a flat list in the order given; tags are categories."""
    root = etree.Element("opml", {"version": "2.0"}, nsmap={"wirewatch": NAMESPACE})
    etree.SubElement(etree.SubElement(root, "head"), "title").text = "Wirewatch feeds"
    body = etree.SubElement(root, "body")
    for feed in feeds:
        said = feed.model_dump(mode="json", exclude_defaults=True)
        ours = {f"{{{NAMESPACE}}}{key}": str(said[key]).lower() for key in OURS if key in said}
        attributes = {
            "text": feed.title or feed.id,
            "title": feed.title,
            "type": "rss",
            "xmlUrl": feed.url,
            "language": feed.language,
            "category": ",".join(feed.tags),
        }
        spoken = {key: UNSPEAKABLE.sub("\ufffd", value) for key, value in attributes.items() if value}
        etree.SubElement(body, "outline", spoken | ours)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))
