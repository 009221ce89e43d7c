"""The parser's child process: documents in, cleaned entries out, under CPU and memory limits. The only feedparser.

Run as `python -m worker.feeds.parse_child CPU_SECONDS MEMORY_MB`; it ends when its input does.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import feedparser
from feedparser.encodings import convert_to_utf8
from feedparser.exceptions import CharacterEncodingOverride
from feedparser.mixin import _FeedParserMixin

from worker.articles.text import MAX_URL, clean_text, clean_title
from worker.errors import FeedParseError, ParseReason
from worker.feeds.child_main import serve
from worker.feeds.dates import published_at
from worker.feeds.decode import (
    WEB_PAGE,
    has_feed_markup,
    is_cut,
    mend,
    refuse_declarations,
    settle_charset,
    what_instead,
)
from worker.feeds.discover import find_feeds
from worker.feeds.wishes import skip_of, wait_of

MAX_ENTRIES: Final = 2_000  # the longest real feed we know has 1,000; what is over is counted, never silent
PAGE_HEAD: Final = 200_000  # bytes of a page in which it says what feeds it has
MAX_RAW: Final = 400_000  # code points of one entry's markup that are cleaned
DATES: Final = ("published", "updated", "created", "prism_publicationdate")  # as feedparser names them; the best first
# It would look for a parser that nobody has any more, at each document, before it takes Python's.
feedparser.api.PREFERRED_XML_PARSERS.clear()
END_TAG: Final = _FeedParserMixin.unknown_endtag


def _end_tag(parser: Any, tag: str) -> None:
    END_TAG(parser, tag)
    parser.baseuri = parser.basestack[-1] if parser.basestack else ""


# It keeps an element's xml:base after its end where there is none around it, as we have it, and reads all entries that
# follow by it: the address and the id of each would be made of the one before.
_FeedParserMixin.unknown_endtag = _end_tag
# Sanitising and resolving are ours (articles/text.py), done once and on what is kept.
QUIET: Final = dict(sanitize_html=False, resolve_relative_uris=False)


def main() -> None:
    serve(_answer)


def _answer(header: Mapping[str, str], body: bytes) -> dict[str, Any]:
    try:
        if header["want"] == "named":
            named = find_feeds(body, content_type=header["content_type"], url=header["url"])
            return {"named": [asdict(one) for one in named]}
        return parse_document(
            body,
            content_type=header["content_type"],
            url=header["url"],
            now=datetime.fromisoformat(header["now"]),
            zone=header["zone"],
        )
    except FeedParseError as error:
        return {"error": str(error.reason), "detail": error.detail}
    except RecursionError:
        return {"error": str(ParseReason.TOO_DEAR), "detail": "nested too deeply"}
    except MemoryError:
        raise
    except Exception as error:
        return {"error": str(ParseReason.NOT_A_FEED), "detail": f"cannot be parsed ({type(error).__name__})"}


def parse_document(body: bytes, *, content_type: str, url: str, now: datetime, zone: str = "") -> dict[str, Any]:
    """The document as the fields of a ParsedFeed. `zone` is its own, for dates without. Raises FeedParseError."""
    if _looks_like_json(body):
        return parse_json(body, url=url, now=now, zone=zone)
    plain = as_utf8(body, content_type)
    if not has_feed_markup(plain):
        raise no_feed(plain, url)
    plain = mend(plain)
    refuse_declarations(plain)  # in what the parser will see: mending may bring one to light
    # Without a content-location: it would make a bare guid (<guid>123</guid>) an address that changes with the feed's.
    headers = {"content-type": "application/xml; charset=utf-8"}
    parsed = feedparser.parse(io.BytesIO(plain), response_headers=headers, **QUIET)
    if not parsed.get("version") and not parsed.entries:
        raise no_feed(plain, url)
    cut = bool(parsed.bozo) and is_cut(plain)
    # The last entry is half: better left for the next poll than told in half, unless there is no other.
    left_out = int(cut and len(parsed.entries) > 1)
    channel = parsed.feed
    language = str(channel.get("language", ""))[:35]
    base = _absolute(channel.get("link", ""), url) or url
    return _feed(
        parsed.entries[:-1] if left_out else parsed.entries,
        lambda raw: read_entry(raw, Reading(url, now, zone, language)),
        left_out=left_out,
        cut=cut,
        loose=is_loose(parsed),
        version=parsed.version or "unknown",
        title=clean_title(channel.get("title", "")),
        link=base,
        language=language,
        wait=wait_of(channel),
        skip=skip_of(plain),
    )


def no_feed(plain: bytes, url: str) -> FeedParseError:
    """What it is instead, and which feed it names, if it is a page that does."""
    detail = what_instead(plain)
    if detail == WEB_PAGE:
        named = find_feeds(plain[:PAGE_HEAD], content_type="", url=url)
        said = next((one.url for one in named if one.said and len(one.url) <= 200), "")
        detail += f"; it names this feed: {said}" if said else ""
    return FeedParseError(ParseReason.NOT_A_FEED, detail)


def as_utf8(body: bytes, content_type: str) -> bytes:
    """An XML document in UTF-8, with a declaration that says so. Which charset it was in the whole of it decides."""
    body, charset = settle_charset(body, content_type)
    converted: bytes = convert_to_utf8({"content-type": f"application/xml; charset={charset or ''}"}, body, {})
    return converted


def is_loose(parsed: Mapping[str, Any]) -> bool:
    """True when feedparser found the document ill-formed. A charset that is not the declared one is no such trouble."""
    return bool(parsed.get("bozo")) and not isinstance(parsed.get("bozo_exception"), CharacterEncodingOverride)


def _feed(raws: Any, read: Any, *, left_out: int = 0, **fields: Any) -> dict[str, Any]:
    """Reads each entry by itself: one that cannot be read is counted, and the others stand.

    An empty entry is counted too: some publishers send one when there is no news.
    """
    entries, failed = [], 0
    for item, raw in enumerate(raws[:MAX_ENTRIES]):
        try:
            entry = read(raw) | {"item": item}
        except MemoryError:
            raise
        except Exception:
            failed += 1
            continue
        if entry["title"] or entry["text"] or entry["link"]:
            entries.append(entry)
    if raws and failed == len(raws[:MAX_ENTRIES]):
        raise FeedParseError(ParseReason.NOT_A_FEED, "none of its entries can be read")
    return {**fields, "entries": entries, "skipped": len(raws) - len(entries) + left_out}


@dataclass(frozen=True)
class Reading:
    """By what an entry is read, besides its own words: links by `base`, dates by the others."""

    base: str
    now: datetime
    zone: str = ""
    language: str = ""


def read_entry(raw: Mapping[str, Any], by: Reading) -> dict[str, Any]:
    """One entry's fields as a ParsedEntry's."""
    outlet = _outlet(raw)
    title, text = _without_outlet(clean_title(raw.get("title", "")[:MAX_RAW]), outlet), _longest_text(raw)
    # Not by key: feedparser warns where it gives one date for another.
    dates = {name: str(value) for name, value in raw.items() if name in DATES and value}
    raws = [dates[name] for name in DATES if name in dates]
    published = published_at(raws, now=by.now, zone=by.zone, language=by.language)
    return {
        "guid": str(raw.get("id", "")).strip()[:MAX_URL],
        "link": _absolute(_link(raw), by.base),
        "title": title or text[:120].split("\n")[0],
        "text": text,
        "author": clean_title(str(raw.get("author", "")))[:200],
        "published": published.isoformat() if published else None,
        "published_raw": clean_title(raws[0] if raws else "")[:100],
        "outlet": outlet,
    }


def _outlet(raw: Mapping[str, Any]) -> str:
    """Who wrote it, as an aggregator says: RSS `source`, and Atom's, whose title is the feed that it was taken from."""
    source = raw.get("source")
    named = source.get("title", "") if isinstance(source, Mapping) else source
    return clean_title(str(named or "")[:MAX_RAW])[:200].rstrip()


