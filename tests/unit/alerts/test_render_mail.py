"""Alerts as people read them: in a mail and its thread, as text, as HTML; and what hostile content cannot do there."""

import email
import email.policy
import json
import re
import unicodedata
from datetime import UTC, datetime

import lxml.html
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import ACTIONS, ALSO, NOW, TITLE, alert, article, hostile, reminder, update

from worker.alerts.render_html import COLOURS, html_text
from worker.alerts.render_mail import render_inbox, render_mail
from worker.alerts.render_text import plain_text
from worker.alerts.render_webhook import render_webhook
from worker.model import Action

HEADERS = [
    "Subject", "From", "To", "Date", "Message-ID", "In-Reply-To", "References", "List-Id", "Auto-Submitted",
    "MIME-Version", "Content-Type",
]  # fmt: skip
STORY = "<story.s4Tr@wirewatch.example>"
# Every element that a mail of ours may hold, with its attributes; a fixed set of words for those that act.
ALLOWED = {
    "html": {"lang"}, "head": set(), "meta": {"charset", "name", "content"}, "title": set(), "body": {"style"},
    "table": {"role", "align", "width", "cellpadding", "cellspacing", "border", "style"}, "tr": set(),
    "td": {"align", "style"}, "p": {"style"}, "b": {"style", "dir"}, "br": {"clear"}, "h2": {"style"},
    "h1": {"dir", "align", "lang", "style"}, "a": {"href", "style"}, "ul": {"style"}, "li": {"style"},
    "blockquote": {"dir", "align", "lang", "style"}, "div": {"style"}, "span": {"style", "dir"}, "code": {"style"},
}  # fmt: skip
STYLES = set(
    "margin padding padding-left padding-top font font-size line-height color background-color text-decoration opacity"
    " border border-left border-right border-top border-radius width max-width max-height overflow display mso-hide"
    " word-wrap".split()
)
law = settings(deadline=None, max_examples=40)


def mail(content, **changes):
    options = dict(sender="desk@wirewatch.example", recipient="ana@desk.example", time_zone="Asia/Seoul")
    message = render_mail(content, message_id="a.1@wirewatch.example", now=NOW, **options | changes)
    return message, email.message_from_bytes(message.body, policy=email.policy.default)


def part(parsed, kind):
    return parsed.get_body((kind,)).get_content()


def tree(markup):
    """Parsed, and nothing in it that may load, run or send."""
    found = lxml.html.document_fromstring(markup)
    for one in found.iter():
        if not isinstance(one.tag, str):
            assert re.fullmatch(
                r"<!--\[if mso\]>(<[^-]*>)+<!\[endif\]-->", lxml.html.tostring(one, with_tail=False).decode()
            )
            continue
        assert set(one.attrib) <= ALLOWED[one.tag], (one.tag, dict(one.attrib))
        assert re.match(r"https?://", one.get("href", "https://"))
        assert one.get("name", "viewport") in ("viewport", "color-scheme")
        style = one.get("style", "")
        assert {rule.partition(":")[0] for rule in style.split(";") if rule} <= STYLES
        assert not re.search(r"url\(|expression|[\\/]{2}|@", style)
    return found


def shown(markup):
    """What a reader sees of it: neither its title nor what is for lists of mails."""
    page = next(tree(markup).iter("td"))
    return "".join(one.text_content() for one in page if "display:none" not in one.get("style", ""))


def links(found):
    return [one.get("href") for one in found.iter("a")]


# ---------------------------------------------------------------- what it says


