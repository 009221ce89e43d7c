"""The only way out to HTTP: guarded sessions, redirects followed by hand, bounded reading of the answer.

guard.py says what may be dialled; this module sees to it that nothing else is. It decides nothing about feeds or
webhooks and never reads the environment. A name is refused when any of its addresses is, and the socket that is opened
is judged again by its final address, so that a name cannot change its mind in between.
"""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDictProxy
from yarl import URL

from worker.errors import FetchError, FetchReason
from worker.guard import Allow, HostPolicy, NetworkPolicy, check_address, check_url

__all__ = [
    "Allow",
    "Answer",
    "HostPolicy",
    "Limits",
    "NetworkPolicy",
    "check_address",
    "check_url",
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
# What goes along to a redirect's target; credentials and validators belong to the first URL alone.
FORWARDED: Final = frozenset({"accept", "accept-language", "user-agent"})


@dataclass(frozen=True)
class Limits:
    """`deadline` seconds for everything from the first lookup to the last byte; `max_body` bytes, wire and decoded."""

    deadline: float = 30.0
    max_body: int = 10 * MIB
    max_hops: int = 5


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


# ---------------------------------------------------------------- the guarded session


class _RefusedDial(OSError):
    """Carries a refusal through aiohttp's connector, which lets only an OSError pass unharmed."""

    def __init__(self, refusal: FetchError) -> None:
        super().__init__(errno.EACCES, str(refusal))
        self.refusal = refusal


class _GuardedResolver(AbstractResolver):
    """Looks up every address of a name and refuses the name when one of them may not be dialled."""

    def __init__(self, policy: NetworkPolicy, use: str) -> None:
        self._policy, self._use = policy, use
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        for result in found:
            try:
                check_address(result["host"], port, use=self._use, policy=self._policy)
            except FetchError as refusal:
                raise _RefusedDial(refusal) from refusal
        return found

    async def close(self) -> None:
        await self._resolver.close()


def open_session(policy: NetworkPolicy, *, use: str, user_agent: str) -> aiohttp.ClientSession:
    """A session for one use ('feed' or 'webhook'), to be closed by the caller; call it inside a running loop.

    Every socket it opens passed `check_address` with the address that is dialled, be it from a name or a literal.
    No cookies, no proxy variables, no netrc. Connections are reused only within the session.
    """

    def guarded_socket(info: Any) -> socket.socket:
        family, kind, protocol, _, address = info
        try:
            check_address(str(address[0]), int(address[1]), use=use, policy=policy)
        except FetchError as refusal:
            raise _RefusedDial(refusal) from refusal
        return socket.socket(family=family, type=kind, proto=protocol)

    body_leaves = aiohttp.TraceConfig()
    body_leaves.on_request_chunk_sent.append(_note_sent)
    return aiohttp.ClientSession(
        trace_configs=[body_leaves],
        connector=aiohttp.TCPConnector(
            resolver=_GuardedResolver(policy, use),
            socket_factory=guarded_socket,
            # A receiver that hangs up after its answer may do so while the next message is on its way there, and then
            # nobody knows whether it has it.
            force_close=use == "webhook",
            limit=0,
            ttl_dns_cache=10,
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": user_agent, "Accept-Encoding": "gzip"},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=15),
        auto_decompress=False,
        trust_env=False,
        max_line_size=16 * 1024,  # a Location with a long query; aiohttp's 8190 is too tight for some publishers
        max_field_size=16 * 1024,
    )


class _Sent:
    """Whether a request's body has begun to leave: from then on the server may act on it, whatever we hear."""

    begun = False


async def _note_sent(session: aiohttp.ClientSession, context: Any, chunk: aiohttp.TraceRequestChunkSentParams) -> None:
    if chunk.chunk and context.trace_request_ctx is not None:
        context.trace_request_ctx.begun = True


async def get(
    session: aiohttp.ClientSession,
    url: str,
    *,
    headers: Mapping[str, str],
    use: str,
    policy: NetworkPolicy,
    limits: Limits | None = None,
) -> Answer:
    """One GET with its redirects, each checked like the first; any status is an answer. Raises only FetchError.

    `headers` go to the first URL; a redirect's target sees only those in FORWARDED. `use` is the session's.
    """
    limits = limits or Limits()
    try:
        async with asyncio.timeout(limits.deadline):
            return await _follow(session, check_url(url, use=use, policy=policy), headers, use, policy, limits)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise _translate(error) from error


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
    end, leaves = asyncio.get_running_loop().time() + deadline, _Sent()
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
        found = _translate(error)
        raise FetchError(found.reason, found.detail, sent=leaves.begun) from error


async def _follow(
    session: aiohttp.ClientSession,
    target: URL,
    headers: Mapping[str, str],
    use: str,
    policy: NetworkPolicy,
    limits: Limits,
) -> Answer:
    hops: list[tuple[int, str]] = []
    seen = {target}
    while True:
        async with session.get(target, headers=headers, allow_redirects=False) as response:
            if response.status not in REDIRECTS:
                body = await _read_body(response, limits.max_body) if 200 <= response.status < 300 else b""
                return Answer(response.status, response.headers, body, str(target), tuple(hops))
            onward = _next_hop(response, target, use=use, policy=policy)
            hops.append((response.status, str(onward)))
        if onward in seen:
            raise FetchError(FetchReason.REDIRECT, "the redirects go in a circle")
        if len(hops) > limits.max_hops:
            raise FetchError(FetchReason.REDIRECT, f"more than {limits.max_hops} redirects")
        seen.add(onward)
        target, headers = onward, {k: v for k, v in headers.items() if k.lower() in FORWARDED}


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


async def _read_body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    if (response.content_length or 0) > limit:
        raise FetchError(FetchReason.TOO_LARGE, f"announced {response.content_length} bytes")
    gunzip = _Gunzip(limit) if _is_gzip(response) else None
    wire, body = 0, bytearray()
    async for chunk in response.content.iter_any():
        wire += len(chunk)
        body += gunzip.feed(chunk) if gunzip else chunk
        if wire > limit or len(body) > limit:
            raise FetchError(FetchReason.TOO_LARGE, f"more than {limit} bytes")
    if gunzip:
        gunzip.finish()
    return bytes(body)


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


def _is_gzip(response: aiohttp.ClientResponse) -> bool:
    named = ",".join(response.headers.getall("Content-Encoding", [])).split(",")
    codings = [coding for name in named if (coding := name.strip().lower()) not in ("", "identity")]
    if not codings:
        return False
    if codings in (["gzip"], ["x-gzip"]):
        return True
    raise FetchError(FetchReason.ENCODING, f"Content-Encoding {', '.join(codings)[:60]!r} was not asked for")


class _Gunzip:
    """RFC 1952 members one after another, never more than `limit` + 1 bytes out; padding after the last is ignored."""

    MAGIC: Final = b"\x1f\x8b"
    MEMBERS: Final = 1024  # 10 MiB from a block-wise compressor are 160; more only cost time

    def __init__(self, limit: int) -> None:
        self._left, self._members, self._rest = limit + 1, 1, b""
        self._started = self._padding = False
        self._inflater = zlib.decompressobj(wbits=31)

    def feed(self, chunk: bytes) -> bytes:
        self._started = True
        out, data = bytearray(), self._rest + chunk
        self._rest = b""
        try:
            while data and self._left > 0 and not self._padding:
                if self._inflater.eof and not self._next_member(data):
                    break
                piece = self._inflater.decompress(data, self._left)
                self._left -= len(piece)
                out += piece
                data = self._inflater.unused_data if self._inflater.eof else self._inflater.unconsumed_tail
        except zlib.error as error:
            raise FetchError(FetchReason.TRUNCATED, "the gzip body is broken") from error
        return bytes(out)

    def _next_member(self, data: bytes) -> bool:
        if len(data) < len(self.MAGIC) and self.MAGIC.startswith(data):
            self._rest = data  # half a magic number: the next chunk tells
            return False
        self._padding = not data.startswith(self.MAGIC)
        if self._padding:
            return False
        self._inflater, self._members = zlib.decompressobj(wbits=31), self._members + 1
        if self._members > self.MEMBERS:
            raise FetchError(FetchReason.TOO_LARGE, f"more than {self.MEMBERS} gzip members")
        return True

    def finish(self) -> None:
        if self._started and not self._inflater.eof:
            raise FetchError(FetchReason.TRUNCATED, "the gzip body breaks off")


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


def _translate(error: Exception) -> FetchError:
    """The reason behind an aiohttp or socket error, in words without URLs."""
    match error:
        case aiohttp.ClientConnectorError(os_error=_RefusedDial() as dial):
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
            return FetchError(FetchReason.CONNECT, error.os_error.strerror or "no connection")
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
