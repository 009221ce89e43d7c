"""A document's bytes before any parser sees them: the charset, and what its DOCTYPE declares. Pure: no I/O."""

from __future__ import annotations

import codecs
import re
from html.entities import html5
from typing import Final

from worker.errors import FeedParseError, ParseReason

# Korean publishers declare EUC-KR and send its superset, as browsers have long accepted (WHATWG Encoding).
KOREAN: Final = frozenset(("euc-kr", "euckr", "ks_c_5601-1987", "ksc5601", "ks_c_5601"))
# How a document in wide letters begins: its mark, or its first "<" (XML 1.0, appendix F).
WIDE: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
HEADER_CHARSET: Final = re.compile(r"""charset\s*=\s*["']?([\w.:-]{1,40})""", re.I)
XML_CHARSET: Final = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']""", re.I)
MOST_BEFORE: Final = 4_000  # bytes of a program's warnings before a document
TEN: Final = 10  # that many letters beyond ASCII for each broken one: UTF-8 with an accident, not another charset
ROOTS: Final = re.compile(rb"<(?:[\w.-]+:)?(?:rss|feed|rdf|channel|html)[\s>]", re.I)
# Every format has one of these elements, under whatever prefix; without any, no parser finds a feed.
FEED_MARKUP: Final = re.compile(rb"<(?:[^\s<>/:]+:)?(?:rss|feed|rdf|channel|item|entry)[\s>/]", re.I)
WEB_PAGE: Final = "a web page, not a feed"
DECLARATION: Final = re.compile(rb"<!(?:ENTITY|ATTLIST|ELEMENT|NOTATION)\b", re.I)
SKIPPED: Final = ((b"<!--", b"-->"), (b"<?", b"?>"), (b"<![CDATA[", b"]]>"))
SUBSET: Final = re.compile(rb"""<!--|<\?|["'\[\]>]""")  # what decides where a DOCTYPE ends
CLOSINGS: Final = {b"<!--": b"-->", b"<?": b"?>", b'"': b'"', b"'": b"'"}
# Publishers forget to escape (AT&T, ?a=1&b=2), and use HTML's names, which XML has not. In CDATA both are right.
ODD_REFERENCE: Final = re.compile(
    rb"<!\[CDATA\[.*?(?:\]\]>|\Z)|&(?!(?:lt|gt|amp|quot|apos|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});)(?:(\w{1,31});)?"
    rb"|&#(?:[xX]0*(?:[0-8bcefBCEF]|1[0-9a-fA-F])|0*(?:[0-8]|1[124-9]|2\d|3[01]));",
    re.DOTALL,
)
NO_XML: Final = bytes(n for n in range(32) if n not in b"\t\n\r")  # letters that XML 1.0 has not (section 2.2)
BLANK: Final = bytes.maketrans(NO_XML, b" " * len(NO_XML))
CLOSED_ROOT: Final = re.compile(rb"</(?:[\w.-]+:)?(?:rss|feed|rdf)\s*>", re.I)
OPENED: Final = re.compile(rb"<(?:[\w.-]+:)?(?:item|entry)[\s>]", re.I)
CLOSED: Final = re.compile(rb"</(?:[\w.-]+:)?(?:item|entry)\s*>", re.I)


def settle_charset(body: bytes, content_type: str) -> tuple[bytes, str | None]:
    """The body, repaired where it is nearly UTF-8, and the charset to read it by; None where the XML rules apply.

    Bytes that are UTF-8 are read as UTF-8 whatever was declared: a wrong declaration is common, a coincidence is not.
    """
    wide = next((charset for mark, charset in WIDE if body.startswith(mark)), None)
    if wide:
        return body.decode(wide, "replace").encode(), "utf-8"
    if body.isascii():
        return body, _named(content_type)
    text = body.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    beyond = len(text) - len(text.encode("ascii", "ignore")) - broken
    if beyond > TEN * broken:
        return text.encode(), "utf-8"
    found = XML_CHARSET.search(body[:400])
    declared = _named(content_type) or (found[1].decode("ascii").lower() if found else None)
    if declared in KOREAN or (declared is None and _reads_as_korean(body)):
        return body, "cp949"
    return body, _named(content_type)


