"""The fetcher and the guarded session against loopback servers that answer byte for byte as told."""

import asyncio
import gzip
import hashlib
import ipaddress
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
import zlib

import pytest

from worker import net
from worker.errors import FetchError, FetchReason
from worker.feeds.fetch import Fetcher
from worker.model import Fetched, FetchFailed, FetchRequest, NotModified, ServerHints, Validators
from worker.net import Allow, HostPolicy, NetworkPolicy

DIALLED = None


def _note_connects(event, arguments):
    if event == "socket.connect" and DIALLED is not None:
        DIALLED.append(arguments[1])


sys.addaudithook(_note_connects)


@pytest.fixture
def dialled():
    """Every address that this process tries to connect to during the test."""
    global DIALLED
    DIALLED = []
    yield DIALLED
    DIALLED = None


class Origin(socketserver.ThreadingTCPServer):
    """Answers each path with the bytes of its route; a route is bytes, or a function that writes to the socket."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.routes, self.requests, self.times = {}, [], []
        self.open = self.most = 0
        self.lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def policy(self, **host):
        mine = HostPolicy(**{"interval_floor": 1, "spacing": 0, "concurrent": 50, "ignore_hints": True, **host})
        port = frozenset({self.server_address[1]})
        return NetworkPolicy((Allow(ipaddress.ip_network("127.0.0.0/8"), port),), {"127.0.0.1": mine})

    def headers(self, index=-1):
        lines = self.requests[index].split(b"\r\n")[1:]
        return {name.lower().decode(): value for name, value in (line.split(b": ", 1) for line in lines if line)}


class _Conversation(socketserver.BaseRequestHandler):
    def handle(self):
        origin = self.server
        with origin.lock:
            origin.open += 1
            origin.most = max(origin.most, origin.open)
        try:
            self.answer(origin)
        except OSError:
            pass  # the client hung up, as some tests want
        finally:
            with origin.lock:
                origin.open -= 1

    def answer(self, origin):
        request = b""
        while b"\r\n\r\n" not in request:
            if not (chunk := self.request.recv(65536)):
                return
            request += chunk
            if request.startswith(b"\x16"):  # a TLS greeting: answer as a plain server would
                self.request.sendall(http(400))
                return
        with origin.lock:
            origin.requests.append(request.split(b"\r\n\r\n", 1)[0])
            origin.times.append(time.monotonic())
        route = origin.routes[request.split(b" ", 2)[1].decode()]
        if callable(route):
            route(self.request)
        else:
            self.request.sendall(route)


def http(status, *lines, body=b"", length=True):
    head = [f"HTTP/1.1 {status} X".encode(), b"Connection: close", *lines]
    if length:
        head.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def moved(status, location):
    return http(status, b"Location: " + location.encode())


@pytest.fixture
def origin():
    server = Origin()
    yield server
    server.shutdown()
    server.server_close()


def fetch(origin, url, *, validators=None, policy=None, **options):
    """One request's outcome."""
    url = origin.url + url if url.startswith("/") else url
    fetcher = Fetcher(policy or origin.policy(), user_agent="Wirewatch/0 (+https://desk.example)", **options)
    [[result]] = list(fetcher.fetch_all([FetchRequest("f", url, validators or Validators())]))
    return result.outcome


def assert_failed(outcome, reason):
    assert isinstance(outcome, FetchFailed), outcome
    assert outcome.reason == reason, outcome


# ---------------------------------------------------------------- politeness and correctness (F)


def test_f02_f19_f20_what_a_request_carries(origin):
    origin.routes["/"] = http(200, b'ETag: W/"a,b"', b"Last-Modified: Thu,  9 Nov 2023 25:00", body=b"<rss/>")
    first = fetch(origin, "/")
    assert isinstance(first, Fetched)
    assert set(origin.headers()) == {"host", "user-agent", "accept", "accept-encoding"}
    assert origin.headers()["user-agent"] == b"Wirewatch/0 (+https://desk.example)"
    assert origin.headers()["accept-encoding"] == b"gzip"
    assert first.body == b"<rss/>" and first.body_hash == hashlib.sha256(b"<rss/>").hexdigest()
    fetch(origin, "/", validators=first.validators)
    assert origin.headers()["if-none-match"] == b'W/"a,b"'
    assert origin.headers()["if-modified-since"] == b"Thu,  9 Nov 2023 25:00"


def test_f02_an_etag_beyond_ascii_returns_the_same_bytes(origin):
    origin.routes["/"] = http(200, 'ETag: "é한"'.encode(), body=b"x")
    fetch(origin, "/", validators=fetch(origin, "/").validators)
    assert origin.headers()["if-none-match"] == '"é한"'.encode()


