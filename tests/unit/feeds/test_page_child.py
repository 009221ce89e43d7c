"""What is read out of a page: its kind, its charset, its article."""

import pytest

from worker.errors import PageError, PageReason
from worker.feeds.page_child import as_markup, decode_page, is_html, read_page
from worker.feeds.page_reasons import WORDS, page_words

PARAGRAPHS = [f"공장 {n}호를 방문한 김정은은 강철 생산에 대해 길게 이야기했다고 통신이 전했다." for n in range(8)]


def korean(charset, *, meta=True):
    head = f"<meta charset='{charset}'>" if meta else ""
    text = "".join(f"<p>{one}</p>" for one in PARAGRAPHS)
    return f"<html><head>{head}</head><body><article>{text}</article></body></html>"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (korean("utf-8").encode(), "text/html"),
        (korean("utf-8", meta=False).encode(), "text/html; charset=UTF-8"),
        (korean("euc-kr").encode("cp949"), "text/html"),
        (korean("x", meta=False).encode("cp949"), 'text/html; charset="EUC-KR"'),
        (korean("euc-kr").encode("utf-8"), "text/html; charset=utf-8"),  # the header decides
        (korean("utf-8").encode("utf-16"), "text/html"),  # its mark decides
        (korean("no-such-charset").encode(), "text/html"),
        (korean("utf-8").encode(), "application/octet-stream"),
    ],
)
def test_page_child_reads_the_article_in_its_charset(body, content_type):
    assert read_page(body, content_type=content_type) == "\n".join(PARAGRAPHS)


@pytest.mark.parametrize("charset", "punycode base64 hex zlib idna undefined unicode_escape rot13".split())
def test_page_child_takes_no_codec_for_a_charset(charset):
    assert decode_page(b"<p>\xc3\xa9</p>", f"text/html; charset={charset}") == "<p>é</p>"


@pytest.mark.parametrize(
    ("content_type", "body", "answer"),
    [
        ("text/html", b"anything", True),
        ("application/xhtml+xml; charset=utf-8", b"", True),
        ("", b"<!DOCTYPE html><p>x", True),
        ("", b"GIF89a", False),
        ("text/plain", b"no markup", False),
        ("application/pdf", b"<html>", False),
        ("application/rss+xml", b"<rss/>", False),
    ],
)
def test_page_child_reads_only_html(content_type, body, answer):
    assert is_html(body, content_type) is answer


def test_page_child_says_why_it_has_no_text():
    for body, content_type, reason in [
        (b"%PDF", "application/pdf", PageReason.NOT_HTML),
        (b"<html><body><nav>Home</nav></body></html>", "text/html", PageReason.NO_TEXT),
    ]:
        with pytest.raises(PageError) as error:
            read_page(body, content_type=content_type)
        assert error.value.reason is reason


def test_page_child_takes_no_letter_of_the_text_for_markup():
    assert as_markup("3 < 4 & <b>\n\nnext") == "<p>3 &lt; 4 &amp; &lt;b></p><p>next</p>"


def test_every_reason_has_words():
    assert set(WORDS) == set(PageReason)
    assert page_words("failed", "robots").startswith("its page was not used: ")
    assert page_words("failed", "one of tomorrow's") == "its page was not used: one of tomorrow's"
