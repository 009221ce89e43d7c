"""The parser's child process: documents in, cleaned entries out, under CPU and memory limits. The only feedparser.

Run as `python -m worker.feeds.parse_child CPU_SECONDS MEMORY_MB`; it ends when its input does.
"""

from __future__ import annotations

import io
import json
import os
import re
import resource
import struct
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, Final
from urllib.parse import urljoin, urlsplit

import feedparser
from feedparser.encodings import convert_to_utf8
from feedparser.exceptions import CharacterEncodingOverride

from worker.articles.text import MAX_URL, clean_text, clean_title
from worker.errors import FeedParseError, ParseReason
from worker.feeds.decode import (
    escape_ampersands,
    is_cut,
    refuse_declarations,
    refuse_what_is_no_feed,
    settle_charset,
    what_instead,
)

LENGTH: Final = struct.Struct(">I")
OUT_OF_MEMORY: Final = 77  # our exit code for it
MAX_ENTRIES: Final = 2_000  # the longest real feed we know has 1,000; what is over is counted, never silent
MAX_RAW: Final = 400_000  # code points of one entry's markup that are cleaned
EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
AHEAD: Final = timedelta(days=2)  # a clock may be a day off and a zone wrong; more is no date
# Sanitising and resolving are ours (articles/text.py), done once and on what is kept.
QUIET: Final = dict(sanitize_html=False, resolve_relative_uris=False)


def main() -> None:
    cpu_seconds, memory_mb = int(sys.argv[1]), int(sys.argv[2])
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not disturb the pipe
    base = _memory_in_use()
    limit = base + memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sink.write(b"!")
    sink.flush()
    while True:
        header, body = _read(source), _read(source)
        if header is None or body is None:
            return
        _rearm(cpu_seconds)
        try:
            answer = _answer(json.loads(header), body)
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        encoded = json.dumps(answer, ensure_ascii=True).encode()
        sink.write(LENGTH.pack(len(encoded)) + encoded)
        sink.flush()


def _memory_in_use() -> int:
    with open("/proc/self/statm") as handle:
        return int(handle.read().split()[0]) * resource.getpagesize()


