"""OPML as damaged as it comes: every feed is found with its address unchanged, and nothing is expanded or fetched."""

import contextlib
import gc
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from worker.articles.text import canonical_url
from worker.config.schema import Config, FeedSpec
from worker.display import one_line
from worker.feeds import opml as module
from worker.feeds.adopt import decide_adoptions, read_list
from worker.feeds.listed import ListError
from worker.feeds.opml import read_opml, write_opml
from worker.feeds.sheet import write_sheet


def body(*outlines):
    inside = "\n".join(outlines)
    return f"<opml version='2.0'><head><title>Mine</title></head><body>\n{inside}\n</body></opml>"


def held(found):
    """Bytes of what it leads to, each object once. The process's memory would be that of other tests' threads, too."""
    seen, left = {}, [found]
    while left:
        one = left.pop()
        if id(one) not in seen and not isinstance(one, type):
            seen[id(one)] = one
            left.extend(gc.get_referents(one))
    return sum(map(sys.getsizeof, seen.values()))


def addresses(text):
    return [feed.url for feed in read_opml(text).feeds]


def test_opml_reads_what_a_feed_says():
    (feed,) = read_opml(
        body('<outline type="rss" text="A" title="  The\tGazette " xmlUrl=" https://a.example/f " language="ko"/>')
    ).feeds
    assert (feed.line, feed.url, feed.title, feed.language) == (2, "https://a.example/f", "The Gazette", "ko")


def test_opml_folders_and_categories_are_tags():
    text = body(
        '<outline text="North Korea"><outline title="Défense &amp; Arms">',
        '<outline text="A" xmlUrl="https://a.example/" category="/News/Asia,wire,News"/>',
        '</outline><outline text="B" xmlUrl="https://b.example/"/></outline>',
        '<outline text="C" xmlUrl="https://c.example/"/>',
        '<outline text="북한"><outline text="D" xmlUrl="https://d.example/"/></outline>',
    )
    found = read_opml(text)
    a, b, c, d = found.feeds
    assert a.tags == ("north-korea", "defense-arms", "news", "asia", "wire")
    assert (b.tags, c.tags, d.tags) == (("north-korea",), (), ())
    assert d.tags == d.notes == ()
    assert found.notes == ("'북한' makes no tag: a tag has small Latin letters",)


def test_opml_a_folder_without_anything_in_it_is_not_told_of():
    assert read_opml(body('<outline text="북한"/>', '<outline type="rss" text="한국"/>')).notes == ()


def test_opml_h16_folder_names_are_not_multiplied_by_their_feeds():
    folders = [f"{n} " + "북한" * 500 for n in range(50)] + [f"tag {n}" for n in range(60)]
    feeds = [f'<outline text="A" xmlUrl="https://a{n}.example/" category="{"가" * 900},나"/>' for n in range(1_000)]
    text = body(*(f'<outline text="{name}">' for name in folders), *feeds, "</outline>" * len(folders))
    found = read_opml(text)
    assert len(found.feeds) == 1_000
    assert len({id(feed.tags) for feed in found.feeds}) == 1 and len(found.feeds[0].tags) == 50
    assert {len(feed.notes) for feed in found.feeds} == {1} and len(found.feeds[0].notes[0]) < 150
    assert len(found.notes) == 21 and max(map(len, found.notes)) < 150
    assert held(found) < 3_000_000  # bytes, where each folder's note at each feed took 108 MB


def test_opml_h16_only_so_many_tags_are_kept_of_folders_and_categories():
    folders = "".join(f'<outline text="t{n}">' for n in range(60))
    found = read_opml(body(folders, '<outline text="A" xmlUrl="https://a.example/" category="t1,more"/>'))
    assert found.feeds[0].tags == tuple(f"t{n}" for n in range(50))
    assert found.feeds[0].notes == found.notes == ("only the first 50 of 51 tags are kept",)


