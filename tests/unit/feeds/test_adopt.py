"""Which feeds of a list are taken up: ids, twins, refusals, and what is left out with a word."""

import codecs

import pytest

from worker.config.schema import AllowSpec, Config, FeedSpec, HostSpec, Network
from worker.feeds import adopt as module
from worker.feeds.adopt import Fate, decide_adoptions, plain_address, read_list
from worker.feeds.listed import ListedFeed, ListError, slug

HELD = FeedSpec(id="gazette", url="https://www.gazette.example/feed/", title="The Gazette")


def decide(*listed, feeds=(HELD,), network=None, tags=()):
    config = Config(feeds=feeds, network=network or Network())
    return decide_adoptions([ListedFeed(n, **one) for n, one in enumerate(listed, 1)], config, tags=tags)


def ids(*listed, **options):
    return [one.id for one in decide(*listed, **options)]


def test_adopt_takes_up_what_is_new():
    (one,) = decide(
        dict(url="https://a.example/", title="A", language="ko", tags=("x",), tier="1", interval="30m"), tags=("y", "x")
    )
    assert (one.fate, one.line, one.why) == (Fate.ADDED, 1, "")
    assert one.spec == FeedSpec(
        id="a", url="https://a.example/", title="A", language="ko", tags=("x", "y"), tier=1, interval="30m"
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://www.gazette.example/feed/",
        "http://WWW.Gazette.example/feed",
        "https://www.gazette.example:443/feed/#top",
        "feed://www.gazette.example/feed/",
        " https://www.gazette.example/feed/?utm_source=x".strip(),
    ],
)
def test_adopt_knows_what_is_there_already(url):
    (one,) = decide(dict(url=url, title="Another name"))
    assert (one.fate, one.id, one.spec) == (Fate.THERE, "gazette", None)


def test_adopt_takes_an_address_up_once():
    first, second = decide(dict(url="https://a.example/x", title="A"), dict(url="http://a.example/x/", title="B"))
    assert (first.fate, second.fate, second.id) == (Fate.ADDED, Fate.THERE, "a")


@pytest.mark.parametrize("query", ["?id=1", "?id=2&utm_medium=rss"])
def test_adopt_keeps_apart_what_a_query_keeps_apart(query):
    assert decide(dict(url=f"https://www.gazette.example/feed/{query}"))[0].fate is Fate.ADDED


@pytest.mark.parametrize(
    ("title", "url", "feed_id"),
    [
        ("The Gazette, World", "https://a.example/", "the-gazette-world"),
        ("The Gazette", "https://a.example/", "the-gazette"),
        ("Gazette", "https://a.example/", "gazette-2"),  # its id is taken
        ("연합뉴스", "https://www.yonhap.example/rss", "yonhap-example"),  # no Latin letter: by its host
        ("연합뉴스 (Yonhap)", "https://a.example/", "yonhap"),
        ("2024년", "https://a.example/", "a-example"),  # a number is no name
        ("", "https://a.example/", "a-example"),
        ("", "https://203.0.114.7/feed", "feed-203-0-114-7"),
        ("Café l'Été", "https://a.example/", "cafe-lete"),
        ("x" * 500, "https://a.example/", "x" * 60),
        ("word " * 50, "https://a.example/", "-".join(["word"] * 12)),
    ],
)
def test_adopt_makes_ids_that_can_be_read(title, url, feed_id):
    assert ids(dict(url=url, title=title)) == [feed_id]
    assert slug(feed_id) == feed_id


def test_adopt_makes_ids_that_are_unique():
    twins = [dict(url=f"https://a.example/{n}", title="News") for n in range(200)]
    assert ids(*twins) == ["news", *(f"news-{n}" for n in range(2, 201))]
    assert ids(dict(url="https://a.example/1", title="News 2"), *twins[2:4]) == ["news-2", "news", "news-3"]


@pytest.mark.parametrize(
    ("listed", "why"),
    [
        (dict(url=""), "has no address"),
        (dict(url="http://10.0.0.1/feed"), "10.0.0.1 is private or reserved"),
        (dict(url="http://127.1/"), "will not be fetched: "),
        (dict(url="https://user:word@a.example/"), "a user name, password"),
        (dict(url="https://a.example:22/"), "port 22"),
        (dict(url="ftp://a.example/"), "only http and https"),
        (dict(url="javascript:alert(1)"), "url: write the whole address, with http:// or https://"),
        (dict(url="=HYPERLINK(1)"), "url: write the whole address"),
        (dict(url="news.example.com/rss"), "url: write the whole address, with http:// or https://"),
        (dict(url="news.example.com:8080/rss"), "url: write the whole address"),  # its host is no scheme
        (dict(url="www.gazette.example/feed/"), "url: write the whole address"),  # although that one is there
        (dict(url="https://a.example/a b"), "url: write the whole address"),
        (dict(url="https://a.example/", id="gazette"), "id: gazette is taken"),
        (dict(url="https://a.example/", id="Not A Slug"), "id: 'Not A Slug' may hold only small letters"),
        (dict(url="https://a.example/", tier="7"), "tier: "),
        (dict(url="https://a.example/", tier="high"), "tier: must be a whole number"),
        (dict(url="https://a.example/", interval="often"), "interval: write a duration"),
        (dict(url="https://a.example/", enabled="perhaps"), "enabled: "),
    ],
)
def test_adopt_h16_refuses_what_check_would(listed, why):
    refused, taken = decide(listed, dict(url="https://b.example/", title="B"))
    assert (refused.fate, refused.line, refused.spec) == (Fate.REFUSED, 1, None)
    assert why in refused.why
    assert taken.fate is Fate.ADDED  # one bad line spoils no other


