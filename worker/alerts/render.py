"""Renders a notification once, to the exact bytes that every attempt sends: mail, webhook, file. Pure: no I/O.

Everything from a feed is escaped here; nothing that a feed says becomes a header, markup or a link other than http(s).
"""

from __future__ import annotations

import base64
import email
import email.policy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from typing import Any, Final

from worker import display
from worker.alerts.wording import (
    SEVERITY,
    direction,
    header_text,
    local_time,
    marked,
    matched_words,
    subject_line,
    web_link,
    why_lines,
)
from worker.model import AlertArticle, AlertContent, Mention, Message, TopicScore

SUBJECT_PLACE: Final = "subject-goes-here"  # replaced once, in the first header of the finished mail
MAIL_POLICY: Final = email.policy.SMTP.clone(cte_type="7bit", max_line_length=78)
# Colour is never the only sign: the severity stands beside it in words.
COLOURS: Final = {"low": "#57606a", "normal": "#0b5cad", "high": "#a04000", "critical": "#a1121f"}
GREY: Final = "#767676"  # 4.5 to 1 on white and on black
MARK: Final = "background-color:#ffe08a;color:#1b1f24;text-decoration:underline"
# No background and no text colour of our own: each mail program's light or dark page stands. A table, because Outlook
# knows no width on anything else; inline styles, because many programs drop all others.
FRAME: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
    '<title>{title}</title></head><body style="margin:0;padding:0">'
    '<table role="presentation" align="center" width="600" cellpadding="0" cellspacing="0" border="0" '
    'style="width:100%;max-width:600px;margin:0 auto"><tr><td align="left" style="padding:20px;'
    "font:16px/1.5 -apple-system,'Segoe UI',Roboto,'Noto Sans',Arial,sans-serif\">{body}"
    "</td></tr></table></body></html>\n"
)


# ---------------------------------------------------------------- mail


def render_mail(
    content: AlertContent, *, sender: str, recipient: str, time_zone: str, message_id: str, now: datetime
) -> Message:
    """A complete RFC 5322 message, plain text and HTML, times in `time_zone`. `message_id` has no brackets."""
    return make_mail(
        subject_line(content),
        plain_text(content, time_zone),
        html_text(content, time_zone),
        sender=sender,
        recipient=recipient,
        message_id=message_id,
        now=now,
    )


def make_mail(
    subject: str, text: str, html: str, *, sender: str, recipient: str, message_id: str, now: datetime
) -> Message:
    """Text and HTML as one mail; whatever they hold, the headers are these."""
    text, html = display.lines(text), display.lines(html)
    mail = EmailMessage(policy=MAIL_POLICY)
    mail["Subject"] = SUBJECT_PLACE
    mail["From"] = f"Wirewatch <{sender}>"
    mail["To"] = recipient
    mail["Date"] = format_datetime(now.astimezone(UTC))
    mail["Message-ID"] = f"<{message_id}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text, cte=_encoding(text))
    mail.add_alternative(html, subtype="html", cte=_encoding(html))
    body = mail.as_bytes().replace(SUBJECT_PLACE.encode(), encoded_subject(header_text(subject)), 1)
    _refuse_other_headers(mail, body)
    return Message(message_id=f"<{message_id}>", body=body, recipient=recipient, subject=header_text(subject))


def encoded_subject(text: str) -> bytes:
    """RFC 2047, spaces inside the encoded words. The standard library encodes word by word, and a reader's mail program
    then drops the spaces between: in Korean a sentence without any."""
    if text.isascii():
        return text.encode()
    chunks = [""]
    for character in text:
        if len((chunks[-1] + character).encode()) > 39:  # 52 letters of base64: a line ends at 76, with "Subject: "
            chunks.append("")
        chunks[-1] += character
    return b"\r\n ".join(b"=?utf-8?b?" + base64.b64encode(chunk.encode()) + b"?=" for chunk in chunks)


def _encoding(text: str) -> str:
    """Quoted-printable keeps Latin readable in the raw; for other scripts base64 is half as long."""
    return "quoted-printable" if sum(ord(c) < 128 for c in text) > 0.9 * len(text) else "base64"


def _refuse_other_headers(mail: EmailMessage, body: bytes) -> None:
    """The bytes must parse back to exactly our headers: a guard against flaws in the library that writes them."""
    parsed = email.message_from_bytes(body, policy=email.policy.default)
    if sorted(name.lower() for name in parsed) != sorted(name.lower() for name in mail):
        raise ValueError("the rendered mail has other headers than ours")


