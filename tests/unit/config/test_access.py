"""Who gets a feed's secrets, what is refused about them, and that nobody else sees them."""

import base64
import json
import pathlib

import pytest

from worker.config.access import access_of
from worker.config.load import PARTS, load_config
from worker.config.schema import Config, FeedSpec, Network
from worker.config.values import Secret, names_a_credential
from worker.errors import ConfigError
from worker.guard import has_same_origin
from worker.model import Access
from worker.reporting import secrets_of

CANARY = "hunter2-canary"
FILES = {
    "topics": "topics: []\n",
    "watchlist": "entities: []\n",
    "rules": "rules: []\n",
    "people": "people: []\n",
    "channels": "channels: [{id: operator, kind: inbox}]\n",
    "network": "allow: []\n",
    "settings": "contact: mailto:desk@desk.example\n",
}
OPENED = "allow: [{cidr: 10.1.0.0/16, ports: [8080], for: [feed]}]\n"
FLOORED = OPENED + "hosts: {10.1.2.3: {interval_floor: 30s}}\n"
BASIC = {"username": "desk", "password": Secret(CANARY)}


@pytest.fixture
def load(tmp_path):
    """A desk with one feed, of which these lines are said."""

    def load(*lines, url="https://wire.example/rss", environ=None, secrets=True, only=None, **changed):
        said = "".join(f"    {line}\n" for line in lines)
        files = FILES | {"feeds": f"feeds:\n  - id: wire\n    url: {url}\n{said}"} | changed
        for part, text in files.items():
            (tmp_path / f"{part}.yaml").write_text(text, encoding="utf-8")
        return load_config(tmp_path, environ=environ or {}, secrets=secrets, only=only)

    return load


@pytest.fixture
def problems(load):
    def problems(*lines, **options):
        with pytest.raises(ConfigError) as caught:
            load(*lines, **options)
        return [str(problem) for problem in caught.value.problems]

    return problems


def spec(**said):
    return FeedSpec.model_validate({"id": "a", "url": "https://wire.example/rss"} | said)


# ---------------------------------------------------------------- who gets them


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://wire.example/rss", True),
        ("https://wire.example/moved/within?a=b", True),
        ("https://WIRE.example:443/rss", True),
        ("https://wire.example:8443/rss", False),
        ("http://wire.example/rss", False),
        ("http://wire.example:443/rss", False),
        ("https://www.wire.example/rss", False),
        ("https://example/rss", False),
        ("https://wire.example.evil.example/rss", False),
        ("https://wire.example@evil.example/rss", False),
        ("https://evil.example/https://wire.example/rss", False),
        ("", False),
        ("nonsense", False),
        ("https://[::1/rss", False),
    ],
)
def test_access_is_for_its_own_server_alone(url, same):
    assert has_same_origin("https://wire.example/rss", url) is same
    assert (access_of(Config(), spec(**BASIC), url) is not None) is same


def test_access_has_what_the_feed_says(tmp_path):
    one = spec(headers={"X-Api-Key": Secret(CANARY), "X-Region": "kr"}, ca_file="certificates/wire.pem", **BASIC)
    found = access_of(Config(folder=tmp_path), one, one.url)
    login = base64.b64encode(f"desk:{CANARY}".encode()).decode()
    assert found == Access(
        (("X-Api-Key", CANARY), ("X-Region", "kr"), ("Authorization", f"Basic {login}")),
        str(tmp_path / "certificates" / "wire.pem"),
    )
    assert CANARY not in repr(found) and login not in repr(found)


def test_access_of_nothing_is_none():
    assert access_of(Config(), spec(), "https://wire.example/rss") is None
    assert access_of(Config(), None, "https://wire.example/rss") is None


# ---------------------------------------------------------------- how they are written


