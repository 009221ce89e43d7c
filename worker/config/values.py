"""Single values of the configuration, as the files write them: durations, ids, addresses, secrets.

Pure. Decides what one value may be, whatever key it stands under; schema.py has the keys.
"""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from worker.errors import QueryError
from worker.query.parse import parse_query

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
LONGEST = 3650 * UNITS["d"]  # ten years: beyond, calendars overflow
SECRET_FORM = re.compile(r"\$\{(?:file:(?P<path>[^{}]+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*))\}")
FOLDER_FORM = r"^[a-z0-9][a-z0-9_-]{0,60}$"
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
WIKIDATA = re.compile(r"Q[1-9]\d{0,11}")
HIDDEN = "***"
# ASCII only, as RFC 5322 has it unquoted: few relays take another (RFC 6531), so mail to one would fail for good.
MAILBOX = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"


def read_duration(value: Any) -> float:
    """Seconds of '500ms', '90s', '10m', '2h' or '180d'. Raises ValueError."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*", value) if isinstance(value, str) else None
    if not found:
        raise ValueError("write a duration with its unit, such as 90s, 10m, 2h or 180d")
    seconds = float(found[1]) * UNITS[found[2]]
    if seconds > LONGEST:
        raise ValueError("longer than 3650d")
    return seconds


def write_duration(seconds: float) -> str:
    """What `read_duration` reads as exactly so many seconds, in the largest unit that fits."""
    unit = next((unit for unit in ("d", "h", "m", "s") if seconds % UNITS[unit] == 0), "")
    return f"{seconds / UNITS[unit]:.0f}{unit}" if unit else f"{seconds!r}s"


def read_interval(value: Any) -> float:
    """Seconds of a duration; 0 for 'never'. Raises ValueError."""
    seconds = 0.0 if value == "never" else read_duration(value)
    if value != "never" and seconds < 1:
        raise ValueError("write `never`, or a duration of at least 1s")
    return seconds


def write_interval(seconds: float) -> str:
    return write_duration(seconds) if seconds else "never"


def _known_zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("not a known time zone; write one such as Asia/Seoul, Europe/Berlin or UTC") from None
    return value


def is_http_url(value: str) -> bool:
    return re.fullmatch(r"https?://[^\s/]+(/\S*)?", value) is not None


def _http_url(value: str) -> str:
    if not is_http_url(value):
        raise ValueError("write the whole address, with http:// or https://")
    if "${" in value:
        raise ValueError("no reference is read here; write the address out")
    return value


def _public_url(value: str) -> str:
    """Without the slash at its end; '' stays."""
    if value and not re.fullmatch(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?/?", value):
        raise ValueError("write where readers reach the console, such as https://desk.example, without a path")
    return value.rstrip("/")


def _one_line(value: str) -> str:
    if not value.strip() or re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", value):
        raise ValueError("must be one line of text, and not empty")
    return value.strip()


def _zone_or_none(value: str) -> str:
    return _known_zone(value) if value else value


# What we send ourselves, or what would change how a request is read.
OUR_HEADERS = frozenset(
    "accept accept-encoding connection content-length content-type cookie host if-modified-since if-none-match "
    "keep-alive proxy-authorization range referer te trailer transfer-encoding upgrade user-agent".split()
)


def _header_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", value) or value.lower() in OUR_HEADERS:
        raise ValueError("not a header that can be added to our requests; write one such as X-Api-Key")
    return value


def _header_value(value: Secret | str) -> Secret | str:
    if not re.fullmatch(r"[\x21-\x7e]([\x20-\x7e]{0,1998}[\x21-\x7e])?", revealed(value)):
        raise ValueError("must be one line of plain ASCII, or a reference to a secret")
    return value


CREDENTIAL = re.compile(
    r"authoriz|(^|-)(auth|sid|jwt|pass)(-|$)|token|secret|key|passw|credential|session|signature|bearer|licen[cs]e",
    re.I,
)


def names_a_credential(header: str) -> bool:
    """Whether what stands in a header of this name is most likely secret."""
    return CREDENTIAL.search(header) is not None


def _proxy_address(value: Secret | str) -> Secret | str:
    """'' for none; a reference that was not followed stays."""
    if isinstance(value, str) and (not value or SECRET_FORM.fullmatch(value)):
        return value
    found = re.fullmatch(r"http://([^\s/?#]+@)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?/?", revealed(value))
    if not found:
        raise ValueError("not a proxy's address; write it as http://proxy.example:3128")
    if found[1] and isinstance(value, str):
        raise ValueError("its user name and password are a secret: write the whole address as ${NAME} or ${file:PATH}")
    return value


def _mail_address(value: str) -> str:
    if not re.fullmatch(rf"{MAILBOX}@(?=.{{1,255}}$)[\w-]+(\.[\w-]+)*", value):
        raise ValueError("not a mail address; write it as name@host")
    return value


def titled(value: Any) -> Any:
    """A headline alone as the mapping that it is short for."""
    return {"title": value} if isinstance(value, str) else value


def _narrow(value: str) -> str:
    try:
        network = ipaddress.ip_network(value)
    except ValueError:
        return value  # said with its own words by whoever asks for the network
    if network.prefixlen < (8 if network.version == 4 else 7):
        raise ValueError("opens far more than a private range; write one no wider than 10.0.0.0/8 or fc00::/7")
    return value


def _recipient(value: str) -> str:
    return _mail_address(value) if "@" in value else value


def _query(value: str) -> str:
    try:
        parse_query(value)
    except QueryError as error:
        raise ValueError(str(error)) from None
    return value


def _review_band(value: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= value[0] <= value[1] <= 1:
        raise ValueError("write [low, high] with 0 <= low <= high <= 1: no score is between these")
    return value


def _language(value: str) -> str:
    if not re.fullmatch(r"([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)?", value):
        raise ValueError("not a language code; write one such as en, ko or ru")
    return value


def _wikidata_id(value: str) -> str:
    if value and not WIKIDATA.fullmatch(value):
        raise ValueError("not a Wikidata id; write one such as Q56226")
    return value


class Secret:
    """A secret that shows itself to nobody by accident: only `reveal()` gives it."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__


