"""Feeds asked once: what each of their answers is said to be. The origin is real, and so is the parser's child."""

import base64
import types
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from certificates import make_authority
from origin import rss
from proxy import Proxy
from scripted import Origin, http, moved

from worker.alerts.wording import local_time
from worker.config.schema import AllowSpec, Config, FeedSpec, HostSpec, Network, Settings
from worker.config.values import Secret
from worker.feedcheck import check_feeds

NOW = datetime.now(UTC)


@pytest.fixture
def origin():
    server = Origin()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def check(origin):
    """Asks these paths once, each by a name; gives what is said of each."""
    port = origin.server_address[1]
    allow = AllowSpec.model_validate({"cidr": "127.0.0.0/8", "ports": [port], "for": ["feed"]})
    host = HostSpec(interval_floor="1s", spacing="0s", concurrent=50, ignore_hints=True)
    network = Network(allow=(allow,), hosts={"127.0.0.1": host})
    config = Config(network=network, settings=Settings(contact="https://desk.example", time_zone="Asia/Seoul"))

    def check(*, rows=(), **paths):
        feeds = [(name, path if "://" in path else origin.url + path) for name, path in paths.items()]
        return {one.name: one for one in check_feeds(config, feeds, rows=rows)}

    return check


@pytest.fixture
def ask(origin, tmp_path):
    """Asks one configured feed, at `/a`, with what else is said of it in feeds.yaml."""

    def ask(route, *, proxy="", origin=origin, **said):
        origin.routes["/a"] = route
        ports = [origin.port]
        allow = AllowSpec.model_validate({"cidr": "127.0.0.0/8", "ports": ports, "for": ["feed"]})
        spec = FeedSpec.model_validate({"id": "a", "url": origin.url + "/a"} | said)
        settings = Settings(contact="https://desk.example")
        config = Config(feeds=(spec,), network=Network(allow=(allow,), proxy=proxy), settings=settings, folder=tmp_path)
        (one,) = check_feeds(config, [("a", spec.url)])
        return one

    return ask


def row(url, *, etag=None, last_modified=None, reason=None, minutes=-1, moved_to=None):
    """A feed's, as the record has it, with its next poll in so many minutes."""
    return types.SimpleNamespace(
        configured_url=url,
        current_url=moved_to or url,
        etag=etag,
        last_modified=last_modified,
        reason=reason,
        next_poll_at=NOW + timedelta(minutes=minutes),
    )


def dated(moment):
    return rss("F", [("g", "A headline", "Text")]).replace(
        b"</link>", f"</link><pubDate>{format_datetime(moment)}</pubDate>".encode()
    )


def test_feedcheck_tells_how_a_feed_answers(origin, check):
    moment = NOW.replace(microsecond=0) - timedelta(hours=3)
    document = dated(moment).replace(b"<channel>", b"<channel><language>ko-KR</language>")
    origin.routes["/a"] = http(200, b'ETag: "x"', b"Last-Modified: Tue, 24 Nov 2026 00:00:00 GMT", body=document)
    one = check(a="/a")["a"]
    assert (one.answers, one.format, one.entries, one.newest, one.language) == (True, "RSS 2.0", 1, moment, "ko-KR")
    assert (one.validators, one.redirected_to, one.set_address) == (("ETag", "Last-Modified"), "", "")
    assert (one.notes, one.wrong, one.advice) == ((), "", "")
    assert one.seconds >= 0
    assert origin.headers()["user-agent"].endswith(b"(+https://desk.example)")
    assert "if-none-match" not in origin.headers()


def test_feedcheck_asks_each_feed_once(origin, check):
    origin.routes |= {"/a": http(200, body=dated(NOW)), "/b": http(500)}
    check(a="/a", b="/b")
    assert sorted(request.split(b" ")[1] for request in origin.requests) == [b"/a", b"/b"]