def test_load_finds_the_secrets_of_feeds_and_of_the_network(load, tmp_path):
    (tmp_path / "key").write_text(f"{CANARY}\n")
    lines = "username: ${WIRE_USER}", "password: ${WIRE_PASSWORD}", "headers: {X-Api-Key: '${file:key}', X-Region: kr}"
    environ = {"WIRE_USER": "desk", "WIRE_PASSWORD": CANARY, "WAY": f"http://desk:{CANARY}@10.0.0.1:3128"}
    config = load(*lines, environ=environ, network="proxy: ${WAY}\n")
    (feed,) = config.feeds
    assert (feed.username, feed.password.reveal(), feed.headers["X-Region"]) == ("desk", CANARY, "kr")
    assert feed.headers["X-Api-Key"].reveal() == CANARY
    assert config.to_policy().proxy == environ["WAY"]
    assert config.folder == tmp_path
    shown = f"{config} {config.feeds} {config.network} {config.to_policy()} {json.dumps(config.public())}"
    assert CANARY not in shown and "desk:" not in shown
    assert {CANARY, environ["WAY"]} <= set(secrets_of(config, {}))


def test_load_a_secrets_value_does_not_change_the_configuration(load):
    lines = "username: ${U}", "password: ${P}", "headers: {X-Token: '${T}'}"
    network = "proxy: ${WAY}\n"
    one = load(*lines, environ=dict(U="a", P="b", T="c", WAY="http://a.example"), network=network)
    other = load(*lines, environ=dict(U="d", P="e", T="f", WAY="http://b.example:1"), network=network)
    unread = load(*lines, secrets=False, network=network)
    assert one.hash == other.hash == unread.hash
    assert one.public()["feeds"][0]["headers"] == {"X-Token": "***"}
    assert (one.public()["feeds"][0]["username"], one.public()["network"]["proxy"]) == ("***", "***")
    assert load(*lines[:2], environ=dict(U="a", P="b"), network="proxy: http://a.example\n").hash != one.hash


def test_load_looks_for_no_secret_of_a_disabled_feed(load):
    lines = "password: ${NONE}", "username: ${NONE}", "headers: {X-Key: '${file:none}'}", "ca_file: none.pem"
    (feed,) = load(*lines, "enabled: false").feeds
    assert (feed.password, feed.username, feed.headers) == ("${NONE}", "${NONE}", {"X-Key": "${file:none}"})


def test_load_without_secrets_looks_for_none(load):
    lines = "password: ${NONE}", "username: desk", "headers: {X-Key: '${file:none}'}", "ca_file: none.pem"
    (feed,) = load(*lines, secrets=False, only=frozenset({"feeds"})).feeds
    assert feed.headers == {"X-Key": "${file:none}"}


