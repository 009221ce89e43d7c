"""The typed configuration: frozen, with every default. Decides what a value may be; `checks` decides references."""

from __future__ import annotations

import functools
import hashlib
import ipaddress
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

from worker.config.namelist import ListedEntity, NameList
from worker.config.rulespec import Model, RuleSpec, Severity
from worker.config.topicspec import TopicSpec
from worker.config.values import (
    HIDDEN,
    Address,
    Duration,
    Flag,
    Folder,
    HeaderName,
    HeaderValue,
    Kept,
    Language,
    Line,
    Port,
    ProxyAddress,
    PublicUrl,
    Range,
    Recipient,
    Slug,
    Strings,
    Url,
    Whole,
    WikidataId,
    Zone,
    ZoneName,
    revealed,
)
from worker.errors import Problem
from worker.guard import Allow, HostPolicy, NetworkPolicy

MODEL_FILES = ("config.cfg", "meta.json", "textcat_multilabel/model")  # without which there is no topic model
OPERATOR = "operator"  # the channel of this id hears of quarantines and dead letters; every configuration has it
CALIBRATION = "calibration.json"  # in a topic model's folder: its topics, with their thresholds


class FeedSpec(Model):
    """A polled URL. `interval` and `slowest` in seconds; `tier` 1 is a wire or an official source, 3 an aggregator.

    `headers`, `username` and `password` go to the server of `url` alone.
    """

    id: Slug = Field(description="its name in rules, logs and commands; never change it: articles are kept under it")
    url: Url = Field(repr=False, description="where the feed itself is (RSS, Atom, RDF, JSON Feed), not its web page")
    title: str = Field(default="", description="its name in alerts and lists")
    language: Language = Field(default="", description="what it is written in: counts where an article is too short")
    tags: tuple[Slug, ...] = Field(default=(), description="words of your own, for rules to choose feeds by")
    tier: Whole = Field(
        default=2, ge=1, le=3, description="1 the desk relies on it, 2 useful, 3 for what it claims; for rules to ask"
    )
    interval: Duration = Field(
        default=600.0,
        ge=1,
        description="how often it is asked while it brings news; a publisher who wants it less often is obeyed, one "
        "whose entries come and go between two polls is asked up to four times as often. Left out, one whose answers "
        "carry neither `ETag` nor `Last-Modified` is asked every 30 minutes",
    )
    slowest: Duration = Field(
        default=3600.0, ge=1, description="how rarely while it brings none: the interval adapts between the two"
    )
    full_text: Flag = Field(
        default=False, description="`true`: each article's own page is fetched, where the publisher allows robots"
    )
    time_zone: ZoneName = Field(
        default="", description="the zone of its dates that name none; left out, the one of its language, else UTC"
    )
    headers: dict[HeaderName, HeaderValue] = Field(
        default={}, repr=False, description="sent along with each request, to its own server alone"
    )
    username: str = Field(
        default="", repr=False, description="for HTTP basic authentication. May be a reference to a secret"
    )
    password: Kept = Field(default="", repr=False, description="for HTTP basic authentication")
    ca_file: str = Field(
        default="", description="a file of certificates (PEM) that its server is checked by, instead of the system's"
    )
    enabled: Flag = Field(default=True, description="`false`: not polled, and kept in the file")


class WatchedEntity(Model):
    id: Slug = Field(description="its English name in small letters; never change it: mentions are kept under it")
    type: Literal["person", "organisation", "place", "weapon", "vessel", "other"] = Field(
        description="what it is; rules can ask for it"
    )
    name: Line = Field(description="the name that alerts show; it is looked for, too")
    aliases: Strings = Field(
        default=(), description="every other name it goes by, in every script; case endings and particles are known"
    )
    weak: Strings = Field(
        default=(),
        description="further names that mean other things, too: they count only where a word of `context`, or a name "
        "from `aliases`, stands in the article as well",
    )
    context: Strings = Field(
        default=(), description="words that make a weak name count (`mercenary`, `Prigozhin`); beginnings of words do"
    )
    not_context: Strings = Field(
        default=(), description="words beside which no one-word name of it counts (`opera`, `Bayreuth`)"
    )
    tags: tuple[Slug, ...] = Field(default=(), description="words of your own, for rules to choose entities by")
    note: str = Field(default="", description="for whoever reads the file")
    wikidata: WikidataId = Field(default="", description="its id there, such as Q56226: for programs that link to it")


MIN_SEVERITY = Field(default="low", description="only alerts of this severity or a graver one go out by it")


