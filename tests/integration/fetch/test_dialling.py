"""What is dialled, and what never is (I)."""

import asyncio
import contextlib
import ipaddress
import socket

import pytest
from scripted import assert_failed, fetch, http, look_up, moved

from worker import net
from worker.errors import FetchError, FetchReason
from worker.guard import Allow, NetworkPolicy
from worker.model import Fetched, FetchFailed

# Every one that ACCEPTANCE.md lists, and its neighbours; where one is a literal of IPv6, without its brackets.
NOWHERE = [
    "127.0.0.1", "127.8.9.10", "::1", "0.0.0.0", "::", "10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.0.1",
    "169.254.169.254", "100.64.0.1", "100.100.100.200", "fc00::1", "fd00:ec2::254", "fe80::1", "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe", "::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:7f00:1::1",
    "224.0.0.1", "239.255.255.250", "ff02::1", "fec0::1", "192.0.0.192", "240.0.0.1", "255.255.255.255",
]  # fmt: skip
TRICKS = [
    "2130706433", "0x7f.1", "0x7f000001", "017700000001", "0177.0.0.1", "127.1", "127.0.0.1.", "127.0.0.0x1",
    "１２７.0.0.1", "①②⑦.⓪.⓪.①", "127。0。0。1", "127｡0｡0｡1", "１６９。２５４。１６９。２５４", "[::ffff:7f00:1]",
    "[::1%25lo]",
    "127%2e0%2e0%2e1", "u:p@127.0.0.1", "@127.0.0.1", "public.example@127.0.0.1", "public.example\\@127.0.0.1",
    "127.0.0.1\\.public.example", "public.example:80@127.0.0.1:80", "127.0.0.1#@public.example",
    "127.0.0.1?@public.example", "[0:0:0:0:0:0:0:1]", "[::127.1]",
]  # fmt: skip


def bracketed(ip):
    return f"[{ip}]" if ":" in ip else ip


def all_ways(urls):
    """Why a feed or a page, and then a webhook, is refused at each address."""
    policy = NetworkPolicy()

    async def go(use, url):
        async with net.open_session(policy, use=use, user_agent="W/0") as session:
            if use == "feed":
                await net.get(session, url, headers={}, use=use, policy=policy)
            else:
                await net.post(session, url, body=b"{}", headers={}, policy=policy)

    for url in urls:
        for use in ("feed", "webhook"):
            with pytest.raises(FetchError) as refused:
                asyncio.run(go(use, url))
            yield url, refused.value.reason


def test_i01_no_literal_is_dialled(dialled):
    urls = [f"{scheme}://{bracketed(ip)}/" for ip in NOWHERE for scheme in ("http", "https")]
    assert {url: reason for url, reason in all_ways(urls) if reason != FetchReason.REFUSED_ADDRESS} == {}
    assert dialled == []


def test_i01_no_address_that_a_name_leads_to_is_dialled(dialled, monkeypatch):
    names = {f"name-{n}.example": [ip] for n, ip in enumerate(NOWHERE)}
    look_up(monkeypatch, names)
    found = list(all_ways([f"http://{name}/" for name in names]))
    assert len(found) == 2 * len(NOWHERE)
    assert [(url, reason) for url, reason in found if reason != FetchReason.REFUSED_ADDRESS] == []
    assert dialled == []


def test_i02_no_trick_of_writing_is_dialled(dialled, monkeypatch):
    look_up(monkeypatch, {"public.example": ["8.8.8.8"]})
    found = list(all_ways([f"http://{trick}/" for trick in TRICKS]))
    assert len(found) == 2 * len(TRICKS)
    assert {reason for _, reason in found} <= {FetchReason.REFUSED_ADDRESS, FetchReason.REFUSED_URL}, found
    assert dialled == []


