"""An alert as a webhook's payload: JSON in a stable shape, under 20 kB whatever the alert holds. Pure: no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from worker.alerts.render import as_json, iso
from worker.alerts.wording import subject_line, web_link
from worker.model import AlertArticle, AlertContent, AlsoFired, Mention, Message, TopicScore

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
            "first_seen": iso(content.story_first_seen),
            "articles": max(content.story_articles, len(content.articles)),
            "outlets": content.outlets,
            "original_sources": _original_sources(content, room),
        },
        "new": _new(content, room),
        "also": [_also_json(one, room) for one in content.also[: room.articles]],
        "topics": [_topic_json(topic, content, room) for topic in topics],
        "entities": [
            {"id": key, "name": name[: room.letters]} for key, name in content.entity_names.items() if key in kept
        ],
        "articles": [_article_json(article, room) for article in articles],
        "why": [words[: 2 * room.letters] for words in content.why[: room.articles]],
        "timings": _timings(content),
    }
    omitted = {
        "articles": len(content.articles) - len(articles),
        "mentions": sum(len(article.mentions) for article in content.articles) - len(mentions),
        "topics": len(content.topics) - len(topics),
    }
    if any(omitted.values()):
        data["omitted"] = omitted
    return as_json({"type": content.kind, "timestamp": iso(content.raised), "data": data})


def _new(content: AlertContent, room: Room) -> list[dict[str, str]]:
    """Of an alert's first message its articles; of a later one what is new in words: of a reminder nothing."""
    if content.kind != "alert.raised":
        return [{"kind": one.kind.value, "words": one.words[: room.letters]} for one in content.new[: room.articles]]
    articles = content.articles[: room.articles]
    return [{"title": article.title[: room.letters], "url": _whole_url(article.url)} for article in articles]


def _original_sources(content: AlertContent, room: Room) -> list[str]:
    names = content.original_sources or {article.source for article in content.articles}
    return sorted({name[: room.letters] for name in names})[: room.articles]


def _timings(content: AlertContent) -> dict[str, str | None]:
    moments = {
        "published": content.articles[0].published if content.articles else None,
        "first_seen": content.story_first_seen,
        "analysed": content.analysed,
        "raised": content.raised,
    }
    if content.first_raised is not None:
        moments["first_raised"] = content.first_raised
    return {name: iso(moment) for name, moment in moments.items()}


def _also_json(one: AlsoFired, room: Room) -> dict[str, str]:
    name, why = one.rule_name[: room.letters], one.why[: room.letters]
    return {"alert": one.alert_id, "rule": one.rule_id, "name": name, "severity": one.severity, "why": why}


def _article_json(article: AlertArticle, room: Room) -> dict[str, Any]:
    return {
        "title": article.title[: room.letters],
        "url": _whole_url(article.url),
        "source": article.source[: room.letters],
        "published": iso(article.published),
        "first_seen": iso(article.first_seen),
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
