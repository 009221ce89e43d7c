"""Formats of feeds, their dates, the outlet that an aggregator names, what a publisher asks: read from documents."""

import warnings
from datetime import UTC, datetime

import pytest

from worker.feeds.parse import read_feed
from worker.feeds.parse_child import parse_document
from worker.model import SkipTimes

NOW = datetime(2023, 11, 9, 12, 0, tzinfo=UTC)
URL = "https://example.com/news/feed.xml"
SPACES = 'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:a="http://www.w3.org/2005/Atom"'
SY = 'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'
ITEM = "<item><title>Envoys meet</title></item>"


def rss(*items, head=""):
    return f'<rss version="2.0" {SPACES} {SY}><channel><title>Desk</title>{head}{"".join(items)}</channel></rss>'


def item(title="Envoys meet", inner=""):
    return f"<item><guid>1</guid><title>{title}</title>{inner}</item>"


def parse(document, content_type="application/rss+xml"):
    return read_feed(parse_document(document.encode(), content_type=content_type, url=URL, now=NOW))


def only(document):
    (entry,) = parse(document).entries
    return entry


def dated(inner):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # feedparser warns where we would read one date for another
        return only(rss(item(inner=inner)))


TEN = datetime(2023, 11, 9, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("markup", "published", "raw"),
    [
        ("<pubDate>Thu, 09 Nov 2023 10:00:00 GMT</pubDate>", TEN, "Thu, 09 Nov 2023 10:00:00 GMT"),
        ("<pubdate>Thu,9 Nov 2023 19:0:0 GMT+9</pubdate>", TEN, "Thu,9 Nov 2023 19:0:0 GMT+9"),  # small letters
        ("<pubDate><![CDATA[2023년 11월 9일 (목) 10:00]]></pubDate>", TEN, "2023년 11월 9일 (목) 10:00"),
        ("<pubDate>1699524000000</pubDate>", TEN, "1699524000000"),
        ("<dc:date>2023-11-09T19:00:00+09:00</dc:date>", TEN, "2023-11-09T19:00:00+09:00"),
        ("<a:published>2023-11-09T10:00:00Z</a:published>", TEN, "2023-11-09T10:00:00Z"),
        ("<pubDate>soon</pubDate><dc:date>2023-11-09T10:00Z</dc:date>", TEN, "soon"),  # the first that can be read
        ("<pubDate>Thu, 09 Nov 2023 12:10:00 GMT</pubDate>", NOW, "Thu, 09 Nov 2023 12:10:00 GMT"),  # a fast clock
        ("<pubDate>Thu, 09 Nov 2023 12:20:00 GMT</pubDate>", None, "Thu, 09 Nov 2023 12:20:00 GMT"),  # a wrong zone
        ("<pubDate>yesterday</pubDate>", None, "yesterday"),
        ("<pubDate>Mon, 01 Jan 0001 00:00:00 +0000</pubDate>", None, "Mon, 01 Jan 0001 00:00:00 +0000"),
        ("<pubDate>Thu, 13 Aug 2099 04:04:22 +0000</pubDate>", None, "Thu, 13 Aug 2099 04:04:22 +0000"),
        ("<pubDate></pubDate>", None, ""),
        ("", None, ""),
    ],
)
def test_g07_parse_dates_are_plausible_or_none(markup, published, raw):
    entry = dated(markup)
    assert (entry.published, entry.published_raw) == (published, raw)


@pytest.mark.parametrize(
    ("language", "zone", "hour"),
    [("", "", 10), ("ko-KR", "", 1), ("en", "Asia/Seoul", 1), ("ko", "Europe/London", 10)],
)
def test_g07_parse_dates_without_a_zone_are_the_publishers(language, zone, hour):
    body = rss(item(inner="<pubDate>2023-11-09 10:00</pubDate>"), head=f"<language>{language}</language>").encode()
    found = parse_document(body, content_type="", url=URL, now=NOW, zone=zone)
    assert found["entries"][0]["published"] == f"2023-11-09T{hour:02}:00:00+00:00"
    json_body = b'{"language": "%s", "items": [{"title": "x", "date_published": "2023-11-09 10:00"}]}'
    found = parse_document(json_body % language.encode(), content_type="", url=URL, now=NOW, zone=zone)
    assert found["entries"][0]["published"] == f"2023-11-09T{hour:02}:00:00+00:00"


# ---------------------------------------------------------------- formats

ATOM_03 = """<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>Desk</title>
  <entry><title>Envoys meet</title><link rel="alternate" type="text/html" href="https://example.com/1"/><id>tag:example.com,2023:1</id>
  <issued>2023-11-09T10:00:00Z</issued>
  <content type="text/html" mode="escaped">&lt;p&gt;Long.</content></entry></feed>"""
