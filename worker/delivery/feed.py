"""A feed to subscribe to: each alert becomes an entry in the record, from which the console serves the documents."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from worker.alerts.render import Audience, iso, make_files, operator_html, operator_text
from worker.alerts.render_mail import render_inbox
from worker.alerts.wording import web_link, why_lines
from worker.delivery.channel import Line
from worker.delivery.syndication import Entry
from worker.display import one_line
from worker.model import AlertContent, Message

SUMMARY_LETTERS: Final = 300
RECIPIENT: Final = "subscribers"


@dataclass(frozen=True)
class Feed:
    """An alert's entry keeps its id whatever is new about it, so that readers show one entry, changed."""

    id: str
    time_zone: str
    kind: str = "feed"

    def recipients(self) -> tuple[str, ...]:
        return (RECIPIENT,)

    def render(self, content: AlertContent, *, recipient: str, now: datetime) -> Message:
        """Without the alert's page, which its readers may not reach: an entry leads to the article."""
        name = f"{content.alert_id}.{content.revision}.{self.id}"
        content = replace(content, url="")
        written = render_inbox(content, recipient=recipient, time_zone=self.time_zone, message_id=name, now=now)
        article = content.articles[0]
        return _entry(
            written,
            id=f"urn:wirewatch:alert:{content.alert_id}",
            summary=one_line(article.quote or "; ".join(why_lines(content)), SUMMARY_LETTERS),
            url=web_link(article.url),
            published=str(iso(content.first_raised or content.raised)),
            updated=str(iso(now)),
            tags=(one_line(content.rule_name), content.severity),
        )

    def render_operator(
        self,
        subject: str,
        lines: Sequence[str],
        *,
        recipient: str,
        message_id: str,
        now: datetime,
        audience: Audience = Audience.OPERATOR,
    ) -> Message:
        text, html = operator_text(lines, audience), operator_html(subject, lines, audience)
        name = f"{message_id}.{self.id}"
        return _entry(
            make_files(subject, text, html, recipient=recipient, message_id=name, now=now),
            id=f"urn:wirewatch:message:{message_id}",
            summary=one_line(" ".join(lines), SUMMARY_LETTERS),
            url="",
            published=str(iso(now)),
            updated=str(iso(now)),
        )

    def open(self) -> AbstractAsyncContextManager[Line]:
        return contextlib.nullcontext(self)

    async def send(self, message: Message, *, now: datetime) -> str:
        """It is published by being recorded as sent; nobody is dialled."""
        return "published"


def _entry(written: Message, **known: Any) -> Message:
    """`written` holds the mail's text and HTML as the inbox has them, cleaned."""
    files = json.loads(written.body)
    entry = Entry(title=files["subject"], text=files["text"], html=_inside(files["html"]), **known)
    return Message(written.message_id, entry.as_bytes(), written.recipient, written.subject)


def _inside(html: str) -> str:
    """What stands in a page's body: the first such tag is ours, for whatever a publisher wrote is escaped."""
    _, _, rest = html.partition("<body")
    return rest.partition(">")[2].rpartition("</body>")[0]
