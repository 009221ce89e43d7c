"""What goes along to a feed's own server, and to no other; what its certificate is checked by (F25, I09)."""

import pytest
from certificates import LONG_AGO
from scripted import assert_failed, fetch, http, look_up, moved

from worker.errors import FetchReason
from worker.guard import Allow, NetworkPolicy
from worker.model import Access, Fetched

CANARY = "canary-of-the-feed"
ACCESS = Access((("Authorization", f"Basic {CANARY}"), ("X-Api-Key", CANARY)))
PRIVATE = {"authorization", "x-api-key"}


def told(origin, index=-1):
    """Of the headers of an access those that the server got."""
    return PRIVATE & set(origin.headers(index))


def test_access_goes_along(origin):
    origin.routes["/"] = http(200, body=b"x")
    assert isinstance(fetch(origin, "/", access=ACCESS), Fetched)
    assert origin.headers()["authorization"] == f"Basic {CANARY}".encode()
    assert origin.headers()["x-api-key"] == CANARY.encode()


def test_access_goes_along_within_its_own_server(origin):
    origin.routes |= {"/": moved(302, "/a"), "/a": moved(301, "/b"), "/b": http(200, body=b"x")}
    assert fetch(origin, "/", access=ACCESS).body == b"x"
    assert [told(origin, n) for n in range(3)] == [PRIVATE] * 3


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"])  # another port, another address
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_access_is_for_no_other_server(serve, origin, host, status):
    other = serve(host)
    origin.routes |= {"/": moved(status, other.url + "/"), "/back": http(200, body=b"x")}
    other.routes |= {"/": moved(302, origin.url + "/back")}
    policy = NetworkPolicy((*origin.policy().allow, *other.policy().allow))
    assert fetch(origin, "/", access=ACCESS, policy=policy).body == b"x"
    assert told(origin, 0) == PRIVATE
    assert told(other) == set()
    # Where the other one led us is of its own choice, so we are nobody there.
    assert told(origin, 1) == set()


def test_access_is_not_for_the_same_name_without_tls(serve, origin, authority, monkeypatch):
    """From http to https the server is another one, too: what is asked there may be somebody else's."""
    look_up(monkeypatch, {"feed.example": ["127.0.0.1"]})
    secure = serve(tls=authority.issue("DNS:feed.example"))
    origin.routes["/"] = moved(301, f"https://feed.example:{secure.port}/")
    policy = NetworkPolicy((*origin.policy().allow, *secure.policy().allow))
    outcome = fetch(origin, f"http://feed.example:{origin.port}/", access=ACCESS, policy=policy)
    assert_failed(outcome, FetchReason.TLS)  # its certificates are for its own server as well
    assert told(origin) == PRIVATE and secure.requests == []


def test_j06_access_is_in_no_error(origin):
    for route in (http(401, body=CANARY.encode()), http(500), moved(302, f"http://{CANARY}:1/"), b"SSH-2.0\r\n"):
        origin.routes["/"] = route
        outcome = fetch(origin, "/", access=ACCESS)
        assert CANARY not in f"{outcome} {ACCESS} {outcome.detail}"


# ---------------------------------------------------------------- TLS


@pytest.fixture
def secure(serve, authority, monkeypatch):
    """A server of the operator's own, by the name feed.example, that the system does not trust."""
    look_up(monkeypatch, {name: ["127.0.0.1"] for name in ("feed.example", "other.example")})
    server = serve(tls=authority.issue("DNS:feed.example"))
    server.routes["/"] = http(200, body=b"x")
    return server


def named(server, path="/", *, name="feed.example"):
    return f"https://{name}:{server.port}{path}"


def test_i09_tls_to_a_pinned_address_is_by_the_name(secure, authority, dialled):
    """SNI, Host and the certificate's check have the name, although it is the judged address that is dialled."""
    outcome = fetch(secure, named(secure), access=Access(ca_file=str(authority.ca)))
    assert isinstance(outcome, Fetched), outcome
    assert secure.names == ["feed.example"]
    assert secure.headers()["host"] == f"feed.example:{secure.port}".encode()
    assert dialled == [("127.0.0.1", secure.port)]


def test_f25_i09_a_certificate_for_another_name_is_refused(secure, authority):
    outcome = fetch(secure, named(secure, name="other.example"), access=Access(ca_file=str(authority.ca)))
    assert_failed(outcome, FetchReason.TLS)
    assert "other.example" in outcome.detail and "not valid for" in outcome.detail
    assert secure.requests == []


def test_f25_an_expired_certificate_is_refused(serve, secure, authority):
    old = serve(tls=authority.issue("DNS:feed.example", dates=LONG_AGO))
    outcome = fetch(old, named(old), access=Access(ca_file=str(authority.ca)))
    assert_failed(outcome, FetchReason.TLS)
    assert "expired" in outcome.detail
    assert old.requests == []


def test_f25_an_authority_that_nobody_named_is_not_trusted(secure):
    outcome = fetch(secure, named(secure))
    assert_failed(outcome, FetchReason.TLS)
    assert "issuer" in outcome.detail or "self-signed" in outcome.detail
    assert secure.requests == []


def test_access_certificates_are_instead_of_the_systems(secure, authority, tmp_path):
    (tmp_path / "strangers").mkdir()
    strangers = type(authority)(tmp_path / "strangers")
    assert_failed(fetch(secure, named(secure), access=Access(ca_file=str(strangers.ca))), FetchReason.TLS)


def test_access_certificates_are_for_the_feeds_own_server(serve, secure, authority):
    other = serve(tls=authority.issue("DNS:other.example"))
    other.routes["/"] = http(200, body=b"x")
    secure.routes["/"] = moved(302, named(other, name="other.example"))
    policy = NetworkPolicy((*secure.policy().allow, *other.policy().allow))
    outcome = fetch(secure, named(secure), access=Access(ca_file=str(authority.ca)), policy=policy)
    assert_failed(outcome, FetchReason.TLS)
    assert other.requests == []


def test_access_certificates_that_are_gone_are_said(secure, tmp_path):
    outcome = fetch(secure, named(secure), access=Access(ca_file=str(tmp_path / "gone.pem")))
    assert_failed(outcome, FetchReason.TLS)
    assert "ca_file" in outcome.detail and str(tmp_path) not in outcome.detail


def test_f15_from_https_down_to_http_is_refused(origin, secure, authority):
    secure.routes["/"] = moved(301, origin.url + "/")
    policy = NetworkPolicy((*origin.policy().allow, *secure.policy().allow))
    outcome = fetch(secure, named(secure), access=Access(ca_file=str(authority.ca)), policy=policy)
    assert_failed(outcome, FetchReason.REDIRECT)
    assert "https down to http" in outcome.detail
    assert origin.requests == []


def test_i05_tls_does_not_change_what_may_be_dialled(secure, authority, dialled):
    secure.routes["/"] = moved(302, "https://10.0.0.1/")
    outcome = fetch(secure, named(secure), access=Access(ca_file=str(authority.ca)))
    assert_failed(outcome, FetchReason.REFUSED_ADDRESS)
    assert dialled == [("127.0.0.1", secure.port)]


def test_i08_a_private_range_has_its_ports_under_tls(secure, authority):
    narrow = NetworkPolicy((Allow(secure.policy().allow[0].cidr, frozenset({secure.port + 1})),))
    outcome = fetch(secure, named(secure), access=Access(ca_file=str(authority.ca)), policy=narrow)
    assert_failed(outcome, FetchReason.REFUSED_ADDRESS)
    assert secure.requests == []