def _named(content_type: str) -> str | None:
    found = HEADER_CHARSET.search(content_type)
    return found[1].lower() if found else None


def _reads_as_korean(body: bytes) -> bool:
    try:
        text = body.decode("cp949")
    except UnicodeDecodeError:
        return False
    beyond = [character for character in text if character > "\x7f"]
    return sum("\uac00" <= character <= "\ud7a3" for character in beyond) > 0.8 * len(beyond)


def has_feed_markup(plain: bytes) -> bool:
    """False for a web page, or anything else, before it costs what a parse does. `plain` in UTF-8."""
    return FEED_MARKUP.search(plain) is not None


def what_instead(plain: bytes) -> str:
    start = plain[:2000].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")) or b"<html" in start:
        return WEB_PAGE
    return "neither RSS, Atom, RDF nor JSON Feed"


def refuse_declarations(plain: bytes) -> None:
    """No real feed declares entities, and with them a small document becomes a huge one (billion laughs).

    Looks only into a DOCTYPE that stands before the feed's root element: an article may quote such markup. `plain` is
    the document in UTF-8. Raises FeedParseError.
    """
    at = plain.find(b"<")
    while at >= 0 and not ROOTS.match(plain, at):
        closing = next((end for start, end in SKIPPED if plain.startswith(start, at)), None)
        if closing is not None:
            at = plain.find(closing, at + 2)
        elif plain[at : at + 9].lower() == b"<!doctype":
            end = _end_of_doctype(plain, at + 9)
            # Also in what looks quoted: the parser mends broken declarations, and then reads the quotes otherwise.
            if DECLARATION.search(plain, at, end):
                raise FeedParseError(ParseReason.FORBIDDEN_MARKUP, "declares entities, elements or attributes")
            at = end - 1
        at = plain.find(b"<", at + 1) if at >= 0 else at


def _end_of_doctype(plain: bytes, at: int) -> int:
    """The position after it; after the whole document when it does not end."""
    inside = False
    while (found := SUBSET.search(plain, at)) is not None:
        token, at = found[0], found.end()
        if token in CLOSINGS:
            at = plain.find(CLOSINGS[token], at)
            if at < 0:
                break
            at += len(CLOSINGS[token])
        elif token == b">" and not inside:
            return at
        elif token in b"[]":
            inside = token == b"["
    return len(plain)


def mend(plain: bytes) -> bytes:
    """The document, in UTF-8, without the errors that are plain to see, so that the strict parser can read it: what a
    program wrote before or behind it, letters that XML has not, ampersands and HTML's names of letters."""
    return ODD_REFERENCE.sub(_reference, _trimmed(plain).translate(BLANK))


def _trimmed(plain: bytes) -> bytes:
    """From its last declaration before the root on, to the root's end: others are a program's, or ours."""
    root = ROOTS.search(plain, 0, MOST_BEFORE)
    start = plain.rfind(b"<?xml ", 0, root.start() if root else MOST_BEFORE)
    if start < 0:
        start = len(plain) - len(plain.lstrip(b"\xef\xbb\xbf \t\r\n"))
    closed = [found.end() for found in CLOSED_ROOT.finditer(plain)]
    end = closed[-1] if closed and not OPENED.search(plain, closed[-1]) else len(plain)
    return plain[start:end]


def _reference(found: re.Match[bytes]) -> bytes:
    whole, name = found[0], found[1]
    if whole.startswith(b"<"):
        return whole
    if whole.startswith(b"&#"):
        return b" "  # a letter that XML has not
    letters = html5.get(f"{name.decode()};") if name else None
    return letters.replace("&", "&amp;").replace("<", "&lt;").encode() if letters else b"&amp;" + whole[1:]


def is_cut(plain: bytes) -> bool:
    """True when the document ends inside an entry: a truncated answer whose last entry is not whole."""
    closed = max((found.end() for found in CLOSED.finditer(plain)), default=0)
    return bool(closed) and OPENED.search(plain, closed) is not None
