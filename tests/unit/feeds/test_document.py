"""What is news of a document, by the items that are new alone: the same as by all of it."""

from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.same_news import Record


def item(guid="", link="", title="", text="", date=""):
    parts = dict(guid=guid, link=link, title=title, description=text, pubDate=date)
    return "<item>" + "".join(f"<{name}>{escape(part)}</{name}>" for name, part in parts.items() if part) + "</item>"


def rss(*items, head="", root='<rss version="2.0">'):
    return f"<?xml version='1.0'?>{root}<channel><title>Paper</title>{head}{''.join(items)}</channel></rss>".encode()


def numbered(*numbers):
    return [item(f"g{n}", f"https://paper.example/{n}", f"Headline {n}", f"Text {n}.") for n in numbers]


def polled(*bodies):
    """A record that remembers, after these documents; it agrees at each with one that does not."""
    by_parts, whole = Record(remembers=True), Record(remembers=False)
    for body in bodies:
        by_parts.poll(body)
        whole.poll(body)
        assert by_parts.articles == whole.articles
        assert by_parts.counts == whole.counts
    return by_parts


def test_only_what_is_new_is_parsed():
    record = polled(rss(*numbered(3, 2, 1)), rss(*numbered(4, 3, 2)), rss(*numbered(4, 3, 2), head="<ttl>5</ttl>"))
    assert record.parsed == 3 + 1 + 3, "another ttl: what is around the items is read anew"


def test_a_document_whose_bytes_alone_are_new_is_not_parsed():
    record = polled(*(rss(*numbered(2, 1), head=f"<lastBuildDate>{n}</lastBuildDate>") for n in range(3)))
    assert record.parsed == 2 and record.counts[-1] == (0, 0, 2)


@pytest.mark.parametrize(
    "around",
    [
        {"root": "<rss version='2.0' xml:base='https://other.example/'>"},
        {"root": "<rss version='2.0' xmlns:dc='http://purl.org/dc/elements/1.1/'>"},
        {"head": "<language>ko</language>"},
        {"head": "<skipHours><hour>3</hour></skipHours>"},
    ],
)
def test_what_stands_around_an_item_may_change_what_it_says(around):
    assert polled(rss(*numbered(2, 1)), rss(*numbered(2, 1), **around)).parsed == 4


def test_an_item_at_another_address_is_read_anew():
    record = Record(remembers=True)
    record.poll(rss(*numbered(2, 1)))
    record.poll(rss(*numbered(2, 1)), url="https://moved.example/rss")
    assert record.parsed == 4


def test_an_item_that_comes_back_as_it_was_is_an_edit():
    old, new = item("g", "https://p.example/1", "Kim visits"), item("g", "https://p.example/1", "Kim leaves")
    record = polled(rss(old), rss(new), rss(old))
    assert [title for title, _ in record.articles[1]] == ["Kim visits", "Kim leaves", "Kim visits"]


def test_two_versions_of_one_entry_are_always_read_together():
    first, second = item("g", "https://p.example/1", "One"), item("g", "https://p.example/1", "Two")
    polled(rss(second, first, *numbered(7)), rss(second, first, *numbered(8, 7)), rss(first, *numbered(9, 8, 7)))


def test_entries_that_share_a_guid_are_told_apart_whoever_comes_later():
    one, two, three = (item("same", f"https://p.example/{n}", f"Headline {n}") for n in range(3))
    record = polled(rss(one, two), rss(three, one, two), rss(three, one, two, head="<docs>x</docs>"))
    assert len(record.articles) == 3


def test_g03_a_link_of_two_entries_without_a_guid():
    one, two = (item("", "https://p.example/live", f"Headline {n}", date=f"{n} Nov 2023") for n in (1, 2))
    assert len(polled(rss(one), rss(two, one), rss(two, one)).articles) == 2


def test_a_document_with_a_broken_item_is_read_whole():
    broken = "<item><guid>b</guid><title>Broken <b>headline</title></item>"
    record = polled(rss(*numbered(2, 1)), rss(broken, *numbered(2, 1)), rss(broken, *numbered(3, 2, 1)))
    assert record.remembered is None


def test_json_feed_only_what_is_new_is_parsed():
    def feed(*numbers):
        items = ",".join(f'{{"id":"{n}","url":"https://p.example/{n}","title":"Headline {n}"}}' for n in numbers)
        return f'{{"version":"https://jsonfeed.org/version/1.1","items":[{items}]}}'.encode()

    assert polled(feed(2, 1), feed(3, 2, 1), feed(3, 2)).parsed == 3


def test_what_only_looks_like_an_item_costs_no_entry():
    """The parser takes another namespace's `item` for none, and an entry under a prefix beyond ASCII for one."""
    foreign = "<x:item xmlns:x='urn:x'>An item of something else</x:item>"
    polled(rss(*numbered(2, 1), head=foreign), rss(*numbered(3, 2, 1), head=foreign), rss(*numbered(3), head=foreign))
    hidden = "<é:entry xmlns:é='http://www.w3.org/2005/Atom'><é:id>h</é:id><é:title>Hidden</é:title></é:entry>"
    assert len(polled(rss(*numbered(2, 1), hidden), rss(*numbered(3, 2, 1), hidden)).articles) == 4


def test_a_language_in_cdata_reads_the_dates_of_what_is_new():
    published = []

    class Dated(Record):
        def _save(self, update):
            published.extend(fresh.entry.published for fresh in update.new)
            return super()._save(update)

    one, two = (item(f"g{n}", title=f"Headline {n}", date="Thu, 28 Jul 2022 04:35 CST") for n in (1, 2))
    record, head = Dated(remembers=True), "<language><![CDATA[zh-cn]]></language>"
    record.poll(rss(one, head=head))
    record.poll(rss(two, one, head=head))
    assert record.parsed == 2 and published[0] == published[1], "China's time, not America's"
    assert polled(rss(one, head=head), rss(one, head=head.replace("zh-cn", "en-us"))).parsed == 2


def test_another_ttl_behind_the_items_is_read():
    one, two = (rss(*numbered(2, 1), f"<ttl>{n}</ttl>") for n in (5, 60))
    assert polled(one, two).parsed == 4


def test_an_entrys_base_is_nobody_elses():
    def entry(n):
        content = f"<content type='html' xml:base='https://b.example/{n}/'>Text {n}.</content>"
        return f"<entry><id>{n}</id><title>Headline {n}</title><link href='news/{n}.html'/>{content}</entry>"

    def feed(*numbers):
        return f"<feed xmlns='http://www.w3.org/2005/Atom'>{''.join(map(entry, numbers))}</feed>".encode()

    record = polled(feed(2, 1), feed(3, 2, 1), feed(1))
    assert len(record.articles) == 3, "an id that is made of its neighbour's base is another at each poll"


PIECES = st.sampled_from(["", "a", "b", "c"])
ITEMS = st.builds(
    lambda guid, link, title, text, date: item(guid, link and f"https://p.example/{link}", title, text, date),
    PIECES,
    PIECES,
    PIECES,
    PIECES,
    st.sampled_from(["", "Thu, 09 Nov 2023 10:00:00 GMT"]),
)
DOCUMENTS = st.builds(
    lambda items, head: rss(*items, head=f"<lastBuildDate>{head}</lastBuildDate>"),
    st.lists(ITEMS, min_size=1, max_size=5),
    st.integers(0, 2),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(DOCUMENTS, min_size=2, max_size=5))
def test_g01_by_its_new_items_alone_a_document_says_what_it_says_whole(bodies):
    polled(*bodies)
