"""Which items of a document were in the feed's last one, byte for byte: they need no parse. Pure: no I/O.

Most polls bring a document of which little or nothing is new, and a parser takes about a millisecond an entry. An item
whose bytes, and the tags around it, are those of the last document parses to what it parsed to then; so a document is
read without such items, unless that could make a difference to the others (`Remembered`, `is_same_without`).
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

# The form of what is remembered: what was kept in another is forgotten. A new way of reading items is no reason: what
# is not read anew is no edit.
FORM: Final = b"1"
MAX_ITEMS: Final = 2_000  # the parser reads no more of one document (parse_child.MAX_ENTRIES)
MAX_TOKENS: Final = 50_000  # in a document of that many items, a few each; more is an attack, or an accident
# In the worker itself no limit of CPU or memory holds: what could cost it much is read whole, in the child.
MAX_HEAD: Final = 100_000  # bytes before the first item, or behind the last: the longest real head has 10,000
MAX_MARKS: Final = 200_000  # of a JSON document: each value takes the memory of a few dozen letters
MARKS: Final = (b"{", b"[", b",")
HASH_BYTES: Final = 12  # of BLAKE2b: two items of one feed in 10^20 meet by chance
ENTRY: Final = struct.Struct(f">{HASH_BYTES}sq")
# Where an item begins and ends, and what hides such tags. Comments and CDATA are passed over by hand, for a pattern
# that looks for their ends would look again and again where there is none.
# In small or capital letters, written so that most tags are passed over at their first letter.
TOKEN: Final = re.compile(
    rb"<(?:!\[CDATA\[|!--|(/?)(?:[iIeE][tTnN][eEtT][mMrR][yY]?(?=[\s/>])|[\w.-]+:(?i:item|entry)(?=[\s/>])))"
)
HIDING: Final = (b"<!--", b"<![cdata[", b":item", b":entry", b"<items", b"</items")
ENDS: Final = (b" ", b">", b"\t", b"\r", b"\n")  # what may follow a tag's name
CLOSINGS: Final = {b"<![CDATA[": b"]]>", b"<!--": b"-->"}
# What around an item decides how it is read: the declaration, the tags that it stands in, and what the document asks
# of our timing, which is read with the first item that is new.
AROUND: Final = re.compile(
    rb"<\?xml[^>]{0,400}>|<!DOCTYPE[^>]{0,400}>|<(?:[\w.-]+:)?(?:rss|feed|rdf|channel|items)\b[^<>]{0,20000}>"
    rb"|<(?:ttl|skipHours|skipDays|hour|day|[\w.-]+:update\w+|(?:[\w.-]+:)?language)\b[^<]{0,200}"
    rb"(?:<!\[CDATA\[[^\]]{0,200})?",
    re.I,
)
ANCESTOR: Final = re.compile(rb"<(?:[\w.-]+:)?(rss|feed|rdf|channel)\b[^<>]{0,20000}>", re.I)
CLOSED: Final = re.compile(rb"</(?:[\w.-]+:)?channel\s*>", re.I)  # the items of RSS 0.90 and 1.0 stand behind it
LANGUAGE: Final = re.compile(
    rb"<((?:[\w.-]+:)?language)\b[^>]{0,200}>(?:[^<]{0,200}|\s{0,50}<!\[CDATA\[[^\]<]{0,200}\]\]>\s{0,50})</\1\s*>",
    re.I,
)
UNSPLITTABLE: Final = (b"\x00", b"\x1b")  # wide letters, and shifts that make a tag part of a word


@dataclass(frozen=True)
class XmlItems:
    """The items of one document, by the hashes of their bytes in the document's order."""

    body: bytes = field(repr=False)
    context: bytes
    spans: Sequence[tuple[int, int]]
    hashes: Sequence[bytes]
    lead: bytes = field(repr=False)

    def only(self, chosen: Collection[int]) -> bytes:
        """The items at these positions in what decides how they are read. What else the document says of itself is what
        the last one said (`context`), and is left out."""
        return b"".join([self.lead, *(self.body[slice(*self.spans[n])] for n in sorted(chosen)), self.tail])

    @property
    def tail(self) -> bytes:
        return self.body[self.spans[-1][1] :]


@dataclass(frozen=True)
class JsonItems:
    """The same of a JSON Feed."""

    document: Mapping[str, Any] = field(repr=False)
    context: bytes
    hashes: Sequence[bytes]

    def only(self, chosen: Collection[int]) -> bytes:
        items = [item for n, item in enumerate(self.document["items"]) if n in chosen]
        return json.dumps({**self.document, "items": items}, ensure_ascii=True).encode()


Items = XmlItems | JsonItems


