"""One document to entries: charsets, declarations, links, broken markup, JSON Feed; a feed or an error, always."""

import contextlib
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.errors import FeedParseError, ParseReason
from worker.feeds import parse_child
from worker.feeds.decode import refuse_declarations, settle_charset
from worker.feeds.parse import read_feed, refuse_early
from worker.feeds.parse_child import MAX_ENTRIES, parse_document
from worker.model import ParsedFeed

NOW = datetime(2023, 11, 9, 12, 0, tzinfo=UTC)
URL = "https://example.com/news/feed.xml"
CUT = "<item><title>Second</title><link>https://example.com/2</link><description>Long text</description></item>"
ITEM = "<item><guid>1</guid><link>https://example.com/1</link><title>Envoys meet</title></item>"


def rss(*items, head="", pre='<?xml version="1.0"?>'):
    return f'{pre}<rss version="2.0"><channel><title>Desk</title>{head}{"".join(items)}</channel></rss>'


def item(title="Envoys meet", inner=""):
    return f"<item><guid>1</guid><title>{title}</title>{inner}</item>"


def parse(body, content_type="application/rss+xml"):
    body = body if isinstance(body, bytes) else body.encode()
    return read_feed(parse_document(body, content_type=content_type, url=URL, now=NOW))


def only(body, content_type="application/rss+xml"):
    (entry,) = parse(body, content_type).entries
    return entry


# ---------------------------------------------------------------- declarations

DECLARED = '<!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
XML = '<?xml version="1.0"?>'


