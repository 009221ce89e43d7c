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

from worker.articles.text import MAX_URL, clean_text, clean_title
from worker.errors import FeedParseError, ParseReason

LENGTH: Final = struct.Struct(">I")
OUT_OF_MEMORY: Final = 77  # our exit code for it
MAX_ENTRIES: Final = 2_000  # the longest real feed we know has 1,000; what is over is counted, never silent
MAX_RAW: Final = 400_000  # code points of one entry's markup that are cleaned
EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
AHEAD: Final = timedelta(days=2)  # a clock may be a day off and a zone wrong; more is no date
DECLARATION: Final = re.compile(rb"<!(ENTITY|ATTLIST|ELEMENT|NOTATION)\b", re.I)
# Korean publishers declare EUC-KR and send its superset, as browsers have long accepted (WHATWG Encoding).
WIDER: Final = re.compile(rb"""(<\?xml[^>]*encoding=["'])(euc-kr|ks_c_5601-1987)(["'])""", re.I)
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
    """The soft CPU limit counts from the process's start, so it moves on with every document."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
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
    refuse_declarations(body)
    if _looks_like_json(body):
        return parse_json(body, url=url, now=now)
    body = WIDER.sub(rb"\1cp949\3", body[:300]) + body[300:]
    headers = {"content-type": content_type or "application/xml", "content-location": url}
    parsed = feedparser.parse(io.BytesIO(body), response_headers=headers, **QUIET)
    if not parsed.version and not parsed.entries:
        raise FeedParseError(ParseReason.NOT_A_FEED, _what_instead(body))
    channel = parsed.feed
    base = _absolute(channel.get("link", ""), url) or url
    return _feed(
        parsed.entries,
        lambda raw: read_entry(raw, base=base, now=now),
        version=parsed.version or "unknown",
        title=clean_title(channel.get("title", "")),
        link=base,
        language=str(channel.get("language", ""))[:35],
        ttl=_ttl(channel.get("ttl")),
    )


def _feed(raws: Any, read: Any, **fields: Any) -> dict[str, Any]:
    """Reads each entry by itself: one that cannot be read is counted, and the others stand."""
    entries, skipped = [], max(0, len(raws) - MAX_ENTRIES)
    for raw in raws[:MAX_ENTRIES]:
        try:
            entry = read(raw)
        except (MemoryError, RecursionError):
            raise
        except Exception:
            entry = None
        if entry is None or not (entry["title"] or entry["text"] or entry["link"]):
            skipped += 1
        else:
            entries.append(entry)
    if raws and not entries:
        raise FeedParseError(ParseReason.NOT_A_FEED, "none of its entries can be read")
    return {**fields, "entries": entries, "skipped": skipped}


def refuse_declarations(body: bytes) -> None:
    """No real feed declares entities, and with them a small document becomes a huge one (billion laughs)."""
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        plain = body if encoding == "utf-8" else body.replace(b"\0", b"") if b"\0" in body[:200] else b""
        if DECLARATION.search(plain):
            raise FeedParseError(ParseReason.FORBIDDEN_MARKUP, "declares entities, elements or attributes")


def _what_instead(body: bytes) -> str:
    start = body[:2000].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")) or b"<html" in start:
        return "a web page, not a feed"
    return "neither RSS, Atom, RDF nor JSON Feed"


def read_entry(raw: Mapping[str, Any], *, base: str, now: datetime) -> dict[str, Any]:
    """One entry's fields as a ParsedEntry's."""
    title, text = clean_title(raw.get("title", "")[:MAX_RAW]), _longest_text(raw)
    published_raw = str(raw.get("published") or raw.get("updated") or "")[:100]
    moment = raw.get("published_parsed") or raw.get("updated_parsed")
    return {
        "guid": str(raw.get("id", "")).strip()[:MAX_URL],
        "link": _absolute(_link(raw), base),
        "title": title or text[:120].split("\n")[0],
        "text": text,
        "author": clean_title(str(raw.get("author", "")))[:200],
        "published": _plausible(moment, now),
        "published_raw": published_raw,
    }


def _longest_text(raw: Mapping[str, Any]) -> str:
    """The fullest of content and summary: feeds put either into either."""
    candidates = [str(part.get("value", "")) for part in raw.get("content", [])]
    candidates.append(str(raw.get("summary", "")))
    return max((clean_text(candidate[:MAX_RAW]) for candidate in candidates), key=len, default="")


def _link(raw: Mapping[str, Any]) -> str:
    if raw.get("link"):
        return str(raw["link"])
    alternates = [link.get("href", "") for link in raw.get("links", []) if link.get("rel", "alternate") == "alternate"]
    return next((href for href in alternates if href), "")


def _absolute(link: str, base: str) -> str:
    try:
        joined = urljoin(base, str(link).strip())
        scheme, host = urlsplit(joined).scheme, urlsplit(joined).hostname
    except ValueError:
        return ""
    fits = link and scheme in ("http", "https") and host and len(joined) <= MAX_URL
    return joined if fits and joined.isprintable() and " " not in joined else ""


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
        value = json.loads(body.decode("utf-8-sig"))
    except (ValueError, UnicodeDecodeError) as error:
        raise FeedParseError(ParseReason.NOT_A_FEED, "neither XML nor JSON") from error
    if not isinstance(value, dict) or not isinstance(value.get("items"), list):
        raise FeedParseError(ParseReason.NOT_A_FEED, "JSON, but no JSON Feed: it has no items")

    def read(item: Mapping[str, Any]) -> dict[str, Any]:
        published = str(item.get("date_published") or item.get("date_modified") or "")
        return read_entry(
            {
                "id": str(item.get("id", "")),
                "title": str(item.get("title") or ""),
                "link": item.get("url") or item.get("external_url") or "",
                "content": [{"value": str(item.get("content_html") or "")}],
                "summary": _escaped(str(item.get("content_text") or item.get("summary") or "")),
                "published": published,
                "published_parsed": _iso(published),
            },
            base=url,
            now=now,
        )

    title, language = clean_title(str(value.get("title", ""))), str(value.get("language", ""))[:35]
    link = _absolute(str(value.get("home_page_url", "")), url) or url
    return _feed(value["items"], read, version="json", title=title, link=link, language=language, ttl=None)


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
