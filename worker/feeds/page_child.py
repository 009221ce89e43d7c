"""The pages' child process: an article's text out of its page, and what a robots.txt says of our addresses.

The only trafilatura, and it never fetches anything: the bytes are ours. Under child_main's limits of CPU and memory.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from worker.articles.text import clean_text
from worker.errors import PageError, PageReason
from worker.feeds.child_main import serve
from worker.feeds.decode import HEADER_CHARSET, KOREAN, WIDE
from worker.feeds.robots import Robots, rule

HTML_TYPES: Final = ("text/html", "application/xhtml+xml")
LOOKS_LIKE_HTML: Final = re.compile(rb"<(?:!doctype\s+html|html|head|body)[\s>]", re.I)
META_CHARSET: Final = re.compile(rb"""<meta[^>]{0,300}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.I)
LEAST: Final = 60  # code points; less is a menu or a notice
HEAD: Final = 4_096  # bytes in which a page says its charset (the HTML standard wants it in the first 1,024)
# Text is stored in UTF-8; those three are read as browsers have long read them (WHATWG Encoding).
AS_BROWSERS: Final = {
    **dict.fromkeys(KOREAN, "cp949"),
    **dict.fromkeys(("iso-8859-1", "latin1", "us-ascii", "ascii"), "cp1252"),
    **dict.fromkeys(("gb2312", "gbk", "x-gbk"), "gb18030"),
    **dict.fromkeys(("shift_jis", "shift-jis", "x-sjis", "sjis"), "cp932"),
}
# Codecs of Python's that are no charset of a page's, and slow or worse on hostile bytes.
NO_CHARSETS: Final = frozenset(
    "base64 bz2 hex idna mbcs oem palmos punycode quopri raw_unicode_escape rot13 undefined unicode_escape uu zip zlib"
    " utf_7".split()
)


def main() -> None:
    serve(_answer)


def _answer(header: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    if "urls" in header:
        ruling = rule(Robots(header["verdict"], body.decode("utf-8", "replace")), header["urls"])
        return {"allowed": sorted(ruling.allowed), "delay": ruling.delay}
    try:
        return {"text": read_page(body, content_type=header["content_type"])}
    except PageError as error:
        return {"error": str(error.reason), "detail": error.detail}
    except MemoryError:
        raise
    except RecursionError:
        return {"error": str(PageReason.TOO_DEAR), "detail": "nested too deeply"}
    except Exception as error:
        return {"error": str(PageReason.NO_TEXT), "detail": f"cannot be read ({type(error).__name__})"}


def read_page(body: bytes, *, content_type: str) -> str:
    """The text of the article on a page, in paragraphs, as clean_text has them. Raises PageError."""
    if not is_html(body, content_type):
        raise PageError(PageReason.NOT_HTML, content_type.split(";")[0].strip()[:60])
    from trafilatura import extract  # 0.3 s and 40 MB: only where a desk asks for pages

    # For precision: a name in a menu, or in the headline of another article, would be a wrong alert.
    found = extract(
        decode_page(body, content_type), output_format="txt", include_comments=False, include_tables=False,
        favor_precision=True, with_metadata=False, deduplicate=False,
    )  # fmt: skip
    text = clean_text(as_markup(found or ""))
    if len(text) < LEAST:
        raise PageError(PageReason.NO_TEXT)
    return text


def as_markup(text: str) -> str:
    """Plain text so that clean_text takes it for what it is: a '<' in it is no tag. One line a paragraph."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"<p>{line}</p>" for line in escaped.splitlines() if line.strip())


def is_html(body: bytes, content_type: str) -> bool:
    """By what the server says; where it says nothing, or only "bytes", by what the page looks like."""
    named = content_type.split(";")[0].strip().lower()
    if named in ("", "application/octet-stream", "text/plain", "application/xml", "text/xml"):
        return LOOKS_LIKE_HTML.search(body[:HEAD]) is not None
    return named in HTML_TYPES


def decode_page(body: bytes, content_type: str) -> str:
    """By its mark, the header or the page's own word, in this order (the HTML standard's); else UTF-8."""
    wide = next((charset for mark, charset in WIDE if body.startswith(mark)), None)
    if wide:
        return body.decode(wide, "replace")
    if body.startswith(b"\xef\xbb\xbf"):
        return body.decode("utf-8-sig", "replace")
    in_header, in_page = HEADER_CHARSET.search(content_type), META_CHARSET.search(body[:HEAD])
    named = in_header[1] if in_header else in_page[1].decode("ascii", "replace") if in_page else "utf-8"
    for charset in (AS_BROWSERS.get(named.lower(), named.lower()), "utf-8"):
        if charset.replace("-", "_") not in NO_CHARSETS:
            try:
                return body.decode(charset, "replace")
            except (LookupError, ValueError):
                continue
    return body.decode("utf-8", "replace")


if __name__ == "__main__":
    main()
