"""Cleaning: tables of what feeds really send, and the laws that must hold for whatever they send next."""

import time
import unicodedata
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.articles.text import (
    MAX_TEXT,
    MAX_TITLE,
    TRACKING,
    canonical_url,
    clean_text,
    clean_title,
    headline_key,
    quote,
)

# Letters, marks, controls, direction overrides, lone surrogates, and markup in every state of repair.
SCRAPS = st.sampled_from(
    [
        "<p>",
        "</p>",
        "<br>",
        "<b",
        "<!--",
        "-->",
        "<script>",
        "</script>",
        "<![CDATA[",
        "]]>",
        "&amp;",
        "&#0;",
        "&#x202e;",
    ]
    + [
        "<a href='",
        "'>",
        "\u202e",
        "\u200d",
        "\x00",
        "\ud800",
        "\u2028",
        "\r\n",
        "e\u200b\u0301",
        "김정은",
        "حزب",
        " ",
        "<",
    ]
)
ANYTHING = st.text(st.characters(), max_size=80)  # surrogates included
MARKUP = st.lists(SCRAPS | ANYTHING, max_size=30).map("".join)
law = settings(deadline=None)  # a busy machine breaks no law
PLAIN = MARKUP.map(lambda text: text.replace("<", "").replace("&", ""))


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("", ""),
        ("no markup at all", "no markup at all"),
        ("<p>One<br>two</p>tail", "One\ntwo\ntail"),  # blocks part paragraphs, also beside the first element
        ("<p>\n wrapped\r\n by its author</p>", "wrapped by its author"),  # in markup a line break is a space
        ("first\n\n\nsecond\u2028third", "first\nsecond\nthird"),  # in plain text it is a paragraph
        ("<b>Kim</b> Jong <i>Un</i>", "Kim Jong Un"),  # inline marks do not part words
        ("<b>Pyong</b>yang", "Pyongyang"),
        ("<tr><td>Russia</td><td>Iran</td></tr>", "Russia\nIran"),  # a table's cells are not one word
        ("AT&amp;T &lt;b&gt; &#54620;", "AT&T <b> 한"),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),  # unescaped once: what the author wrote
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<script>steal()</script><style>p{}</style>seen", "seen"),
        ("<svg><title>icon</title></svg><textarea>typed</textarea>seen", "seen"),
        ("<title>of the page</title>seen", "seen"),
        ("<!-- hidden --><?php hidden ?>seen", "seen"),
        ("<img src=x onerror=alert(1)>seen", "seen"),
        ("</div></p>stray end tags<p>go on", "stray end tags\ngo on"),
        ("<p>a" * 400, "\n".join("a" * 400)),
        ("<div>" * 300 + "deep" + "</div>" * 300 + "<p>after", "deep\nafter"),  # a tree would lose both
        ("x\u202e\u200by\ufeff\u00adz", "xyz"),  # direction override, zero width space, mark, soft hyphen
        ("نامه\u200cها", "نامه\u200cها"),  # in Persian the non-joiner is spelling
        ("a\x00b\x07c\td", "a b c d"),
        ("\ud800lone", "lone"),
        ("<p>\ud800lone\x00</p>", "lone"),
        ("e\u0301", "é"),
        ("e\u200b\u0301", "é"),  # composed after the invisible went
    ],
)
def test_clean_text_keeps_what_a_reader_sees(markup, text):
    assert clean_text(markup) == text


def test_clean_text_is_cut_at_its_limit():
    assert len(clean_text("word " * MAX_TEXT)) <= MAX_TEXT
    assert len(clean_text("<p>" + "word " * MAX_TEXT)) <= MAX_TEXT