def test_f02_an_etag_that_is_no_text_is_not_kept(origin):
    origin.routes["/"] = http(200, b'ETag: "\xe9"', b"Last-Modified: Mon", body=b"x")
    assert fetch(origin, "/").validators == Validators(None, "Mon")


def test_f06_not_modified(origin):
    origin.routes["/"] = http(304, b'ETag: "new"', b"Cache-Control: max-age=600", length=False)
    outcome = fetch(origin, "/", validators=Validators('"old"', "Mon"))
    assert outcome == NotModified(Validators('"new"', "Mon"), ServerHints(max_age=600))


@pytest.mark.parametrize("status", [301, 308])
def test_f14_a_permanent_redirect_is_reported(origin, status):
    origin.routes |= {"/": moved(status, "/new"), "/new": http(200, b'ETag: "n"', body=b"x")}
    outcome = fetch(origin, "/", validators=Validators('"old"', "Mon"))
    assert (outcome.permanent_url, outcome.final_url) == (origin.url + "/new", origin.url + "/new")
    assert outcome.validators.etag == '"n"'
    assert "if-none-match" in origin.headers(0) and "if-modified-since" in origin.headers(0)
    assert not {"if-none-match", "if-modified-since"} & set(origin.headers(1))  # they belong to the first URL


@pytest.mark.parametrize("status", [302, 303, 307])
def test_f14_a_temporary_redirect_is_followed_only(origin, status):
    origin.routes |= {"/": moved(status, "/new"), "/new": moved(301, "/newer"), "/newer": http(200, body=b"x")}
    outcome = fetch(origin, "/")
    assert (outcome.permanent_url, outcome.final_url) == (None, origin.url + "/newer")


def test_f15_redirects_that_lead_nowhere(origin):
    origin.routes |= {f"/{n}": moved(301, f"/{n + 1}") for n in range(9)}
    origin.routes |= {
        "/a": moved(302, "/b"),
        "/b": moved(302, "/a"),
        "/none": http(302),
        "/bad": moved(302, "http://[x"),
    }
    for path, requests in [("/0", 6), ("/a", 2), ("/none", 1), ("/bad", 1)]:
        origin.requests.clear()
        assert_failed(fetch(origin, path), FetchReason.REDIRECT)
        assert len(origin.requests) == requests, path


def test_f15_five_hops_are_enough(origin):
    origin.routes |= {f"/{n}": moved(301, f"/{n + 1}") for n in range(5)} | {"/5": http(200, body=b"x")}
    assert fetch(origin, "/0").permanent_url == origin.url + "/5"


def test_redirect_location_beyond_ascii_is_escaped(origin):
    origin.routes["/"] = (
        b"HTTP/1.1 302 X\r\nConnection: close\r\nContent-Length: 0\r\nLocation: /\xeb\x89\xb4 a\r\n\r\n"
    )
    origin.routes["/%EB%89%B4%20a"] = http(200, body=b"x")
    assert fetch(origin, "/").body == b"x"


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (http(410), "gone"),
        (http(404), "not_found"),
        (http(403), "forbidden"),
        (http(429, b"Retry-After: 86400"), "rate_limited"),
        (http(503, b"Retry-After: 120"), "rate_limited"),
        (http(503), "server"),
        (http(204), "status"),
        (b"SSH-2.0-OpenSSH_9\r\n", "status"),  # not HTTP at all
        (b"", "reset"),  # hung up without a word
        (http(200, body=b"x" * 100)[:-1], "truncated"),
        (http(200, b"Transfer-Encoding: chunked", length=False, body=b"5\r\nhello\r\n"), "truncated"),
        (http(200, b"Transfer-Encoding: chunked", length=False, body=b"zz\r\nhello\r\n0\r\n\r\n"), "truncated"),
        (http(200, b"Content-Encoding: gzip", body=gzip.compress(b"x" * 99)[:-5]), "truncated"),
        (http(200, b"Content-Encoding: gzip", body=b"no gzip"), "truncated"),
        (http(200, b"Content-Encoding: br", body=b"x"), "encoding"),
        (http(200, b"Content-Encoding: zstd", body=b"x"), "encoding"),
        (http(200, b"Content-Encoding: deflate", body=zlib.compress(b"x")), "encoding"),
        (http(200, b"Content-Encoding: gzip, gzip", body=gzip.compress(gzip.compress(b"x"))), "encoding"),
        (http(200, b"Content-Encoding: gzip", b"Content-Encoding: br", body=b"x"), "encoding"),
        (http(200, b"Content-Length: 999999999", length=False), "too_large"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000_000 + b"\r\n\r\n", "status"),  # H04: a header of 10 MB
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[:60]),
)
def test_f12_f20_f23_h03_h04_answers_that_fail(origin, response, reason):
    origin.routes["/"] = response
    outcome = fetch(origin, "/", validators=Validators('"kept"'))
    assert_failed(outcome, reason)
    assert "127.0.0.1" not in outcome.detail