ATOM_10 = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Desk</title><entry><title>Envoys meet</title><id>1</id>
  <link href="https://example.com/1"/><updated>2023-11-09T10:00:00Z</updated><summary>Long.</summary></entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
  xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://example.com/"><title>Desk</title>
  <items><rdf:Seq><rdf:li resource="https://example.com/1"/></rdf:Seq></items></channel>
  <item rdf:about="https://example.com/1"><title>Envoys meet</title><link>https://example.com/1</link>
  <description>Long.</description><dc:date>2023-11-09T19:00:00+09:00</dc:date></item></rdf:RDF>"""
RSS_09 = """<rss version="{}"><channel><title>Desk</title><item><title>Envoys meet</title>
  <description>Long.</description><link>https://example.com/1</link>
  <pubDate>Thu, 09 Nov 2023 10:00:00 GMT</pubDate></item></channel></rss>"""
JSON = """{{"version": "https://jsonfeed.org/version/{}", "title": "Desk", "items": [{{"id": 1,
  "title": "Envoys meet", "url": "https://example.com/1", "content_html": "<p>Long.</p>", "date_published": {}}}]}}"""


@pytest.mark.parametrize(
    ("document", "version"),
    [
        (RSS_09.format("0.91"), "rss091u"),
        (RSS_09.format("0.92"), "rss092"),
        (RSS_09.format("2.0"), "rss20"),
        (RDF, "rss10"),
        (ATOM_03, "atom03"),
        (ATOM_10, "atom10"),
        (JSON.format("1", '"2023-11-09T10:00:00Z"'), "json"),
        (JSON.format("1.1", "1699524000"), "json"),  # a number, as some write it
        (JSON.format("1.1", "1699524000000.0"), "json"),
    ],
)
def test_parse_reads_every_format(document, version):
    found = parse(document, "text/plain")
    (entry,) = found.entries
    assert (found.version, found.title, found.loose) == (version, "Desk", False)
    assert (entry.title, entry.link, entry.text, entry.published) == (
        "Envoys meet", "https://example.com/1", "Long.", TEN,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("authors", "said"),
    [
        ('"authors": [{"name": "A. Reporter"}, {"name": "B. Writer"}]', "A. Reporter, B. Writer"),  # version 1.1
        ('"author": {"name": "A. <Reporter>"}', "A. <Reporter>"),  # version 1.0
        ('"author": "A. Reporter"', ""),
        ('"authors": [7, {"url": "x"}]', ""),
    ],
)
def test_parse_json_feed_authors(authors, said):
    assert only('{"items": [{"title": "x", ' + authors + "}]}").author == said


@pytest.mark.parametrize(
    ("inner", "outlet", "title"),
    [
        ('<source url="https://r.example">Reuters</source>', "Reuters", "Envoys meet"),
        ("<source>Reuters</source>", "Reuters", "Envoys meet"),  # without the address that it should have
        ('<source url="https://r.example">\n &lt;b&gt;Reuters&lt;/b&gt; </source>', "Reuters", "Envoys meet"),
        ('<source url="https://r.example"/>', "", "Envoys meet - Reuters"),
        ('<source url="https://a.example">AP</source>', "AP", "Envoys meet - Reuters"),  # the headline's own words
        ("", "", "Envoys meet - Reuters"),
    ],
)
def test_parse_of_an_aggregator_names_the_outlet(inner, outlet, title):
    opaque = "<link>https://news.example.com/rss/articles/CBMi?oc=5</link>"
    entry = only(rss(item("Envoys meet - Reuters", inner + opaque)))
    assert (entry.outlet, entry.title, entry.link) == (outlet, title, "https://news.example.com/rss/articles/CBMi?oc=5")


def test_parse_of_an_aggregator_in_atom_names_the_feed_that_it_took_from():
    atom = ATOM_10.replace("<summary>", "<source><title>Ledger</title><id>x</id></source><summary>")
    assert (only(atom).outlet, only(atom).title) == ("Ledger", "Envoys meet")


@pytest.mark.parametrize(
    ("head", "wait", "hours", "days"),
    [
        ("<ttl>90</ttl><skipHours><hour>0</hour><hour>24</hour><hour>5</hour></skipHours>", 5400, {0, 5}, set()),
        ("<skipDays><day>Sunday</day></skipDays>", None, set(), {6}),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>", 43_200, None, None),
        ("", None, None, None),
    ],
)
def test_f11_parse_tells_what_the_publisher_asks(head, wait, hours, days):
    found = parse(rss(ITEM, head=head))
    assert found.wait == wait
    assert found.skip == (None if hours is None else SkipTimes(hours=frozenset(hours), days=frozenset(days)))


def test_f11_parse_takes_an_atom_feeds_word_too():
    atom = ATOM_10.replace("<title>Desk", f"<sy:updatePeriod {SY}>weekly</sy:updatePeriod><title>Desk", 1)
    assert parse(atom).wait == 7 * 86_400
