"""Rendered alerts as their receivers read them: mail, webhook, files; and what hostile content cannot do to them."""

import email
import email.policy
import html.parser
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import NOW, QUOTE, TITLE, alert, article, mention

from worker.alerts.render import (
    encoded_subject,
    html_text,
    make_mail,
    operator_html,
    operator_text,
    operator_webhook,
    plain_text,
    render_inbox,
    render_mail,
    render_webhook,
)
from worker.model import TopicScore

HEADERS = ["Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
HOSTILE = (
    "=?utf-8?q?a=0ABcc:_evil@x.example?= \r\nBcc: evil@x.example\r\n\r\nbody \u2028\u2029\x00 \u202egnp.exe"
    " =\u200b?utf-8?q?x?= <script>alert(1)</script><img src=//x.example/t.gif onerror=alert(1)><style>*{}</style>"
    "<base href=//x.example><form action=//x.example><meta http-equiv=refresh content=0>\"' onmouseover=alert(1)"
    " {{7*7}} %s {0.__class__} {title} \ud800"
)
SAFE_TAGS = set("html head meta title body table tr td p b br h1 h2 a ul li blockquote".split())
law = settings(deadline=None, max_examples=60)


def mail(content, **changes):
    options = dict(sender="desk@wirewatch.example", recipient="ana@desk.example", time_zone="Asia/Seoul")
    message = render_mail(content, message_id="a.1@wirewatch.example", now=NOW, **options | changes)
    return message, email.message_from_bytes(message.body, policy=email.policy.default)


def part(parsed, kind):
    return parsed.get_body((kind,)).get_content()


class Tags(html.parser.HTMLParser):
    """Every start tag with its attributes, and the text between."""

    def __init__(self, markup):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def text(self):
        return "".join(self.words)


def hostile():
    """Hostile in every field that a feed, or a name in the configuration, can fill."""
    shown = article(
        title=HOSTILE, quote=HOSTILE, source=HOSTILE, url="javascript:alert(1)//https://x", language='en" onload="x',
        mentions=(mention("kim", "<script>"), mention("kim", HOSTILE)),
    )  # fmt: skip
    topic = TopicScore("t", 0.9, True, False, (HOSTILE,))
    return alert(
        shown, rule_name=HOSTILE, why=(HOSTILE,), topics=(topic,), topic_names={"t": HOSTILE},
        entity_names={"kim": HOSTILE}, url="data:text/html,x",
    )  # fmt: skip


# ---------------------------------------------------------------- mail


def test_render_mail_has_all_that_an_analyst_needs():
    message, parsed = mail(alert())
    assert list(parsed.keys()) == HEADERS
    assert parsed["Subject"] == message.subject == f"[High] {TITLE} · Arms between North Korea and Russia"
    assert parsed["From"] == "Wirewatch <desk@wirewatch.example>"
    assert parsed["To"] == message.recipient == "ana@desk.example"
    assert parsed["Date"].datetime == NOW
    assert parsed["Message-ID"] == message.message_id == "<a.1@wirewatch.example>"
    assert parsed.get_content_type() == "multipart/alternative"
    assert [one.get_content_type() for one in parsed.iter_parts()] == ["text/plain", "text/html"]
    for kind in ("plain", "html"):
        text = Tags(part(parsed, kind)).text()
        for words in (
            "Harbour Wire", "8 Nov 2023, 13:58 Asia/Seoul (UTC+09:00)", "North Korea–Russia arms (0.97)",
            "artillery shells, Moscow", "Names: Kim Jong Un, Russia", "Arms between North Korea and Russia", "q7Xb2Zc9",
            "8 Nov 2023, 14:05 Asia/Seoul",
        ):  # fmt: skip
            assert words in text, (kind, words)


def test_render_mail_is_seven_bit_with_short_lines():
    body = mail(alert(article(title="김정은 " * 60, quote="러시아 " * 70)))[0].body
    assert body.isascii()
    assert b"\r\n" in body
    assert b"\n" not in body.replace(b"\r\n", b"")
    assert max(len(line) for line in body.split(b"\r\n")) <= 78


def test_plain_text_marks_words_and_gives_links():
    text = plain_text(alert(outlets=3), "UTC")
    assert text.startswith(
        "*Kim Jong Un* inspects a shipyard as *Moscow* asks for shells\n8 Nov 2023, 04:58 UTC · Harbour Wire\n"
    )
    assert "\nhttps://news.example/2023/shipyard\n" in text
    assert (
        "“*Kim Jong Un* toured the yard on Tuesday.\n*Russia* has asked for more *artillery shells*, officials said.”"
        in text
    )
    assert "3 feeds carry this story." in text
    assert "Open in Wirewatch: https://desk.example/alerts/q7Xb2Zc9" in text
    assert "Severity: high" in text


def test_html_marks_words_by_more_than_colour_and_gives_links():
    tags = Tags(html_text(alert(), "UTC"))
    marks = [attrs["style"] for tag, attrs in tags.tags if tag == "b" and "ffe08a" in attrs.get("style", "")]
    assert len(marks) == 5  # Kim Jong Un, Moscow; Kim Jong Un, Russia, artillery shells
    assert all("text-decoration:underline" in style and "color:#1b1f24" in style for style in marks)
    links = [attrs["href"] for tag, attrs in tags.tags if tag == "a"]
    assert links == ["https://news.example/2023/shipyard"] * 2 + ["https://desk.example/alerts/q7Xb2Zc9"]


def test_html_has_inline_styles_only_and_loads_nothing():
    tags = Tags(html_text(alert(), "UTC"))
    assert {tag for tag, _ in tags.tags} <= SAFE_TAGS
    assert not any({"src", "background", "class", "id"} & attrs.keys() for _, attrs in tags.tags)
    assert not any("url(" in attrs.get("style", "") for _, attrs in tags.tags)
    # Each program's dark or light page stands: text has a colour only where its ground has one too, or is a mid-grey.
    for _, attrs in tags.tags:
        style = attrs.get("style", "")
        assert "color:" not in style or "background-color:" in style or "#767676" in style or "color:inherit" in style


@pytest.mark.parametrize(
    ("title", "language", "way", "side"),
    [
        ("Seoul says", "en", "ltr", "left"),
        ("북한 김정은", "ko", "ltr", "left"),
        ("Шойгу обсудил", "ru", "ltr", "left"),
        ("حزب الله يعلن", "ar", "rtl", "right"),
        ("ראש הממשלה", "he", "rtl", "right"),
    ],
)
def test_html_gives_each_script_its_direction_and_language(title, language, way, side):
    tags = Tags(html_text(alert(article(title=title, quote=title, language=language)), "UTC")).tags
    for wanted in ("h1", "blockquote"):
        attrs = next(attrs for tag, attrs in tags if tag == wanted)
        assert (attrs["dir"], attrs["lang"], attrs["align"]) == (way, language, side)
    assert f"border-{side}:" in next(attrs["style"] for tag, attrs in tags if tag == "blockquote")


def test_html_without_quote_link_or_console_leaves_them_out():
    markup = html_text(alert(article(quote="", url="", published=None), url=""), "UTC")
    assert "<a " not in markup
    assert "<blockquote" not in markup
    assert "not given · Harbour Wire" in markup


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("plain", b"plain"),
        ("", b""),
        ("é", b"=?utf-8?b?w6k=?="),
        # The space between words must be inside an encoded word: one between two of them is dropped (RFC 2047 §6.2).
        ("북한 남북", b"=?utf-8?b?67aB7ZWcIOuCqOu2gQ==?="),
    ],
)
def test_encoded_subject_keeps_spaces(text, raw):
    assert encoded_subject(text) == raw


