"""The operator's proxy: all but webhooks goes by it, nothing goes past it, and the guard stays at its post (I07)."""

import asyncio
import contextlib
import dataclasses
import socket

import pytest
from proxy import Proxy
from scripted import assert_failed, fetch, http, look_up, moved

from worker import net
from worker.errors import FetchError, FetchReason
from worker.guard import NetworkPolicy
from worker.model import Access, Fetched, FetchFailed

CANARY = "canary-of-the-proxy"


@pytest.fixture
def proxy():
    """Opens proxies, and closes them at the end."""
    with contextlib.ExitStack() as opened:
        yield lambda **options: opened.enter_context(Proxy(**options))


def by(proxy, policy, *, login=""):
    return dataclasses.replace(policy, proxy=f"http://{login}127.0.0.1:{proxy.port}")


def test_proxy_gets_plain_requests_whole(origin, proxy, dialled):
    origin.routes["/feed?a=b"] = http(200, body=b"x")
    way = proxy()
    outcome = fetch(origin, "/feed?a=b", policy=by(way, origin.policy()))
    assert isinstance(outcome, Fetched), outcome
    assert way.asked == [f"GET {origin.url}/feed?a=b HTTP/1.1"]
    assert ("127.0.0.1", way.port) in dialled  # the proxy's own address is private, and need not be opened


def test_proxy_tunnels_tls(serve, authority, proxy, monkeypatch):
    """The proxy sees a host and a port; the name and its certificate are checked as ever."""
    look_up(monkeypatch, {"feed.example": None})
    secure = serve(tls=authority.issue("DNS:feed.example"))
    secure.routes["/"] = http(200, body=b"x")
    way = proxy(names={"feed.example": "127.0.0.1"})
    access = Access((("X-Api-Key", CANARY),), str(authority.ca))
    policy = by(way, secure.policy(), login=f"desk:{CANARY}@")
    outcome = fetch(secure, f"https://feed.example:{secure.port}/", access=access, policy=policy)
    assert isinstance(outcome, Fetched), outcome
    assert way.asked == [f"CONNECT feed.example:{secure.port} HTTP/1.1"]
    assert b"x-api-key" not in way.heads[0].lower()
    assert secure.names == ["feed.example"]
    assert secure.headers()["x-api-key"] == CANARY.encode()
    assert "proxy-authorization" not in secure.headers()
    outcome = fetch(secure, f"https://feed.example:{secure.port}/", policy=policy)
    assert_failed(outcome, FetchReason.TLS)


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize(
    ("login", "passes"), [(f"d%40sk:{CANARY}%2F@", True), ("", False), ("d%40sk:wrong@", False), ("other@", False)]
)
def test_proxy_is_told_its_password(serve, authority, proxy, secure, login, passes):
    server = serve(tls=authority.issue("IP:127.0.0.1")) if secure else serve()
    server.routes["/"] = http(200, body=b"x")
    way = proxy(user="d@sk", password=f"{CANARY}/")
    access = Access(ca_file=str(authority.ca)) if secure else None
    outcome = fetch(server, "/", access=access, policy=by(way, server.policy(), login=login))
    if passes:
        assert isinstance(outcome, Fetched), outcome
        assert "proxy-authorization" not in server.headers()
    else:
        assert_failed(outcome, FetchReason.PROXY)
        assert "407" in outcome.detail and server.requests == []
    assert CANARY not in repr(outcome)


def test_proxy_password_is_in_every_request(origin, proxy):
    """Also in those by a connection that is there already."""
    origin.routes |= {"/": moved(302, "/a"), "/a": moved(302, "/b"), "/b": http(200, body=b"x")}
    way = proxy(user="desk", password=CANARY)
    outcome = fetch(origin, "/", policy=by(way, origin.policy(), login=f"desk:{CANARY}@"))
    assert isinstance(outcome, Fetched), outcome
    assert [head.count(b"Proxy-Authorization: ") for head in way.heads] == [1, 1, 1]


def test_proxy_follows_redirects_by_hand(origin, proxy, dialled):
    origin.routes["/"] = moved(302, "http://10.0.0.1/")
    way = proxy()
    assert_failed(fetch(origin, "/", policy=by(way, origin.policy())), FetchReason.REFUSED_ADDRESS)
    assert way.asked == [f"GET {origin.url}/ HTTP/1.1"]


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/",
        "http://169.254.169.254/",
        "https://[::1]/",
        "http://2130706433/",
        "http://private.example/",
        "https://private.example/",
        "http://both.example/",
        "http://public.example:22/",
        "file:///etc/passwd",
        "http://u:p@public.example/",
    ],
)
def test_i01_the_guard_stays_at_its_post_before_a_proxy(origin, proxy, dialled, monkeypatch, url):
    look_up(
        monkeypatch,
        {"private.example": ["10.0.0.1"], "both.example": ["8.8.8.8", "10.0.0.1"], "public.example": ["8.8.8.8"]},
    )
    way = proxy()
    outcome = fetch(origin, url, policy=by(way, NetworkPolicy()))
    assert isinstance(outcome, FetchFailed), outcome
    assert outcome.reason in (FetchReason.REFUSED_ADDRESS, FetchReason.REFUSED_URL), outcome
    assert (way.asked, dialled) == ([], [])


