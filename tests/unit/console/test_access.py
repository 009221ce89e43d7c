"""Who may look, decided without a server; the server's side is in tests/integration/console."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.requests import Request

from worker.console.access import (
    NoKey,
    Verdict,
    bring_key,
    console_address,
    cookie_name,
    cookie_value,
    judge_request,
    told_address,
)
from worker.console.door import clean_address, refuse, shown_path
from worker.console.guesses import Guesses
from worker.console.routes import page_number

KEY = "k" * 43
COOKIE = f"{cookie_name(KEY)}={cookie_value(KEY)}"


def request(path="/", *, method="GET", query="", host="127.0.0.1:8420", **headers):
    raw = [(b"host", host.encode("latin-1"))] if host is not None else []
    raw += [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = dict(type="http", method=method, path=path, query_string=query.encode(), headers=raw, scheme="http")
    return Request(scope | dict(server=("127.0.0.1", 8420)))


def verdict(*args, public_url="", **rest):
    return judge_request(request(*args, **rest), key=KEY, public_url=public_url)


def test_j01_nobody_is_let_in_by_default():
    for path in ("/", "/metrics", "/alerts/x", "/no/such/page", "/healthz/", "/static", "//healthz", "/readyz/.."):
        assert verdict(path) is Verdict.NO_KEY, path


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/static/console.css", "/do/token", "/feeds/a/key.atom"])
def test_j01_only_the_probes_the_style_and_what_brings_its_own_proof_are_open(path):
    assert verdict(path) is Verdict.PASS


def test_key_in_the_address_enters_and_a_cookie_or_a_bearer_passes():
    assert verdict(query=f"key={KEY}") is Verdict.ENTER
    assert verdict(cookie=COOKIE) is Verdict.PASS
    assert verdict("/metrics", authorization=f"Bearer {KEY}") is Verdict.PASS
    assert verdict(query="key=old", cookie=COOKIE) is Verdict.ENTER, "no key stays in the address, be it a wrong one"


@pytest.mark.parametrize(
    "rest",
    [
        dict(query="key=" + "k" * 42),
        dict(query="key="),
        dict(query="key=%ED%A0%80%00"),
        dict(query="key=ключ"),
    ],
)
def test_wrong_keys_are_refused(rest):
    assert verdict(**rest) is Verdict.WRONG_KEY


@pytest.mark.parametrize(
    "rest",
    [
        dict(cookie=f"{cookie_name(KEY)}={KEY}"),  # the key is no cookie
        dict(cookie=f"{cookie_name('other')}={cookie_value(KEY)}"),  # another desk's name
        dict(cookie="wirewatch-00000000="),
        dict(authorization=f"Basic {KEY}"),
        dict(authorization=f"Bearer {KEY}x"),
        dict(authorization="Bearer"),
    ],
)
def test_wrong_cookies_and_bearers_are_none(rest):
    assert verdict(**rest) is Verdict.NO_KEY


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:1", "localhost:8420", "LOCALHOST", "[::1]:8420"])
def test_our_own_hosts_pass(host):
    assert verdict("/healthz", host=host) is Verdict.PASS


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8420",
        "127.0.0.1:8420@evil.example",
        "evil.example#127.0.0.1",
        "127.0.0.1\n",
        "0.0.0.0:8420",
        "127.0.0.2",
        "localhost:",
    ],
)
def test_another_host_is_refused_key_or_no_key(host):
    assert verdict("/healthz", host=host) is Verdict.WRONG_HOST
    assert verdict(host=host, cookie=COOKIE) is Verdict.WRONG_HOST


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get"])
def test_j02_nothing_but_get_and_head(method):
    assert verdict(method=method, cookie=COOKIE) is Verdict.WRONG_METHOD
    assert verdict("/healthz", method="HEAD") is Verdict.PASS


@pytest.mark.parametrize(
    ("path", "public_url", "rest", "passes"),
    [
        ("/do/t", "", dict(origin="http://127.0.0.1:8420"), True),
        ("/do/t", "", dict(), True),  # a program, or an old browser: the token is the proof
        ("/do/t", "https://desk.example", dict(host="desk.example", origin="https://desk.example"), True),
        ("/do/t", "https://desk.example", dict(origin="https://desk.example"), True),  # the proxy names us in its way
        ("/do/t", "http://desk.example:8080", dict(host="desk.example:8080", origin="http://desk.example:8080"), True),
        ("/do/t", "", dict(origin="https://evil.example"), False),
        ("/do/t", "", dict(origin="null"), False),  # a sandboxed frame, a data: page
        ("/do/t", "", dict(origin=""), False),
        ("/do/t", "", dict(origin="http://localhost:8420"), False),  # another name is another site
        ("/do/t", "", dict(origin="http://127.0.0.1:9999"), False),
        ("/do/t", "https://desk.example", dict(host="desk.example", origin="http://desk.example"), False),
        ("/do/t", "https://desk.example", dict(host="desk.example", origin="https://desk.example.evil.example"), False),
        ("/do/t", "", {"sec-fetch-site": "cross-site"}, False),
    ],
)
def test_j02_a_button_works_on_our_own_page_only(path, public_url, rest, passes):
    found = verdict(path, method="POST", public_url=public_url, **rest)
    assert found is (Verdict.PASS if passes else Verdict.WRONG_ORIGIN)


@pytest.mark.parametrize("path", ["/", "/alerts/x", "/feeds/a/key.atom", "/static/x", "/do", "//do/x", "/healthz"])
def test_j02_nothing_else_takes_a_post(path):
    assert verdict(path, method="POST", cookie=COOKIE) is Verdict.WRONG_METHOD


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "post"])
def test_j02_a_link_takes_get_head_and_post_alone(method):
    assert verdict("/do/t", method=method) is Verdict.WRONG_METHOD


@pytest.mark.parametrize("host", ["desk.example", "DESK.example", "desk.example:443"])
def test_the_public_name_passes_with_the_same_locks(host):
    public_url = "https://desk.example"
    assert verdict("/do/t", host=host, public_url=public_url) is Verdict.PASS
    assert verdict("/", host=host, public_url=public_url) is Verdict.NO_KEY
    assert verdict("/", host=host, public_url=public_url, cookie=COOKIE) is Verdict.PASS
    assert verdict("/do/t", host=host) is Verdict.WRONG_HOST, "where none is configured"


@pytest.mark.parametrize("host", ["desk.example:80", "desk.example.evil.example", "evil.example", "x@desk.example", ""])
def test_no_other_name_passes_beside_the_public_one(host):
    assert verdict("/do/t", host=host, public_url="https://desk.example") is Verdict.WRONG_HOST


def test_j02_cookie_is_secure_where_the_public_address_is():
    asked = request("/", query=f"key={KEY}", host="desk.example")
    for public_url, secure in (("https://desk.example", True), ("http://desk.example", False)):
        answer = refuse(Verdict.ENTER, asked, key=KEY, public_url=public_url)
        assert ("Secure" in answer.headers["set-cookie"].split("; ")) is secure


def test_j03_wrong_links_are_counted_whoever_brings_them():
    now = 0.0
    guesses = Guesses(most=3, seconds=60, clock=lambda: now)
    assert [guesses.refuse() for _ in range(3)] == [None] * 3
    answer = guesses.refuse()
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    now = 61.0
    assert guesses.refuse() is None


@pytest.mark.parametrize(
    ("path", "shown"),
    [("/alerts/a1", "/alerts/a1"), ("/do/1token", "/do/…"), ("/feeds/readers/key.atom", "/feeds/…"), ("/do/", "/do/…")],
)
def test_j06_what_opens_a_link_or_a_feed_is_in_no_log(path, shown):
    assert shown_path(path) == shown


def test_j02_cookie_is_for_our_pages_only():
    answer = refuse(Verdict.ENTER, request("/", query=f"key={KEY}&feeds=2"), key=KEY)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?feeds=2")
    name, *flags = answer.headers["set-cookie"].split("; ")
    assert name == COOKIE
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(flags)
    assert KEY not in str(answer.headers)


@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("/", "/"),
        ("/alerts/a1", "/alerts/a1"),
        ("//evil.example/", "/evil.example/"),
        ("/\\evil.example", "/evil.example"),
        ("\\\\/evil.example", "/evil.example"),
        ("http://evil.example/", "/http%3A//evil.example/"),
        ("/a\r\nSet-Cookie: x", "/a%0D%0ASet-Cookie%3A%20x"),
    ],
)
def test_the_way_on_never_leads_elsewhere(path, clean):
    assert clean_address(request(path, query=f"key={KEY}")) == clean


def test_key_file_is_made_once_for_its_owner_only(tmp_path):
    data = tmp_path / "var"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: bring_key(data), range(32)))
    assert len(keys) == 1 and len(keys.pop()) == 43
    assert stat.S_IMODE((data / "console.key").stat().st_mode) == 0o600
    assert os.listdir(data) == ["console.key"]


def test_key_file_that_others_could_read_is_closed(tmp_path):
    (tmp_path / "console.key").write_text(f"{KEY}\n")
    (tmp_path / "console.key").chmod(0o644)
    assert bring_key(tmp_path) == KEY
    assert stat.S_IMODE((tmp_path / "console.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["short", "x" * 400, "with spaces " * 6, "é" * 43])
def test_key_file_without_a_key_is_refused_with_what_to_do(tmp_path, content):
    (tmp_path / "console.key").write_text(content)
    with pytest.raises(NoKey, match="Delete it"):
        bring_key(tmp_path)


def test_key_is_told_to_a_terminal_never_to_a_log(tmp_path):
    key = bring_key(tmp_path)
    assert console_address(tmp_path, 8420) == f"http://127.0.0.1:8420/?key={key}"
    assert told_address(tmp_path, 8420, terminal=True) == console_address(tmp_path, 8420)
    told = told_address(tmp_path, 8420, terminal=False)
    assert key not in told and str(tmp_path / "console.key") in told


def test_two_desks_on_one_host_have_cookies_of_their_own():
    assert cookie_name(KEY) != cookie_name("j" * 43)


@pytest.mark.parametrize(
    ("text", "number"), [("2", 2), ("", 1), ("-1", 1), ("x", 1), ("²", 1), ("9" * 12, 1), ("0", 0)]
)
def test_page_number_of_nonsense_is_the_first(text, number):
    assert page_number(text) == number