@pytest.mark.parametrize(
    ("lines", "key", "says"),
    [
        (
            ["username: desk", "password: ${NONE}"],
            "password",
            "the environment variable NONE is not set; set it, or set",
        ),
        (["username: ${NONE}", "password: ${P}"], "username", "the environment variable NONE is not set"),
        (["username: desk", f"password: {CANARY}"], "password", "never write a secret here"),
        (["username: desk", f"password: [{CANARY}]"], "password", "never write a secret here"),
        (["username: me-${P}", "password: ${P}"], "username", "${…} must be the whole value"),
        (["username: [desk]", "password: ${P}"], "username", "must be text; put it in quotes"),
        ([f"headers: {{Authorization: Bearer {CANARY}}}"], "headers.Authorization", "never write a secret here"),
        ([f"headers: {{x-api-key: {CANARY}}}"], "headers.x-api-key", "never write a secret here"),
        ([f"headers: {{X-Auth: {CANARY}}}"], "headers.X-Auth", "never write a secret here"),
        (["headers: {X-Region: 'a ${P}'}"], "headers.X-Region", "${…} must be the whole value"),
        (["headers: {X-Region: 82}"], "headers.X-Region", "must be text; put it in quotes"),
        (["headers: {X-Region: ''}"], "headers.X-Region", "must be one line of plain ASCII"),
        (["headers: {X-Region: '${BROKEN}'}"], "headers.X-Region", "must be one line of plain ASCII"),
        (["headers: {X-Region: '${NONE}'}"], "headers.X-Region", "the environment variable NONE is not set"),
        (["headers: {'X Region': kr}"], "headers.X Region", "not a header that can be added"),
        (["headers: {Cookie: '${P}'}"], "headers.Cookie", "not a header that can be added"),
        (["headers: {Host: kr}"], "headers.Host", "not a header that can be added"),
        (["headers: [kr]"], "headers", "must hold keys with values"),
        (["headers: {X-A: a, x-a: b}"], "headers", "names one header twice"),
        (["username: desk"], "username", "a user name without a password"),
        (["password: ${P}"], "password", "a password without a user name"),
        (["username: 'a:b'", "password: ${P}"], "username", "holds a colon"),
        (
            ["username: a", "password: ${P}", "headers: {authorization: '${P}'}"],
            "headers",
            "names Authorization, and so do",
        ),
        (["ca_file: none.pem"], "ca_file", "no certificate can be read there: No such file"),
        (["ca_file: ."], "ca_file", "no certificate can be read there: Is a directory"),
        (["ca_file: empty.pem"], "ca_file", "no certificate can be read there: it holds none"),
        (["ca_file: noise.pem"], "ca_file", "no certificate can be read there: it holds none"),
    ],
)
def test_load_j11_refuses_an_access_and_never_tells_it(problems, tmp_path, lines, key, says):
    (tmp_path / "empty.pem").write_text("")
    (tmp_path / "noise.pem").write_text("-----BEGIN CERTIFICATE-----\nnoise\n")
    [problem] = problems(*lines, environ={"P": CANARY, "BROKEN": f"{CANARY}\nX: y"})
    assert f" feeds[0].{key}: " in problem and says in problem
    assert CANARY not in problem


@pytest.mark.parametrize(
    ("proxy", "says"),
    [
        ("${NONE}", "the environment variable NONE is not set; set it, or remove this key"),
        ("${file:none}", "the secret file none cannot be read: No such file or directory; write it, or remove this"),
        (f"http://desk:{CANARY}@proxy.example:3128", "its user name and password are a secret"),
        ("${WRONG}", "not a proxy's address"),
        ("https://proxy.example", "not a proxy's address"),
        ("socks5://proxy.example", "not a proxy's address"),
        ("proxy.example:3128", "not a proxy's address"),
        ("http://proxy.example/path", "not a proxy's address"),
        ("http://proxy-${P}", "${…} must be the whole value"),
        ("[a]", "must be text; put it in quotes"),
    ],
)
def test_load_j11_refuses_a_proxy_and_never_tells_it(problems, proxy, says):
    environ = {"P": CANARY, "WRONG": f"ftp://{CANARY}@proxy.example"}
    [problem] = problems(environ=environ, network=f"allow: []\nproxy: {proxy}\n")
    assert problem.startswith("network.yaml:2: proxy: ") and says in problem
    assert CANARY not in problem


@pytest.mark.parametrize("proxy", ["http://proxy.example", "http://10.0.0.1:3128/", "'http://[fd00::1]:3128'", ""])
def test_load_takes_a_proxy(load, proxy):
    assert load(network=f"proxy: {proxy}\n").to_policy().proxy == proxy.strip("'")


@pytest.mark.parametrize(
    ("name", "secret"),
    [(name, True) for name in "Authorization X-Api-Key X-Auth X-Auth-Token Api-Secret X-Access-Token PassWd".split()]
    + [(name, False) for name in "X-Region X-Author Accept-Language From DNT".split()],
)
def test_load_knows_a_credential_by_its_headers_name(name, secret):
    assert names_a_credential(name) is secret


# ---------------------------------------------------------------- where they may go


