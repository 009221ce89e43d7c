"""Frozen types shared by every step; imports nothing of ours. Pure: no I/O, no clock.

Each type names its leg of the journey: Validators -> FetchResult -> ParsedFeed -> FeedUpdate -> Judgement -> Firing.
All instants are aware datetimes in UTC; all durations are seconds.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

SEVERITIES = ("low", "normal", "high", "critical")  # in rising order
CRITICAL = SEVERITIES[-1]

# ---------------------------------------------------------------- feeds


@dataclass(frozen=True)
class Validators:
    """What a server gave us to ask 'has it changed?' with, byte for byte as received (RFC 9110 §8.8)."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class Access:
    """How one feed's own server is asked besides: all of it secret, and for that server alone.

    `headers` go along (basic auth is one of them); its certificate is checked by `ca_file`, if that is none by the
    system's.
    """

    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    ca_file: str = ""


@dataclass(frozen=True)
class FetchRequest:
    """One conditional GET. `feed_id` only labels the result; `validators` belong to `url`. `access`: None for none."""

    feed_id: str
    url: str
    validators: Validators = Validators()
    access: Access | None = None


@dataclass(frozen=True)
class ServerHints:
    """What the response asked of our timing. `retry_after` and `max_age` in seconds, None when absent."""

    retry_after: float | None = None
    max_age: float | None = None


@dataclass(frozen=True)
class Fetched:
    """A 200 (or 226): the whole, decoded body."""

    status: int
    body: bytes
    content_type: str
    validators: Validators
    hints: ServerHints
    final_url: str
    permanent_url: str | None = None  # where an unbroken chain of 301/308 led; None without one
    body_hash: str = ""


@dataclass(frozen=True)
class NotModified:
    """A 304. `validators` are the ones to keep: the server's new ones where it sent any, else those we asked with."""

    validators: Validators
    hints: ServerHints


@dataclass(frozen=True)
class FetchFailed:
    """No usable answer. `reason` is a FetchReason or ParseReason value; `detail` is safe to show."""

    reason: str
    detail: str
    status: int | None = None
    hints: ServerHints = ServerHints()


@dataclass(frozen=True)
class Postponed:
    """Not asked: its round's time was over first, or its host asked us to stay away for `held` seconds. The feed stays
    due, and nothing is held against it."""

    held: float = 0.0


@dataclass(frozen=True)
class LedOn:
    """A redirect that was not followed, of a page: `url` is where it leads, whose own robots.txt is to be asked."""

    url: str
    status: int


FetchOutcome = Fetched | NotModified | FetchFailed | Postponed | LedOn


@dataclass(frozen=True)
class FetchResult:
    request: FetchRequest
    outcome: FetchOutcome
    seconds: float


@dataclass(frozen=True)
class ParsedEntry:
    """An item as published, already cleaned to text. `text` has paragraphs separated by a newline, no markup.

    `guid` and `link` may be empty. `link` is absolute http(s) or empty. `published` is None when absent or unreadable;
    `published_raw` is what the feed wrote. No `published` is later than the moment at which the entry was seen.
    """

    guid: str
    link: str
    title: str
    text: str
    author: str = ""
    published: datetime | None = None
    published_raw: str = ""
    outlet: str = ""  # who wrote it, where the feed is an aggregator's (RSS 2.0 `source`)
    item: int = -1  # its place among all the document's items, those counted that are skipped or cannot be read


@dataclass(frozen=True)
class SkipTimes:
    """When nothing comes, in UTC (RSS 2.0 `skipHours`, `skipDays`): hours 0 to 23, days 0 (Monday) to 6."""

    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()


@dataclass(frozen=True)
class ParsedFeed:
    """`version` is feedparser's ('rss20', 'atom10' ...) or 'json'. `wait` in seconds is how long its publisher asks us
    to leave between two polls (`ttl`, `sy:updatePeriod`), None when it does not; `skip` when not to come at all."""

    version: str
    title: str
    link: str
    language: str
    entries: tuple[ParsedEntry, ...]
    wait: float | None = None
    skip: SkipTimes | None = None
    skipped: int = 0  # entries that could not be read or were over the cap: reported, never silent
    cut: bool = False  # the document ends inside an entry: what should have followed was not seen
    loose: bool = False  # it is not well-formed, so it was read by guesses: where one item ends may be such a guess