@pytest.mark.parametrize(
    "document",
    [
        rss(item("&b;"), pre=XML + DECLARED),  # billion laughs
        rss(item("&b;"), pre=XML + DECLARED.lower().replace("doctype rss [<!entity", "DOCTYPE rss [<!ENTITY")),
        rss(item(), pre=f"{XML}\n<!-- <x> -->\n{DECLARED}"),  # an element in a comment before it
        rss(item(), pre=f"{XML}<!-- a --><?php x ?>{DECLARED}"),  # behind a comment and an instruction
        rss(item(), pre=f"junk <br/> {DECLARED}"),  # behind a program's warning
        rss(item(), pre='<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),  # an external entity
        rss(item(), pre='<!DOCTYPE rss [<!ENTITY % p SYSTEM "http://example.com/p"> %p;]>'),  # a parameter entity
        rss(item(), pre="<!DOCTYPE rss [" + '<!ATTLIST rss a CDATA "x">' * 1000 + "]>"),  # attribute lists
        rss(item(), pre="<!DOCTYPE rss [<!-- ]> --><!ENTITY a 'b'>]>"),  # a comment that looks like the end
        rss(item(), pre='<!DOCTYPE a ">\n<?x?><!DOCTYPE r [<!ENTITY a "b">]>'),  # an open quote before it
        rss(item(), pre="<!DOCTYPE rss [<!ENTITY a 'b'>"),  # never closed
        rss(item("&b;"), pre=f"<!-- {XML}{DECLARED}<rss> -->"),  # in a comment, and bare once the document is mended
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_h01_parse_refuses_declarations_in_every_encoding(document, encoding):
    if encoding == "utf-16-le" and not document.startswith("<?xml"):
        document = XML + document  # without a mark only the declaration tells
    with pytest.raises(FeedParseError) as raised:
        parse(document.encode(encoding))
    assert raised.value.reason is ParseReason.FORBIDDEN_MARKUP


def test_h01_parse_refuses_declarations_in_a_declared_encoding():
    hidden = b'<?xml version="1.0" encoding="utf-7"?>+ADwAIQ-DOCTYPE r [+ADwAIQ-ENTITY a "b"+AD4AXQA+-' + rss(
        item(), pre=""
    ).encode("ascii")
    for body, content_type in ((hidden, "text/xml"), (hidden[38:], "text/xml; charset=utf-7")):
        with pytest.raises(FeedParseError) as raised:
            parse(body, content_type)
        assert raised.value.reason is ParseReason.FORBIDDEN_MARKUP


@pytest.mark.parametrize(
    "document",
    [
        rss(item(inner=f"<description><![CDATA[Write <pre>{DECLARED}</pre>]]></description>")),  # quoted in CDATA
        rss(item(inner="<description>&lt;!DOCTYPE x [&lt;!ENTITY a 'b'&gt;]&gt;</description>")),  # quoted, escaped
        rss(item(), head=f"<!-- {DECLARED} -->"),  # in a comment of the channel
        rss(item(), pre=f"{XML}<!-- {DECLARED} -->"),  # in a comment before the root
        rss(
            item(), pre=f'{XML}<!DOCTYPE rss PUBLIC "-//N//DTD RSS 0.91//EN" "http://example.com/rss.dtd">'
        ),  # RSS 0.91
        rss(item(), pre=f"{XML}<!DOCTYPE rss []>"),  # an empty subset
    ],
)
def test_parse_reads_an_article_that_quotes_a_declaration(document):
    assert only(document).title == "Envoys meet"


@given(st.binary(max_size=300).map(lambda b: b"<!DOCTYPE r [" + b))
def test_refuse_declarations_ends_for_any_bytes(body):
    with contextlib.suppress(FeedParseError):
        refuse_declarations(body)


# ---------------------------------------------------------------- charsets

HANGUL, HEBREW, RUSSIAN = "똠방각하 북한 미사일", "צבא ההגנה", "Посол покинул столицу"


@pytest.mark.parametrize(
    ("title", "encoding", "declared", "content_type"),
    [
        (HANGUL, "cp949", "euc-kr", "text/xml"),  # the superset under the subset's name
        (HANGUL, "cp949", None, "text/xml; charset=euc-kr"),  # said by the header only
        (HANGUL, "cp949", None, "text/xml"),  # said by nobody
        (HANGUL, "utf-8", "euc-kr", "text/xml; charset=EUC-KR"),  # said, and wrong
        (HANGUL, "utf-8", None, "text/xml"),  # RFC 3023 would have it as ASCII
        (HANGUL, "utf-8", "utf-8", "text/html; charset=iso-8859-1"),  # a server's default
        (HANGUL, "utf-8", "utf-16", "text/xml"),  # the declaration is wrong
        (HANGUL, "utf-8-sig", None, ""),
        (HANGUL, "utf-16", None, ""),
        (HANGUL, "utf-16", "utf-16", "application/xml"),
        (HEBREW, "cp1255", "windows-1255", "text/xml"),
        (RUSSIAN, "cp1251", "windows-1251", "text/xml"),
        (RUSSIAN, "koi8-r", None, "application/xml; charset=koi8-r"),
        ("北京", "gb18030", "gb2312", "text/xml"),
        ("東京の会談", "iso-2022-jp", "iso-2022-jp", "text/xml"),  # seven bits, and not ASCII
        ("Seoul’s “talks”", "cp1252", "utf-8", "text/xml; charset=utf-8"),  # Windows quotes declared as UTF-8
    ],
)
def test_f22_parse_reads_the_charset(title, encoding, declared, content_type):
    pre = f'<?xml version="1.0" encoding="{declared}"?>' if declared else '<?xml version="1.0"?>'
    assert only(rss(item(title), pre=pre).encode(encoding), content_type).title == title


def test_f22_parse_keeps_a_feed_with_one_broken_character():
    """A summary cut in the middle of a letter must not turn every headline to gibberish."""
    broken = rss(item(HANGUL), item(RUSSIAN, "<description>@</description>")).encode().replace(b"@", b"\xeb\xb6")
    assert [entry.title for entry in parse(broken).entries] == [HANGUL, RUSSIAN]


@given(st.binary(max_size=200), st.text(max_size=20))
def test_settle_charset_takes_any_bytes(body, content_type):
    settle_charset(body, content_type)


# ---------------------------------------------------------------- entries


@pytest.mark.parametrize(
    ("markup", "link"),
    [
        ("<link>https://example.com/a?b=1&amp;c=2</link>", "https://example.com/a?b=1&c=2"),
        ("<link>https://example.com/a?b=1&c=2</link>", "https://example.com/a?b=1&c=2"),  # a bare ampersand
        ("<link><![CDATA[https://example.com/a?b=1&c=2]]></link>", "https://example.com/a?b=1&c=2"),
        ("<link>\n  https://example.com/a\n</link>", "https://example.com/a"),
        ("<link>/a</link>", "https://example.com/a"),
        ("<link>a</link>", "https://example.com/news/a"),  # against the feed's address
        ("<link>//cdn.example.com/a</link>", "https://cdn.example.com/a"),
        ("<link>https://example.com/a b</link>", "https://example.com/a%20b"),
        ("<link>javascript:alert(1)</link>", ""),  # H08
        ("<link>data:text/html,x</link>", ""),
        ("<link>file:///etc/passwd</link>", ""),
        ("<link>https://[</link>", ""),  # no address at all
        ("<link>https://example.com/" + "a" * 3000 + "</link>", ""),  # longer than any address
    ],
)
def test_h08_parse_keeps_only_web_links(markup, link):
    assert only(rss(item(inner=markup))).link == link


def test_parse_atom_links_and_base():
    atom = """<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://example.com/base/"><title>Desk</title>
      <entry><id>e1</id><title type="html">&lt;b&gt;Talks&lt;/b&gt; on</title><link href="one.html"/></entry>
      <entry><id>tag:example.com,2023:2</id><title>Clip</title><link rel="enclosure" href="https://example.com/x.mp3"/></entry></feed>"""
    first, second = parse(atom, "application/atom+xml").entries
    assert (first.title, first.link) == ("Talks on", "https://example.com/base/one.html")
    assert (second.title, second.link) == ("Clip", "")  # a sound file is not the article


def test_parse_guid_does_not_change_with_the_feeds_address():
    body = rss("<item><guid>333</guid><title>x</title></item>").encode()
    elsewhere = parse_document(body, content_type="", url="http://mirror.example.org/f", now=NOW)
    assert only(body).guid == elsewhere["entries"][0]["guid"] == "333"


@pytest.mark.parametrize(
    ("document", "titles", "skipped"),
    [
        ("\n\n" + rss(ITEM), ["Envoys meet"], 0),  # blank lines before the declaration
        ("\ufeff\ufeff" + rss(ITEM), ["Envoys meet"], 0),  # two byte order marks
        ("Warning: x in <b>y.php</b><br />\n" + rss(ITEM), ["Envoys meet"], 0),  # a program's warning
        (rss(ITEM) + "<!-- cached --> trailing", ["Envoys meet"], 0),
        (rss(item("A &nbsp;B &mdash; C")), ["A B — C"], 0),  # entities that nobody declared
        (rss(item("AT&T & Gaza")), ["AT&T & Gaza"], 0),  # bare ampersands
        (rss(item("Talks \x08on")), ["Talks on"], 0),  # a control character
        (rss(item("<media:x>Talks</media:x>")), ["Talks"], 0),  # a prefix that nobody declared
        (rss(ITEM, "<item></item>"), ["Envoys meet"], 1),  # an empty entry is no reason
        (rss("<item><title/></item>"), [], 1),  # some send one when there is no news
        (rss(), [], 0),  # no news
        (rss(ITEM, CUT)[:-45], ["Envoys meet"], 1),  # cut inside the second: it would be half a story
        (rss(CUT)[:-45], ["Second"], 0),  # cut inside the only one: half is better than nothing
        (rss(item("")), [], 1),
        (rss(item("&amp;#8220;Talks&amp;#8221; &amp;amp; more")), ["“Talks” & more"], 0),  # escaped twice
        (rss(item("<![CDATA[Talks ]]]]><![CDATA[> on]]>")), ["Talks ]]> on"], 0),  # CDATA in CDATA
        (rss(item("Tal\u00adks\n\t on\u200b")), ["Talks on"], 0),  # soft hyphens, lines, nothing wide
        (rss(item("\u202eTalks\u200f on")), ["Talks on"], 0),  # marks of direction
        (rss(item("w" * 80_000)), ["w" * 1_000], 0),
        (
            rss("<item><guid>1</guid><title>a</title></item>", "<item><guid>1</guid><title>b</title></item>"),
            ["a", "b"],
            0,
        ),
        (rss("<item><title>Without guid and link</title></item>"), ["Without guid and link"], 0),
        (rss(item("", "<description>&lt;p&gt;Only text&lt;/p&gt;</description>")), ["Only text"], 0),
        (rss(*[item()] * (MAX_ENTRIES + 5)), ["Envoys meet"] * MAX_ENTRIES, 5),  # over the cap: counted
    ],
)
def test_parse_reads_what_publishers_send(document, titles, skipped):
    found = parse(document)
    assert [entry.title for entry in found.entries] == titles
    assert found.skipped == skipped


@pytest.mark.parametrize(
    ("document", "items"),
    [
        (rss(ITEM, "<item/>", item("Second"), "<item><title/></item>", item("Third")), [0, 2, 4]),
        ('{"items": [{"title": "a"}, 5, {}, {"title": "b"}]}', [0, 3]),
    ],
)
def test_parse_counts_the_items_that_it_skips(document, items):
    found = parse(document)
    assert [entry.item for entry in found.entries] == items and found.skipped == 2


@pytest.mark.parametrize(
    ("body", "loose"),
    [
        (rss(ITEM), False),
        (rss(item("AT&T & Gaza")), False),  # mended before any parser sees it
        (rss(item("서울"), pre='<?xml version="1.0" encoding="euc-kr"?>').encode(), False),  # only its charset is wrong
        (rss(ITEM) + "<!-- cached --> trailing words", False),
        ("\n\nWarning: x in <b>y.php</b><br />\n" + rss(ITEM), False),
        (rss(item("A&nbsp;B &hellip; &unknown; &#3; \x08")), False),
        (rss(item("Talks <b>on")), True),
        (rss(ITEM, CUT)[:-45], True),
        ('{"items": [{"title": "a"}]}', False),
    ],
)
def test_parse_says_when_the_document_is_not_well_formed(body, loose):
    assert parse(body).loose is loose


def test_parse_one_bad_entry_fails_only_itself(monkeypatch):
    read, calls = parse_child.read_entry, iter([None, RecursionError(), ValueError()])

    def choke(raw, by):
        error = next(calls, None)
        if error:
            raise error
        return read(raw, by)

    monkeypatch.setattr(parse_child, "read_entry", choke)
    found = parse(rss(ITEM, ITEM, ITEM, ITEM))
    assert (len(found.entries), found.skipped) == (2, 2)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("<!DOCTYPE html><html><body>Just a moment...</body></html>", "a web page"),
        ("<html><head></head></html>", "a web page"),
        ('{"error": "denied"}', "no JSON Feed"),
        ("{", "neither XML nor JSON"),
        ("/etc/passwd", "neither RSS"),  # H05: feedparser would open it, were it given as text
        ("http://169.254.169.254/", "neither RSS"),
        ("plain words", "neither RSS"),
        (b"\x1f\x8b\x08\x00\x00", "neither RSS"),  # still packed
        (
            '<html><head><link rel="alternate" type="application/rss+xml" href="/rss">',
            "names this feed: https://example.com/rss",
        ),
    ],
)
def test_f24_parse_says_what_is_not_a_feed(body, says):
    with pytest.raises(FeedParseError) as raised:
        parse(body)
    assert raised.value.reason is ParseReason.NOT_A_FEED and says in raised.value.detail


@pytest.mark.parametrize(
    "body",
    [
        b"<" * 1_000_000,
        b"<!DOCTYPE html><html><body>" + b"<p>a feed reader's items</p>" * 10_000,
        b"<r><items/><entryway/><feeds>a &lt;rss></feeds></r>",  # only nearly one of a feed's elements
    ],
)
def test_h02_f24_parse_pays_nothing_for_what_is_no_feed(body, monkeypatch):
    monkeypatch.setattr(parse_child.feedparser, "parse", None)  # calling it would be another error
    with pytest.raises(FeedParseError) as raised:
        parse(body)
    assert raised.value.reason is ParseReason.NOT_A_FEED


@pytest.mark.parametrize("body", [b"", b" \r\n\t"])
def test_parse_empty_is_an_error_and_not_a_quiet_feed(body):
    with pytest.raises(FeedParseError) as raised:
        refuse_early(body)
    assert raised.value.reason is ParseReason.EMPTY


def test_parse_takes_the_fullest_text_without_markup():
    long = "&lt;p&gt;One &lt;script&gt;alert(1)&lt;/script&gt;two.&lt;/p&gt;&lt;p onclick='x'&gt;Three four.&lt;/p&gt;"
    head = '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
    body = f"{head}{item(inner=f'<description>short</description><content:encoded>{long}</content:encoded>')}"
    assert only(body + "</channel></rss>").text == "One two.\nThree four."


# ---------------------------------------------------------------- JSON Feed


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ('"id": 1, "title": "x"', ("1", "", "x")),  # a number for an id
        ('"id": null, "title": "x"', ("", "", "x")),  # null is no id
        ('"id": "a", "url": "/1", "content_text": "2 < 3"', ("a", "https://example.com/1", "2 < 3")),
        ('"id": "a", "url": ["x"], "title": {"y": 1}, "content_html": "<p>z</p>"', ("a", "", "z")),  # wrong types
        ('"id": "a", "title": "two\nlines"', ("a", "", "two lines")),  # a bare line break in a text
        ('"id": "a", "url": "javascript:alert(1)", "title": "x"', ("a", "", "x")),
    ],
)
def test_parse_json_feed_fields(fields, expected):
    entry = only('{"version": "https://jsonfeed.org/version/1.1", "items": [{' + fields + "}]}", "text/plain")
    assert (entry.guid, entry.link, entry.title) == expected