DIGEST_OVER = Field(
    default=30,
    ge=0,
    description="if more alerts than so many wait for a reader that are not critical, they go in one message; 0: never",
)


class InboxChannel(Model):
    """Alerts as files below the data folder."""

    id: Slug = Field(description="its name in rules")
    kind: Literal["inbox"] = Field(description="files below the data folder")
    min_severity: Severity = MIN_SEVERITY
    enabled: Flag = Field(default=True, description="`false`: nothing goes out by it")
    folder: Folder = Field(default="inbox", description="the folder, below the data folder")
    digest_over: Whole = DIGEST_OVER


class EmailChannel(Model):
    """`to` holds ids of people, or addresses. `security`: 'starttls', 'tls', or 'none' for a relay on this machine."""

    id: Slug = Field(description="its name in rules")
    kind: Literal["email"] = Field(description="mail by SMTP")
    min_severity: Severity = MIN_SEVERITY
    enabled: Flag = Field(
        default=True, description="`false`: nothing goes out by it, and its secrets are not looked for"
    )
    host: Line = Field(description="the mail relay")
    port: Port = Field(default=587, description="where the relay listens")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="`tls` is usual with port 465; `none` only for a relay on this machine"
    )
    username: str = Field(
        default="", repr=False, description="for the relay's login; none without one. May be a reference to a secret"
    )
    password: Kept = Field(default="", description="for the login")
    sender: Address = Field(description="whom the mail is from")
    to: tuple[Recipient, ...] = Field(min_length=1, description="who is told; each gets a mail of their own")
    at_once: Whole = Field(
        default=3, ge=1, le=50, description="connections to the relay at a time, over all workers; mails share them"
    )
    per_minute: Whole = Field(
        default=60, ge=0, description="mails in any minute; what is over it waits, and nothing is dropped; 0: no limit"
    )
    digest_over: Whole = DIGEST_OVER


class WebhookChannel(Model):
    """Standard Webhooks: `secret` is whsec_ and base64. `url` may hold a token, so it is not shown."""

    id: Slug = Field(description="its name in rules")
    kind: Literal["webhook"] = Field(description="a signed HTTP request (Standard Webhooks)")
    min_severity: Severity = MIN_SEVERITY
    enabled: Flag = Field(
        default=True, description="`false`: nothing goes out by it, and its secrets are not looked for"
    )
    url: str = Field(repr=False, description="where it goes: a web address, or a reference to a secret that holds it")
    secret: Kept = Field(description="what it is signed with: `whsec_` and base64 of 24 to 64 bytes")
    previous_secret: Kept = Field(
        default="", description="the secret before: while it stands here, both sign, and the receiver may take its time"
    )
    at_once: Whole = Field(default=8, ge=1, le=100, description="requests at a time, over all workers")
    per_minute: Whole = Field(default=0, ge=0, description="requests in any minute; what is over it waits; 0: no limit")


class StdoutChannel(Model):
    """Alerts on the standard output of whichever process delivers."""

    id: Slug = Field(description="its name in rules")
    kind: Literal["stdout"] = Field(description="the standard output of the worker that delivers")
    min_severity: Severity = MIN_SEVERITY
    enabled: Flag = Field(default=True, description="`false`: nothing goes out by it")
    format: Literal["text", "json"] = Field(
        default="text", description="`text`, to be read; `json`, one line an alert: what a webhook is sent"
    )


class FeedChannel(Model):
    """`key` stands in the feed's address, so it is not shown either."""

    id: Slug = Field(description="its name in rules, and in the feed's address")
    kind: Literal["feed"] = Field(description="an Atom and a JSON feed of alerts, served by the console")
    min_severity: Severity = MIN_SEVERITY
    enabled: Flag = Field(default=True, description="`false`: the feed is not there, and its key is not looked for")
    key: Kept = Field(description="who has it may read: 16 to 200 letters, digits, `-` and `_`")
    title: Line = Field(default="Wirewatch alerts", description="the feed's name in its readers' lists")


ChannelSpec = InboxChannel | EmailChannel | WebhookChannel | StdoutChannel | FeedChannel
CHANNELS: Mapping[str, type[Model]] = {
    "inbox": InboxChannel,
    "email": EmailChannel,
    "webhook": WebhookChannel,
    "stdout": StdoutChannel,
    "feed": FeedChannel,
}
# Fields that must hold a reference to a secret, and those that may.
SECRET_FIELDS = frozenset({"password", "secret", "previous_secret", "key"})
MAYBE_SECRET_FIELDS = frozenset({"url", "username"})