def test_render_mail_has_all_that_an_analyst_needs():
    message, parsed = mail(alert(), actions=ACTIONS)
    assert list(parsed.keys()) == HEADERS
    assert parsed["Subject"] == message.subject == f"[High] {TITLE} · Arms between North Korea and Russia"
    assert parsed["From"] == "Wirewatch <desk@wirewatch.example>"
    assert parsed["To"] == message.recipient == "ana@desk.example"
    assert parsed["Date"].datetime == NOW
    assert parsed["Message-ID"] == message.message_id == "<a.1@wirewatch.example>"
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed.get_content_type() == "multipart/alternative"
    assert [one.get_content_type() for one in parsed.iter_parts()] == ["text/plain", "text/html"]
    for text in (part(parsed, "plain"), tree(part(parsed, "html")).text_content()):
        for words in (
            "High", "Harbour Wire", "North Korea–Russia arms (0.97)", "artillery shells, Moscow", "1 outlet so far",
            "ublished 8 Nov 2023, 13:58 Asia/Seoul (UTC+09:00) · seen 7 min after publication",
            "Names: Kim Jong Un, Russia", "Arms between North Korea and Russia", "Alert q7Xb2Zc9 · story s4Tr",
            "First seen 8 Nov 2023, 14:05 Asia/Seoul (UTC+09:00) · analysed within 1 s · raised within 1 s",
            "Acknowledge", "wirewatch alerts silence --story s4Tr --for 24h --as ana",
        ):  # fmt: skip
            assert words in text, words


def test_mails_of_one_story_are_one_thread():
    first, then = mail(alert())[1], mail(update())[1]
    assert then["Subject"] == f"Re: {first['Subject']}", "the first severity, whatever has become of it"
    for one in (first, then, mail(reminder())[1], mail(alert(alert_id="other", rule_id="r2"))[1]):
        assert one["In-Reply-To"] == one["References"] == STORY
    assert first["List-Id"] == "<dprk-russia-arms.wirewatch.wirewatch.example>"


def test_only_a_critical_mail_is_important():
    assert mail(update())[1]["Importance"] == "high"
    assert mail(alert(severity="high"))[1]["Importance"] is None


def test_render_mail_is_seven_bit_with_short_lines():
    body = mail(alert(article(title="김정은 " * 60, quote="러시아 " * 70)))[0].body
    assert body.isascii()
    assert b"\r\n" in body
    assert b"\n" not in body.replace(b"\r\n", b"")
    assert max(len(line) for line in body.split(b"\r\n")) <= 78


@pytest.mark.parametrize("written", [plain_text, lambda *given: shown(html_text(*given))])
def test_an_update_says_first_what_is_new_then_what_it_was_raised_for(written):
    text = written(
        update(article(title="A missile is named"), story_title=TITLE, first_why=("feed tagged wire",)), "UTC"
    )
    order = [
        "Critical · Update", "severity raised from high to critical: kn-23 named", "2 sources report it for",
        "A missile is named", "11 outlets, 2 original sources, since 8 Nov 2023",
        "8 Nov 2023, 05:05 UTC, 2 hours before this", "Because of feed tagged wire",
    ]  # fmt: skip
    places = [text.lower().find(words.lower()) for words in order]
    assert -1 not in places, dict(zip(order, places, strict=False))
    assert places == sorted(places)
    assert TITLE in text


@pytest.mark.parametrize("written", [plain_text, lambda *given: shown(html_text(*given))])
def test_a_reminder_says_that_nobody_has_acknowledged_it(written):
    text = written(reminder(), "UTC")
    said = "Nobody has acknowledged this alert since it was raised, 8 Nov 2023, 05:05 UTC, 4 hours before this."
    assert 0 < text.find(said) < text.find("inspects a shipyard"), text
    assert "Reminder" in text


@pytest.mark.parametrize("written", [plain_text, lambda *given: shown(html_text(*given))])
def test_rules_told_along_stand_in_the_same_mail(written):
    text = written(alert(also=(ALSO,)), "UTC")
    assert "[Normal] Korean diplomacy: Kim Jong Un (alert b8Kd)" in text
    assert "Also" not in written(alert(), "UTC")


def test_plain_text_marks_words_and_gives_links():
    text = plain_text(alert(), "UTC")
    assert text.startswith(
        "High · Arms between North Korea and Russia\n\n"
        "*Kim Jong Un* inspects a shipyard as *Moscow* asks for shells\nHarbour Wire\npublished 8 Nov 2023, 04:58 UTC"
    )
    assert "\nhttps://news.example/2023/shipyard\n" in text
    assert (
        "“*Kim Jong Un* toured the yard on Tuesday.\n*Russia* has asked for more *artillery shells*, officials said.”"
        in text
    )
    assert "\nOpen in Wirewatch: https://desk.example/alerts/q7Xb2Zc9\n" in text


