"""What the fetcher asks, keeps and makes of an answer (F)."""

import gzip
import hashlib
import ipaddress
import re
import socket
import threading
import time
import zlib

import pytest
from desk import at_once
from scripted import assert_failed, fetch, http, moved

from worker.errors import FetchReason
from worker.feeds.fetch import Fetcher
from worker.guard import Allow, NetworkPolicy
from worker.model import Fetched, FetchRequest, NotModified, Postponed, ServerHints, Validators


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
        (http(200, b"Content-Encoding: deflate", body=zlib.compress(b"x" * 99)[:-5]), "truncated"),
        (http(200, b"Content-Encoding: deflate, gzip", body=zlib.compress(b"x")), "encoding"),
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


@pytest.mark.parametrize("coding", [b"gzip", b"x-gzip", b"GZIP", b"identity, gzip", b"identity", b""])
def test_f20_gzip_is_decoded(origin, coding):
    """Also that of a file which was packed before it was published, and which nobody announced."""
    origin.routes["/"] = http(200, b"Content-Encoding: " + coding, body=gzip.compress(b"<rss/>"))
    assert fetch(origin, "/").body == b"<rss/>"


@pytest.mark.parametrize("body", [zlib.compress(b"<rss/>"), zlib.compress(b"<rss/>")[2:-4]], ids=["zlib", "bare"])
def test_f20_deflate_that_we_did_not_ask_for_is_decoded(origin, body):
    origin.routes["/"] = http(200, b"Content-Encoding: deflate", body=body)
    assert fetch(origin, "/").body == b"<rss/>"
    assert origin.headers()["accept-encoding"] == b"gzip"


def test_f20_a_plain_document_that_was_announced_as_gzip_is_read(origin):
    origin.routes["/"] = http(200, b"Content-Encoding: gzip", body=b"<rss/>")
    assert fetch(origin, "/").body == b"<rss/>"


def test_f19_no_cookie_no_referer_no_parameter_of_ours(origin):
    """Nor on the way of redirects, nor the next time."""
    cookie = b"Set-Cookie: a=b; Path=/"
    origin.routes |= {
        "/feed?c=d": http(302, b"Location: /e", cookie),
        "/e": http(301, b"Location: /f?g", cookie),
        "/f?g": http(200, cookie, body=b"x"),
    }
    fetcher = Fetcher(origin.policy(), user_agent="Wirewatch/1.2 (+https://desk.example)")
    for _ in range(2):
        [[one]] = list(fetcher.fetch_all([FetchRequest("f", origin.url + "/feed?c=d")]))
        assert isinstance(one.outcome, Fetched)
    assert [request.split(b" ")[1] for request in origin.requests] == [b"/feed?c=d", b"/e", b"/f?g"] * 2
    for n in range(len(origin.requests)):
        assert set(origin.headers(n)) == {"host", "user-agent", "accept", "accept-encoding"}
        assert re.fullmatch(rb"\w+/[\d.]+ \(\+https://desk\.example\)", origin.headers(n)["user-agent"])


def test_f06_a_304_that_nobody_asked_for_is_a_failure(origin):
    origin.routes |= {"/": http(304, b'ETag: "x"', length=False), "/moved": moved(301, "/")}
    assert_failed(fetch(origin, "/"), FetchReason.STATUS)
    assert_failed(fetch(origin, "/moved", validators=Validators('"of the old address"')), FetchReason.STATUS)


def test_f21_a_partial_feed_is_a_feed(origin):
    origin.routes["/"] = http(226, b"IM: feed", body=b"<rss/>")
    assert fetch(origin, "/").status == 226


def test_f12_a_hosts_other_feeds_wait_too(origin):
    origin.routes["/"] = http(429, b"Retry-After: 120")
    fetcher = Fetcher(origin.policy(concurrent=1, ignore_hints=False), user_agent="W/0")
    for _ in range(2):  # the hold outlives the batch
        requests = [FetchRequest(str(n), origin.url + "/") for n in range(5)]
        results = [result for group in fetcher.fetch_all(requests) for result in group]
        held = [result.outcome.held for result in results if isinstance(result.outcome, Postponed)]
        assert len(held) >= 4 and all(seconds > 100 for seconds in held), "nothing is held against them"
    assert len(origin.requests) == 1


def fetch_by_two_threads(origin, **policy):
    """Six requests to one host, three from each of two threads that share a fetcher."""
    fetcher = Fetcher(origin.policy(**policy), user_agent="W/0")
    requests = [FetchRequest(str(n), origin.url + "/") for n in range(6)]
    parts = [requests[:3], requests[3:]]
    at_once(2, lambda: list(fetcher.fetch_all(parts.pop())))
    assert len(origin.requests) == 6


def test_f17_two_at_once(origin):
    lock, busy, most = threading.Lock(), [], []

    def slow(connection):
        with lock:
            busy.append(connection)
            most.append(len(busy))
        time.sleep(0.25)
        with lock:  # before the answer, which lets the next one in
            busy.remove(connection)
        connection.sendall(http(200, body=b"x"))

    origin.routes["/"] = slow
    fetch_by_two_threads(origin, concurrent=2)
    assert max(most) == 2


def test_f17_spaced(origin):
    origin.routes["/"] = http(200, body=b"x")
    fetch_by_two_threads(origin, spacing=0.3)
    assert origin.times[-1] - origin.times[0] > 1.2  # five spaces of 0.3, less the noise of a loaded machine


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
