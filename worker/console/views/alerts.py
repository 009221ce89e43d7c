"""An alert as a page shows it: in the words of its mail. Pure: no I/O, no clock."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from worker.alerts.languages import language_name
from worker.alerts.wording import SEVERITY, marked, matched_words, web_link, why_lines
from worker.articles.changes import Piece, word_changes
from worker.articles.text import quote
from worker.console.views.deliveries import DeliveryView, delivery_view
from worker.console.views.names import NO_HEADLINE, Headline, Names, Pieces, one_line, paragraphs, source_of
from worker.console.words import Moment, counted
from worker.model import AlertArticle, AlertContent, Mention, TopicScore
from worker.store.latest import AlertFound, AlertWhole

QUOTE_LETTERS: Final = 300


@dataclass(frozen=True)
class AlertView:
    """`why` holds (label, words), the rule's reasons first; `told` what became of its deliveries, `told_with` the alert
    whose message told of it along, `taken` who has acknowledged it: '' where none did."""

    id: str
    severity: str
    severity_word: str
    rule: str
    headline: Headline
    quote: Pieces
    why: Sequence[tuple[str, str]]
    spread: str
    published: Moment | None
    raised: Moment
    told: Sequence[DeliveryView]
    told_with: str
    taken: str


def alert_view(found: AlertFound, names: Names, now: datetime) -> AlertView:
    row = found.row
    content = _content(found, names)
    (article,) = content.articles
    words = matched_words(content, article)
    mark = functools.partial(marked, words=words)
    spread = f"{counted(found.articles, 'article')} from {counted(found.feeds, 'feed')}" if found.articles > 1 else ""
    return AlertView(
        id=row.public_id,
        severity=row.severity if row.severity in SEVERITY else "normal",
        severity_word=SEVERITY.get(row.severity, one_line(row.severity)),
        rule=content.rule_name,
        headline=Headline(list(mark(article.title)), web_link(row.url), article.language, article.source),
        quote=list(mark(article.quote)) if article.quote else [],
        why=_why(content),
        spread=spread,
        published=names.find_at(row.published_at, now),
        raised=names.at(row.raised_at, now),
        told=[delivery_view(one, names, now) for one in found.deliveries],
        told_with=row.told_with or "",
        taken=_taken(row, names, now),
    )


def _taken(row: Any, names: Names, now: datetime) -> str:
    if row.acknowledged_at is None:
        return ""
    return f"{one_line(row.acknowledged_by)}, {names.at(row.acknowledged_at, now).full}"


def _why(content: AlertContent) -> list[tuple[str, str]]:
    """The mail's lines, shorter: the rule's name stands above them already, and mostly it names the topics."""
    said = {label: words for label, _, words in (line.partition(": ") for line in why_lines(content))}
    because = said["Rule"].removeprefix(f"{content.rule_name}: ")
    because = re.sub(r"\blanguage (\w+)", lambda found: f"in {language_name(found[1])}", because)
    topics = [content.topic_names.get(topic.id, topic.id) for topic in content.topics if topic.match]
    about = "" if all(name in because for name in topics) else said["About"]
    lines = {
        "Because": because, "About": about, "Words": said.get("Because of", ""), "Names": said.get("Names", "")
    }  # fmt: skip
    return [(label, words) for label, words in lines.items() if words]


def _content(found: AlertFound, names: Names) -> AlertContent:
    """The alert as the mail had it: one wording for both."""
    row, judged = found.row, found.judged
    topics = tuple(_topic(topic) for topic in judged.topics) if judged else ()
    mentions = tuple(_mention(mention) for mention in judged.mentions) if judged else ()
    asked = [*(mention.entity for mention in mentions), *re.findall(r"[\w-]+", row.because)]
    article = AlertArticle(
        title=one_line(judged.title if judged else row.title) or NO_HEADLINE,
        url=row.url,
        source=source_of(row),
        published=row.published_at,
        first_seen=row.first_seen_at,
        language=judged.language if judged else "",
        quote=_quoted(judged.text if judged else "", mentions),
        mentions=mentions,
    )
    return AlertContent(
        kind="alert.raised",
        alert_id=row.public_id,
        revision=1,
        rule_id=row.rule_id,
        rule_name=names.rule(row.rule_id),
        severity=row.severity,
        url="",
        story_id=row.story_public_id,
        story_title=row.story_title,
        story_first_seen=row.story_first_seen_at,
        outlets=found.feeds,
        articles=(article,),
        topics=topics,
        topic_names=names.topics,
        entity_names={key: names.entities[key] for key in asked if key in names.entities},
        why=(one_line(row.because, 2_000),),
        analysed=judged.judged_at if judged else row.raised_at,
        raised=row.raised_at,
        story_articles=found.articles,
    )


def _quoted(text: str | None, mentions: Sequence[Mention]) -> str:
    text = text or ""
    first = next((one for one in mentions if one.field == "text" and one.end <= len(text)), None)
    return paragraphs(quote(text, first.start if first else 0, first.end if first else 0, limit=QUOTE_LETTERS))


def _topic(stored: Mapping[str, Any]) -> TopicScore:
    evidence = tuple(one_line(words) for words in stored["evidence"])
    return TopicScore(**{**stored, "evidence": evidence})


def _mention(stored: Mapping[str, Any]) -> Mention:
    return Mention(**{**stored, "text": one_line(stored["text"])})


@dataclass(frozen=True)
class EditView:
    """What one edit changed; `note` says it where no words can be shown."""

    at: Moment
    title: Sequence[Piece]
    text: Sequence[Piece]
    note: str


def edit_views(versions: Sequence[Any], names: Names, now: datetime) -> list[EditView]:
    """`versions`: of one article, the oldest first."""
    return [_edit(last, row, names, now) for last, row in itertools.pairwise(versions)]


def _edit(last: Any, row: Any, names: Names, now: datetime) -> EditView:
    kept = last.text is not None and row.text is not None
    title = word_changes(one_line(last.title), one_line(row.title))
    text = word_changes(paragraphs(last.text), paragraphs(row.text)) if kept else ()
    unseen = "" if title or text else "its spacing, or something further down its text"
    return EditView(
        names.at(row.seen_at, now), title, text, unseen if kept else "the text of that time is no longer kept"
    )


@dataclass(frozen=True)
class MemberView:
    """`edits`: the last ones, the newest last."""

    headline: Headline
    seen: Moment
    copy: bool
    edits: Sequence[EditView]


def member_views(found: AlertWhole, names: Names) -> list[MemberView]:
    """The articles of the alert's story, in the order of their arrival."""
    return [
        MemberView(
            headline=Headline(
                [(one_line(row.title) or NO_HEADLINE, False)],
                web_link(row.url),
                "",
                source_of(row),
            ),
            seen=names.at(row.first_seen_at, found.now),
            copy=row.duplicate_of is not None,
            edits=edit_views(found.story.versions.get(row.id, ()), names, found.now),
        )
        for row in found.story.members
    ]


KINDS: Final = {"alert.raised": "first message", "alert.updated": "update", "alert.reminder": "reminder"}


@dataclass(frozen=True)
class MessageView:
    """One message about the alert; `made` is None for what still waits to be told."""

    words: str
    made: Moment | None
    news: Sequence[str]


def message_views(found: AlertWhole, names: Names) -> list[MessageView]:
    """What its readers were told, and what was new each time; at the end what they will be told."""
    news = {key: [one_line(one.words) for one in rows] for key, rows in found.story.news.items()}
    told = [
        MessageView(KINDS.get(row.kind, row.kind), names.at(row.created_at, found.now), news.get(row.id, []))
        for row in found.story.messages
    ]
    return told + ([MessageView("to be told", None, news[None])] if news.get(None) else [])


def quiet_lines(found: AlertWhole, names: Names) -> list[str]:
    """What kept something about it quiet: '2 articles, by the silence of ana: …, until 8 Nov 2023, 14:05 …'."""
    return [
        f"{counted(row.held, 'article')}, by {one_line(row.author)}'s silence of this {one_line(row.kind)}"
        f" until {names.at(row.expires_at, found.now).full}: {one_line(row.because)}"
        for row in found.silences
    ]