def test_actions_are_links_where_there_is_one_else_commands_to_copy():
    text, found = plain_text(alert(), "UTC", ACTIONS), tree(html_text(alert(), "UTC", ACTIONS))
    assert "\n  Acknowledge:\n    https://desk.example/do/1.ack.x\n" in text
    assert "\n    wirewatch alerts silence --story s4Tr --for 24h --as ana\n" in text
    assert "https://desk.example/do/1.ack.x" in links(found)
    assert [one.text for one in found.iter("code")] == [ACTIONS[1].command]
    assert "alerts ack" not in text + found.text_content(), "the link does it"
    unsafe = (Action("Acknowledge", "javascript:alert(1)", "wirewatch alerts ack q7Xb2Zc9"),)
    assert "javascript" not in plain_text(alert(), "UTC", unsafe) + html_text(alert(), "UTC", unsafe)


def test_a_list_of_mails_shows_what_is_new_or_the_text():
    hidden = [one for one in tree(html_text(update(), "UTC")).iter("div") if "display:none" in one.get("style")]
    assert [one.text for one in hidden] == [
        "New: severity raised from high to critical: kn-23 named; 2 sources report it for themselves now"
    ]
    assert (
        html_text(alert(), "UTC").count("Harbour Wire: Kim Jong Un toured the yard on Tuesday. Russia has asked") == 1
    )


# ---------------------------------------------------------------- how it looks


def test_html_marks_words_by_more_than_colour_and_gives_links():
    found = tree(html_text(alert(), "UTC"))
    marks = [one.get("style") for one in found.iter("b") if "ffe08a" in one.get("style", "")]
    assert len(marks) == 5  # Kim Jong Un, Moscow; Kim Jong Un, Russia, artillery shells
    assert all("text-decoration:underline" in style and "color:#1b1f24" in style for style in marks)
    assert links(found) == ["https://news.example/2023/shipyard"] * 2 + ["https://desk.example/alerts/q7Xb2Zc9"]


def test_html_leaves_each_page_its_own_colours():
    """Light or dark: text has a colour only where its ground has one too."""
    for one in tree(html_text(update(also=(ALSO,)), "UTC", ACTIONS)).iter(
        "p", "b", "a", "span", "td", "h1", "h2", "code"
    ):
        style = one.get("style", "")
        assert not re.search(r"(^|;)color:", style) or "background-color:" in style or "color:inherit" in style


@pytest.mark.parametrize("colour", COLOURS.values(), ids=COLOURS)
def test_white_stands_on_every_severity_at_seven_to_one_or_nearly(colour):
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    light = sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    assert 1.05 / (light + 0.05) >= 6  # WCAG 2 asks 4.5 of such text


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
    found = tree(html_text(alert(article(title=title, quote=title, language=language)), "UTC"))
    for wanted in ("h1", "blockquote"):
        one = next(found.iter(wanted))
        assert (one.get("dir"), one.get("lang"), one.get("align")) == (way, language, side)
    assert f"border-{side}:" in next(found.iter("blockquote")).get("style")


def test_html_without_quote_link_or_console_leaves_them_out():
    found = tree(html_text(alert(article(quote="", url="", published=None), url=""), "UTC"))
    assert links(found) == []
    assert not list(found.iter("blockquote"))
    assert "No date given; seen 8 Nov 2023, 05:05 UTC" in found.text_content()


# ---------------------------------------------------------------- hostile content


@pytest.mark.parametrize("make", [alert, update, lambda *shown, **changes: reminder(articles=shown, **changes)])
def test_h06_h07_hostile_content_makes_no_header_and_no_recipient(make):
    message, parsed = mail(hostile(make=make))
    assert list(parsed.keys()) == HEADERS
    assert str(parsed["To"]) == "ana@desk.example"
    assert str(parsed["Subject"]) == message.subject
    assert len(message.subject) <= 180
    assert "=?" not in message.subject
    assert not set(message.subject) & set("\r\n\0\u2028\u2029\u202e\u200b\ud800\x1b")
    for name in ("In-Reply-To", "References", "List-Id"):
        assert re.fullmatch(r"<[A-Za-z0-9_.@-]+>", str(parsed[name]))
    assert b"\nBcc:" not in message.body.split(b"\r\n\r\n")[0]