def plain_text(content: AlertContent, zone: str) -> str:
    """The alert as plain text, matched words between asterisks."""
    lines: list[str] = []
    for article in content.articles:
        words = matched_words(content, article)
        # The time first: after an Arabic name its digits would be drawn out of order.
        lines += [_starred(article.title, words), f"{local_time(article.published, zone)} · {article.source}"]
        lines += [web_link(article.url)] if web_link(article.url) else []
        lines += ["", f"“{_starred(article.quote, words)}”"] if article.quote else []
        lines.append("")
    lines += ["WHY YOU GET THIS", *(f"  {line}" for line in why_lines(content)), ""]
    lines.append(f"Severity: {content.severity} · first seen {local_time(content.story_first_seen, zone)}")
    if content.outlets > 1:
        lines.append(f"{content.outlets} feeds carry this story.")
    lines += [f"Open in Wirewatch: {content.url}"] if content.url else []
    return "\n".join([*lines, f"Alert {content.alert_id}", ""])


def _starred(text: str, words: Sequence[str]) -> str:
    return "".join(f"*{piece}*" if hit else piece for piece, hit in marked(text, words))


def html_text(content: AlertContent, zone: str) -> str:
    """The same as simple HTML: one narrow column, nothing loaded from anywhere."""
    colour = COLOURS.get(content.severity, COLOURS["normal"])
    severity = escape(SEVERITY.get(content.severity, content.severity))
    parts = [
        '<p style="margin:0 0 16px;font-size:14px">'
        f'<b style="background-color:{colour};color:#ffffff;padding:2px 0">&nbsp;{severity}&nbsp;</b>'
        f"&nbsp; {escape(content.rule_name)}</p>"
    ]
    parts += [_article_html(article, matched_words(content, article), zone, colour) for article in content.articles]
    why = "".join(f'<li style="margin:0 0 4px">{_label(line)}</li>' for line in why_lines(content))
    parts.append('<h2 style="margin:24px 0 6px;font-size:15px">Why you get this</h2>')
    parts.append(f'<ul style="margin:0;padding-left:20px;font-size:15px">{why}</ul>')
    seen = f"First seen {escape(local_time(content.story_first_seen, zone))}."
    outlets = f" {content.outlets} feeds carry this story." if content.outlets > 1 else ""
    link = f' <a href="{escape(content.url)}">Open in Wirewatch</a>' if web_link(content.url) else ""
    parts.append(
        f'<p style="margin:20px 0 0;padding-top:12px;border-top:1px solid #a8b0b8;font-size:13px;color:{GREY}">'
        f"{seen}{outlets}{link}<br>Alert {escape(content.alert_id)}</p>"
    )
    return FRAME.format(title=escape(content.story_title), body="".join(parts))


def _label(line: str) -> str:
    label, _, words = line.partition(": ")
    return f"<b>{escape(label)}:</b> {escape(words)}"


def _article_html(article: AlertArticle, words: Sequence[str], zone: str, colour: str) -> str:
    url = escape(web_link(article.url))
    title = _highlighted(article.title, words)
    headline = f'<a href="{url}" style="color:inherit;text-decoration:none">{title}</a>' if url else title
    html = (
        f'<h1 {_script(article, article.title)} style="margin:0 0 6px;font-size:21px;line-height:1.3">{headline}</h1>'
        f'<p style="margin:0 0 14px;font-size:14px;color:{GREY}">'
        f"{escape(local_time(article.published, zone))} · {escape(article.source)}</p>"
    )
    if article.quote:
        side = "right" if direction(article.quote) == "rtl" else "left"
        quoted = _highlighted(article.quote, words).replace("\n", "<br>")
        html += (
            f'<blockquote {_script(article, article.quote)} style="margin:0;padding:2px 14px;'
            f'border-{side}:3px solid {colour}">{quoted}</blockquote>'
        )
    return html + (f'<p style="margin:14px 0 0"><a href="{url}">Read the article</a></p>' if url else "")


def _script(article: AlertArticle, text: str) -> str:
    """Direction and language: by the language a browser draws Han letters as Korean, Japanese or Chinese readers do."""
    way = direction(text)
    language = f' lang="{escape(article.language)}"' if article.language else ""
    return f'dir="{way}" align="{"right" if way == "rtl" else "left"}"{language}'


def _highlighted(text: str, words: Sequence[str]) -> str:
    return "".join(
        f'<b style="{MARK}">{escape(piece)}</b>' if hit else escape(piece) for piece, hit in marked(text, words)
    )


# ---------------------------------------------------------------- webhook


WEBHOOK_BYTES: Final = 20_000
QUOTE_LIMIT: Final = 300
URL_LIMIT: Final = 2_000  # bytes; a cut address leads elsewhere: a longer one is left out


@dataclass(frozen=True)
class Room:
    """How much of an alert goes into a webhook: articles, mentions an article, letters a string, topics."""

    articles: int
    mentions: int
    letters: int
    topics: int = 100


# The first that fits is taken; the last fits whatever the alert holds.
ROOMS: Final = (
    Room(50, 500, 1_000),
    Room(20, 60, 1_000),
    Room(5, 20, 500, 30),
    Room(2, 5, 300, 20),
    Room(1, 0, 60, 10),
)