@pytest.mark.parametrize(
    "markup",
    [
        "<" * 400_000,
        "<!--" * 100_000,
        "<a " * 130_000,
        "&" * 400_000,
        "<b><i>" * 66_000,
        "<p>x" * 100_000,
        "&#" * 200_000,
    ],
    ids=lambda markup: markup[:6],
)
def test_h02_clean_text_ends_soon_whatever_comes(markup):
    began = time.monotonic()
    clean_text(markup * (400_000 // len(markup)))
    assert time.monotonic() - began < 3


def test_h06_clean_title_is_one_line():
    hostile = "Breaking\r\nBcc: x@evil.example\u2028\x00 <b>news</b>" + " more" * 4_000
    title = clean_title(hostile)
    assert title.startswith("Breaking Bcc: x@evil.example news more")
    assert len(title) <= MAX_TITLE


@law
@given(MARKUP)
def test_h13_clean_text_never_raises_and_is_clean(markup):
    text = clean_text(markup)
    text.encode()  # no lone surrogate
    assert unicodedata.is_normalized("NFC", text)
    assert all(line and line == line.strip() for line in text.split("\n")) or text == ""
    assert not any(unicodedata.category(ch) in ("Cc", "Cs", "Zl", "Zp") for ch in text.replace("\n", ""))
    assert "\n" not in clean_title(markup)


@law
@given(PLAIN)
def test_clean_text_twice_is_once_for_text_without_markup(text):
    assert clean_text(clean_text(text)) == clean_text(text)
    assert clean_title(clean_title(text)) == clean_title(text)


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("HTTP://News.Example.COM/a", "https://news.example.com/a"),
        ("http://news.example.com:80/a/", "https://news.example.com/a"),  # default port, closing slash
        ("https://news.example.com:8443/a#part", "https://news.example.com:8443/a"),
        ("https://news.example.com./a", "https://news.example.com/a"),
        ("https://news.example.com", "https://news.example.com/"),
        ("https://a:b@news.example.com/", "https://news.example.com/"),
        ("http://[2001:DB8::1]/a", "https://[2001:db8::1]/a"),
        ("https://news.example.com/뉴스", "https://news.example.com/%EB%89%B4%EC%8A%A4"),
        ("https://news.example.com/%eb%89%b4%ec%8a%a4", "https://news.example.com/%EB%89%B4%EC%8A%A4"),
        ("https://news.example.com/?b=2&utm_source=rss&a=1", "https://news.example.com/?b=2&a=1"),  # order stays
        ("https://news.example.com/?q=a+b&x&y=", "https://news.example.com/?q=a+b&x&y="),
        ("https://news.example.com/?q=%B0%A1", "https://news.example.com/?q=%B0%A1"),  # EUC-KR, as it came
        ("https://news.example.com/?%75tm_source=rss", "https://news.example.com/"),  # an escaped name is that name
        ("https://news.example.com/?utm_source=rss#utm", "https://news.example.com/"),
        ("https://news.example.com/a?id=5&ref=rss", "https://news.example.com/a?id=5"),  # says where the reader was
        ("https://news.example.com/a?mod=rss_world&partner=RSS", "https://news.example.com/a"),
        ("https://news.example.com/a?ref=5&mod=x&source=press", "https://news.example.com/a?ref=5&mod=x&source=press"),
        ("https://news.example.com/?feed=rss2&p=5", "https://news.example.com/?feed=rss2&p=5"),  # another page
        ("https://news.example.com/\ud800", "https://news.example.com/%ED%A0%80"),
        ("ftp://news.example.com/a", ""),
        ("javascript:alert(1)", ""),
        ("mailto:desk@news.example.com", ""),
        ("/a/relative/one", ""),
        ("http://", ""),
        ("http://[broken", ""),
        ("http://news.example.com:99999/", ""),
        ("", ""),
    ],
)
def test_canonical_url_leads_to_the_same_page(url, canonical):
    assert canonical_url(url) == canonical


def test_canonical_url_never_makes_two_pages_one():
    pairs = [
        ("https://n.example/?q=%B0%A1", "https://n.example/?q=%B0%A2"),  # neither is UTF-8
        ("https://n.example/?id=1", "https://n.example/?id=2"),
        ("https://n.example/" + "a" * 3_000 + "1", "https://n.example/" + "a" * 3_000 + "2"),
        ("https://n.example/a%2Fb", "https://n.example/a/b"),
        ("https://n.example:8000/", "https://n.example:8001/"),
    ]
    for one, other in pairs:
        assert canonical_url(one) != canonical_url(other)


KNOWN_TRACKING = [
    "utm_source",
    "utm_medium",
    "at_medium",
    "at_campaign",
    "fbclid",
    "gclid",
    "mc_cid",
    "CMP",
    "ocid",
    "smid",
    "traffic_source",
    "maca",
    "refsec",
    "wt_mc",
    "srnd",
    "xtor",
    "ref_src",
    "gbraid",
]
NAMES = st.sampled_from(
    ["id", "page", "no", "sid", "cat", "medium", "utm", "at_x", "fbclidx", "xfbclid", "aid", "뉴스"]
)


