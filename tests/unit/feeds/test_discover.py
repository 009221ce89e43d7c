"""The feeds that a page names: which links count, in which order, and that no page can make it dear."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.feeds.discover import MOST_FOUND, NamedFeed, find_feeds

URL = "https://news.example.com/world/"


def named(page, url=URL, content_type="text/html; charset=utf-8"):
    return find_feeds(page if isinstance(page, bytes) else page.encode(), content_type=content_type, url=url)


def link(href, kind="application/rss+xml", rel="alternate", title=""):
    return f'<link rel="{rel}" type="{kind}" href="{href}" title="{title}">'


def page(head="", body=""):
    return f"<!doctype html><html><head>{head}</head><body>{body}</body></html>"


@pytest.mark.parametrize(
    ("head", "url", "kind"),
    [
        (link("/rss.xml"), "https://news.example.com/rss.xml", "RSS"),
        (link("all", "application/atom+xml"), URL + "all", "Atom"),  # against the page's own address
        (link("//cdn.example.com/f", "application/feed+json"), "https://cdn.example.com/f", "JSON Feed"),
        (link("/f", "application/rdf+xml"), "https://news.example.com/f", "RDF"),
        (link("/f?a=1&amp;b=2"), "https://news.example.com/f?a=1&b=2", "RSS"),
        (link("/f", "Application/RSS+XML; charset=utf-8", "home ALTERNATE"), "https://news.example.com/f", "RSS"),
        (link("/f", rel="feed"), "https://news.example.com/f", "RSS"),
        ('<base href="https://www.example.com/x/">' + link("f"), "https://www.example.com/x/f", "RSS"),
    ],
)
def test_discover_finds_what_the_page_says(head, url, kind):
    assert named(page(head)) == [NamedFeed(url, "", kind, said=True)]


@pytest.mark.parametrize(
    "head",
    [
        link("/f", "application/json"),  # a program's interface, as WordPress has it
        link("/ko/", "text/html"),  # the page in another language
        link("/style.css", "text/css", "stylesheet"),
        link("javascript:alert(1)"),
        link("file:///etc/passwd"),
        link(""),
        link(URL),  # the page itself
        link("https://["),
        link("/" + "a" * 3_000),
    ],
)
def test_discover_takes_nothing_else(head):
    assert named(page(head)) == []


@pytest.mark.parametrize(
    "href",
    ["/rss", "/feed/", "/feeds/posts/default", "world.rss", "/news/rss.xml", "/atom.xml", "/rss_xml.php?ct=105",
     "/?feed=rss2", "/index.rdf", "/feed.json", "http://feeds.example.com/x/rss", "/x?format=rss"],
)  # fmt: skip
def test_discover_finds_links_that_look_like_a_feed(href):
    (found,) = named(page(body=f'<p><a href="{href}">All <b>the</b> news</a> <a href="/about">About</a>'))
    assert (found.title, found.said) == ("All the news", False)


@pytest.mark.parametrize("href", ["/feedback", "/express", "/world/atomic-energy", "/addresses", "/sitemap.xml"])
def test_discover_passes_over_links_that_do_not(href):
    assert named(page(body=f'<a href="{href}">x</a>')) == []


def test_discover_puts_what_the_page_says_first_and_each_once():
    found = named(page(link("/b", title="B &amp; C"), '<a href="/rss">R</a><a href="/b" type="application/rss+xml">B'))
    assert [(one.url.rpartition("/")[2], one.title) for one in found] == [("b", "B & C"), ("rss", "R")]


def test_discover_reads_titles_in_the_pages_charset():
    text = page('<meta charset="euc-kr">' + link("/f", title="똠방각하 새 소식"))
    assert named(text.encode("cp949"), content_type="text/html")[0].title == "똠방각하 새 소식"
    assert named(text.encode("cp949"), content_type="text/html; charset=nobodys")[0].url.endswith("/f")


def test_h02_discover_keeps_no_more_than_so_many():
    assert len(named(page(body="".join(f'<a href="/rss/{n}">x</a>' for n in range(5_000))))) == MOST_FOUND


@pytest.mark.parametrize("body", [b"", b"<" * 300_000, b"<a " * 100_000, b"<b>" * 100_000, b"\0" * 1_000, b"\xff\xfe<"])
def test_h02_discover_ends_whatever_comes(body):
    assert named(body) == []


@given(st.binary(max_size=200) | st.text(max_size=80).map(lambda text: f"<a href='{text}/rss'>{text}".encode()))
def test_discover_takes_any_bytes(body):
    for one in named(body, content_type=""):
        assert one.url.startswith(("http://", "https://")) and one.url.isprintable()