@pytest.mark.parametrize("name", ["localhost", "localhost.", "LOCALHOST", "ｌｏｃａｌｈｏｓｔ", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ"])
def test_i02_localhost_by_any_name_is_not_dialled(dialled, name):
    for _, reason in all_ways([f"http://{name}/"]):
        unknown = [FetchReason.DNS] if name == "localhost." else []  # some resolvers know it, some do not
        assert reason in [FetchReason.REFUSED_ADDRESS, *unknown]
    assert dialled == []


def test_i01_the_socket_itself_is_guarded(dialled):
    """Past every check of ours: the session alone, with a literal that no resolver sees."""

    async def go():
        async with net.open_session(NetworkPolicy(), use="feed", user_agent="W/0") as session:
            await session.get("http://127.0.0.1:8080/")

    with pytest.raises(OSError, match="private"):
        asyncio.run(go())
    assert dialled == []


@pytest.mark.parametrize("use", ["feed", "webhook"])
def test_i03_what_was_judged_is_what_is_dialled(origin, dialled, monkeypatch, use):
    """The look-up is ours alone: no other of its own comes between the judgement and the socket."""
    lookups = []

    def lookup(host, port, *arguments, **options):
        lookups.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1" if len(lookups) == 1 else "10.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    origin.routes["/"] = http(200, body=b"x")

    async def go():
        async with net.open_session(origin.policy(), use=use, user_agent="W/0") as session:
            url = f"http://rebind.example:{origin.port}/"
            if use == "feed":
                return await net.get(session, url, headers={}, use=use, policy=origin.policy())
            return await net.post(session, url, body=b"{}", headers={}, policy=origin.policy())

    assert asyncio.run(go()).status == 200
    assert (lookups, dialled) == (["rebind.example"], [("127.0.0.1", origin.port)])


def test_i03_a_name_that_changes_its_mind_is_looked_up_once(origin, dialled, monkeypatch):
    answers = iter(["127.0.0.1", "10.0.0.1", "10.0.0.1"])

    def lookup(host, port, *arguments, **options):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    origin.routes["/"] = http(200, body=b"x")
    port = origin.server_address[1]
    assert isinstance(fetch(origin, f"http://rebind.example:{port}/"), Fetched)
    assert_failed(fetch(origin, f"http://rebind.example:{port}/"), FetchReason.REFUSED_ADDRESS)
    assert dialled == [("127.0.0.1", port)]


def test_i04_one_private_address_refuses_the_name(origin, dialled, monkeypatch):
    def lookup(host, port, *arguments, **options):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ("8.8.8.8", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    assert_failed(fetch(origin, "http://both.example/"), FetchReason.REFUSED_ADDRESS)
    assert dialled == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.2:1/", "http://169.254.169.254/", "http://[::1]/", "//10.0.0.1/", "file:///etc/passwd"]
    + ["gopher://x/", "ftp://x/", "http://u:p@example.com/", "http://127.1/", "http://localhost:22/"],
)
def test_i05_redirects_are_checked_at_every_hop(origin, dialled, status, target):
    origin.routes |= {f"/{n}": moved(302, f"/{n + 1}") for n in range(3)} | {"/3": moved(status, target)}
    outcome = fetch(origin, "/0")
    assert isinstance(outcome, FetchFailed) and outcome.reason in ("refused_address", "refused_url"), outcome
    assert {address[:2] for address in dialled} <= {origin.server_address}


@pytest.mark.parametrize("port", [22, 25, 6379, 5432, 9200])
def test_i06_a_port_of_another_service_is_not_dialled(origin, dialled, monkeypatch, port):
    look_up(monkeypatch, {"public.example": ["8.8.8.8"]})
    urls = [f"http://{host}:{port}/" for host in ("public.example", "8.8.8.8", "[2606:4700:4700::1111]")]
    reasons = {reason for _, reason in all_ways(urls)}
    assert reasons <= {FetchReason.REFUSED_ADDRESS, FetchReason.REFUSED_URL}
    origin.routes["/"] = moved(302, urls[0])
    assert_failed(fetch(origin, "/"), FetchReason.REFUSED_URL)
    assert {address[:2] for address in dialled} == {origin.server_address}


def test_i07_proxy_and_netrc_are_not_seen(origin, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login canary password canary\n")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    origin.routes["/"] = http(200, b"Set-Cookie: a=b", body=b"x")
    assert isinstance(fetch(origin, "/"), Fetched)
    assert "authorization" not in origin.headers()


@pytest.mark.parametrize("use", ["feed", "webhook"])
def test_i08_an_allowed_range_works_for_its_use_alone(origin, dialled, monkeypatch, use):
    look_up(monkeypatch, {"intranet.example": ["127.0.0.1"]})
    origin.routes["/"] = http(200, body=b"x")
    network = ipaddress.ip_network("127.0.0.1/32")
    policy = NetworkPolicy((Allow(network, frozenset({origin.port}), frozenset({use})),))

    async def post(url):
        async with net.open_session(policy, use="webhook", user_agent="W/0") as session:
            return await net.post(session, url, body=b"{}", headers={}, policy=policy)

    for url in (origin.url + "/", f"http://intranet.example:{origin.port}/"):
        if use == "feed":
            assert isinstance(fetch(origin, url, policy=policy), Fetched)
            with pytest.raises(FetchError, match="refused_address"):
                asyncio.run(post(url))
        else:
            assert asyncio.run(post(url)).status == 200
            assert_failed(fetch(origin, url, policy=policy), FetchReason.REFUSED_ADDRESS)
    assert len(origin.requests) == len(dialled) == 2


# ---------------------------------------------------------------- IPv6


@pytest.fixture
def six(serve):
    try:
        server = serve("::1")
    except OSError:
        pytest.skip("this machine has no ::1: feeds over IPv6 go UNTESTED")
    server.routes["/"] = http(200, body=b"six")
    return server


def test_f26_a_host_of_ipv6_alone_is_fetched(six, monkeypatch):
    look_up(monkeypatch, {"six.example": ["::1"]})
    for url in (f"http://six.example:{six.port}/", six.url + "/"):
        outcome = fetch(six, url, policy=six.policy())
        assert isinstance(outcome, Fetched) and outcome.body == b"six", outcome


@contextlib.contextmanager
def black_hole(port):
    """On ::1 at this port: a connection is never answered, for the queue of those that wait is full."""
    with socket.socket(socket.AF_INET6) as listener, contextlib.ExitStack() as waiting:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(("::1", port))
        listener.listen(0)
        for _ in range(4):
            one = waiting.enter_context(socket.socket(socket.AF_INET6))
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                one.connect(("::1", port))
        yield


@pytest.mark.parametrize("order", [["::1", "127.0.0.1"], ["127.0.0.1", "::1"]], ids=["six-first", "four-first"])
@pytest.mark.parametrize("broken", ["refused", "silent"])
def test_f26_a_broken_ipv6_beside_ipv4_holds_nobody_up(serve, monkeypatch, order, broken):
    """Long before the 15 s that one connection may take (RFC 8305)."""
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here: hosts with a broken one go UNTESTED")
    four = serve()
    four.routes["/"] = http(200, body=b"four")
    look_up(monkeypatch, {"both.example": order})
    with black_hole(four.port) if broken == "silent" else contextlib.nullcontext():
        outcome = fetch(four, f"http://both.example:{four.port}/", deadline=8)
    assert isinstance(outcome, Fetched) and outcome.body == b"four", outcome


def test_f26_a_broken_ipv4_beside_ipv6_holds_nobody_up(six, monkeypatch):
    look_up(monkeypatch, {"both.example": ["127.0.0.1", "::1"]})
    outcome = fetch(six, f"http://both.example:{six.port}/", policy=six.policy(), deadline=8)
    assert isinstance(outcome, Fetched) and outcome.body == b"six", outcome


def test_f25_a_host_that_takes_no_connection_is_told_apart(origin, monkeypatch):
    """From one that is connected and does not answer."""

    async def go():
        async with net.open_session(origin.policy(), use="feed", user_agent="W/0", connect=0.3) as session:
            await net.get(session, f"http://[::1]:{origin.port}/", headers={}, use="feed", policy=origin.policy())

    with black_hole(origin.port), pytest.raises(FetchError, match="timeout: connecting took too long"):
        asyncio.run(go())


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "not known"),  # NXDOMAIN
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), "Temporary failure"),  # SERVFAIL
    ],
)
def test_f25_a_name_that_is_none_and_a_server_that_fails(origin, monkeypatch, error, words):
    def lookup(*arguments, **options):
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    outcome = fetch(origin, "http://feed.example/")
    assert_failed(outcome, FetchReason.DNS)
    assert words in outcome.detail


# ---------------------------------------------------------------- TLS


def test_f25_tls_to_a_plain_server(origin):
    origin.routes["/"] = http(200)
    assert_failed(fetch(origin, origin.url.replace("http:", "https:") + "/", deadline=2), FetchReason.TLS)