class KeyKind(enum.StrEnum):
    """The ways we recognise an entry again, strongest first."""

    GUID = "guid"
    GUID_STEM = "guid_stem"  # the guid without '#n'
    LINK = "link"  # the canonical link
    TITLE_DATE = "title_date"  # only for an entry with neither guid nor link


@dataclass(frozen=True)
class ArticleKey:
    kind: KeyKind
    value: str  # at most 200 characters; longer values are hashed


@dataclass(frozen=True)
class KnownArticle:
    """What the decider needs to know of a stored article, as its last revision has it. `added_keys`: how many keys it
    got since its first."""

    article_id: int
    content_hash: str
    revision: int
    title: str = ""
    published_raw: str = ""  # as it was first seen
    added_keys: int = 0


@dataclass(frozen=True)
class NewArticle:
    """`held`: it is one of an import of old entries, and waits for somebody's word."""

    entry: ParsedEntry
    keys: tuple[ArticleKey, ...]
    canonical_url: str
    content_hash: str
    held: bool = False


@dataclass(frozen=True)
class ChangedArticle:
    """A known entry with another title or text: a new revision. Never an alert by itself."""

    article_id: int
    revision: int
    entry: ParsedEntry
    content_hash: str


@dataclass(frozen=True)
class FeedUpdate:
    """What a parsed feed changes in the store. `seen` counts entries, `new_keys` are added to known articles; `renamed`
    counts those that came under another identity, all at once.

    `placed`: the articles of the document's items, by their place in it: ids, those of `new` as -1, -2 … in its order.
    Without the items whose keys do not tell for certain.
    """

    new: tuple[NewArticle, ...] = ()
    changed: tuple[ChangedArticle, ...] = ()
    new_keys: tuple[tuple[int, ArticleKey], ...] = ()
    seen: int = 0
    skipped: int = 0
    placed: Mapping[int, int] = field(default_factory=dict)
    renamed: int = 0


# ---------------------------------------------------------------- judgement


@dataclass(frozen=True)
class ArticleText:
    """What is judged: offsets in a judgement are code points into `title` or `text` exactly as given here."""

    id: str
    title: str
    text: str = ""
    language: str | None = None
    source: str = ""
    url: str = ""


class Span(NamedTuple):
    """`field` is 'title' or 'text'; offsets are code points into it as given."""

    field: str
    start: int
    end: int


UNJUDGED = "none"
MODEL_MISSING = "missing"  # the model id of a judgement by names alone, which waits for the topic model


@dataclass(frozen=True)
class TopicScore:
    id: str
    score: float
    match: bool
    review: bool
    evidence: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()  # where the evidence stands, in its order; two of "Pyongyang … Moscow"
    by: str = "model"  # or "terms": which kind of judge scored it; UNJUDGED for none, and its score says nothing


@dataclass(frozen=True)
class Mention:
    """`field` is 'title' or 'text'; `text` is that field's [start:end]; `how` says which rule found it."""

    entity: str
    text: str
    field: str
    start: int
    end: int
    alias: str
    how: str


@dataclass(frozen=True)
class Denial:
    """An analyst's "not this one": `text` in `article` was not `entity`; `words` stood around it there."""

    entity: str
    text: str
    article: str
    words: frozenset[str]


@dataclass(frozen=True)
class RuleVerdict:
    id: str
    fires: bool
    because: str
    severity: str = "normal"  # the rule's own, or the highest of its escalations that hold


class JudgementNote(enum.StrEnum):
    """What a reader of a judgement must know besides: that not all was read."""

    CUT = "cut"  # judged by the beginning of its text
    NO_RULES = "no-rules"  # neither a model nor term rules for its language: no score says anything
    NO_MODEL = "no-model"  # the topic model could not be loaded: judged by it when it is back
    UNSURE_LANGUAGE = "unsure-language"  # too little text to tell the language by


@dataclass(frozen=True)
class Judgement:
    """`watchlist` is the version of the names that were looked for."""

    language: str
    topics: tuple[TopicScore, ...]
    mentions: tuple[Mention, ...]
    model_id: str
    watchlist: str = ""
    notes: tuple[JudgementNote, ...] = ()


# ---------------------------------------------------------------- alerts and deliveries