@law
@given(st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp", "Cf", "Zs")), max_size=150))
def test_encoded_subject_reads_back_and_keeps_line_lengths(text):
    lines = b"Subject: " + encoded_subject(text)
    assert text.isascii() or max(len(line) for line in lines.split(b"\r\n")) <= 76  # RFC 2047 §2
    parsed = email.message_from_bytes(lines + b"\r\n\r\n", policy=email.policy.default)
    assert str(parsed["Subject"]) == text or text.isascii()


def test_h06_h07_hostile_content_makes_no_header_and_no_recipient():
    message, parsed = mail(hostile())
    assert list(parsed.keys()) == HEADERS
    assert str(parsed["To"]) == "ana@desk.example"
    assert str(parsed["Subject"]) == message.subject
    assert len(message.subject) <= 180
    assert "=?" not in message.subject
    assert not set(message.subject) & set("\r\n\0\u2028\u2029\u202e\u200b\ud800")
    assert b"\nBcc:" not in message.body.split(b"\r\n\r\n")[0]


def test_h06_a_line_break_in_an_address_or_id_is_refused():
    for field in ("sender", "recipient"):
        with pytest.raises(ValueError, match="linefeed"):
            mail(alert(), **{field: "ana@desk.example\r\nBcc: evil@x.example"})
    with pytest.raises(ValueError, match="linefeed"):
        make_mail("s", "t", "h", sender="a@b.c", recipient="a@b.c", message_id="x\r\nBcc: e@x.example", now=NOW)


def test_h08_h09_hostile_markup_is_text():
    tags = Tags(html_text(hostile(), "UTC"))
    assert {tag for tag, _ in tags.tags} <= SAFE_TAGS
    assert not any(name.startswith("on") or name in ("src", "http-equiv") for _, attrs in tags.tags for name in attrs)
    assert not [attrs for tag, attrs in tags.tags if tag == "a"]  # neither javascript: nor data: is a link
    assert "<script>alert(1)</script>" in tags.text()
    assert "javascript:" not in plain_text(hostile(), "UTC")


def test_h08_an_address_cannot_leave_its_attribute():
    url = 'https://x.example/"><script>alert(1)</script>'
    tags = Tags(html_text(alert(article(url=url)), "UTC"))
    assert {tag for tag, _ in tags.tags} <= SAFE_TAGS
    assert next(attrs["href"] for tag, attrs in tags.tags if tag == "a") == url


def test_h10_templates_print_braces_and_percents_literally():
    for text in (html_text(hostile(), "UTC"), plain_text(hostile(), "UTC")):
        assert "{{7*7}} %s {0.__class__} {title}" in text


def test_h06_parts_hold_no_control_and_no_override():
    _, parsed = mail(hostile())
    for kind in ("plain", "html"):
        assert not set(part(parsed, kind)) & set("\0\u202e\u200b\u2028")


@law
@given(st.text(), st.text(), st.text())
def test_h06_render_mail_never_raises_and_keeps_its_headers(title, name, quote):
    message, parsed = mail(alert(article(title=title, source=name, quote=quote), rule_name=name, why=(quote,)))
    assert list(parsed.keys()) == HEADERS
    assert " ".join(str(parsed["Subject"]).split()) == message.subject or message.subject.isascii()


def test_g07_dates_out_of_any_zone_render():
    for moment in (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC), None):
        content = alert(article(published=moment))
        for zone in ("America/New_York", "Asia/Seoul"):
            assert mail(content, time_zone=zone)[0].body
        assert render_webhook(content, recipient="r", message_id="m").body