def test_f12_hints_come_with_the_failure(origin):
    origin.routes["/"] = http(429, b"Retry-After: 86400")
    assert fetch(origin, "/").hints.retry_after == 86_400


@pytest.mark.parametrize("coding", [b"gzip", b"x-gzip", b"GZIP", b"identity, gzip"])
def test_f20_gzip_is_decoded(origin, coding):
    origin.routes["/"] = http(200, b"Content-Encoding: " + coding, body=gzip.compress(b"<rss/>"))
    assert fetch(origin, "/").body == b"<rss/>"


def test_f21_a_partial_feed_is_a_feed(origin):
    origin.routes["/"] = http(226, b"IM: feed", body=b"<rss/>")
    assert fetch(origin, "/").status == 226


def test_f12_a_hosts_other_feeds_wait_too(origin):
    origin.routes["/"] = http(429, b"Retry-After: 120")
    fetcher = Fetcher(origin.policy(concurrent=1, ignore_hints=False), user_agent="W/0")
    for _ in range(2):  # the hold outlives the batch
        requests = [FetchRequest(str(n), origin.url + "/") for n in range(5)]
        results = [result for group in fetcher.fetch_all(requests) for result in group]
        assert {result.outcome.reason for result in results} == {FetchReason.RATE_LIMITED}
        assert all(result.outcome.hints.retry_after > 100 for result in results)
    assert len(origin.requests) == 1


def test_f17_two_at_once_and_spaced(origin):
    def slow(connection):
        time.sleep(0.25)
        connection.sendall(http(200, body=b"x"))

    origin.routes["/"] = slow
    fetcher = Fetcher(origin.policy(concurrent=2, spacing=0.1), user_agent="W/0")
    requests = [FetchRequest(str(n), origin.url + "/") for n in range(6)]

    def run(part):
        list(fetcher.fetch_all(part))

    threads = [threading.Thread(target=run, args=(part,)) for part in (requests[:3], requests[3:])]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(origin.requests) == 6 and origin.most <= 2
    gaps = [after - before for before, after in zip(origin.times, origin.times[1:], strict=False)]
    assert min(gaps) > 0.05  # 0.1 less the noise of a loaded machine


def test_f25_reasons_are_distinct(origin):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    policy = NetworkPolicy((Allow(ipaddress.ip_network("127.0.0.0/8")),), origin.policy().hosts)
    assert_failed(fetch(origin, f"http://127.0.0.1:{port}/", policy=policy), FetchReason.CONNECT)
    assert_failed(fetch(origin, "http://nowhere.invalid/", policy=policy), FetchReason.DNS)
    origin.routes["/"] = lambda connection: time.sleep(1)
    assert_failed(fetch(origin, "/", deadline=0.2), FetchReason.TIMEOUT)
    origin.routes["/"] = lambda connection: connection.setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
    )
    assert_failed(fetch(origin, "/"), FetchReason.RESET)


# ---------------------------------------------------------------- hostile answers (H)


def test_h03_a_gzip_bomb_is_too_large(origin):
    bomb = zlib.compressobj(9, wbits=31)
    wire = b"".join(bomb.compress(bytes(net.MIB)) for _ in range(200)) + bomb.flush()
    origin.routes["/"] = http(200, b"Content-Encoding: gzip", body=wire)
    assert_failed(fetch(origin, "/", max_body=net.MIB), FetchReason.TOO_LARGE)