@pytest.mark.parametrize(
    ("route", "reason", "wrong", "advice"),
    [
        (http(404), "not_found", "nothing is at its address (404): status 404", "new address"),
        (http(410), "gone", "gone for good (410)", "It is asked no more"),
        (http(403), "forbidden", "does not let us in", "ask them, with the contact"),
        (http(429, b"Retry-After: 60"), "rate_limited", "come less often", "Nothing to do"),
        (http(502), "server", "trouble of its own (5xx): status 502", "Nothing to do"),
        (http(200, body=b""), "empty", "its answer has no content", "Nothing to do"),
        (http(200, body=b"<html><body>Sign in</body></html>"), "not_a_feed", "a web page", "a page to sign in"),
        (http(200, body=b'<!DOCTYPE rss [<!ENTITY a "b">]><rss/>'), "forbidden_markup", "entities", "remove the feed"),
        (http(304), "status", "no feed's", "browser"),
        (moved(302, "http://10.0.0.1/"), "refused_address", "private or reserved", "network.yaml"),
    ],
)
def test_feedcheck_says_what_is_wrong_and_what_to_do(origin, check, route, reason, wrong, advice):
    origin.routes |= {"/bad": route, "/good": http(200, body=dated(NOW))}
    found = check(bad="/bad", good="/good")
    bad = found["bad"]
    assert (bad.answers, bad.reason) == (False, reason)
    assert wrong in bad.wrong and advice in bad.advice
    assert found["good"].answers  # one bad feed hides no other


def test_f12_feedcheck_does_not_ask_who_asked_us_to_wait(origin, check):
    origin.routes["/other"] = http(200, body=dated(NOW))
    rows = [
        row(origin.url + "/a", reason="rate_limited", minutes=60),
        row(origin.url + "/old", reason="rate_limited", minutes=60, moved_to=origin.url + "/new"),
    ]
    found = check(a="/a", b="/a", old="/old", new="/new", other="/other", rows=rows)
    assert [request.split(b" ")[1] for request in origin.requests] == [b"/other"]
    assert found.pop("other").answers
    for one in found.values():
        assert (one.answers, one.reason, one.seconds) == (False, "rate_limited", 0)
        assert one.waits_until == NOW + timedelta(hours=1)
        assert f"asked us to wait until {local_time(one.waits_until, 'Asia/Seoul')}" in one.wrong


@pytest.mark.parametrize(
    "known",
    [
        dict(reason="rate_limited", minutes=-1),  # the wait is over
        dict(reason="server", minutes=60),  # our own back-off is no publisher's wish
        dict(minutes=60),
    ],
)
def test_f12_feedcheck_asks_who_asked_for_no_wait(origin, check, known):
    origin.routes["/a"] = http(200, body=dated(NOW))
    assert check(a="/a", rows=[row(origin.url + "/a", **known)])["a"].answers


def test_feedcheck_sends_what_the_server_gave_byte_for_byte(origin, check):
    etag, modified = 'W/"x, y\\z=%20--gzip"', "tue, 24 Nov 2026 00:00:00 +0000"
    origin.routes["/a"] = http(304)
    one = check(a="/a", rows=[row(origin.url + "/a", etag=etag, last_modified=modified)])["a"]
    assert origin.headers()["if-none-match"] == etag.encode()
    assert origin.headers()["if-modified-since"] == modified.encode()
    assert (one.answers, one.unchanged, one.wrong) == (True, True, "")
    assert (one.notes, one.validators) == (("unchanged since the last poll",), ("ETag", "Last-Modified"))


def test_feedcheck_sends_no_validators_of_another_address(origin, check):
    origin.routes["/a"] = http(200, body=dated(NOW))
    one = check(a="/a", rows=[row(origin.url + "/a", etag='"x"', moved_to=origin.url + "/b")])["a"]
    assert one.answers and not one.unchanged
    assert "if-none-match" not in origin.headers()


def test_feedcheck_asks_nobody_whom_the_guard_refuses(check):
    one = check(**{"http://10.0.0.1/feed": "http://10.0.0.1/feed"})["http://10.0.0.1/feed"]
    assert (one.answers, one.reason) == (False, "refused_address")


def test_f14_feedcheck_tells_the_address_to_set(origin, check):
    origin.routes |= {"/old": moved(301, "/new"), "/new": http(200, b'ETag: "x"', body=dated(NOW))}
    one = check(old="/old")["old"]
    assert one.answers
    assert one.set_address == one.redirected_to == origin.url + "/new"
    assert one.notes == (f"moved for good; set this address in feeds.yaml: {origin.url}/new",)


def test_f14_feedcheck_of_a_detour_sets_nothing(origin, check):
    origin.routes |= {"/old": moved(302, "/new"), "/new": http(200, b'ETag: "x"', body=dated(NOW))}
    one = check(old="/old")["old"]
    assert (one.redirected_to, one.set_address, one.validators) == (origin.url + "/new", "", ())