def test_h08_h09_hostile_markup_is_text():
    for make in (alert, update):
        found = tree(part(mail(hostile(make=make), actions=ACTIONS)[1], "html"))
        assert links(found) == ["https://desk.example/do/1.ack.x"]  # neither javascript: nor data: is a link
        assert "<script>alert(1)</script><img src=//x.example/t.gif" in found.text_content()
        assert "javascript:alert(1)//https" not in plain_text(hostile(make=make), "UTC")


def test_h08_no_letter_of_a_feed_joins_with_our_markup():
    text = "\u0338 autofocus onfocus=alert(1) "  # with the > before it, composed: ≯
    parsed = mail(hostile(text), actions=ACTIONS)[1]
    files = json.loads(render_inbox(hostile(text), recipient="ana", message_id="x", time_zone="UTC", now=NOW).body)
    for markup in (part(parsed, "html"), files["html"], unicodedata.normalize("NFC", part(parsed, "html"))):
        assert not set(markup) & set("≯≮≠\u0338")
        assert "onfocus" in tree(markup).text_content()
        assert [one for one in tree(markup).iter() if one.get("onfocus") or one.get("autofocus")] == []


def test_h08_an_address_cannot_leave_its_attribute():
    url = 'https://x.example/"><script>alert(1)</script>'
    assert links(tree(html_text(alert(article(url=url)), "UTC")))[0] == url


def test_h10_templates_print_braces_and_percents_literally():
    for text in (tree(html_text(hostile(), "UTC")).text_content(), plain_text(hostile(), "UTC")):
        assert "{{7*7}} %s {0.__class__} {title}" in text


def test_h06_parts_hold_no_control_and_no_override():
    _, parsed = mail(hostile())
    for kind in ("plain", "html"):
        assert not set(part(parsed, kind)) & set("\0\u202e\u200b\u2028\x1b")


def test_h06_a_mail_is_short_whatever_the_length_of_its_texts():
    long = article(title="x" * 10_000, source="s" * 10_000, quote="북" * 2_700_000)
    content = update(*[long] * 400, story_title="x" * 10_000, rule_name="r" * 10_000, why=("w" * 10_000,))
    message, parsed = mail(content)
    assert len(message.body) < 100_000  # Gmail cuts what is longer
    assert part(parsed, "plain").count("북") <= 5 * 300, "a quotation is at most 300 characters"


@law
@given(st.text(st.characters() | st.sampled_from("=?\r\n\u202e\ud800\x00<>&\"'{}")), st.sampled_from([alert, update]))
def test_h06_h08_h13_render_mail_law(text, make):
    message, parsed = mail(hostile(text, make=make))
    assert list(parsed.keys()) == HEADERS
    assert " ".join(str(parsed["Subject"]).split()) == message.subject or message.subject.isascii()
    tree(part(parsed, "html"))


def test_g07_dates_out_of_any_zone_render():
    for moment in (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC), None):
        content = alert(article(published=moment))
        for zone in ("America/New_York", "Asia/Seoul"):
            assert mail(content, time_zone=zone)[0].body
        assert render_webhook(content, recipient="r", message_id="m").body


# ---------------------------------------------------------------- files


def test_render_inbox_holds_text_and_html_of_the_mail():
    message = render_inbox(
        alert(), recipient="inbox", time_zone="UTC", message_id="a.1.inbox", now=NOW, actions=ACTIONS
    )
    found = json.loads(message.body)
    assert found["at"] == "2023-11-08T05:05:00.000Z"
    assert found["text"] == plain_text(alert(), "UTC", ACTIONS)
    assert found["html"] == html_text(alert(), "UTC", ACTIONS)
    assert found["subject"] == message.subject


def test_h06_render_inbox_survives_hostile_content():
    message = render_inbox(hostile(), recipient="inbox", time_zone="UTC", message_id="a", now=NOW)
    found = json.loads(message.body.decode())
    assert not set("".join(found.values())) & set("\0\u202e\ud800\x1b")
    tree(found["html"])