@pytest.mark.parametrize(
    ("outline", "url"),
    [
        ('<outline text="a" xmlurl="https://a.example/"/>', "https://a.example/"),
        ('<OUTLINE TEXT="a" XMLURL="https://a.example/"/>', "https://a.example/"),
        ("<outline text='a' xmlUrl='https://a.example/'/>", "https://a.example/"),
        ('<outline type="rss" text="a" url="https://a.example/"/>', "https://a.example/"),
        # bare ampersands, as in two of five country lists that we know
        ('<outline text="A & B" xmlUrl="https://a.example/?a=1&b=2&copy=3"/>', "https://a.example/?a=1&b=2&copy=3"),
        ('<outline text="A&amp;B" xmlUrl="https://a.example/?a=1&amp;b=2"/>', "https://a.example/?a=1&b=2"),
        # entities that HTML has and XML has not, or nobody has
        ('<outline text="caf&eacute; &nbsp; &nothing;" xmlUrl="https://a.example/"/>', "https://a.example/"),
        ('<outline text="&#0; &#x1B; &#xD800; &#9999999;" xmlUrl="https://a.example/"/>', "https://a.example/"),
        # markup and control characters in a title
        ('<outline text="a < b <i>c</i>" xmlUrl="https://a.example/"/>', "https://a.example/"),
        ('<outline text="a\x01\x1b[31m" xmlUrl="https://a.example/"/>', "https://a.example/"),
        # a namespace that nobody declared
        ('<outline foo:text="a" xmlUrl="https://a.example/"/>', "https://a.example/"),
        # no end
        ('<outline text="a"><outline text="b" xmlUrl="https://a.example/">', "https://a.example/"),
        # a feed with others inside
        ('<outline text="a" xmlUrl="https://a.example/"><outline text="x"/></outline>', "https://a.example/"),
    ],
)
def test_opml_b16_damage_changes_no_address(outline, url):
    assert addresses(body(outline)) == [url]


def test_opml_titles_survive_the_damage():
    outline = '<outline text="AT&T &lt;caf&eacute;&gt; &nothing; 1 < 2 \x1b[31m" xmlUrl="https://a.example/"/>'
    assert read_opml(body(outline)).feeds[0].title == "AT&T <café> &nothing; 1 < 2 [31m"


@pytest.mark.parametrize(
    "text",
    [
        "\n\n" + '<?xml version="1.0" encoding="utf-8"?>\n' + body('<outline text="a" xmlUrl="https://a.example/"/>'),
        '<?xml version="1.0"?><!DOCTYPE opml>' + body('<outline text="a" xmlUrl="https://a.example/"/>'),
        '<outline text="a" xmlUrl="https://a.example/"/>',
        body("<!-- ", '<outline text="old" xmlUrl="https://old.example/"/>', "-->") + " ",
        body('<outline text="a" type="link" url="https://a.example/"/>', '<outline text="an empty folder"/>'),
    ],
)
def test_opml_of_odd_shapes_is_read(text):
    found = read_opml(text)
    assert [feed.url for feed in found.feeds] in (["https://a.example/"], [])
    assert found.damage == ()


def test_opml_tells_where_something_may_be_missing():
    cut = body('<outline text="a" xmlUrl="https://a.example/"/>', '<outline text="b" xmlUrl="https://b.example/"/>')[
        :150
    ]
    found = read_opml(cut)
    assert [feed.url for feed in found.feeds] == ["https://a.example/"]
    assert found.damage and all(line == 3 and words.startswith("damaged (") for line, words in found.damage)


def test_opml_tells_of_a_feed_without_an_address():
    found = read_opml(body('<outline type="rss" text="a"/>', '<outline text="b" xmlUrl=""/>')).feeds
    assert [(feed.line, feed.url, feed.title) for feed in found] == [(2, "", "a"), (3, "", "b")]


@pytest.mark.parametrize("text", ["<html><body>x</body></html>", "<rss><channel/></rss>", "<", "<<<<", "<?xml?>"])
def test_opml_that_is_none_is_refused(text):
    with pytest.raises(ListError, match="no OPML list"):
        read_opml(text)


BOMB = "<!DOCTYPE opml [" + "".join(f"<!ENTITY a{n + 1} '{f'&a{n};' * 10}'>" for n in range(9)) + "]>"


@pytest.mark.parametrize(
    "head",
    [
        BOMB,
        "<!DOCTYPE opml [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
        "<!DOCTYPE opml [<!ENTITY % x SYSTEM 'http://127.0.0.1:1/x'> %x;]>",
        "<!doctype opml [<!attlist outline a CDATA 'x'>]>",
    ],
)
def test_opml_h16_declared_entities_are_refused(head):
    with pytest.raises(ListError, match="as attacks do"):
        read_opml(head + body('<outline text="&a9;&x;" xmlUrl="https://a.example/"/>'))


def test_opml_h16_an_external_document_type_is_not_fetched():
    """Unit tests may open no socket, and a file that was read would show."""
    for where in ("http://127.0.0.1:1/opml.dtd", "file:///etc/passwd"):
        head = f'<!DOCTYPE opml SYSTEM "{where}">'
        assert addresses(head + body('<outline text="a" xmlUrl="https://a.example/"/>')) == ["https://a.example/"]


