"""What may be dialled (ACCEPTANCE section I): tables with the reason for each row."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import FetchError, FetchReason
from worker.feeds.robots import origin_of
from worker.guard import Allow, HostPolicy, NetworkPolicy, check_address, check_url, host_of

OPEN = NetworkPolicy()


def intranet(cidr, *, ports=(), uses=("feed", "webhook")):
    return NetworkPolicy(allow=(Allow(ipaddress.ip_network(cidr), frozenset(ports), frozenset(uses)),))


REFUSED_ADDRESSES = [
    "127.0.0.1",  # loopback
    "127.255.255.254",
    "::1",
    "0.0.0.0",  # this host
    "::",
    "10.1.2.3",  # RFC 1918
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "169.254.169.254",  # link-local, metadata
    "169.254.170.2",  # container credentials
    "100.64.0.1",  # carrier-grade NAT
    "100.100.100.200",  # Alibaba metadata, inside CGNAT
    "168.63.129.16",  # Azure's wire server, in public space
    "fc00::1",  # unique local
    "fd00:ec2::254",  # AWS metadata over IPv6
    "fe80::1",  # link-local
    "fe80::1%eth0",  # with a scope
    "::ffff:127.0.0.1",  # IPv4-mapped
    "::ffff:a9fe:a9fe",
    "::127.0.0.1",  # IPv4-compatible
    "64:ff9b::a9fe:a9fe",  # NAT64 of a private address
    "64:ff9b::127.0.0.1",
    "64:ff9b:1::a00:1",  # local-use NAT64
    "2002:7f00:1::",  # 6to4 of loopback
    "2002:808:808::1",  # 6to4 of anything: deprecated, and a relay decides where it goes
    "2001:0:7f00:1::1",  # Teredo
    "2001:db8::1",  # documentation
    "3fff::1",
    "100::1",  # discard
    "5f00::1",  # segment routing
    "224.0.0.1",  # multicast
    "239.255.255.250",
    "ff02::1",
    "fec0::1",  # deprecated site-local
    "192.0.0.192",  # Oracle metadata
    "192.0.2.1",  # documentation
    "198.18.0.1",  # benchmarks
    "198.51.100.1",
    "203.0.113.1",
    "192.88.99.1",  # 6to4 anycast
    "240.0.0.1",  # reserved
    "255.255.255.255",
]


@pytest.mark.parametrize("ip", REFUSED_ADDRESSES)
def test_i01_check_address_refuses(ip):
    with pytest.raises(FetchError) as caught:
        check_address(ip, 80, use="feed", policy=OPEN)
    assert caught.value.reason is FetchReason.REFUSED_ADDRESS


@pytest.mark.parametrize("ip", [ip for ip in REFUSED_ADDRESSES if "%" not in ip])
def test_i01_check_url_refuses_the_literal(ip):
    host = f"[{ip}]" if ":" in ip else ip
    with pytest.raises(FetchError) as caught:
        check_url(f"http://{host}/feed.xml", use="feed", policy=OPEN)
    assert caught.value.reason is FetchReason.REFUSED_ADDRESS


@pytest.mark.parametrize(
    "ip",
    [
        "8.8.8.8",
        "172.32.0.1",  # just outside RFC 1918
        "100.128.0.1",  # just outside CGNAT
        "2606:4700:4700::1111",
        "2001:4860:4860::8888",
        "64:ff9b::808:808",  # NAT64 of a public address: how an IPv6-only network reaches IPv4
    ],
)
def test_check_address_lets_the_public_through(ip):
    check_address(ip, 443, use="feed", policy=OPEN)


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/",  # 127.0.0.1 as one number
        "http://0x7f.1/",
        "http://0x7f000001/",
        "http://017700000001/",
        "http://127.1/",
        "http://127.0.0.1./",  # a trailing dot is not canonical
        "http://127.0.0.0x1/",
        "http://①②⑦.⓪.⓪.①/",  # IDNA folds it to 127.0.0.1
        "http://127。0。0。1/",  # ideographic full stops
        "http://127%2e0%2e0%2e1/",
        "http://user@example.com/",
        "http://user:secret@example.com/",
        "http://example.com@127.0.0.1/",
        "http://@127.0.0.1/",
        "http://example.com\\@127.0.0.1/",
        "http://127.0.0.1\\.example.com/",
        "http://exam ple.com/",
        "http://[::1%25lo]/",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http:///feed",
        "http:example.com",
        "http://",
        "",
        "feed.xml",
        "file:///etc/passwd",
        "gopher://example.com/",
        "ftp://example.com/feed.xml",
        "javascript:alert(1)",
        "http://exa\nmple.com/",
        "http://example.com/\r\nHost: x",
        "http://example.com/\x00",
        "http://example.com/\ud800",
        "http://[::1/",
        "http://" + "a" * 64 + ".com/",  # a label too long
        "http://example.com/" + "a" * 4096,
    ],
)
def test_i02_check_url_refuses_tricks(url):
    with pytest.raises(FetchError) as caught:
        check_url(url, use="feed", policy=OPEN)
    assert caught.value.reason in (FetchReason.REFUSED_URL, FetchReason.REFUSED_ADDRESS)


def test_j06_check_url_does_not_repeat_the_url():
    with pytest.raises(FetchError) as caught:
        check_url("http://user:canary@example.com/?token=canary", use="feed", policy=OPEN)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "dialled"),
    [
        ("https://Example.COM/Feed?a=b#top", "https://example.com/Feed?a=b"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://한겨레.example/뉴스", None),
        ("http://a_b.example:8080/", "http://a_b.example:8080/"),  # underscores are seen in real feeds
        ("https://example.com./", None),  # fully qualified
        ("https://example.com/?mail=a@b", None),  # an @ after the host is nobody's name
        ("https://example.com/a b", "https://example.com/a%20b"),
    ],
)
def test_check_url_keeps_good_ones(url, dialled):
    found = check_url(url, use="feed", policy=OPEN)
    assert dialled is None or str(found) == dialled
    assert str(found).isascii()


@pytest.mark.parametrize("port", [22, 25, 6379, 5432, 9200, 11211, 2375, 6000, 1])
def test_i06_service_ports_are_refused_unless_allow_listed(port):
    with pytest.raises(FetchError):
        check_url(f"http://example.com:{port}/", use="feed", policy=OPEN)
    with pytest.raises(FetchError):
        check_address("8.8.8.8", port, use="feed", policy=OPEN)
    policy = intranet("8.8.8.8/32", ports=[port])
    check_url(f"http://example.com:{port}/", use="feed", policy=policy)
    check_address("8.8.8.8", port, use="feed", policy=policy)
    with pytest.raises(FetchError):  # the port is open for that address only
        check_address("8.8.4.4", port, use="feed", policy=policy)


@pytest.mark.parametrize("port", [80, 443, 8080, 8443, 8000, 3000])
def test_i06_web_ports_are_open(port):
    check_address("8.8.8.8", port, use="webhook", policy=OPEN)


def test_i08_an_allowed_range_works_only_for_its_ports_and_use():
    policy = intranet("10.0.0.0/8", ports=[8099], uses=["feed"])
    check_address("10.1.1.1", 8099, use="feed", policy=policy)
    check_address("::ffff:10.1.1.1", 8099, use="feed", policy=policy)  # dials the same machine
    for ip, port, use in [("10.1.1.1", 80, "feed"), ("10.1.1.1", 8099, "webhook"), ("192.168.1.1", 8099, "feed")]:
        with pytest.raises(FetchError):
            check_address(ip, port, use=use, policy=policy)
    with pytest.raises(FetchError):  # NAT64 of an allowed address is another road
        check_address("64:ff9b::a01:101", 8099, use="feed", policy=policy)


def test_i08_metadata_is_never_part_of_a_range():
    for cidr in ("0.0.0.0/0", "169.254.0.0/16"):
        with pytest.raises(FetchError):
            check_address("169.254.169.254", 80, use="feed", policy=intranet(cidr))
    check_address("169.254.169.254", 80, use="feed", policy=intranet("169.254.169.254/32"))


def test_host_policy_is_found_by_the_name_in_the_url():
    mine = HostPolicy(interval_floor=1, spacing=0, concurrent=50, ignore_hints=True)
    policy = NetworkPolicy(hosts={"127.0.0.1": mine, "example.com": mine, "::1": mine})
    assert policy.host("127.0.0.1") is mine
    assert policy.host("Example.com.") is mine
    assert policy.host("[::1]") is mine
    assert policy.host("www.example.com") == HostPolicy() == HostPolicy(120.0, 1.0, 2, False)


@given(st.text(max_size=60))
def test_check_url_any_text_is_a_url_or_refused(text):
    for url in (text, "http://" + text, "https://example.com/" + text):
        try:
            found = check_url(url, use="feed", policy=OPEN)
        except FetchError:
            continue
        assert found.scheme in ("http", "https") and str(found).isascii() and found.raw_host


@given(st.integers(0, 2**128 - 1) | st.integers(0, 2**32 - 1))
def test_check_address_never_opens_what_the_library_knows_as_private(number):
    address = ipaddress.ip_address(number) if number < 2**32 else ipaddress.IPv6Address(number)
    try:
        check_address(str(address), 80, use="feed", policy=OPEN)
    except FetchError:
        return
    assert not (address.is_loopback or address.is_private or address.is_multicast or address.is_reserved) or (
        address in ipaddress.ip_network("64:ff9b::/96")
    )


@pytest.mark.parametrize("spelt", ["bbⒸ.co.uk", "ｂbc.co.uk", "bbc。co。uk", "BBC.co.uk."])
def test_f17_a_host_has_one_turn_however_its_name_is_spelt(spelt):
    assert host_of(f"https://{spelt}/a") == "bbc.co.uk"
    assert origin_of(f"https://{spelt}/a") == "https://bbc.co.uk:443"
