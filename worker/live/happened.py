"""What happened, as everyone is told it: one frozen type a kind, with names for ids, every string safe to show.

Pure: no I/O, no clock.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from worker.alerts.notes import unjudged_words
from worker.config.schema import Config
from worker.display import one_line

LONGEST: Final = 300  # letters of one string: more than any screen has in a line
# They change how wide a picture is, and terminals differ about it.
PICTURE_PARTS: Final = re.compile(
    "[\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]|(?<=[\u2190-\u2bff\U0001f000-\U0001faff])\u200d"
)
PILE: Final = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{3})[\u0300-\u036f\u20d0-\u20ff]+"
)


@dataclass(frozen=True)
class Topic:
    """One that matched."""

    id: str
    name: str
    score: float


@dataclass(frozen=True)
class Polled:
    """`outcome`: new, unchanged or failed. `baseline`: the feed's first success, stored and judged, never alerted."""

    event: ClassVar[str] = "polled"
    at: datetime
    feed: str
    title: str
    outcome: str
    entries: int
    new: int
    edited: int
    baseline: bool
    reason: str
    detail: str


@dataclass(frozen=True)
class Judged:
    """An article that is in its story. `copy`: of one that the desk had already. `unjudged`: why its topics could
    not be judged, so that none of `topics` says nothing."""

    event: ClassVar[str] = "article"
    at: datetime
    article: str
    feed: str
    source: str
    language: str
    title: str
    topics: tuple[Topic, ...]
    names: tuple[str, ...]
    copy: bool
    baseline: bool
    unjudged: str = ""


@dataclass(frozen=True)
class Raised:
    """`because` is the rule's reason, with names."""

    event: ClassVar[str] = "alert"
    at: datetime
    alert: str
    article: str
    severity: str
    rule: str
    rule_name: str
    title: str
    source: str
    because: str
    first_seen: datetime


@dataclass(frozen=True)
class Delivered:
    """One attempt that ended: `state` is sent, failed (tried again) or abandoned.

    `kind` is the channel's, or operator for a message to the operator, whose `alert` is ''. `seconds` since the article
    was first seen; the operator's since it was written.
    """

    event: ClassVar[str] = "delivery"
    at: datetime
    delivery: str
    alert: str
    channel: str
    kind: str
    recipient: str
    state: str
    attempt: int
    seconds: float
    subject: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Arrived:
    """What came into one of the demo's inboxes. `good`: for a webhook, whether its signature was."""

    event: ClassVar[str] = "arrival"
    at: datetime
    inbox: str
    recipient: str
    subject: str
    good: bool = True


@dataclass(frozen=True)
class Trouble:
    """What no row tells: a child that died, a database that is away."""

    event: ClassVar[str] = "trouble"
    at: datetime
    words: str


Happened = Polled | Judged | Raised | Delivered | Arrived | Trouble


def safe(text: object) -> str:
    """On one line, without what could steer a terminal, reorder what is read or pile up over other lines."""
    return PILE.sub(r"\1", PICTURE_PARTS.sub("", one_line(str(text or "")[: 4 * LONGEST])))[:LONGEST]


def arrived(inbox: str, *, at: datetime, recipient: object, subject: object, good: bool = True) -> Arrived:
    return Arrived(at=at, inbox=inbox, recipient=safe(recipient), subject=safe(subject), good=good)


def as_json(happened: Happened) -> dict[str, Any]:
    """`at` and `event` first; instants as ISO 8601 in UTC."""
    values = {"at": happened.at, "event": happened.event} | asdict(happened)
    return {key: instant(value) if isinstance(value, datetime) else value for key, value in values.items()}


def instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Reader:
    """Makes what happened of a row of `store.recent`. The configuration's names; an id that it does not know stays."""

    feeds: Mapping[str, str]
    topics: Mapping[str, str]
    entities: Mapping[str, str]
    rules: Mapping[str, str]
    channels: Mapping[str, str]  # id -> kind

    @classmethod
    def of(cls, config: Config) -> Reader:
        return cls(
            feeds={feed.id: feed.title for feed in config.feeds if feed.title},
            topics={topic.id: topic.name for topic in config.topics},
            entities={name: entity.name for name, entity in config.entities_by_id.items()},
            rules={rule.id: rule.name for rule in config.rules},
            channels={channel.id: channel.kind for channel in config.channels},
        )

    def read(self, kind: str, row: Any) -> Happened:
        """`kind` as in `store.recent.KINDS`."""
        make: Mapping[str, Callable[[Any], Happened]] = {
            "poll": self.polled,
            "article": self.judged,
            "alert": self.raised,
            "attempt": self.delivered,
        }
        return make[kind](row)

    def polled(self, row: Any) -> Polled:
        failed = row.outcome == "failed"
        return Polled(
            at=row.at,
            feed=row.feed_id,
            title=safe(self.feeds.get(row.feed_id) or row.title or row.feed_id),
            outcome=row.outcome,
            entries=row.seen,
            new=row.new,
            edited=row.changed,
            baseline=row.at == row.baseline_at,
            reason=row.reason or "",
            detail=safe(row.detail) if failed else "",
        )

    def judged(self, row: Any) -> Judged:
        topics = (topic for topic in row.topics if topic["match"])
        entities = dict.fromkeys(mention["entity"] for mention in row.mentions)
        return Judged(
            at=row.at,
            article=row.public_id,
            feed=row.feed_id,
            source=self._source(row.feed_id),
            language=safe(row.language),
            title=safe(row.title),
            topics=tuple(
                Topic(topic["id"], safe(self.topics.get(topic["id"], topic["id"])), round(topic["score"], 4))
                for topic in topics
            ),
            names=tuple(safe(self.entities.get(entity, entity)) for entity in entities),
            copy=row.duplicate_of is not None,
            baseline=bool(row.baseline),
            unjudged=unjudged_words(row.notes, row.language),
        )

    def raised(self, row: Any) -> Raised:
        names = {**self.entities, **self.topics}
        because = re.sub(r"[\w-]+", lambda found: names.get(found[0], found[0]), row.because)
        return Raised(
            at=row.at,
            alert=row.public_id,
            article=row.article,
            severity=row.severity,
            rule=row.rule_id,
            rule_name=safe(self.rules.get(row.rule_id, row.rule_id)),
            title=safe(row.title),
            source=self._source(row.feed_id),
            because=safe(because),
            first_seen=row.first_seen_at,
        )

    def delivered(self, row: Any) -> Delivered:
        return Delivered(
            at=row.at,
            delivery=row.public_id,
            alert=row.alert or "",
            channel=row.channel,
            kind="operator" if row.kind == "operator" else self.channels.get(row.channel, row.channel),
            recipient=safe(row.recipient),
            state=row.outcome,
            attempt=row.n,
            seconds=round((row.at - (row.first_seen_at or row.created_at)).total_seconds(), 3),
            subject=safe(row.subject),
            reason=row.reason or "",
            detail=safe(row.detail),
        )

    def _source(self, feed_id: str) -> str:
        return safe(self.feeds.get(feed_id, feed_id))
