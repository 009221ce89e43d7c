"""Renders a notification once, to the exact bytes that every attempt sends: mail, webhook, file. Pure: no I/O.

Everything from a feed is escaped here; nothing that a feed says becomes a header, markup or a link other than http(s).
"""

from __future__ import annotations

import base64
import email
import email.policy
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from typing import Any, Final

from worker.alerts.wording import header_text, local_time, marked, subject_line, why_lines
from worker.model import AlertArticle, AlertContent, Message

SUBJECT_PLACE: Final = "subject-goes-here"  # replaced once, in the first header of the finished mail
WEBHOOK_BYTES: Final = 20_000
MAIL_POLICY: Final = email.policy.SMTP.clone(cte_type="7bit", max_line_length=78)
# Colour is never the only sign: the severity stands beside it in words.
COLOURS: Final = {"low": "#57606a", "normal": "#0b5cad", "high": "#a04000", "critical": "#a1121f"}
FRAME: Final = (
    '<!doctype html><html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>{title}</title></head>"
    '<body style="margin:0;background:#f4f5f7;color:#1b1f24;'
    'font:16px/1.5 -apple-system,Segoe UI,Roboto,Noto Sans,sans-serif">'
    '<div style="max-width:600px;margin:0 auto;padding:24px 20px;background:#ffffff">{body}</div></body></html>\r\n'
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
        if len((chunks[-1] + character).encode()) > 45:  # 60 letters of base64; an encoded word ends at 75
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
        lines += [_starred(article.title, article), f"{article.source} · {local_time(article.published, zone)}"]
        lines += [article.url] if article.url else []
        lines += ["", f"“{_starred(article.quote, article)}”"] if article.quote else []
        lines.append("")
    lines += ["WHY YOU GET THIS", *(f"  {line}" for line in why_lines(content)), ""]
    lines.append(f"Severity: {content.severity} · first seen {local_time(content.story_first_seen, zone)}")
    if content.outlets > 1:
        lines.append(f"{content.outlets} feeds carry this story.")
    lines += [f"Open in Wirewatch: {content.url}"] if content.url else []
    return "\n".join([*lines, f"Alert {content.alert_id}", ""])


def _starred(text: str, article: AlertArticle) -> str:
    return "".join(f"*{piece}*" if hit else piece for piece, hit in marked(text, article))


def html_text(content: AlertContent, zone: str) -> str:
    """The same as simple HTML: inline styles, one narrow column, nothing loaded from anywhere."""
    colour = COLOURS.get(content.severity, COLOURS["normal"])
    parts = [
        f'<p style="margin:0 0 12px;font-size:14px;color:{colour}"><b>{escape(content.severity.capitalize())}</b>'
        f" · {escape(content.rule_name)}</p>"
    ]
    parts += [_article_html(article, zone, colour) for article in content.articles]
    why = "".join(f"<li>{_label(line)}</li>" for line in why_lines(content))
    parts.append(f'<h2 style="margin:24px 0 4px;font-size:15px">Why you get this</h2>{_list(why)}')
    seen = f"First seen {escape(local_time(content.story_first_seen, zone))}."
    outlets = f" {content.outlets} feeds carry this story." if content.outlets > 1 else ""
    link = f' <a href="{escape(content.url)}">Open in Wirewatch</a>.' if content.url else ""
    parts.append(
        f'<p style="margin:20px 0 0;padding-top:12px;border-top:1px solid #d8dee4;font-size:13px;color:#57606a">'
        f"{seen}{outlets}{link}<br>Alert {escape(content.alert_id)}</p>"
    )
    return FRAME.format(title=escape(content.story_title), body="".join(parts))


def _list(items: str) -> str:
    return f'<ul style="margin:0;padding-left:20px;font-size:15px">{items}</ul>'


def _label(line: str) -> str:
    label, _, words = line.partition(": ")
    return f"<b>{escape(label)}:</b> {escape(words)}"


def _article_html(article: AlertArticle, zone: str, colour: str) -> str:
    title = _highlighted(article.title, article)
    if article.url.startswith(("https://", "http://")):
        title = f'<a href="{escape(article.url)}" style="color:#1b1f24;text-decoration:underline">{title}</a>'
    about = f"{escape(article.source)} · {escape(local_time(article.published, zone))}"
    html = (
        f'<h1 dir="auto" style="margin:0 0 4px;font-size:21px;line-height:1.3">{title}</h1>'
        f'<p style="margin:0 0 14px;font-size:14px;color:#57606a">{about}</p>'
    )
    if article.quote:
        quoted = _highlighted(article.quote, article).replace("\n", "<br>")
        html += (
            f'<blockquote dir="auto" style="margin:0;padding:2px 0 2px 14px;border-left:3px solid {colour}">'
            f"{quoted}</blockquote>"
        )
    return html


def _highlighted(text: str, article: AlertArticle) -> str:
    return "".join(
        f'<mark style="background:#fff3bf"><b>{escape(piece)}</b></mark>' if hit else escape(piece)
        for piece, hit in marked(text, article)
    )


# ---------------------------------------------------------------- webhook


def render_webhook(content: AlertContent, *, recipient: str, message_id: str) -> Message:
    """A Standard Webhooks payload under 20 kB. What had to be left out for that is counted in `omitted`."""
    mentions = max((len(article.mentions) for article in content.articles), default=0)
    body = webhook_bytes(content)
    while len(body) > WEBHOOK_BYTES and mentions > 1:
        mentions //= 2
        body = webhook_bytes(_shortened(content, mentions=mentions), whole=content)
    if len(body) > WEBHOOK_BYTES:
        body = webhook_bytes(_shortened(content, mentions=0, letters=300), whole=content)
    return Message(message_id=message_id, body=body, recipient=recipient, subject=subject_line(content))


def _shortened(content: AlertContent, *, mentions: int, letters: int = 5_000) -> AlertContent:
    articles = tuple(
        replace(a, mentions=a.mentions[:mentions], title=a.title[:letters], quote=a.quote[:letters], url=a.url[:2_000])
        for a in content.articles[:5]
    )
    return replace(content, articles=articles, story_title=content.story_title[:letters])


def webhook_bytes(content: AlertContent, *, whole: AlertContent | None = None) -> bytes:
    articles = [_article_json(article) for article in content.articles]
    kept = {mention.entity for article in content.articles for mention in article.mentions}
    data: dict[str, Any] = {
        "alert": {
            "id": content.alert_id,
            "revision": content.revision,
            "rule": content.rule_id,
            "severity": content.severity,
            "url": content.url,
        },
        "story": {
            "id": content.story_id,
            "title": content.story_title,
            "first_seen": _iso(content.story_first_seen),
            "articles": len((whole or content).articles),
            "outlets": content.outlets,
            "original_sources": sorted({article.source for article in content.articles}),
        },
        "new": [{"title": article.title, "url": article.url} for article in content.articles],
        "topics": [
            {"id": t.id, "name": content.topic_names.get(t.id, t.id), "score": t.score, "match": t.match}
            for t in content.topics
        ],
        "entities": [{"id": key, "name": name} for key, name in content.entity_names.items() if key in kept],
        "articles": articles,
        "why": list(content.why),
        "timings": {
            "published": _iso(content.articles[0].published if content.articles else None),
            "first_seen": _iso(content.story_first_seen),
            "analysed": _iso(content.analysed),
            "raised": _iso(content.raised),
        },
    }
    if whole is not None:
        count = sum(len(article.mentions) for article in whole.articles)
        data["omitted"] = {"mentions": count - sum(len(article["mentions"]) for article in articles)}
    return _json({"type": content.kind, "timestamp": _iso(content.raised), "data": data})


def _article_json(article: AlertArticle) -> dict[str, Any]:
    return {
        "title": article.title,
        "url": article.url,
        "source": article.source,
        "published": _iso(article.published),
        "first_seen": _iso(article.first_seen),
        "language": article.language,
        "quote": article.quote,
        "mentions": [
            {"entity": m.entity, "text": m.text, "field": m.field, "start": m.start, "end": m.end}
            for m in article.mentions
        ],
    }


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
    body = _json({"at": _iso(now), "subject": subject, "text": text, "html": html})
    return Message(message_id=message_id, body=body, recipient=recipient, subject=header_text(subject))


def operator_text(lines: Sequence[str]) -> str:
    return "\n".join([*lines, "", "This is a message to the operator of Wirewatch.", ""])


def operator_html(subject: str, lines: Sequence[str]) -> str:
    paragraphs = "".join(f'<p dir="auto">{escape(line)}</p>' for line in lines)
    return FRAME.format(title=escape(subject), body=f'<h1 style="font-size:20px">{escape(subject)}</h1>{paragraphs}')


def operator_webhook(subject: str, lines: Sequence[str], *, recipient: str, message_id: str, now: datetime) -> Message:
    body = _json(
        {"type": "operator.message", "timestamp": _iso(now), "data": {"subject": subject, "lines": list(lines)}}
    )
    return Message(message_id=message_id, body=body, recipient=recipient, subject=header_text(subject))
