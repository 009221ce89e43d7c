"""What may be dialled: the operator's network policy and the checks of URLs and addresses by it.

Pure: no I/O, no clock, no look-ups. net.py applies it to every request, and to every socket that a request opens.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from yarl import URL

from worker.errors import FetchError, FetchReason

MAX_URL: Final = 4096  # longer ones are accidents or attacks; publishers' longest are near 500
HOST_FORM: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?", re.ASCII)
# Hosts that inet_aton would read as an address: 2130706433, 127.1, 0x7f.1 (WHATWG URL, "ends in a number").
NUMERIC_END: Final = re.compile(r"(.*\.)?(\d+|0x[0-9a-f]*)\.?", re.ASCII)
FORBIDDEN_IN_URL: Final = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029\ufeff\ud800-\udfff]")

# Below 1024 only the web's own ports; above, services that obey strangers' bytes (databases, queues, X11, Docker ...).
WEB_PORTS: Final = frozenset({80, 443})
SERVICE_PORTS: Final = frozenset(
    {1080, 1099, 1433, 1521, 1719, 1720, 1723, 2049, 2181, 2375, 2376, 2379, 2380, 3128, 3306, 3389, 3659, 4045, 4190}
    | {5060, 5061, 5432, 5672, 5900, 5984, 5985, 5986, 6379, 6380, 6443, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697}
    | {7474, 8086, 8500, 9042, 9092, 9100, 9200, 9300, 10080, 10250, 11211, 15672, 26379, 27017, 27018, 27019, 50070}
    | set(range(6000, 6064))
)

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

# IANA special-purpose registries and RFC 6890, written out because `is_global` differs between Python versions.
PRIVATE_4: Final = tuple(
    ipaddress.IPv4Network(cidr)
    for cidr in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
        "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4"
    ).split()
)
GLOBAL_6: Final = ipaddress.IPv6Network("2000::/3")  # everything public lives here, but for NAT64
# Teredo and its siblings, documentation, 6to4.
PRIVATE_6: Final = tuple(ipaddress.IPv6Network(c) for c in "2001::/23 2001:db8::/32 2002::/16 3fff::/20".split())
NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the IPv4 address it stands for decides
# Cloud metadata: an allow-listed range never includes them; only an entry for exactly that address does.
METADATA: Final = frozenset(
    ipaddress.ip_address(a)
    for a in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254")
)


@dataclass(frozen=True)
class Allow:
    """A private range that the operator opened. No ports means every port; `uses` holds 'feed', 'webhook' or both."""

    cidr: IPNetwork
    ports: frozenset[int] = frozenset()
    uses: frozenset[str] = frozenset({"feed", "webhook"})


@dataclass(frozen=True)
class HostPolicy:
    """How often one host may be asked: seconds between polls of a feed, seconds between requests, requests at once."""

    interval_floor: float = 120.0
    spacing: float = 1.0
    concurrent: int = 2
    ignore_hints: bool = False


@dataclass(frozen=True)
class NetworkPolicy:
    """What network.yaml says. Without one, only public addresses at polite defaults; `hosts` keys are lower case.

    `proxy` is where all but webhooks goes by: http://HOST:PORT, perhaps with a user and password.
    """

    allow: tuple[Allow, ...] = ()
    hosts: Mapping[str, HostPolicy] = field(default_factory=dict)
    proxy: str = field(default="", repr=False)

    def host(self, name: str) -> HostPolicy:
        """The policy of a host name or address literal as it stands in a URL; the default one when not listed."""
        return self.hosts.get(name.lower().strip("[]").rstrip("."), _DEFAULT_HOST)


_DEFAULT_HOST: Final = HostPolicy()


def check_url(url: str, *, use: str, policy: NetworkPolicy) -> URL:
    """The URL to dial, its host in ASCII and without its fragment.

    Raises FetchError: REFUSED_URL, or REFUSED_ADDRESS when the host is an address. A name is judged when it is dialled.
    """
    if len(url) > MAX_URL or FORBIDDEN_IN_URL.search(url.strip(" ").replace(" ", "%20")):
        raise FetchError(FetchReason.REFUSED_URL, "the URL is too long or holds a forbidden character")
    try:
        parsed = URL(url.strip(" ")).with_fragment(None)
        host, port = parsed.raw_host or "", parsed.port
    except (ValueError, UnicodeError) as error:
        raise FetchError(FetchReason.REFUSED_URL, "not a URL") from error
    if parsed.scheme not in ("http", "https"):
        raise FetchError(FetchReason.REFUSED_URL, "only http and https are fetched")
    authority = url.strip(" ").split("//", 1)[-1].split("/", 1)[0].split("?", 1)[0].split("#", 1)[0]
    if "@" in authority or "%" in authority:
        raise FetchError(FetchReason.REFUSED_URL, "a user name, password or escape in the host part")
    if not port:
        raise FetchError(FetchReason.REFUSED_URL, "port 0")
    literal = _literal(host)
    if literal is not None:
        check_address(str(literal), port, use=use, policy=policy)
    elif len(host) > 254 or not HOST_FORM.fullmatch(host.lower()) or NUMERIC_END.fullmatch(host.lower()):
        raise FetchError(FetchReason.REFUSED_URL, "not a host name")
    elif not _port_is_web(port) and not any(_opens(allow, port, use) for allow in policy.allow):
        raise FetchError(FetchReason.REFUSED_URL, f"port {port} is not a web port; network.yaml can allow it")
    return parsed


def has_same_origin(one: str, other: str) -> bool:
    """Whether two addresses are of one server: scheme, host and port (RFC 6454 §5). False for what is no address."""
    try:
        return str(URL(one).origin()).lower() == str(URL(other).origin()).lower()
    except ValueError:
        return False


def is_allow_listed(url: str, *, use: str, policy: NetworkPolicy) -> bool:
    """Whether the host is an address that the operator opened. Of a name there is no telling before it is dialled."""
    try:
        parsed = URL(url)
        address, port = _literal(parsed.raw_host or ""), parsed.port or 0
    except ValueError:
        return False
    return address is not None and any(_opens(one, port, use) and _covers(one.cidr, address) for one in policy.allow)


def check_address(ip: str, port: int, *, use: str, policy: NetworkPolicy) -> None:
    """FetchError(REFUSED_ADDRESS) unless the address is public and the port a web port, or both are allow-listed."""
    address = _literal(ip)
    if address is None or getattr(address, "scope_id", None):
        raise FetchError(FetchReason.REFUSED_ADDRESS, "not a plain IP address")
    if any(_opens(allow, port, use) and _covers(allow.cidr, address) for allow in policy.allow):
        return
    if not _is_public(address):
        raise FetchError(FetchReason.REFUSED_ADDRESS, f"{address} is private or reserved; network.yaml can allow it")
    if not _port_is_web(port):
        raise FetchError(FetchReason.REFUSED_ADDRESS, f"port {port} is not a web port; network.yaml can allow it")


def _literal(host: str) -> IPAddress | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address  # ::ffff:a.b.c.d dials a.b.c.d: it is that address


def _opens(allow: Allow, port: int, use: str) -> bool:
    return use in allow.uses and (not allow.ports or port in allow.ports)


def _covers(cidr: IPNetwork, address: IPAddress) -> bool:
    if cidr.version != address.version or address not in cidr:
        return False
    return address not in METADATA or cidr.num_addresses == 1


def _is_public(address: IPAddress) -> bool:
    if address in METADATA:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in PRIVATE_4)
    if address in NAT64:
        return _is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return address in GLOBAL_6 and not any(address in network for network in PRIVATE_6)


def _port_is_web(port: int) -> bool:
    return port in WEB_PORTS or (port >= 1024 and port not in SERVICE_PORTS)


def host_of(url: str) -> str:
    """By which name a host's feeds are counted together; '' for what is no URL: `check_url` refuses it."""
    try:
        host = urlsplit(url).hostname or ""
        if not host.isascii():  # as it is dialled: else one host would have as many turns as its name has spellings
            host = URL(url).raw_host or ""
        return host.rstrip(".")[:255]
    except ValueError:
        return ""