def test_parse_json_feed_survives_bad_items_and_bytes():
    body = b'\xef\xbb\xbf{"items": [7, null, {"id": "a", "title": "cut \xeb\xb6"}, {"id": "b", "title": "whole"}]}'
    found = parse(body, "application/feed+json")
    assert [entry.guid for entry in found.entries] == ["a", "b"] and found.skipped == 2


# ---------------------------------------------------------------- the law

FRAGMENTS = st.sampled_from(
    [rss(ITEM), "<rss>", "<item>", "</item>", "<![CDATA[", "]]>", "<!--", "<!DOCTYPE x [", "&amp;", "&", "<feed>"]
    + ["<entry><title>", "<title>", "</title>", "<link>", "{", '{"items": [{"id": 1}', "]}", '"', "\x00", "\ud7ff"]
)


@settings(max_examples=150)
@given(st.one_of(st.binary(max_size=400), st.lists(FRAGMENTS, max_size=12).map(lambda parts: "".join(parts).encode())))
def test_parse_any_bytes_are_a_feed_or_a_feed_parse_error(body):
    """In the child whatever else is raised becomes one too; here it would be a document that no row accounts for."""
    from worker.feeds.parse_child import _answer

    answer = _answer({"want": "feed", "content_type": "", "url": URL, "now": NOW.isoformat(), "zone": ""}, body)
    assert "KeyError" not in answer.get("detail", "")  # our own header was whole
    if "error" in answer:
        assert ParseReason(answer["error"]) and answer["detail"]
    else:
        assert isinstance(read_feed(answer), ParsedFeed)


WATCH = {"on": False, "seen": []}


def _watch(event, arguments):
    if WATCH["on"] and event.startswith(("socket.", "open", "urllib", "subprocess", "os.system")):
        WATCH["seen"].append((event, arguments))


def test_h01_h05_parse_opens_no_file_and_no_connection():
    sys.addaudithook(_watch)
    documents = [
        "/etc/passwd",
        "file:///etc/passwd",
        "http://169.254.169.254/",
        rss(ITEM, pre='<!DOCTYPE rss SYSTEM "http://example.com/x.dtd">'),
        rss(ITEM, pre='<!DOCTYPE rss SYSTEM "file:///etc/passwd">'),
        rss(item(inner='<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>')),
        rss(ITEM, pre='<?xml version="1.0"?><?xml-stylesheet href="http://example.com/x.xsl"?>'),
    ]
    for document in documents:
        with contextlib.suppress(FeedParseError):
            parse(document)  # what is imported on first use is opened here
    WATCH["on"] = True
    try:
        for document in documents:
            with contextlib.suppress(FeedParseError):
                parse(document)
    finally:
        WATCH["on"] = False
    assert WATCH["seen"] == []