def render_webhook(content: AlertContent, *, recipient: str, message_id: str) -> Message:
    """A Standard Webhooks payload under 20 kB. What had to be left out for that is counted in `omitted`."""
    bodies = (_webhook_bytes(content, room) for room in ROOMS)
    body = next(body for body in bodies if len(body) < WEBHOOK_BYTES)
    return Message(message_id=message_id, body=body, recipient=recipient, subject=subject_line(content))


def _webhook_bytes(content: AlertContent, room: Room) -> bytes:
    articles = content.articles[: room.articles]
    mentions = [mention for article in articles for mention in article.mentions[: room.mentions]]
    kept = {mention.entity for mention in mentions}
    topics = sorted(content.topics, key=lambda topic: -topic.score)[: room.topics]
    data: dict[str, Any] = {
        "alert": {
            "id": content.alert_id,
            "revision": content.revision,
            "rule": content.rule_id,
            "severity": content.severity,
            "url": _whole_url(content.url),
        },
        "story": {
            "id": content.story_id,
            "title": content.story_title[: room.letters],
            "first_seen": _iso(content.story_first_seen),
            "articles": max(content.story_articles, len(content.articles)),
            "outlets": content.outlets,
            "original_sources": sorted({article.source[: room.letters] for article in articles}),
        },
        "new": [{"title": article.title[: room.letters], "url": _whole_url(article.url)} for article in articles],
        "topics": [_topic_json(topic, content, room) for topic in topics],
        "entities": [
            {"id": key, "name": name[: room.letters]} for key, name in content.entity_names.items() if key in kept
        ],
        "articles": [_article_json(article, room) for article in articles],
        "why": [words[: 2 * room.letters] for words in content.why[: room.articles]],
        "timings": {
            "published": _iso(content.articles[0].published if content.articles else None),
            "first_seen": _iso(content.story_first_seen),
            "analysed": _iso(content.analysed),
            "raised": _iso(content.raised),
        },
    }
    omitted = {
        "articles": len(content.articles) - len(articles),
        "mentions": sum(len(article.mentions) for article in content.articles) - len(mentions),
        "topics": len(content.topics) - len(topics),
    }
    if any(omitted.values()):
        data["omitted"] = omitted
    return _json({"type": content.kind, "timestamp": _iso(content.raised), "data": data})


def _article_json(article: AlertArticle, room: Room) -> dict[str, Any]:
    return {
        "title": article.title[: room.letters],
        "url": _whole_url(article.url),
        "source": article.source[: room.letters],
        "published": _iso(article.published),
        "first_seen": _iso(article.first_seen),
        "language": article.language,
        "quote": article.quote[: min(QUOTE_LIMIT, room.letters)],
        "mentions": [_mention_json(mention) for mention in article.mentions[: room.mentions]],
    }


def _topic_json(topic: TopicScore, content: AlertContent, room: Room) -> dict[str, Any]:
    name = content.topic_names.get(topic.id, topic.id)[: room.letters]
    return {"id": topic.id, "name": name, "score": topic.score, "match": topic.match}


def _mention_json(mention: Mention) -> dict[str, Any]:
    return {name: getattr(mention, name) for name in ("entity", "text", "field", "start", "end")}


def _whole_url(url: str) -> str:
    link = web_link(url)
    return link if len(link.encode()) <= URL_LIMIT else ""


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


# ---------------------------------------------------------------- files, and the operator


def render_inbox(content: AlertContent, *, recipient: str, time_zone: str, message_id: str, now: datetime) -> Message:
    """The text and HTML of the mail, as one JSON object that the inbox channel writes out as two files."""
    text, html = plain_text(content, time_zone), html_text(content, time_zone)
    return make_files(subject_line(content), text, html, recipient=recipient, message_id=message_id, now=now)


def make_files(subject: str, text: str, html: str, *, recipient: str, message_id: str, now: datetime) -> Message:
    subject = header_text(subject)
    body = _json({"at": _iso(now), "subject": subject, "text": display.lines(text), "html": display.lines(html)})
    return Message(message_id=message_id, body=body, recipient=recipient, subject=subject)


def operator_text(lines: Sequence[str]) -> str:
    return "\n".join([*lines, "", "This is a message to the operator of Wirewatch.", ""])


def operator_html(subject: str, lines: Sequence[str]) -> str:
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return FRAME.format(title=escape(subject), body=f'<h1 style="font-size:20px">{escape(subject)}</h1>{paragraphs}')


def operator_webhook(subject: str, lines: Sequence[str], *, recipient: str, message_id: str, now: datetime) -> Message:
    body = _json(
        {"type": "operator.message", "timestamp": _iso(now), "data": {"subject": subject, "lines": list(lines)}}
    )
    return Message(message_id=message_id, body=body, recipient=recipient, subject=header_text(subject))