def find_items(body: bytes, *, around: Iterable[str]) -> Items | None:
    """Its items; None where they cannot be told apart for certain, and the document is to be read whole.

    `around` is what the parse depends on besides the document: its address, its type, the feed's settings.
    """
    if any(mark in body for mark in UNSPLITTABLE):
        return None
    try:
        body.decode("utf-8")  # of any other charset the whole document decides (decode.settle_charset)
    except UnicodeDecodeError:
        return None
    told = [FORM, *(text.encode("utf-8", "replace") for text in around)]
    return _json_items(body, told) if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{" else _xml_items(body, told)


def _xml_items(body: bytes, told: list[bytes]) -> XmlItems | None:
    spans = _spans(body)
    if not spans or spans[0][0] > MAX_HEAD or len(body) - spans[-1][1] > MAX_HEAD:
        return None
    head = body[: spans[0][0]]
    context = _hash(b"\0".join([*told, *AROUND.findall(head), b"", *AROUND.findall(body, spans[-1][1])]))
    return XmlItems(body, context, spans, [_hash(body[start:end]) for start, end in spans], _lead(head))


def _lead(head: bytes) -> bytes:
    """What stands before the first item, as far as the items are read by it: the tags that they stand in, and the
    language. A document of which this makes no XML is read whole, like any other that is none."""
    closed = CLOSED.search(head) is not None
    around = [found for found in ANCESTOR.finditer(head) if found[1].lower() != b"channel" or not closed]
    if not around:
        return head
    end = around[-1].end()
    return b"".join([head[:end], *(found[0] for found in LANGUAGE.finditer(head, end))])


def _spans(body: bytes) -> list[tuple[int, int]] | None:
    """Where each item stands; None for a document whose items are nested, unclosed or too many."""
    small = body.lower()
    plain = not any(mark in small for mark in HIDING) and (b"<item" in small) != (b"<entry" in small)
    return (_plain_spans(body, small) if plain else None) or _all_spans(body)


def _plain_spans(body: bytes, small: bytes) -> list[tuple[int, int]] | None:
    """The same of a document in which nothing hides a tag, and every item has the same one; None where it is not so.
    Most are so, and to look for one word is the fastest there is."""
    name = b"item" if b"<item" in small else b"entry"
    opening, closing = b"<" + name, b"</" + name
    if small.count(opening) > MAX_ITEMS:
        return None
    spans: list[tuple[int, int]] = []
    at = small.find(opening)
    while at >= 0:
        end = small.find(closing, at)
        following = small.find(opening, at + 1)
        after = small.find(b">", end) + 1
        tag = small.find(b">", at)
        whole = end >= 0 and after and (following < 0 or after <= following)
        if not whole or body[tag - 1 : tag] == b"/" or body[at + len(opening) : at + len(opening) + 1] not in ENDS:
            return None
        spans.append((at, after))
        at = following
    return spans if small.count(closing) == len(spans) <= MAX_ITEMS else None


def _all_spans(body: bytes) -> list[tuple[int, int]] | None:
    spans: list[tuple[int, int]] = []
    at, opened = 0, -1
    for _ in range(MAX_TOKENS):
        found = TOKEN.search(body, at)
        if found is None:
            return spans if opened < 0 and len(spans) <= MAX_ITEMS else None
        at = found.end()
        closing = CLOSINGS.get(found[0].upper())
        if closing is not None:
            at = body.find(closing, at) + len(closing)
            if at < len(closing):
                return None
        elif not found[1]:
            end = body.find(b">", at)
            if opened >= 0 or end < 0 or body[end - 1 : end] == b"/":
                return None
            opened = found.start()
        else:
            at = body.find(b">", at) + 1
            if opened < 0 or not at:
                return None
            spans.append((opened, at))
            opened = -1
    return None


def _json_items(body: bytes, told: list[bytes]) -> JsonItems | None:
    if sum(map(body.count, MARKS)) > MAX_MARKS:
        return None
    try:
        document = json.loads(body.decode("utf-8-sig"), strict=False)
        items = document["items"]
        if not isinstance(items, list) or not 0 < len(items) <= MAX_ITEMS:
            return None
        hashes = [_hash(json.dumps(item, sort_keys=True).encode()) for item in items]
        rest = {key: value for key, value in document.items() if key in ("version", "language", "authors", "author")}
        around = json.dumps(rest, sort_keys=True).encode()
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return JsonItems(document, _hash(b"\0".join([*told, around])), hashes)


def _hash(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=HASH_BYTES).digest()


# ---------------------------------------------------------------- what is kept of a feed's last document


def read_remembered(kept: bytes | None, items: Items | None) -> dict[int, int]:
    """The items of this document that were in the last one, by position: the ids of their articles."""
    if not kept or items is None or kept[:HASH_BYTES] != items.context:
        return {}
    articles = dict(ENTRY.iter_unpack(kept[HASH_BYTES:]))
    return {n: articles[one] for n, one in enumerate(items.hashes) if one in articles}


def remember(items: Items | None, articles: Mapping[int, int]) -> bytes | None:
    """What to keep of a document: of each item that is alone with its article, both. `articles`: their ids by position.

    Items that share an article are two versions of one entry, of which the order decides: they are always read.
    """
    if items is None:
        return None
    bearers = Counter(articles.values())
    kept = [
        ENTRY.pack(items.hashes[n], article_id)
        for n, article_id in sorted(articles.items())
        if bearers[article_id] == 1
    ]
    return b"".join([items.context, *kept]) if kept else None