def test_proxy_decides_about_names_that_only_it_knows(origin, proxy, monkeypatch):
    look_up(monkeypatch, {"feed.example": None})
    origin.routes["/"] = http(200, body=b"x")
    way = proxy(names={"feed.example": "127.0.0.1"})
    outcome = fetch(origin, f"http://feed.example:{origin.port}/", policy=by(way, origin.policy()))
    assert isinstance(outcome, Fetched), outcome


@pytest.mark.parametrize("status", [403, 502, 504])
def test_proxy_that_lets_nobody_through_is_said(serve, authority, proxy, status):
    server = serve(tls=authority.issue("IP:127.0.0.1"))
    outcome = fetch(server, "/", policy=by(proxy(answers=status), server.policy()))
    assert_failed(outcome, FetchReason.PROXY)
    assert f"status {status}" in outcome.detail


def test_proxy_that_is_not_there_is_said(origin, dialled):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        policy = dataclasses.replace(origin.policy(), proxy=f"http://127.0.0.1:{port}")
        outcome = fetch(origin, "/", policy=policy)
    assert_failed(outcome, FetchReason.PROXY)
    assert outcome.detail == "connection refused"
    assert dialled == [("127.0.0.1", port)]  # and nobody is asked without it


def test_proxy_whose_name_leads_nowhere_is_said(origin, monkeypatch, dialled):
    look_up(monkeypatch, {"proxy.example": None})
    outcome = fetch(origin, "/", policy=dataclasses.replace(origin.policy(), proxy="http://proxy.example:3128"))
    assert_failed(outcome, FetchReason.PROXY)
    assert "name" in outcome.detail and dialled == []


def test_proxy_by_its_name(origin, proxy, monkeypatch):
    look_up(monkeypatch, {"proxy.example": ["127.0.0.1"]})
    origin.routes["/"] = http(200, body=b"x")
    way = proxy()
    policy = dataclasses.replace(origin.policy(), proxy=f"http://Proxy.example:{way.port}/")
    assert isinstance(fetch(origin, "/", policy=policy), Fetched)


def test_proxy_session_dials_nothing_but_the_proxy(origin, proxy, dialled):
    """Past every other check of ours: the session itself, asked to go without its proxy."""
    policy = by(proxy(), origin.policy())

    async def go():
        async with net.open_session(policy, use="feed", user_agent="W/0") as session:
            session._default_proxy = None
            await session.get(origin.url + "/")

    with pytest.raises(OSError, match="only the proxy is dialled"):
        asyncio.run(go())
    assert dialled == []


@pytest.mark.parametrize("address", ["https://127.0.0.1:1", "socks5://127.0.0.1:1", "${PROXY}", "http://", "nonsense"])
def test_proxy_address_that_is_none_lets_nobody_out(address):
    with pytest.raises(FetchError, match="its address in network"):
        net.open_session(dataclasses.replace(NetworkPolicy(), proxy=address), use="feed", user_agent="W/0")


def test_i07_webhooks_go_by_no_proxy(origin, proxy):
    origin.routes["/"] = http(200)
    way = proxy()
    policy = by(way, origin.policy())

    async def go():
        async with net.open_session(policy, use="webhook", user_agent="W/0") as session:
            return await net.post(session, origin.url + "/", body=b"{}", headers={}, policy=policy)

    assert asyncio.run(go()).status == 200
    assert way.asked == []


def test_i07_a_proxy_of_the_environment_is_none_of_ours(origin, proxy, monkeypatch):
    origin.routes["/"] = http(200, body=b"x")
    ours, theirs = proxy(), proxy()
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{theirs.port}")
    monkeypatch.setenv("NO_PROXY", "*")
    assert isinstance(fetch(origin, "/", policy=by(ours, origin.policy())), Fetched)
    assert isinstance(fetch(origin, "/"), Fetched)
    assert (len(ours.asked), theirs.asked) == (1, [])


def test_j06_proxy_password_is_in_no_repr():
    policy = dataclasses.replace(NetworkPolicy(), proxy=f"http://desk:{CANARY}@proxy.example:3128")
    assert CANARY not in f"{policy} {net.find_proxy(policy, use='feed')}"
