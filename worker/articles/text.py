"""Cleaning: markup to text, addresses to their canonical form, headlines to keys, quotations. Pure: no I/O."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from urllib.parse import quote as percent

from lxml import etree
from lxml import html as lxml_html

MAX_TITLE: Final = 1_000
MAX_TEXT: Final = 100_000  # code points: the longest article of our captured feeds has a third of it
MAX_URL: Final = 2_000

BLOCKS: Final = frozenset(
    "address article aside blockquote br dd div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header hr li main ol "
    "p pre section table tr ul".split()
)
UNSEEN: Final = frozenset("script style noscript template iframe object embed svg math head form button select".split())
KEPT_FORMAT: Final = "\u200c\u200d"  # the non-joiner and joiner spell words in Persian, Arabic and Indic scripts
# Parameters that only say where a reader came from (the public lists of link cleaners agree on these).
TRACKING: Final = re.compile(
    r"^(utm_[a-z_]+|at_(medium|campaign|custom\d|link.*|bbc_team|format|ptr_name)|fbclid|gclid|dclid|msclkid|yclid|igshid"
    r"|mc_cid|mc_eid|cmpid|CMP|ns_campaign|ns_mchannel|ns_source|ns_linkname|ocid|smid|_hs(enc|mi)|guccounter)$"
)


def clean_text(markup: str) -> str:
    """Plain text, its paragraphs separated by one newline; NFC, without control or invisible characters."""
    if not markup:
        return ""
    text = _without_markup(markup[: 4 * MAX_TEXT]) if "<" in markup or "&" in markup else markup
    lines = (_one_line(line) for line in re.split(r"[\n\r\u2028\u2029]+", text))
    return "\n".join(line for line in lines if line)[:MAX_TEXT]


def clean_title(markup: str) -> str:
    """A headline on one line; '' when nothing is left."""
    return _one_line(clean_text(markup).replace("\n", " "))[:MAX_TITLE]


def _without_markup(markup: str) -> str:
    if "<" not in markup:
        return html.unescape(markup)
    try:
        # A root of our own: the parser would drop text beside the first element.
        tree = lxml_html.fromstring(f"<div>{_sane(markup)}</div>", parser=lxml_html.HTMLParser(huge_tree=False))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
        return html.unescape(re.sub(r"<[^>]{0,2000}>", " ", markup))
    parts: list[str] = []
    hidden = 0
    for event, node in etree.iterwalk(tree, events=("start", "end", "comment", "pi")):
        tag = node.tag if isinstance(node.tag, str) else ""
        if event == "start":
            hidden += tag in UNSEEN
            parts.append(("\n" if tag in BLOCKS else "") + ((node.text or "") if not hidden else ""))
        else:
            hidden -= event == "end" and tag in UNSEEN
            parts.append(("\n" if tag in BLOCKS else "") + ((node.tail or "") if not hidden else ""))
    return "".join(part if part.startswith("\n") and len(part) == 1 else _flat(part) for part in parts)


def _flat(part: str) -> str:
    """In markup a line break is a space; the newline that we put before a block stays."""
    lead = "\n" if part.startswith("\n") else ""
    return lead + part[len(lead) :].replace("\n", " ").replace("\r", " ")


def _sane(markup: str) -> str:
    """Without what lxml refuses: NULs, other controls, lone surrogates."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", " ", markup)


def _one_line(text: str) -> str:
    kept = "".join(
        " " if ch.isspace() or unicodedata.category(ch) in ("Cc", "Zl", "Zp", "Zs") else ch
        for ch in unicodedata.normalize("NFC", text)
        if ch in KEPT_FORMAT or unicodedata.category(ch) not in ("Cf", "Cs", "Co", "Cn")
    )
    return re.sub(" +", " ", kept).strip()


def canonical_url(url: str) -> str:
    """An address that equals another when they lead to one page: host in small letters, no fragment, no tracking.

    '' for anything but http and https. Never for dialling: only for comparing.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return ""
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme.lower() not in ("http", "https") or not host:
        return ""
    if port and port not in (80, 443):
        host = f"{host}:{port}"
    query = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if not TRACKING.match(k)]
    path = percent(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    # One page under http and https, with and without a closing slash, is one page.
    return urlunsplit(("https", host, path.rstrip("/") or "/", urlencode(query), ""))[:MAX_URL]


def headline_key(title: str) -> str:
    """What two outlets' copies of one headline share; '' for one too short to tell a story (fewer than 4 words).

    Scripts without spaces count 4 letters as a word.
    """
    folded = unicodedata.normalize("NFKC", title).casefold()
    folded = re.sub(r"\s+[-|–—]\s+[^-|–—]{2,40}$", "", folded)  # " - Outlet"
    words = re.findall(r"\w+", folded)
    weight = sum(max(1, len(word) // 4) if re.search(r"[\u3040-\u9fff\uac00-\ud7af]", word) else 1 for word in words)
    return " ".join(words)[:200] if weight >= 4 else ""


def quote(text: str, start: int, end: int, *, limit: int = 300) -> str:
    """At most `limit` code points of `text` around [start:end], cut between words, an ellipsis at each cut."""
    if len(text) <= limit:
        return text
    room = limit - 4  # two ellipses and their spaces
    begin = max(0, min(start - room // 3, len(text) - room))
    stop = min(len(text), begin + room)
    if begin:
        gap = text.find(" ", begin, begin + 40)
        begin = gap + 1 if 0 <= gap < start else begin
    if stop < len(text):
        gap = text.rfind(" ", stop - 40, stop)
        stop = gap if gap > end else stop
    return ("… " if begin else "") + text[begin:stop].strip() + (" …" if stop < len(text) else "")