class Person(Model):
    id: Slug = Field(description="how channels name them")
    name: Line = Field(description="their name, for whoever reads the file")
    address: Address = Field(description="where their mail goes")
    time_zone: Zone = Field(default="UTC", description="in which the times in their mail are given")
    role: Literal["analyst", "operator"] = Field(default="analyst", description="what they do here, for you to know")


class AllowSpec(Model):
    """A private range that may be dialled. No ports: all of them."""

    cidr: Range = Field(description="the range, no wider than 10.0.0.0/8 or fc00::/7; one address is 10.1.2.3/32")
    ports: tuple[Port, ...] = Field(default=(), description="these ports alone; left out, every port")
    uses: tuple[Literal["feed", "webhook", "page"], ...] = Field(
        alias="for",
        min_length=1,
        description="what may lead there; `page` is an article's own page, whose address any publisher may write",
    )

    def network(self) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        """Raises ValueError."""
        return ipaddress.ip_network(self.cidr)


class HostSpec(Model):
    """How one allow-listed private host is polled."""

    interval_floor: Duration = Field(default=120.0, description="no feed there is asked more often, whatever it says")
    spacing: Duration = Field(default=1.0, description="between two requests to the host")
    concurrent: Whole = Field(default=2, ge=1, le=200, description="requests to the host at one time")
    ignore_hints: Flag = Field(
        default=False, description="`true`: its own wishes (Retry-After, max-age, ttl) are passed over"
    )


class Network(Model):
    """`proxy` is the way out for feeds and pages, where the desk has no other."""

    allow: tuple[AllowSpec, ...] = Field(default=(), description="private ranges that feeds and webhooks may lead to")
    hosts: dict[str, HostSpec] = Field(
        default_factory=dict, description="how single addresses inside those ranges are polled, by address"
    )
    proxy: ProxyAddress = Field(
        default="",
        repr=False,
        description="an HTTP proxy through which feeds and pages are fetched, such as http://proxy.example:3128; with "
        "a user name and password in it, a reference to the secret that holds all of it",
    )


class Timing(Model):
    """Seconds. A lease must outlast the work it covers: a fetch may take 30 s, a delivery as long."""

    tick: Duration = Field(
        default=10.0,
        ge=0.1,
        le=300,
        description="how often due work is looked for; an alert waits for it only while Redis is away",
    )
    beat: Duration = Field(
        default=15.0,
        ge=0.5,
        le=60,
        description="how often each role says that it works; silent for ten of these, it is started again",
    )
    poll_lease: Duration = Field(
        default=120.0, ge=1, description="a poll without an end after this is given to another worker"
    )
    analyse_lease: Duration = Field(default=120.0, ge=1, description="the same for articles that are judged")
    deliver_lease: Duration = Field(default=60.0, ge=1, description="the same for deliveries")

    @property
    def silent_after(self) -> float:
        """Whoever has not beaten for so long does not work: ten beats, so that by default it is noticed and started
        again within three minutes."""
        return 10 * self.beat


class Retention(Model):
    """How long an article's text is kept. Alerts and headlines are kept for good."""

    text: Duration = Field(
        default=180 * 86400.0, ge=86400, description="an article's text is dropped after this; the rest stays"
    )


class Settings(Model):
    """`contact` goes into the User-Agent, for publishers to reach you."""

    contact: Line = Field(description="goes to every publisher with every request, for them to reach you")
    time_zone: Zone = Field(default="UTC", description="for times in files, and in mail to addresses without a person")
    environment: Line = Field(default="production", description="the name under which errors go to Sentry")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="what is logged")
    public_url: PublicUrl = Field(
        default="", description="where readers reach the console, such as https://desk.example; left out, nowhere"
    )
    links_last: Duration = Field(
        default=7 * 86400.0, ge=60, description="how long the links in a mail are good for; they need `public_url`"
    )
    old_news: Duration = Field(
        default=7 * 86400.0,
        ge=3600,
        description="what was published so long before anyone could have seen it here raises no alert",
    )
    trouble_after: Duration = Field(
        default=3600.0,
        ge=60,
        description="for how long something must be wrong with a feed before the operator hears of it",
    )
    retention: Retention = Field(default=Retention(), description="what is kept, and for how long")
    timing: Timing = Field(default=Timing(), description="the workers' clocks; the defaults are right for most desks")
    poll_batch: Whole = Field(default=32, ge=1, le=500, description="feeds that are asked together")
    analyse_batch: Whole = Field(default=64, ge=1, le=500, description="articles that are judged together")
    deliver_batch: Whole = Field(default=32, ge=1, le=500, description="deliveries that are sent together")