# ---------------------------------------------------------------- webhook


def payload(content):
    body = render_webhook(content, recipient="hooks.example", message_id="msg_1").body
    assert len(body) < 20_000
    return json.loads(body.decode())


def test_render_webhook_has_every_documented_key():
    found = payload(alert(outlets=3))
    assert found["type"] == "alert.raised"
    assert found["timestamp"] == "2023-11-08T05:05:00.000Z"
    data = found["data"]
    assert data["alert"] == {
        "id": "q7Xb2Zc9",
        "revision": 1,
        "rule": "dprk-russia-arms",
        "severity": "high",
        "url": "https://desk.example/alerts/q7Xb2Zc9",
    }
    assert data["story"] == {
        "id": "s4Tr",
        "title": TITLE,
        "first_seen": "2023-11-08T05:05:00.000Z",
        "articles": 1,
        "outlets": 3,
        "original_sources": ["Harbour Wire"],
    }
    assert data["new"] == [{"title": TITLE, "url": "https://news.example/2023/shipyard"}]
    assert data["topics"][0] == {
        "id": "nk-russia-arms",
        "name": "North Korea–Russia arms",
        "score": 0.97,
        "match": True,
    }
    assert data["entities"] == [{"id": "kim-jong-un", "name": "Kim Jong Un"}, {"id": "russia", "name": "Russia"}]
    assert data["articles"] == [
        {
            "title": TITLE,
            "url": "https://news.example/2023/shipyard",
            "source": "Harbour Wire",
            "published": "2023-11-08T04:58:00.000Z",
            "first_seen": "2023-11-08T05:05:00.000Z",
            "language": "en",
            "quote": QUOTE,
            "mentions": [
                {"entity": "kim-jong-un", "text": "Kim Jong Un", "field": "text", "start": 0, "end": 11},
                {"entity": "russia", "text": "Russia", "field": "text", "start": 40, "end": 46},
            ],
        }
    ]
    assert data["why"] == ["topic nk-russia-arms 0.97; kim-jong-un, russia"]
    assert data["timings"].keys() == {"published", "first_seen", "analysed", "raised"}
    assert "omitted" not in data


