"""An alert as a mail in its story's thread, and as files for an inbox. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from worker.alerts.headers import Fields, id_part, in_ascii_letters
from worker.alerts.render import make_files, make_mail
from worker.alerts.render_html import html_text
from worker.alerts.render_text import plain_text
from worker.alerts.wording import cut, subject_line
from worker.model import Action, AlertArticle, AlertContent, Message

ARTICLES_SHOWN: Final = 5
TITLE_LENGTH: Final = 300
NAME_LENGTH: Final = 120
QUOTE_LENGTH: Final = 300  # as much as may be quoted


def render_mail(
    content: AlertContent,
    *,
    sender: str,
    recipient: str,
    time_zone: str,
    message_id: str,
    now: datetime,
    actions: Sequence[Action] = (),
) -> Message:
    """A complete RFC 5322 message, plain text and HTML, times in `time_zone`. `message_id` has no brackets."""
    shown = readable(content)
    return make_mail(
        subject_line(shown),
        plain_text(shown, time_zone, actions),
        html_text(shown, time_zone, actions),
        sender=sender,
        recipient=recipient,
        message_id=message_id,
        now=now,
        more=_thread(content, in_ascii_letters(sender).rpartition("@")[2]),
    )


def _thread(content: AlertContent, domain: str) -> Fields:
    """One thread a story: all its messages answer one that never was (RFC 5322 §3.6.4). List-Id is what filters ask
    for (RFC 2919). Importance for critical alone; X-Priority says no more, and filters count it towards spam."""
    story = f"<story.{id_part(content.story_id)}@{domain}>"
    rule = f"<{id_part(content.rule_id)}.wirewatch.{domain}>"
    fields = [("In-Reply-To", story), ("References", story), ("List-Id", rule)]
    return [*fields, ("Importance", "high")] if content.severity == "critical" else fields


def render_inbox(
    content: AlertContent,
    *,
    recipient: str,
    time_zone: str,
    message_id: str,
    now: datetime,
    actions: Sequence[Action] = (),
) -> Message:
    """The text and HTML of the mail, as one JSON object that the inbox channel writes out as two files."""
    shown = readable(content)
    text, html = plain_text(shown, time_zone, actions), html_text(shown, time_zone, actions)
    return make_files(subject_line(shown), text, html, recipient=recipient, message_id=message_id, now=now)


def readable(content: AlertContent) -> AlertContent:
    """As much of each text as one screen has room for; a feed may give any of them any length."""
    return replace(
        content,
        rule_name=cut(content.rule_name, NAME_LENGTH),
        story_title=cut(content.story_title, TITLE_LENGTH),
        articles=tuple(_readable(article) for article in content.articles[:ARTICLES_SHOWN]),
        new=tuple(replace(one, words=cut(one.words, TITLE_LENGTH)) for one in content.new),
        topic_names={key: cut(name, NAME_LENGTH) for key, name in content.topic_names.items()},
        entity_names={key: cut(name, NAME_LENGTH) for key, name in content.entity_names.items()},
    )


def _readable(article: AlertArticle) -> AlertArticle:
    return replace(
        article,
        title=cut(article.title, TITLE_LENGTH),
        source=cut(article.source, NAME_LENGTH),
        quote=cut(article.quote, QUOTE_LENGTH),
    )