def _rearm(seconds: int) -> None:
    """At most `seconds` for this document, in whole seconds. The limit counts from the process's start: it moves on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def _read(source: BinaryIO) -> bytes | None:
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    body = source.read(length)
    return body if len(body) == length else None


def _answer(header: Mapping[str, str], body: bytes) -> dict[str, Any]:
    try:
        return parse_document(
            body, content_type=header["content_type"], url=header["url"], now=datetime.fromisoformat(header["now"])
        )
    except FeedParseError as error:
        return {"error": str(error.reason), "detail": error.detail}
    except RecursionError:
        return {"error": str(ParseReason.TOO_DEAR), "detail": "nested too deeply"}
    except MemoryError:
        raise
    except Exception as error:
        return {"error": str(ParseReason.NOT_A_FEED), "detail": f"cannot be parsed ({type(error).__name__})"}


def parse_document(body: bytes, *, content_type: str, url: str, now: datetime) -> dict[str, Any]:
    """The document as the fields of a ParsedFeed. Raises FeedParseError."""
    if _looks_like_json(body):
        return parse_json(body, url=url, now=now)
    body, charset = settle_charset(body, content_type)
    plain = convert_to_utf8({"content-type": f"application/xml; charset={charset or ''}"}, body, {})
    refuse_what_is_no_feed(plain)
    refuse_declarations(plain)
    # Without a content-location: it would make a bare guid (<guid>123</guid>) an address that changes with the feed's.
    headers = {"content-type": "application/xml; charset=utf-8"}
    parsed = feedparser.parse(io.BytesIO(escape_ampersands(plain)), response_headers=headers, **QUIET)
    if not parsed.get("version") and not parsed.entries:
        raise FeedParseError(ParseReason.NOT_A_FEED, what_instead(plain))
    cut = bool(parsed.bozo) and is_cut(plain)
    # The last entry is half: better left for the next poll than told in half, unless there is no other.
    left_out = int(cut and len(parsed.entries) > 1)
    channel = parsed.feed
    base = _absolute(channel.get("link", ""), url) or url
    return _feed(
        parsed.entries[:-1] if left_out else parsed.entries,
        lambda raw: read_entry(raw, base=url, now=now),
        left_out=left_out,
        cut=cut,
        loose=is_loose(parsed),
        version=parsed.version or "unknown",
        title=clean_title(channel.get("title", "")),
        link=base,
        language=str(channel.get("language", ""))[:35],
        wait=_ttl(channel.get("ttl")),
    )


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


def read_entry(raw: Mapping[str, Any], *, base: str, now: datetime) -> dict[str, Any]:
    """One entry's fields as a ParsedEntry's."""
    title, text = clean_title(raw.get("title", "")[:MAX_RAW]), _longest_text(raw)
    dates = {name: value for name, value in raw.items() if name.startswith(("published", "updated"))}
    published_raw = str(dates.get("published") or dates.get("updated") or "")[:100]
    moment = dates.get("published_parsed") or dates.get("updated_parsed")
    return {
        "guid": str(raw.get("id", "")).strip()[:MAX_URL],
        "link": _absolute(_link(raw), base),
        "title": title or text[:120].split("\n")[0],
        "text": text,
        "author": clean_title(str(raw.get("author", "")))[:200],
        "published": _plausible(moment, now),
        "published_raw": clean_title(published_raw)[:100],
    }


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


def _plausible(moment: Any, now: datetime) -> str | None:
    """feedparser's UTC time tuple as ISO text; None for none, and for one that no article can have."""
    if moment is None:
        return None
    try:
        found = datetime(*moment[:6], tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return None
    return found.isoformat() if EARLIEST <= found <= now + AHEAD else None


def _ttl(value: Any) -> float | None:
    """RSS 2.0 `ttl` is in minutes."""
    try:
        minutes = float(value)
    except (TypeError, ValueError):
        return None
    return minutes * 60 if 0 < minutes < 100_000 else None


def _looks_like_json(body: bytes) -> bool:
    return body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def parse_json(body: bytes, *, url: str, now: datetime) -> dict[str, Any]:
    """JSON Feed 1.1 (jsonfeed.org). Raises FeedParseError."""
    try:
        # A stray byte or a bare line break in one entry is no reason to lose the others.
        value = json.loads(body.decode("utf-8-sig", "replace"), strict=False)
    except ValueError as error:
        raise FeedParseError(ParseReason.NOT_A_FEED, "neither XML nor JSON") from error
    if not isinstance(value, dict) or not isinstance(value.get("items"), list):
        raise FeedParseError(ParseReason.NOT_A_FEED, "JSON, but no JSON Feed: it has no items")

    def read(item: Mapping[str, Any]) -> dict[str, Any]:
        published = _plain(item.get("date_published")) or _plain(item.get("date_modified"))
        return read_entry(
            {
                "id": _plain(item.get("id")),
                "title": _plain(item.get("title")),
                "link": _plain(item.get("url")) or _plain(item.get("external_url")),
                "content": [{"value": _plain(item.get("content_html"))}],
                "summary": _escaped(_plain(item.get("content_text")) or _plain(item.get("summary"))),
                "published": published,
                "published_parsed": _iso(published),
            },
            base=url,
            now=now,
        )

    title, language = clean_title(_plain(value.get("title"))), _plain(value.get("language"))[:35]
    link = _absolute(_plain(value.get("home_page_url")), url) or url
    return _feed(value["items"], read, version="json", title=title, link=link, language=language)


def _plain(value: Any) -> str:
    """Text, or a number as text (RFC 8259 has publishers write ids as either); '' for anything else."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _iso(text: str) -> Any:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).timetuple()


if __name__ == "__main__":
    main()