@pytest.mark.parametrize(
    "content",
    [
        alert(article(title="북" * 9_000, quote="북" * 2_700_000)),  # 8 MB
        alert(article(mentions=tuple(mention("kim-jong-un", "Kim", start=n) for n in range(5_000)))),
        alert(*[article(title=f"Copy {n}") for n in range(400)]),
        alert(why=tuple("because " * 5_000 for _ in range(50))),
        alert(topics=tuple(TopicScore(f"t{n}", n / 1_000, True, False, ("x",)) for n in range(999))),
        alert(entity_names={"kim-jong-un": "K" * 50_000, "russia": "R" * 50_000}),
        alert(article(url="https://x.example/" + '"' * 50_000, source="\x00" * 50_000)),
        alert(*[article(url="https://x.example/" + "é" * 900 + str(n), title='\x01"' * 900) for n in range(30)]),
    ],
    ids=["text", "mentions", "articles", "reasons", "topics", "names", "address and source", "all that escapes"],
)
def test_h13_render_webhook_stays_under_20_kb(content):
    data = payload(content)["data"]
    assert data["articles"]
    assert all(len(one["quote"]) <= 300 for one in data["articles"])
    assert data["articles"][0]["url"] in ("", content.articles[0].url)  # whole or absent: a cut one leads elsewhere


def test_render_webhook_counts_what_it_left_out():
    many = tuple(mention("kim-jong-un", "Kim", start=n) for n in range(5_000))
    data = payload(alert(article(mentions=many), article()))["data"]
    shown = sum(len(one["mentions"]) for one in data["articles"])
    assert data["omitted"] == {"articles": 0, "mentions": 5_002 - shown, "topics": 0}
    assert shown > 50


def test_h08_h13_hostile_webhook_is_utf_8_json_without_script_links():
    data = payload(hostile())["data"]
    assert data["articles"][0]["url"] == data["new"][0]["url"] == data["alert"]["url"] == ""
    assert "\ud800" not in json.dumps(data, ensure_ascii=False)


@law
@given(st.text(max_size=5_000), st.text(max_size=300), st.integers(1, 40))
def test_h13_render_webhook_law(text, name, count):
    shown = article(title=text, quote=text, source=name, mentions=(mention("kim-jong-un", name),) * count)
    payload(alert(*[shown] * count, why=(text,) * count, rule_name=name, topic_names={"nk-russia-arms": text}))


# ---------------------------------------------------------------- files, and the operator


def test_render_inbox_holds_text_and_html_of_the_mail():
    message = render_inbox(alert(), recipient="inbox", time_zone="UTC", message_id="a.1.inbox", now=NOW)
    found = json.loads(message.body)
    assert found["at"] == "2023-11-08T05:05:00.000Z"
    assert found["text"] == plain_text(alert(), "UTC")
    assert found["html"] == html_text(alert(), "UTC")
    assert found["subject"] == message.subject


def test_h06_render_inbox_survives_hostile_content():
    message = render_inbox(hostile(), recipient="inbox", time_zone="UTC", message_id="a", now=NOW)
    found = json.loads(message.body.decode())
    assert not set("".join(found.values())) & set("\0\u202e\ud800")


def test_operator_message_reads_in_mail_and_webhook():
    lines = ["The feed <b>a</b> answered 410.", "Remove it."]
    text, markup = operator_text(lines), operator_html("Feed stopped: a", lines)
    assert "The feed <b>a</b> answered 410.\nRemove it.\n" in text
    assert "<b>" not in markup
    assert "The feed <b>a</b> answered 410." in Tags(markup).text()
    message = operator_webhook("Feed\r\nstopped", lines, recipient="r", message_id="msg_1", now=NOW)
    assert json.loads(message.body)["data"] == {"subject": "Feed\r\nstopped", "lines": lines}
    assert message.subject == "Feed stopped"