def _without_outlet(title: str, outlet: str) -> str:
    """The headline as its outlet wrote it: aggregators put the name behind it."""
    if outlet and (found := re.search(rf"\s[-|–—]\s{re.escape(outlet)}$", title)):
        return title[: found.start()].rstrip() or title
    return title


def _longest_text(raw: Mapping[str, Any]) -> str:
    """The fullest of content and summary: feeds put either into either."""
    candidates = [str(part.get("value", "")) for part in raw.get("content", [])]
    candidates.append(str(raw.get("summary", "")))
    return max((clean_text(candidate[:MAX_RAW]) for candidate in candidates), key=len, default="")


def _link(raw: Mapping[str, Any]) -> str:
    link = str(raw.get("link") or "")
    # A bare guid is no address, although RSS takes every guid for one that does not say otherwise.
    if link and (link != raw.get("id") or "://" in link):
        return link
    alternates = [link.get("href", "") for link in raw.get("links", []) if link.get("rel", "alternate") == "alternate"]
    return next((href for href in alternates if href), "")


def _absolute(link: str, base: str) -> str:
    try:
        joined = re.sub("[\u200b\ufeff]", "", urljoin(base, str(link).strip())).replace(" ", "%20")
        scheme, host = urlsplit(joined).scheme, urlsplit(joined).hostname
    except ValueError:
        return ""
    fits = link and scheme in ("http", "https") and host and len(joined) <= MAX_URL
    return joined if fits and joined.isprintable() else ""