@pytest.mark.parametrize(
    ("document", "note"),
    [
        (rss("F", []), "it has no entry"),
        (rss("F", [("g", "A headline", "Text")]), "no entry has a date"),
        (dated(NOW - timedelta(days=200)), "nothing new for 200 days"),
        (dated(NOW)[: -len("</item></channel></rss>")] + b"</item><item><title>half", "ends inside an entry"),
        (dated(NOW).replace(b"</channel>", b"<item/></channel>"), "over the cap: 1"),
    ],
)
def test_feedcheck_notes_what_is_odd_about_a_feed_that_answers(origin, check, document, note):
    origin.routes["/a"] = http(200, body=document)
    one = check(a="/a")["a"]
    assert one.answers
    assert any(note in words for words in one.notes)


@pytest.mark.parametrize(
    ("document", "name"),
    [
        (
            b'<feed xmlns="http://www.w3.org/2005/Atom"><title>F</title><entry><title>A</title></entry></feed>',
            "Atom 1.0",
        ),
        (b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "title": "A"}]}', "JSON Feed"),
    ],
)
def test_feedcheck_names_the_format(origin, check, document, name):
    origin.routes["/a"] = http(200, body=document)
    assert check(a="/a")["a"].format == name


# ---------------------------------------------------------------- access

CANARY = "canary-of-the-feed"
LOGIN = {"username": "desk", "password": Secret(CANARY)}
HEADERS = {"headers": {"X-Api-Key": Secret(CANARY)}}


def test_feedcheck_says_who_asks(origin, ask):
    one = ask(http(200, body=dated(NOW)), **LOGIN, **HEADERS)
    assert (one.answers, one.notes) == (True, ())
    assert origin.headers()["authorization"] == b"Basic " + base64.b64encode(f"desk:{CANARY}".encode())
    assert origin.headers()["x-api-key"] == CANARY.encode()


@pytest.mark.parametrize(
    ("status", "said", "advice"),
    [
        (401, LOGIN, "check `username` and `password` of this feed"),
        (401, HEADERS, "check `headers` of this feed"),
        (401, LOGIN | HEADERS, "check `username`, `password` and `headers` of this feed"),
        (401, {}, "set `username` and `password`, or a header,"),
        (403, HEADERS, "wrong password or key: check `headers`"),
        (404, LOGIN, "wrong password or key: check `username` and `password`"),
        (403, {}, "ask them, with the contact"),
        (404, {}, "new address"),
    ],
)
def test_feedcheck_names_the_keys_to_check(ask, status, said, advice):
    one = ask(http(status), **said)
    assert not one.answers and advice in one.advice
    assert CANARY not in repr(one)


def test_feedcheck_tells_that_secrets_stay_at_home(origin, ask):
    other = Origin("127.0.0.2", port=origin.port)
    try:
        other.routes["/a"] = http(200, body=dated(NOW))
        one = ask(moved(301, other.url + "/a"), **LOGIN)
    finally:
        other.shutdown()
        other.server_close()
    assert one.answers and one.set_address == other.url + "/a"
    assert any("were not sent on" in note for note in one.notes)
    assert "authorization" not in other.headers()


def test_feedcheck_checks_by_certificates_of_ones_own(ask, tmp_path):
    authority = make_authority(tmp_path)
    server = Origin(tls=authority.issue("IP:127.0.0.1"))
    try:
        answer = http(200, body=dated(NOW))
        assert ask(answer, origin=server, ca_file=str(authority.ca.relative_to(tmp_path))).answers
        one = ask(answer, origin=server)
        assert one.reason == "tls" and "`ca_file`" in one.advice
        one = ask(answer, origin=server, ca_file="gone.pem")
        assert one.reason == "tls" and one.advice.startswith("Check `ca_file`")
    finally:
        server.shutdown()
        server.server_close()


def test_feedcheck_goes_by_the_proxy_and_tells_of_its_trouble(origin, ask):
    document = http(200, body=dated(NOW))
    with Proxy(user="desk", password=CANARY) as way:
        assert ask(document, proxy=Secret(f"http://desk:{CANARY}@127.0.0.1:{way.port}")).answers
        assert way.asked == [f"GET {origin.url}/a HTTP/1.1"]
        one = ask(document, proxy=f"http://127.0.0.1:{way.port}")
    assert (one.answers, one.reason) == (False, "proxy")
    assert one.wrong.startswith("our own proxy") and "status 407" in one.wrong
    assert "Check `proxy` in network.yaml" in one.advice
    assert CANARY not in repr(one)