# Of each model the fields that may hold a secret; a feed's headers are hidden besides.
MAYBE_SECRETS: Mapping[type[BaseModel], frozenset[str]] = {
    EmailChannel: MAYBE_SECRET_FIELDS,
    WebhookChannel: MAYBE_SECRET_FIELDS,
    FeedSpec: frozenset({"username"}),
    Network: frozenset({"proxy"}),
}


@dataclass(frozen=True)
class Config:
    """Everything the files say. `topic_model` is the desk's own, None the shipped one; `language_terms` what it adds to
    the shipped term rules. `warnings` are problems that did not matter for what was loaded. `folder`: where the files
    lie, for paths that are relative to it.

    `watchlist` are the entities that watchlist.yaml holds itself, `lists` the files of names that it includes; whoever
    asks for an entity asks `entities_by_id`, which has both.
    """

    feeds: tuple[FeedSpec, ...] = ()
    topics: tuple[TopicSpec, ...] = ()
    topic_model: Path | None = None
    language_terms: Path | None = None
    watchlist: tuple[WatchedEntity, ...] = ()
    lists: tuple[NameList, ...] = ()
    rules: tuple[RuleSpec, ...] = ()
    channels: tuple[ChannelSpec, ...] = ()
    people: tuple[Person, ...] = ()
    network: Network = field(default_factory=Network)
    settings: Settings = field(default_factory=lambda: Settings(contact="unset"))
    warnings: tuple[Problem, ...] = ()
    folder: Path | None = None

    @functools.cached_property
    def entities_by_id(self) -> Mapping[str, WatchedEntity | ListedEntity]:
        """In the order of the files."""
        listed = itertools.chain.from_iterable(one.entities for one in self.lists)
        return {entity.id: entity for entity in itertools.chain(self.watchlist, listed)}

    @functools.cached_property
    def _feeds_by_id(self) -> Mapping[str, FeedSpec]:
        return {feed.id: feed for feed in self.feeds}

    def find_feed(self, feed_id: str) -> FeedSpec | None:
        return self._feeds_by_id.get(feed_id)

    def feed(self, feed_id: str) -> FeedSpec:
        """The feed's settings; for one that left the configuration, defaults: its articles are still ours."""
        return self.find_feed(feed_id) or FeedSpec(id=feed_id, url="https://removed.invalid/", title=feed_id, tier=3)

    def to_policy(self) -> NetworkPolicy:
        allow = tuple(Allow(spec.network(), frozenset(spec.ports), frozenset(spec.uses)) for spec in self.network.allow)
        hosts = {name.lower(): HostPolicy(**spec.model_dump()) for name, spec in self.network.hosts.items()}
        return NetworkPolicy(allow=allow, hosts=hosts, proxy=revealed(self.network.proxy))

    def public(self) -> dict[str, Any]:
        """The whole as JSON values, secrets as '***'."""
        parts = ("feeds", "topics", "watchlist", "rules", "channels", "people")
        shown: dict[str, Any] = {part: [_public(item) for item in getattr(self, part)] for part in parts}
        # A list of a hundred thousand names by its hash: no record has a use for a copy of it with every version.
        shown["lists"] = {one.file: one.digest for one in self.lists}
        # By its name alone: the same files are the same configuration wherever they lie.
        shown["topic_model"] = self.topic_model.name if self.topic_model else None
        shown["language_terms"] = self.language_terms.name if self.language_terms else None
        return shown | {"network": _public(self.network), "settings": _public(self.settings)}

    @functools.cached_property
    def names_hash(self) -> str:
        """SHA-256 of the watchlist alone."""
        names = [[_public(entity) for entity in self.watchlist], [one.digest for one in self.lists]]
        return hashlib.sha256(json.dumps(names, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    @functools.cached_property
    def hash(self) -> str:
        """SHA-256 of the public form: equal for equal files, whatever their comments and order of keys."""
        return hashlib.sha256(json.dumps(self.public(), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _public(model: BaseModel) -> dict[str, Any]:
    """A secret field is hidden whether it was resolved or not, so that the form does not depend on the environment.
    Of a feed's headers only the names are told: which of their values are secret their owner alone knows."""
    values = model.model_dump(mode="json", by_alias=True, fallback=repr)
    if isinstance(model, FeedSpec):
        values["headers"] = dict.fromkeys(model.headers, HIDDEN)
    secrets = SECRET_FIELDS | MAYBE_SECRETS.get(type(model), frozenset())
    return {key: HIDDEN if key in secrets and value else value for key, value in values.items()}