def revealed(value: Secret | str) -> str:
    return value.reveal() if isinstance(value, Secret) else value


@dataclass(frozen=True)
class Form:
    """How a value is written, in words for the reference."""

    words: str


DURATION = Form("duration")
INTERVAL = Form("duration, or `never`")
# As JSON a duration is what a file would say: that is how the writer writes one.
Duration = Annotated[
    float,
    BeforeValidator(read_duration),
    PlainSerializer(write_duration, when_used="json"),
    DURATION,
]
Interval = Annotated[
    float,
    BeforeValidator(read_interval),
    PlainSerializer(write_interval, when_used="json"),
    INTERVAL,
]
Slug = Annotated[str, Field(pattern=rf"^{SLUG.pattern}$", max_length=80), Form("id")]
WikidataId = Annotated[str, AfterValidator(_wikidata_id), Form("Wikidata id")]
Line = Annotated[str, AfterValidator(_one_line), Form("one line of text")]
Url = Annotated[str, AfterValidator(_http_url), Form("web address")]
PublicUrl = Annotated[str, AfterValidator(_public_url), Form("web address without a path")]
Zone = Annotated[str, AfterValidator(_known_zone), Form("time zone")]
ZoneName = Annotated[str, AfterValidator(_zone_or_none), Form("time zone")]
HeaderName = Annotated[str, AfterValidator(_header_name), Form("header")]
Address = Annotated[str, AfterValidator(_mail_address), Form("mail address")]
Recipient = Annotated[Line, AfterValidator(_recipient), Form("id of a person, or mail address")]
Language = Annotated[str, AfterValidator(_language), Form("language code")]
Range = Annotated[str, AfterValidator(_narrow), Form("address range")]
Band = Annotated[tuple[float, float], AfterValidator(_review_band), Form("[low, high], from 0 to 1")]
Folder = Annotated[str, Field(pattern=FOLDER_FORM), Form("small letters, digits, `-` and `_`, up to 61")]
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
Kept = Annotated[Secret | str, Form("`${NAME}` or `${file:PATH}`")]
HeaderValue = Annotated[Secret | str, AfterValidator(_header_value), Form("text, `${NAME}` or `${file:PATH}`")]
ProxyAddress = Annotated[Secret | str, AfterValidator(_proxy_address), Form("web address, `${NAME}` or `${file:PATH}`")]
WordsQuery = Annotated[str, AfterValidator(_query), Form("query")]
Strings = tuple[Line, ...]
# An empty list would read as "no such condition" and widen the rule to everything.
Slugs = Annotated[tuple[Slug, ...], Field(min_length=1)]
Names = Annotated[Strings, Field(min_length=1)]
Flag = Annotated[bool, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]
