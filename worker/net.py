"""The only way out to HTTP: redirects followed by hand, secrets kept at home, bounded reading of the answer.

guard.py says what may be dialled, dialling.py sees to it that nothing else is; this module decides nothing about feeds
or webhooks. A name is refused when any of its addresses is, and the socket that is opened is judged again by its final
address, so that a name cannot change its mind in between.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from worker.dialling import Proxy, RefusedDial, Sent, check_name, find_proxy, open_session, trust
from worker.errors import FetchError, FetchReason
from worker.guard import Allow, HostPolicy, NetworkPolicy, check_address, check_url, has_same_origin
from worker.model import Access
from worker.unpack import Unpacker

__all__ = [
    "Allow",
    "Answer",
    "HostPolicy",
    "Limits",
    "NetworkPolicy",
    "check_address",
    "check_url",
    "find_proxy",
    "get",
    "open_session",
    "post",
    "read_date",
    "read_delay",
]

Session = aiohttp.ClientSession
MIB: Final = 1024 * 1024
WEBHOOK_BODY: Final = 64 * 1024  # what we read of a receiver's answer
BODY_PATIENCE: Final = 5.0  # seconds for it: only the console shows it
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
PERMANENT: Final = frozenset({301, 308})
# What goes along to a redirect's target; validators belong to the first URL alone, and an access to its server.
FORWARDED: Final = frozenset({"accept", "accept-language", "user-agent"})
# We ask for gzip; servers that send deflate all the same have done so since there is HTTP.
CODINGS: Final = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}
PROXY_SAYS: Final = {
    403: "it lets nobody go there (status 403)",
    407: "it does not take our user name and password (status 407)",
}


@dataclass(frozen=True)
class Limits:
    """`deadline` seconds for everything from the first lookup to the last byte; `max_body` bytes, wire and decoded."""

    deadline: float = 30.0
    max_body: int = 10 * MIB
    max_hops: int = 5
    cut: bool = False  # of a longer body the first `max_body` bytes are enough
    follow: bool = True  # False: a redirect is the answer, and its one hop says where it leads


@dataclass(frozen=True)
class Answer:
    """One answered request. `body` is decoded, and empty unless the status is 2xx (post: the first 64 KiB, as sent).

    `hops` are the redirects that were followed, in order, as (status, URL it led to).
    """

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    url: str
    hops: tuple[tuple[int, str], ...] = ()

    @property
    def permanent_url(self) -> str | None:
        """Where the redirects led, when every one of them was permanent."""
        return self.url if self.hops and all(status in PERMANENT for status, _ in self.hops) else None


# ---------------------------------------------------------------- one request


async def get(
    session: aiohttp.ClientSession,
    url: str,
    *,
    headers: Mapping[str, str],
    use: str,
    policy: NetworkPolicy,
    limits: Limits | None = None,
    access: Access | None = None,
) -> Answer:
    """One GET with its redirects, each checked like the first; any status is an answer. Raises only FetchError.

    `headers` go to the first URL; a redirect's target sees only those in FORWARDED. `access` is for the first URL's
    own server: it holds as far as the redirects stay there. `use` and `policy` are the session's.
    """
    limits = limits or Limits()
    proxy = find_proxy(policy, use=use)
    try:
        async with asyncio.timeout(limits.deadline):
            asking = _Asking(session, use, policy, limits, access or Access(), proxy)
            return await asking.follow(check_url(url, use=use, policy=policy), headers)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise _translate(error, proxied=proxy is not None) from error


async def post(
    session: aiohttp.ClientSession,
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    policy: NetworkPolicy,
    use: str = "webhook",
    deadline: float = 30.0,
) -> Answer:
    """One POST, never redirected, `deadline` seconds in all. Raises only FetchError, which knows whether it was sent.

    Once the status is known the answer stands: a body that drips or breaks off is cut where it stopped.
    """
    end, leaves = asyncio.get_running_loop().time() + deadline, Sent()
    try:
        async with asyncio.timeout_at(end) as budget:
            target = check_url(url, use=use, policy=policy)
            sent = {"Accept-Encoding": "identity", **headers}
            async with session.post(
                target, data=body, headers=sent, allow_redirects=False, trace_request_ctx=leaves
            ) as response:
                budget.reschedule(None)  # from here on `_read_head` keeps the time, and loses only the body
                return Answer(response.status, response.headers, await _read_head(response, end), str(target))
    except (aiohttp.ClientError, OSError, ValueError) as error:
        found = _translate(error, proxied=False)
        raise FetchError(found.reason, found.detail, sent=leaves.begun) from error


@dataclass(frozen=True)
class _Asking:
    """What stays the same from hop to hop."""

    session: aiohttp.ClientSession
    use: str
    policy: NetworkPolicy
    limits: Limits
    access: Access
    proxy: Proxy | None

    async def follow(self, target: URL, headers: Mapping[str, str]) -> Answer:
        hops: list[tuple[int, str]] = []
        seen, home, at_home = {target}, str(target), True
        while True:
            async with await self._ask(target, headers, at_home=at_home) as response:
                if response.status not in REDIRECTS:
                    body = await _read_body(response, self.limits) if 200 <= response.status < 300 else b""
                    return Answer(response.status, response.headers, body, str(target), tuple(hops))
                onward = _next_hop(response, target, use=self.use, policy=self.policy)
                hops.append((response.status, str(onward)))
                if not self.limits.follow:
                    return Answer(response.status, response.headers, b"", str(target), tuple(hops))
            if onward in seen:
                raise FetchError(FetchReason.REDIRECT, "the redirects go in a circle")
            if len(hops) > self.limits.max_hops:
                raise FetchError(FetchReason.REDIRECT, f"more than {self.limits.max_hops} redirects")
            seen.add(onward)
            # Whoever led us away may lead us back to a page of their choice: not as somebody who is let in there.
            at_home = at_home and has_same_origin(home, str(onward))
            target, headers = onward, {k: v for k, v in headers.items() if k.lower() in FORWARDED}

    async def _ask(self, target: URL, headers: Mapping[str, str], *, at_home: bool) -> aiohttp.ClientResponse:
        sent = dict(headers)
        options: dict[str, Any] = {}
        if at_home:
            sent |= dict(self.access.headers)
            options["ssl"] = trust(self.access.ca_file) if self.access.ca_file else True
        if self.proxy:
            await check_name(target, use=self.use, policy=self.policy)
            options |= _proxy_options(self.proxy, target, sent)
        response = await self.session.get(target, headers=sent, allow_redirects=False, **options)
        if self.proxy and response.status == 407:
            response.close()
            raise FetchError(FetchReason.PROXY, PROXY_SAYS[407])
        return response


def _proxy_options(proxy: Proxy, target: URL, sent: dict[str, str]) -> dict[str, Any]:
    """The proxy's password stands before the tunnel where there is one, else in the request that the proxy passes on
    without it (RFC 9110 §11.7.1)."""
    if proxy.authorization and target.scheme == "https":
        return {"proxy_headers": {"Proxy-Authorization": proxy.authorization}}
    if proxy.authorization:
        sent["Proxy-Authorization"] = proxy.authorization
    return {}


def _next_hop(response: aiohttp.ClientResponse, base: URL, *, use: str, policy: NetworkPolicy) -> URL:
    location = response.headers.get("Location", "")
    if not location:
        raise FetchError(FetchReason.REDIRECT, f"status {response.status} without a Location")
    # Raw bytes beyond ASCII are escaped as they came, whatever their encoding.
    escaped = quote(location.encode("utf-8", "surrogateescape"), safe="".join(map(chr, range(0x20, 0x7F))))
    try:
        onward = base.join(URL(escaped))
    except ValueError as error:
        raise FetchError(FetchReason.REDIRECT, "the Location is not a URL") from error
    if base.scheme == "https" and onward.scheme == "http":
        raise FetchError(FetchReason.REDIRECT, "from https down to http")
    return check_url(str(onward), use=use, policy=policy)


# ---------------------------------------------------------------- bounded reading


async def _read_body(response: aiohttp.ClientResponse, limits: Limits) -> bytes:
    limit = limits.max_body
    if (response.content_length or 0) > limit and not limits.cut:
        raise FetchError(FetchReason.TOO_LARGE, f"announced {response.content_length} bytes")
    unpacker, wire = Unpacker(limit, _coding(response)), 0
    try:
        async for chunk in response.content.iter_any():
            wire += len(chunk)
            if wire > limit:
                raise FetchError(FetchReason.TOO_LARGE, f"more than {limit} bytes")
            unpacker.feed(chunk)
        return unpacker.finish()
    except FetchError as error:
        if not limits.cut or error.reason is not FetchReason.TOO_LARGE:
            raise
        response.close()  # else the rest would be read to keep the connection
        return unpacker.begun()


async def _read_head(response: aiohttp.ClientResponse, end: float) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout_at(min(end, asyncio.get_running_loop().time() + BODY_PATIENCE)):
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) >= WEBHOOK_BODY:
                    break
    except (aiohttp.ClientError, OSError):
        pass
    finally:
        if not response.content.at_eof():
            response.close()
    return bytes(body[:WEBHOOK_BODY])


def _coding(response: aiohttp.ClientResponse) -> str:
    """What the body is packed by. Raises FetchError for what is not unpacked here."""
    named = ",".join(response.headers.getall("Content-Encoding", [])).split(",")
    codings = [coding for name in named if (coding := name.strip().lower()) not in ("", "identity")]
    found = CODINGS.get(codings[0]) if len(codings) == 1 else None
    if codings and found is None:
        raise FetchError(FetchReason.ENCODING, f"Content-Encoding {', '.join(codings)[:60]!r} was not asked for")
    return found or ""


# ---------------------------------------------------------------- what both feeds and receivers may ask for


def read_delay(value: str, *, now: datetime) -> float | None:
    """Seconds of a Retry-After header in either form (RFC 9110 §10.2.3), never negative; None for none."""
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,18}", value):
        return float(value)
    until = read_date(value)
    return max((until - now).total_seconds(), 0.0) if until else None


def read_date(value: str) -> datetime | None:
    """An HTTP date in any of its forms (RFC 9110 §5.6.7), in UTC where it names no zone; None for anything else."""
    try:
        found = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


# ---------------------------------------------------------------- foreign errors


def _translate(error: Exception, *, proxied: bool) -> FetchError:
    """The reason behind an aiohttp or socket error, in words without URLs."""
    found = _of_the_proxy(error) if proxied else None
    return found or _of_the_host(error)


def _of_the_proxy(error: Exception) -> FetchError | None:
    """What went wrong on the way to the proxy, or in what it answered itself."""
    match error:
        case aiohttp.ClientHttpProxyError():
            words = PROXY_SAYS.get(error.status, f"it found no way to the host (status {error.status})")
            return FetchError(FetchReason.PROXY, words)
        case aiohttp.ClientConnectorDNSError():
            return FetchError(FetchReason.PROXY, "its name leads nowhere")
        case aiohttp.ClientProxyConnectionError():
            return FetchError(FetchReason.PROXY, _why(error.os_error))
        case aiohttp.ConnectionTimeoutError():
            return FetchError(FetchReason.PROXY, "connecting took too long")
    return None


def _of_the_host(error: Exception) -> FetchError:
    match error:
        case aiohttp.ClientConnectorError(os_error=RefusedDial() as dial):
            return dial.refusal
        case aiohttp.ClientConnectorDNSError():
            why = error.os_error.strerror or "no address"
            return FetchError(FetchReason.DNS, f"the name was not found: {why}"[:200])
        case aiohttp.ClientConnectorCertificateError():
            why = getattr(error.certificate_error, "verify_message", "") or "not trusted"
            return FetchError(FetchReason.TLS, f"certificate: {why}"[:200])
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return FetchError(FetchReason.TLS, "no secure connection could be agreed")
        case TimeoutError():
            kind = "connecting took too long" if isinstance(error, aiohttp.ConnectionTimeoutError) else "out of time"
            return FetchError(FetchReason.TIMEOUT, kind)
        case aiohttp.ClientConnectorError():
            return FetchError(FetchReason.CONNECT, _why(error.os_error))
        case aiohttp.ClientPayloadError():
            return FetchError(FetchReason.TRUNCATED, "the body breaks off")
        case aiohttp.ClientResponseError() if "chunk" in error.message.lower():
            return FetchError(FetchReason.TRUNCATED, "the body's chunks are broken")
        case aiohttp.ClientResponseError():
            return FetchError(FetchReason.STATUS, f"not an HTTP answer: {error.message.split(':')[0]}"[:100])
        case aiohttp.ClientConnectionError() | OSError():
            return FetchError(FetchReason.RESET, "the connection broke")
        case _:
            return FetchError(FetchReason.REFUSED_URL, "the request could not be written")


def _why(error: OSError) -> str:
    """In the system's words for it: the error's own have the address in them."""
    return os.strerror(error.errno).lower() if error.errno else "no connection"