def _drip(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


def _flood(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


def _endless_headers(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X: y\r\n" * 100)


def _endless_1xx(connection):
    while True:
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")


@pytest.mark.parametrize(
    ("route", "reasons"),
    [
        (_drip, {"timeout"}),
        (_flood, {"too_large"}),
        (_endless_headers, {"status", "timeout"}),
        (_endless_1xx, {"timeout", "status"}),
    ],
)
def test_h04_endless_answers_end_at_the_deadline(origin, route, reasons):
    origin.routes["/"] = route
    started = time.monotonic()
    outcome = fetch(origin, "/", deadline=0.6, max_body=net.MIB)
    assert isinstance(outcome, FetchFailed) and outcome.reason in reasons, outcome
    assert time.monotonic() - started < 3


# ---------------------------------------------------------------- the guard (I)


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


# ---------------------------------------------------------------- the batch


def test_fetch_all_a_slow_host_holds_nobody_back(origin):
    release = threading.Event()

    def slow(connection):
        release.wait(5)
        connection.sendall(http(200, body=b"slow"))

    origin.routes |= {"/slow": slow, "/": http(200, body=b"x")}
    fetcher = Fetcher(origin.policy(), user_agent="W/0")
    requests = [
        FetchRequest("slow", origin.url + "/slow"),
        *(FetchRequest(str(n), origin.url + "/") for n in range(20)),
    ]
    seen = []
    for group in fetcher.fetch_all(requests):
        assert group
        seen += [result.request.feed_id for result in group]
        if len(seen) == 20:
            assert "slow" not in seen
            release.set()
    assert sorted(seen) == sorted(request.feed_id for request in requests)


def test_fetch_all_never_raises_for_one_request(origin):
    origin.routes["/"] = http(200, body=b"x")
    urls = ["", "http://[", "nonsense", "http://" + "x" * 300 + "/", "\ud800", origin.url + "/"]
    fetcher = Fetcher(origin.policy(), user_agent="W/0")
    results = [r for group in fetcher.fetch_all([FetchRequest(u, u) for u in urls]) for r in group]
    assert sorted(r.request.url for r in results) == sorted(urls)
    assert sum(isinstance(r.outcome, Fetched) for r in results) == 1


def test_fetch_all_of_nothing_is_nothing(origin):
    assert list(Fetcher(origin.policy(), user_agent="W/0").fetch_all([])) == []


def test_fetch_all_left_early_leaks_no_thread(origin):
    origin.routes |= {"/": http(200, body=b"x"), "/slow": lambda connection: time.sleep(3)}
    fetcher = Fetcher(origin.policy(), user_agent="W/0")
    requests = [FetchRequest("a", origin.url + "/"), *(FetchRequest(str(n), origin.url + "/slow") for n in range(5))]
    groups = fetcher.fetch_all(requests)
    assert [result.request.feed_id for result in next(groups)] == ["a"]
    started = time.monotonic()
    groups.close()
    assert time.monotonic() - started < 1.5
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("fetch")]


def test_fetch_all_a_silent_host_costs_two_deadlines(origin):
    origin.routes["/"] = lambda connection: time.sleep(2)
    fetcher = Fetcher(origin.policy(concurrent=2), user_agent="W/0", deadline=0.2)
    started = time.monotonic()
    requests = [FetchRequest(str(n), origin.url + "/") for n in range(30)]
    results = [result for group in fetcher.fetch_all(requests) for result in group]
    assert len(results) == 30 and time.monotonic() - started < 2
    assert {result.outcome.reason for result in results} == {FetchReason.TIMEOUT}
    assert len(origin.requests) <= 6


# ---------------------------------------------------------------- post


def post(origin, path, **options):
    async def go():
        policy = origin.policy()
        async with net.open_session(policy, use="webhook", user_agent="W/0") as session:
            headers = {"Content-Type": "application/json", "webhook-id": "m1"}
            return await net.post(session, origin.url + path, body=b"{}", headers=headers, policy=policy, **options)

    return asyncio.run(go())


def test_post_brings_status_headers_and_body(origin):
    origin.routes["/"] = http(202, b"X-Id: 7", body=b"taken")
    answer = post(origin, "/")
    assert (answer.status, answer.headers["X-Id"], answer.body) == (202, "7", b"taken")
    assert origin.headers()["webhook-id"] == b"m1" and origin.requests[0].startswith(b"POST / ")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_e04_post_follows_no_redirect(origin, status):
    origin.routes["/"] = moved(status, "/elsewhere")
    assert post(origin, "/").status == status
    assert len(origin.requests) == 1


def test_e08_post_reads_64_kib_at_most(origin):
    origin.routes["/"] = _flood
    assert len(post(origin, "/").body) == 64 * 1024


def test_e08_post_a_dripping_yes_is_a_yes(origin):
    origin.routes["/"] = _drip
    started = time.monotonic()
    assert post(origin, "/", deadline=0.5).status == 200
    assert time.monotonic() - started < 2


def test_e08_post_ends_at_its_deadline(origin):
    origin.routes["/"] = lambda connection: time.sleep(2)
    with pytest.raises(FetchError, match="timeout"):
        post(origin, "/", deadline=0.3)