class ArticleState(enum.StrEnum):
    HELD = "held"  # one of many that a feed brought at once: waits for somebody's word
    AWAITING = "awaiting"  # waits for its own page
    NEW = "new"  # waits for analysis
    ANALYSING = "analysing"  # under a lease
    JUDGED = "judged"  # waits for the serial step
    SETTLED = "settled"  # in a story; alerts decided
    QUARANTINED = "quarantined"  # killed its analyst three times


class DeliveryState(enum.StrEnum):
    """'unknown' is SENDING with an expired lease."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"  # will be tried again
    ABANDONED = "abandoned"


@dataclass(frozen=True)
class AlertArticle:
    """An article as an alert shows it. `quote` is at most 300 characters of its text around the first mention."""

    title: str
    url: str
    source: str  # the feed's title or id, and before it the outlet that the feed names as the writer
    published: datetime | None
    first_seen: datetime
    language: str
    quote: str = ""
    mentions: tuple[Mention, ...] = ()


class NewsKind(enum.StrEnum):
    """What about a story is worth telling of again."""

    ENTITY = "entity"  # a watched entity that the rule asks for, not named so far
    ORIGINALS = "originals"  # a step up in the number of original sources
    TIER = "tier"  # a more reliable source than any so far
    LANGUAGE = "language"  # a language in which it was not reported so far
    SEVERITY = "severity"  # the rule's conditions for a higher severity hold now
    HEADLINE = "headline"  # the first source has changed its headline


@dataclass(frozen=True)
class News:
    """Something new about an alert's story since its readers were last told. `words` are for them."""

    kind: NewsKind
    words: str


@dataclass(frozen=True)
class AlsoFired:
    """Another rule that fired on the same story, told along in one message."""

    alert_id: str
    rule_id: str
    rule_name: str
    severity: str
    why: str


class SilenceKind(enum.StrEnum):
    """What a silence is about."""

    RULE = "rule"
    ENTITY = "entity"  # the rules are asked as if it were not named
    STORY = "story"
    SOURCE = "source"  # a feed
    QUERY = "query"  # what the article says, in the query language


@dataclass(frozen=True)
class Silence:
    """Somebody's wish to hear nothing of something for a while. `story_id`: of a story, the one it is part of now."""

    id: int
    public_id: str
    kind: SilenceKind
    value: str
    because: str
    author: str
    created_at: datetime
    expires_at: datetime
    story_id: int | None = None
    ended_by: str | None = None  # who ended it before its time


@dataclass(frozen=True)
class Action:
    """What a reader may do about an alert: by the signed link `url`, or by the command where there is none."""

    words: str  # 'Acknowledge'
    url: str
    command: str


@dataclass(frozen=True)
class AlertContent:
    """Everything that a channel may render of one notification; times are UTC, rendering gives them a zone."""

    kind: str  # 'alert.raised', 'alert.updated', 'alert.reminder'
    alert_id: str
    revision: int
    rule_id: str
    rule_name: str
    severity: str
    url: str  # of the alert's page in the console; '' while there is none
    story_id: str
    story_title: str
    story_first_seen: datetime
    outlets: int
    articles: tuple[AlertArticle, ...]
    topics: tuple[TopicScore, ...]
    topic_names: Mapping[str, str]
    entity_names: Mapping[str, str]
    why: tuple[str, ...]
    analysed: datetime
    raised: datetime
    story_articles: int = 0  # of the whole story; `articles` holds those that are shown
    originals: int = 1  # outlets that report for themselves, copies not counted
    new: tuple[News, ...] = ()  # of an update: what is new, the weightiest first
    also: tuple[AlsoFired, ...] = ()  # rules that are told along in this message
    first_raised: datetime | None = None  # of an update or a reminder: when the alert was raised
    first_subject: str = ""  # of an update or a reminder: the subject of the alert's first message
    first_why: tuple[str, ...] = ()  # the reasons it was raised for; () for `why`
    original_sources: tuple[str, ...] = ()  # names of the sources that report for themselves; () if they are not known


@dataclass(frozen=True)
class Message:
    """A notification rendered for one recipient by one channel: the exact bytes that every attempt sends.

    `message_id` is the mail's Message-ID or the webhook-id: constant across attempts.
    """

    message_id: str
    body: bytes
    recipient: str
    subject: str = ""
