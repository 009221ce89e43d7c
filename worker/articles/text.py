"""Cleaning: markup to text, addresses to their canonical form, headlines to keys, quotations. Pure: no I/O."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote as percent
from urllib.parse import unquote_plus, urlsplit, urlunsplit

from lxml import etree

from worker.display import one_line

MAX_TITLE: Final = 1_000
MAX_TEXT: Final = 100_000  # code points: the longest article of our captured feeds has a third of it
MAX_URL: Final = 2_000

BLOCKS: Final = frozenset(
    "address article aside blockquote br caption center dd details div dl dt figcaption figure footer h1 h2 h3 h4 h5 "
    "h6 header hr li main ol p pre section summary table td th tr ul".split()
)
UNSEEN: Final = frozenset(
    "script style noscript template iframe object embed svg math head title form button select textarea".split()
)
# Parameters that only say where a reader came from (the public lists of link cleaners agree on these).
TRACKING: Final = re.compile(
    r"(utm_[a-z_]+|at_(medium|campaign|custom\d|link.*|bbc_team|format|ptr_name)|fbclid|gclid|dclid|msclkid|yclid|igshid"
    r"|mc_cid|mc_eid|cmpid|CMP|ns_campaign|ns_mchannel|ns_source|ns_linkname|ocid|smid|_hs(enc|mi)|guccounter"
    r"|guce_referrer(_sig)?|gbraid|wbraid|twclid|ttclid|igsh|mibextid|mkt_tok|ref_src|soc_src|soc_trk|xtor"
    # Of single publishers: Al Jazeera, Deutsche Welle, Barron's, heise, Bloomberg, CNET, the New York Times.
    r"|traffic_source|maca|refsec|wt_z?mc|srnd|ftag|mwrsm)"
)
# These may name a page, but not when they say that the reader came from a feed: ref=rss, mod=rss_world.
FROM_FEED: Final = re.compile(r"(ref|source|from|partner|emc|mod)=rss([_-].*)?", re.I)
SMALL_WORDS: Final = frozenset("of the and for in on de la al".split())  # as an outlet's name has them


def clean_text(markup: str) -> str:
    """Plain text, its paragraphs separated by one newline; NFC, without control or invisible characters."""
    if not markup:
        return ""
    text = _without_markup(markup[: 4 * MAX_TEXT]) if "<" in markup or "&" in markup else markup
    lines = (one_line(line) for line in re.split(r"[\n\r\u2028\u2029]+", text))
    return "\n".join(line for line in lines if line)[:MAX_TEXT].rstrip()


def clean_title(markup: str) -> str:
    """A headline on one line; '' when nothing is left."""
    return one_line(clean_text(markup).replace("\n", " "))[:MAX_TITLE].rstrip()


def _without_markup(markup: str) -> str:
    if "<" not in markup:
        return html.unescape(markup)
    try:
        # A root of our own: the parser would drop text beside the first element.
        parser = etree.HTMLParser(target=_Words(), huge_tree=False)
        return str(etree.fromstring(f"<div>{_sane(markup)}</div>", parser=parser))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
        return html.unescape(re.sub(r"<[^>]{0,2000}>", " ", markup))


class _Words:
    """Hears the parser's events and keeps the visible text. No tree is built: one of 255 levels would lose its text."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.hidden = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.hidden += tag in UNSEEN
        if tag in BLOCKS:
            self.parts.append("\n")

    def end(self, tag: str) -> None:
        self.hidden -= tag in UNSEEN
        if tag in BLOCKS:
            self.parts.append("\n")

    def data(self, text: str) -> None:
        """In markup a line break is a space."""
        if not self.hidden:
            self.parts.append(text.replace("\n", " ").replace("\r", " "))

    def close(self) -> str:
        return "".join(self.parts)


def _sane(markup: str) -> str:
    """Without what lxml refuses: NULs, other controls, lone surrogates."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", " ", markup)


def canonical_url(url: str) -> str:
    """An address that equals another when they lead to one page: host in small letters, no fragment, no tracking.

    '' for anything but http and https. Never cut: two long addresses must not become one. Never for dialling.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return ""
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme.lower() not in ("http", "https") or not host:
        return ""
    host = f"[{host}]" if ":" in host else host
    if port and port not in (80, 443):
        host = f"{host}:{port}"
    # Split, never decoded: a query in an older encoding (EUC-KR and others) would lose what tells its pages apart.
    fields = [field for field in parts.query.split("&") if field and not _is_tracking(field)]
    # One page under http and https, with and without a closing slash, is one page.
    return urlunsplit(("https", host, _escaped(parts.path).rstrip("/") or "/", _escaped("&".join(fields)), ""))


def _is_tracking(field: str) -> bool:
    return bool(TRACKING.fullmatch(unquote_plus(field.partition("=")[0])) or FROM_FEED.fullmatch(field))


def _escaped(part: str) -> str:
    """As ASCII; what is escaped already stays, its digits in capitals (RFC 3986 §6.2.2.1)."""
    ascii_only = percent(part, safe="/%:@!$&'()*+,;=~-._?", errors="surrogatepass")
    return re.sub(r"%[0-9a-fA-F]{2}", lambda found: found[0].upper(), ascii_only)


def headline_key(title: str) -> str:
    """What two outlets' copies of one headline share; '' for one too short to tell a story (fewer than 4 words).

    Scripts without spaces count 4 letters as a word.
    """
    words = folded_words(without_outlet(title))
    weight = sum(max(1, len(word) // 4) if re.search(r"[\u3040-\u9fff\uac00-\ud7af]", word) else 1 for word in words)
    return " ".join(words)[:200] if weight >= 4 else ""


def folded_words(text: str) -> list[str]:
    """Its words in small letters: case, quotes, spaces and punctuation tell none apart."""
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())


def without_outlet(title: str) -> str:
    """The headline without its ' - Outlet'. What does not read as a name stays: '… live - Iran strikes' is news."""
    found = re.search(r"\s[-|–—]\s([^-|–—]{2,40})$", title)
    words = found[1].split() if found else []
    named = all((word[0].isalpha() and not word[0].islower()) or word.lower() in SMALL_WORDS for word in words)
    return title[: found.start()] if found and named and len(words) <= 4 else title


def quote(text: str, start: int, end: int, *, limit: int = 300) -> str:
    """At most `limit` code points of `text` around [start:end], cut between words, an ellipsis at each cut."""
    if len(text) <= limit:
        return text
    room = limit - 4  # two ellipses and their spaces
    begin = max(0, min(start - room // 3, len(text) - room))
    stop = min(len(text), begin + room)
    if begin and (gap := re.search(r"\s", text[begin : min(begin + 40, start)])):
        begin += gap.end()
    if stop < len(text) and (tail := re.search(r"\s\S*$", text[max(stop - 40, end) : stop + 1])):
        stop = max(stop - 40, end) + tail.start()
    return ("… " if begin else "") + text[begin:stop].strip() + (" …" if stop < len(text) else "")