def test_adopt_obeys_the_network_file():
    network = Network(allow=(AllowSpec.model_validate({"cidr": "10.0.0.0/8", "for": ["feed"]}),))
    assert decide(dict(url="http://10.0.0.1/"), network=network)[0].fate is Fate.ADDED
    webhooks = Network(allow=(AllowSpec.model_validate({"cidr": "10.0.0.0/8", "for": ["webhook"]}),))
    assert decide(dict(url="http://10.0.0.1/"), network=webhooks)[0].fate is Fate.REFUSED


def test_adopt_leaves_out_a_language_that_is_none_and_says_so():
    (one,) = decide(dict(url="https://a.example/", language="english", notes=("a note",)))
    assert (one.fate, one.spec.language) == (Fate.ADDED, "")
    assert one.why.startswith("a note; language 'english' left out: not a language code")


@pytest.mark.parametrize(
    ("url", "interval", "kept"),
    [
        ("https://a.example/", "2m", 120.0),
        ("https://a.example/", "90s", None),
        ("http://10.0.0.1/", "90s", 90.0),  # by its own floor
        ("http://10.0.0.2/", "90s", None),
    ],
)
def test_adopt_leaves_out_an_interval_below_the_hosts_floor_and_says_so(url, interval, kept):
    allow = AllowSpec.model_validate({"cidr": "10.0.0.0/8", "for": ["feed"]})
    network = Network(allow=(allow,), hosts={"10.0.0.1": HostSpec(interval_floor="30s")})
    (one,) = decide(dict(url=url, interval=interval, notes=("a note",)), network=network)
    assert one.fate is Fate.ADDED
    assert ("interval" in one.spec.model_fields_set) is (kept is not None)
    assert one.spec.interval == (kept or 600.0)
    assert one.why.startswith("a note; interval 90s left out: no feed of its host" if kept is None else "a note")
    assert kept is None or one.why == "a note"


@pytest.mark.parametrize(
    ("word", "enabled"), [("false", False), ("No", False), ("0", False), ("TRUE", True), ("", True)]
)
def test_adopt_reads_whether_a_feed_is_enabled(word, enabled):
    assert decide(dict(url="https://a.example/", enabled=word))[0].spec.enabled is enabled


def test_adopt_h16_refuses_all_that_is_over_the_cap_at_once(monkeypatch):
    monkeypatch.setattr(module, "MAX_LISTED", 3)
    found = decide(*(dict(url=f"https://a.example/{n}") for n in range(4)))
    assert [one.fate for one in found] == [Fate.ADDED] * 3 + [Fate.REFUSED]
    assert (found[-1].line, found[-1].why) == (4, "over the cap of 3 feeds, as is all that follows; split the list")


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("feed:https://a.example/", "https://a.example/"),
        ("feed://a.example/", "http://a.example/"),
        ("FEED:http://a.example/", "http://a.example/"),
        ("https://a.example/feed:x", "https://a.example/feed:x"),
    ],
)
def test_adopt_reads_addresses_that_say_they_are_feeds(url, plain):
    assert plain_address(url) == plain


OPML = '<opml><body><outline text="김 é" xmlUrl="https://a.example/"/></body></opml>'


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (OPML.encode(), "김 é"),
        (OPML.encode("utf-8-sig"), "김 é"),
        (OPML.encode("utf-16"), "김 é"),
        (codecs.BOM_UTF16_LE + "title\turl\n김 é\thttps://a.example/\n".encode("utf-16-le"), "김 é"),
        (b'<?xml version="1.0" encoding="euc-kr"?>' + OPML.replace(" é", " 뉴스").encode("euc-kr"), "김 뉴스"),
        (b'<?xml version="1.0" encoding="iso-8859-1"?>' + OPML.replace("김 ", "").encode("latin-1"), "é"),
        ("title;url\ncafé;https://a.example/\n".encode("cp1252"), "café"),
        (b'<?xml version="1.0" encoding="nonsense"?>' + OPML.encode(), "김 é"),
    ],
)
def test_adopt_reads_lists_in_any_charset(body, title):
    assert [feed.title for feed in read_list(body).feeds] == [title]


@pytest.mark.parametrize("body", [b"", b" \n", codecs.BOM_UTF8])
def test_adopt_says_that_a_list_is_empty(body):
    with pytest.raises(ListError, match="is empty"):
        read_list(body)


def test_adopt_h16_a_list_over_50_mb_is_not_read():
    with pytest.raises(ListError, match="larger than 50 MB"):
        read_list(b"<" * (module.MAX_LIST + 1))