@pytest.mark.parametrize(
    ("url", "network", "lines", "refused"),
    [
        ("http://wire.example/rss", OPENED, ["username: a", "password: ${P}"], True),
        ("http://wire.example/rss", OPENED, ["headers: {X-Key: '${P}'}"], True),
        ("http://wire.example/rss", OPENED, ["headers: {X-Region: '${P}'}"], True),  # a reference is a secret
        ("http://wire.example/rss", OPENED, ["headers: {X-Region: kr}"], False),  # nobody's secret
        ("https://wire.example/rss", OPENED, ["username: a", "password: ${P}"], False),
        ("HTTPS://wire.example/rss", OPENED, ["username: a", "password: ${P}"], None),
        ("http://8.8.8.8/rss", OPENED, ["username: a", "password: ${P}"], True),
        ("http://10.1.2.3:8080/rss", OPENED, ["username: a", "password: ${P}"], False),  # the operator's own
        ("http://10.1.2.3:8081/rss", OPENED, ["username: a", "password: ${P}"], None),  # not opened at all
    ],
)
def test_check_lets_no_secret_out_without_tls(load, url, network, lines, refused):
    try:
        load(*lines, url=url, network=network, environ={"P": CANARY})
        said = ""
    except ConfigError as error:
        said = str(error)
    assert CANARY not in said
    if refused is not None:
        assert bool(said) is refused
    assert ("secrets go without TLS only to a private address" in said) is bool(refused) or refused is None


def test_check_certificates_without_tls_are_refused(problems, tmp_path):
    certificates = pathlib.Path(__file__).parent / "desk.pem"
    (tmp_path / "desk.pem").write_text(certificates.read_text())
    [problem] = problems("ca_file: desk.pem", url="http://wire.example/rss")
    assert "feeds[0].ca_file: nothing is checked by it without TLS" in problem


def test_load_takes_certificates_beside_the_files(load, tmp_path):
    (tmp_path / "certificates").mkdir()
    (tmp_path / "certificates" / "desk.pem").write_text((pathlib.Path(__file__).parent / "desk.pem").read_text())
    config = load("ca_file: certificates/desk.pem")
    assert config.warnings == ()
    assert config.public()["feeds"][0]["ca_file"] == "certificates/desk.pem"


# ---------------------------------------------------------------- pace


@pytest.mark.parametrize(
    ("url", "lines", "says"),
    [
        ("https://wire.example/rss", ["interval: 2m"], None),
        ("https://wire.example/rss", ["interval: 119s"], "interval: no feed of this host is asked more often"),
        ("http://10.1.2.3:8080/rss", ["interval: 30s"], None),  # its own floor
        ("http://10.1.2.3:8080/rss", ["interval: 29s"], "more often than every 30s"),
        ("http://10.1.2.4:8080/rss", ["interval: 30s"], "more often than every 2m"),  # opened, and no floor of its own
        ("https://wire.example/rss", ["interval: 2h"], None),  # `slowest` is shorter, and nobody wrote it
        ("https://wire.example/rss", ["slowest: 5m"], None),
        ("https://wire.example/rss", ["interval: 2h", "slowest: 2h"], None),
        ("https://wire.example/rss", ["interval: 2h", "slowest: 1h"], "slowest: shorter than `interval`"),
    ],
)  # fmt: skip
def test_check_names_a_pace_that_the_schedule_would_pass_over(load, problems, url, lines, says):
    if says is None:
        load(*lines, url=url, network=FLOORED)
    else:
        [problem] = problems(*lines, url=url, network=FLOORED)
        assert f"feeds.yaml:{3 + len(lines)}: feeds[0]." in problem and says in problem


def test_check_of_feeds_alone_says_nothing_of_a_floor(load):
    assert load("interval: 1s", only=frozenset({"feeds"})).warnings == ()
    assert {"feeds"} < PARTS


def test_network_hides_its_proxy():
    network = Network(proxy=Secret(f"http://desk:{CANARY}@proxy.example"))
    assert CANARY not in repr(network) and CANARY not in network.model_dump_json(fallback=repr)