def test_opml_h16_reading_stops_behind_the_cap(monkeypatch):
    monkeypatch.setattr(module, "MAX_LISTED", 10)
    many = body(*(f'<outline text="a" xmlUrl="https://a{n}.example/"/>' for n in range(50)))
    assert len(read_opml(many).feeds) == 11  # one over: so that it is seen


@pytest.mark.parametrize(
    ("outline", "says"),
    [
        ("<outline " + " ".join(f"a{n}=''" for n in range(101)) + "/>", "more than 100 attributes"),
        (f"<outline text='{'x' * 100_001}'/>", "more than 100,000 characters"),
        (f"<!--{'-' * 100_001}", "more than 100,000 characters"),
        ("<" * 2_000_001, "more markup"),
        ("<outline text='&&&&&&&&&&'/>" * 190_000, "more markup"),
    ],
)
def test_opml_h16_what_would_take_too_long_is_not_read(outline, says):
    with pytest.raises(ListError, match=says):
        read_opml(body(outline))


def test_opml_h16_hostile_depth_ends():
    deep = body("<outline text='x'>" * 100_000 + '<outline xmlUrl="https://a.example/"/>')
    found = read_opml(deep)
    assert found.feeds == () and "depth" in found.damage[0][1]


@given(st.text(alphabet=st.sampled_from('<>&;"= oO/outlinexmlUrtypdy!-[]?#\n'), max_size=300))
def test_opml_any_text_is_read_or_refused(text):
    with contextlib.suppress(ListError):
        read_opml(body(text))


# ---------------------------------------------------------------- written and read again

WORDS = st.text(max_size=40).map(one_line)
HOSTS = st.from_regex(r"[a-z]{2,8}\.example", fullmatch=True)
PATHS = st.from_regex(r"/[a-zA-Z0-9_.~!$&'()*+,;=:@%/?-]{0,30}", fullmatch=True)
SPECS = st.builds(
    FeedSpec,
    id=st.from_regex(r"[a-z0-9]{1,6}(-[a-z0-9]{1,6}){0,2}", fullmatch=True),
    url=st.builds("https://{}{}".format, HOSTS, PATHS),
    title=WORDS
    | st.sampled_from(["=1+1", "'=x", "''@", "＝HYPERLINK", "-", "a,b;c\td", '"', "&amp;", "]]>", "<b>"]).map(one_line),
    language=st.sampled_from(["", "en", "ko", "pt-BR"]),
    tags=st.lists(st.from_regex(r"[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,6})?", fullmatch=True), max_size=3, unique=True).map(
        tuple
    ),
    tier=st.integers(1, 3),
    interval=st.sampled_from(["15m", "150s", "150.5s", "36h", "1d"]),
    enabled=st.booleans(),
)


def distinct(specs):
    """No two that the desk takes for one."""
    by_id = {spec.id: spec for spec in specs}
    return list({canonical_url(spec.url): spec for spec in by_id.values()}.values())


@pytest.mark.parametrize("write", [write_opml, write_sheet])
@settings(max_examples=40, deadline=None)
@given(specs=st.lists(SPECS, max_size=4).map(distinct))
def test_lists_that_are_written_are_read_as_the_same_feeds(write, specs):
    found = read_list(write(specs))
    assert found.damage == found.notes == ()
    taken = decide_adoptions(found.feeds, Config())
    assert [(one.why, one.spec) for one in taken] == [("", spec) for spec in specs]


def test_opml_that_we_write_is_opml_2():
    feeds = [FeedSpec(id="a", url="https://a.example/?x=1&y=2", title='A "B" <c>', tags=("x", "y"), tier=1)]
    root = etree.fromstring(write_opml(feeds))
    assert (root.tag, root.get("version")) == ("opml", "2.0")
    (outline,) = root.findall("body/outline")
    plain = {key: value for key, value in outline.attrib.items() if "{" not in key}
    assert plain == {
        "text": 'A "B" <c>',
        "title": 'A "B" <c>',
        "type": "rss",
        "xmlUrl": "https://a.example/?x=1&y=2",
        "category": "x,y",
    }


def test_opml_writes_no_character_that_xml_forbids():
    write_opml([FeedSpec(id="a", url="https://a.example/\x01", title="\x00\x1b\ufffe")])