@law
@given(
    st.lists(st.tuples(NAMES | st.sampled_from(KNOWN_TRACKING), st.text("abc1 +&=%/뉴", max_size=6)), max_size=8),
    st.sampled_from(["https", "http"]),
)
def test_canonical_url_drops_only_the_known_tracking(fields, scheme):
    found = canonical_url(f"{scheme}://news.example.com/read?{urlencode(fields)}")
    kept = parse_qsl(urlsplit(found).query, keep_blank_values=True)
    assert kept == [(name, value) for name, value in fields if name not in KNOWN_TRACKING]


def test_tracking_knows_every_listed_name_and_no_other():
    assert all(TRACKING.fullmatch(name) for name in KNOWN_TRACKING)
    assert not any(TRACKING.fullmatch(name) for name in ["id", "utm", "at_x", "xfbclid", "fbclidx", "source", "ref"])


@law
@given(ANYTHING | st.builds("{}://{}/{}?{}".format, st.sampled_from(["http", "HTTPS"]), ANYTHING, ANYTHING, ANYTHING))
def test_canonical_url_twice_is_once_and_never_raises(url):
    once = canonical_url(url)
    assert canonical_url(once) == once
    assert once == "" or once.startswith("https://")


@pytest.mark.parametrize(
    ("title", "other"),
    [
        ("Seoul says Pyongyang sent shells", "SEOUL SAYS: Pyongyang “sent shells”"),  # case and punctuation
        ("Seoul says Pyongyang sent shells - Reuters", "Seoul says Pyongyang sent shells | The Korea Times"),  # outlets
        ("ＮＡＴＯ chief visits Seoul today", "NATO chief visits Seoul today"),  # full width
        ("북한이 러시아에 포탄을 보냈다 - 연합뉴스", "북한이 러시아에 포탄을 보냈다"),
    ],
)
def test_headline_key_is_shared_by_copies(title, other):
    assert headline_key(title) == headline_key(other) != ""


@pytest.mark.parametrize(
    ("title", "other"),
    [
        # What follows the dash is the news, not the outlet: one key for both would silence the second story.
        ("Middle East crisis live – Iran strikes an airbase", "Middle East crisis live – ceasefire agreed in Doha"),
        ("War in Gaza live updates - day 33", "War in Gaza live updates - day 34"),
        ("Korea talks in Geneva today - what we know", "Korea talks in Geneva today - who is coming"),
    ],
)
def test_headline_key_parts_stories_under_one_standing_head(title, other):
    assert headline_key(title) != headline_key(other)


@pytest.mark.parametrize(
    "title",
    ["", "Live updates", "Morning briefing - Reuters", "속보", "東京の天気", "…!?"],  # they name no event
)
def test_headline_key_is_empty_for_one_that_tells_no_story(title):
    assert headline_key(title) == ""


@law
@given(ANYTHING | MARKUP)
def test_headline_key_never_raises_and_is_bounded(title):
    assert len(headline_key(title)) <= 200


@pytest.mark.parametrize(
    ("text", "span", "expected"),
    [
        ("short enough", (0, 5), "short enough"),
        ("start " + "word " * 100, (0, 5), "start word word word word …"),
        ("word " * 100 + "Kim said so", (500, 503), "… word word Kim said so"),
        ("word " * 50 + "Kim " + "word " * 50, (250, 253), "… word Kim word word word …"),
        ("one\n" * 100, (200, 203), "… one\none\none\none\none …"),  # a new line parts words too
        ("김" * 400, (200, 203), "… " + "김" * 26 + " …"),  # no space to cut at
    ],
)
def test_quote_is_cut_between_words_around_the_mention(text, span, expected):
    assert quote(text, *span, limit=30) == expected


@law
@given(st.text(st.characters() | st.sampled_from(" \n"), max_size=900), st.data())
def test_quote_keeps_its_bound_and_the_mention(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 60)))
    found = quote(text, start, end)
    assert len(found) <= 300
    assert text[start:end].strip() in found
    assert found.removeprefix("… ").removesuffix(" …").strip() in text
