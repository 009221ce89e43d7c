"""What is dialled, and what never is (I)."""

import asyncio
import ipaddress
import socket
import ssl
import subprocess
import threading

import pytest
from scripted import assert_failed, fetch, http, moved

from worker import net
from worker.errors import FetchReason
from worker.guard import Allow, NetworkPolicy
from worker.model import Fetched, FetchFailed


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://0.0.0.0/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://2130706433/",
        "http://127.1/",
        "http://localhost/",
        "http://localhost./",
    ],
)
def test_i01_i02_nothing_is_dialled(origin, dialled, url):
    outcome = fetch(origin, url, policy=NetworkPolicy())
    unknown = ["dns"] if url == "http://localhost./" else []  # some resolvers know it, some do not
    assert isinstance(outcome, FetchFailed), outcome
    assert outcome.reason in ["refused_address", "refused_url", *unknown], outcome
    assert dialled == []


def test_i01_the_socket_itself_is_guarded(dialled):
    """Past every check of ours: the session alone, with a literal that no resolver sees."""

    async def go():
        async with net.open_session(NetworkPolicy(), use="feed", user_agent="W/0") as session:
            await session.get("http://127.0.0.1:8080/")

    with pytest.raises(OSError, match="private"):
        asyncio.run(go())
    assert dialled == []


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


def test_i07_proxy_and_netrc_are_not_seen(origin, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login canary password canary\n")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    origin.routes["/"] = http(200, b"Set-Cookie: a=b", body=b"x")
    assert isinstance(fetch(origin, "/"), Fetched)
    assert "authorization" not in origin.headers()


def test_i08_an_allowed_range_has_its_use(origin):
    port = origin.server_address[1]
    policy = NetworkPolicy((Allow(ipaddress.ip_network("127.0.0.1/32"), frozenset({port}), frozenset({"webhook"})),))
    assert_failed(fetch(origin, "/", policy=policy), FetchReason.REFUSED_ADDRESS)


@pytest.fixture
def tls(tmp_path):
    """A TLS server with a certificate that nobody trusts; it notes the name it is asked for."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    try:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
            + ["-keyout", key, "-out", certificate],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("no openssl to make a certificate with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    names = []
    context.sni_callback = lambda connection, name, ours: names.append(name)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1], names
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(timeout=2)


def test_f25_i09_tls_names_the_host_and_checks_it(origin, tls):
    port, names = tls
    policy = NetworkPolicy((Allow(ipaddress.ip_network("127.0.0.0/8")), Allow(ipaddress.ip_network("::1/128"))))
    outcome = fetch(origin, f"https://localhost:{port}/", policy=policy)
    assert_failed(outcome, FetchReason.TLS)
    assert "certificate" in outcome.detail
    assert names == ["localhost"]


def test_f25_tls_to_a_plain_server(origin):
    origin.routes["/"] = http(200)
    assert_failed(fetch(origin, origin.url.replace("http:", "https:") + "/", deadline=2), FetchReason.TLS)