def _looks_like_json(body: bytes) -> bool:
    return body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def parse_json(body: bytes, *, url: str, now: datetime, zone: str = "") -> dict[str, Any]:
    """JSON Feed 1.0 and 1.1 (jsonfeed.org). Raises FeedParseError."""
    try:
        # A stray byte or a bare line break in one entry is no reason to lose the others.
        value = json.loads(body.decode("utf-8-sig", "replace"), strict=False)
    except ValueError as error:
        raise FeedParseError(ParseReason.NOT_A_FEED, "neither XML nor JSON") from error
    if not isinstance(value, dict) or not isinstance(value.get("items"), list):
        raise FeedParseError(ParseReason.NOT_A_FEED, "JSON, but no JSON Feed: it has no items")

    language = _plain(value.get("language"))[:35]

    def read(item: Mapping[str, Any]) -> dict[str, Any]:
        return read_entry(
            {
                "id": _plain(item.get("id")),
                "title": _plain(item.get("title")),
                "link": _plain(item.get("url")) or _plain(item.get("external_url")),
                "content": [{"value": _plain(item.get("content_html"))}],
                "summary": _escaped(_plain(item.get("content_text")) or _plain(item.get("summary"))),
                "published": _plain(item.get("date_published")),
                "updated": _plain(item.get("date_modified")),
                "author": _author(item),
            },
            Reading(url, now, zone, language),
        )

    title = clean_title(_plain(value.get("title")))
    link = _absolute(_plain(value.get("home_page_url")), url) or url
    return _feed(value["items"], read, version="json", title=title, link=link, language=language)


def _plain(value: Any) -> str:
    """Text, or a number as text (RFC 8259 has publishers write ids as either); '' for anything else."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _author(item: Mapping[str, Any]) -> str:
    """Version 1.1 has a list of them, 1.0 had one."""
    authors = item.get("authors")
    listed = authors if isinstance(authors, list) else [item.get("author")]
    return ", ".join(_escaped(_plain(one.get("name"))) for one in listed if isinstance(one, dict) and one.get("name"))


if __name__ == "__main__":
    main()
