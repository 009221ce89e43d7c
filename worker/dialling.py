"""Sessions that dial only what they may: every name and every socket judged; or, by a proxy, nothing but the proxy.

guard.py says what may be dialled. This module decides nothing about answers, and never reads the environment.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import functools
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from worker.errors import FetchError, FetchReason
from worker.guard import NetworkPolicy, check_address

CONNECT_SECONDS: Final = 15.0
LOOK_UP_SECONDS: Final = 3.0  # behind a proxy a machine may have no name server, and its look-ups may hang


@dataclass(frozen=True)
class Proxy:
    """`url` without its user; `authorization` is the header's value, '' for none."""

    url: URL
    authorization: str = field(default="", repr=False)


def find_proxy(policy: NetworkPolicy, *, use: str) -> Proxy | None:
    """The operator's proxy, by which all but webhooks goes; None where there is none.

    Raises FetchError for an address that is none: what is meant to go by a proxy never goes without.
    """
    if not policy.proxy or use == "webhook":
        return None
    try:
        url = URL(policy.proxy)
        if url.scheme != "http" or not url.raw_host:
            raise ValueError("not a proxy's address")
    except ValueError as error:
        raise FetchError(FetchReason.PROXY, "its address in network.yaml is none") from error
    bare = URL.build(scheme="http", host=url.raw_host, port=url.port)
    return Proxy(bare, basic(url.user or "", url.password or "") if url.user or url.password else "")


def basic(user: str, password: str) -> str:
    """The value of an Authorization header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@functools.lru_cache(maxsize=256)
def trust(ca_file: str) -> ssl.SSLContext:
    """What trusts the file's certificates alone. What is in it counts until this process ends. Raises FetchError."""
    try:
        if not Path(ca_file).is_file():
            raise FileNotFoundError(errno.ENOENT, "no such file")
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        raise FetchError(FetchReason.TLS, "its `ca_file` holds no certificate that can be read") from error


# ---------------------------------------------------------------- who may be dialled


class RefusedDial(OSError):
    """Carries a refusal through aiohttp's connector, which lets only an OSError pass unharmed."""

    def __init__(self, refusal: FetchError) -> None:
        super().__init__(errno.EACCES, str(refusal))
        self.refusal = refusal


class Gate(Protocol):
    """Each raises FetchError for what may not be dialled."""

    def check_found(self, host: str, ip: str, port: int) -> None:
        """An address that the name `host` leads to."""

    def check_dialled(self, ip: str, port: int) -> None:
        """The address of the socket that is opened."""


@dataclass(frozen=True)
class _Guard:
    policy: NetworkPolicy
    use: str

    def check_found(self, host: str, ip: str, port: int) -> None:
        check_address(ip, port, use=self.use, policy=self.policy)

    def check_dialled(self, ip: str, port: int) -> None:
        check_address(ip, port, use=self.use, policy=self.policy)


class _ProxyOnly:
    """The proxy may be anywhere, for it is the operator's own setting; and nothing else is dialled."""

    def __init__(self, proxy: Proxy) -> None:
        self._host, self._port = proxy.url.raw_host or "", proxy.url.port
        self._found = {self._host}

    def check_found(self, host: str, ip: str, port: int) -> None:
        if host == self._host:
            self._found.add(ip)

    def check_dialled(self, ip: str, port: int) -> None:
        if port != self._port or ip not in self._found:
            raise FetchError(FetchReason.REFUSED_ADDRESS, "only the proxy is dialled")


class _GuardedResolver(AbstractResolver):
    """Looks up every address of a name and refuses the name when one of them may not be dialled."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        for result in found:
            try:
                self._gate.check_found(host, result["host"], port)
            except FetchError as refusal:
                raise RefusedDial(refusal) from refusal
        return found

    async def close(self) -> None:
        await self._resolver.close()


async def check_name(url: URL, *, use: str, policy: NetworkPolicy) -> None:
    """For what goes by a proxy: refuses a name that leads, as seen from here, where we would not dial.

    A name that cannot be looked up here is the proxy's to judge: behind some there is no other name server. Raises
    FetchError.
    """
    host, port = url.raw_host or "", url.port or 0
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            found = await aiohttp.ThreadedResolver().resolve(host, port, socket.AF_UNSPEC)
    except OSError:
        return
    for result in found:
        check_address(result["host"], port, use=use, policy=policy)


# ---------------------------------------------------------------- the session


def open_session(
    policy: NetworkPolicy, *, use: str, user_agent: str, connect: float = CONNECT_SECONDS
) -> aiohttp.ClientSession:
    """A session for one use ('feed' or 'webhook'), to be closed by the caller; call it inside a running loop.

    Every socket it opens passed `check_address` with the address that is dialled, be it from a name or a literal; where
    the policy has a proxy for this use, it opens sockets to that alone. No cookies, no proxy variables, no netrc.
    Connections are reused only within the session; `connect` seconds for each. Raises FetchError (`find_proxy`).
    """
    proxy = find_proxy(policy, use=use)
    gate: Gate = _ProxyOnly(proxy) if proxy else _Guard(policy, use)

    def guarded_socket(info: Any) -> socket.socket:
        family, kind, protocol, _, address = info
        try:
            gate.check_dialled(str(address[0]), int(address[1]))
        except FetchError as refusal:
            raise RefusedDial(refusal) from refusal
        return socket.socket(family=family, type=kind, proto=protocol)

    body_leaves = aiohttp.TraceConfig()
    body_leaves.on_request_chunk_sent.append(_note_sent)
    return aiohttp.ClientSession(
        trace_configs=[body_leaves],
        connector=aiohttp.TCPConnector(
            resolver=_GuardedResolver(gate),
            socket_factory=guarded_socket,
            # A receiver that hangs up after its answer may do so while the next message is on its way there, and then
            # nobody knows whether it has it.
            force_close=use == "webhook",
            limit=0,
            ttl_dns_cache=10,
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": user_agent, "Accept-Encoding": "gzip"},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect),
        auto_decompress=False,
        trust_env=False,
        proxy=proxy.url if proxy else None,
        max_line_size=16 * 1024,  # a Location with a long query; aiohttp's 8190 is too tight for some publishers
        max_field_size=16 * 1024,
    )


class Sent:
    """Whether a request's body has begun to leave: from then on the server may act on it, whatever we hear."""

    begun = False


async def _note_sent(session: aiohttp.ClientSession, context: Any, chunk: aiohttp.TraceRequestChunkSentParams) -> None:
    if chunk.chunk and context.trace_request_ctx is not None:
        context.trace_request_ctx.begun = True
