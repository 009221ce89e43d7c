"""The typed configuration: frozen, with every default. Decides what a value may be; `checks` decides references."""

from __future__ import annotations

import functools
import hashlib
import ipaddress
import json
import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from worker.errors import Problem
from worker.net import Allow, HostPolicy, NetworkPolicy

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
LONGEST = 3650 * UNITS["d"]  # ten years: beyond, calendars overflow
SECRET_FORM = re.compile(r"\$\{(?:file:(?P<path>[^{}]+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*))\}")
HIDDEN = "***"
MODEL_FILES = ("config.cfg", "meta.json", "textcat_multilabel/model")  # without which there is no topic model
OPERATOR = "operator"  # the channel of this id hears of quarantines and dead letters; every configuration has it
CALIBRATION = "calibration.json"  # in a topic model's folder: its topics, with their thresholds
# ASCII only, as RFC 5322 has it unquoted: few relays take another (RFC 6531), so mail to one would fail for good.
MAILBOX = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"


def read_duration(value: Any) -> float:
    """Seconds of '500ms', '90s', '10m', '2h' or '180d'. Raises ValueError."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*", value) if isinstance(value, str) else None
    if not found:
        raise ValueError("write a duration with its unit, such as 90s, 10m, 2h or 180d")
    seconds = float(found[1]) * UNITS[found[2]]
    if seconds > LONGEST:
        raise ValueError("longer than 3650d")
    return seconds


def _known_zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("not a known time zone; write one such as Asia/Seoul, Europe/Berlin or UTC") from None
    return value


def is_http_url(value: str) -> bool:
    return re.fullmatch(r"https?://[^\s/]+(/\S*)?", value) is not None


def _http_url(value: str) -> str:
    if not is_http_url(value):
        raise ValueError("write the whole address, with http:// or https://")
    if "${" in value:
        raise ValueError("no reference is read here; write the address out")
    return value


def _one_line(value: str) -> str:
    if not value.strip() or re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", value):
        raise ValueError("must be one line of text, and not empty")
    return value.strip()


def _mail_address(value: str) -> str:
    if not re.fullmatch(rf"{MAILBOX}@(?=.{{1,255}}$)[\w-]+(\.[\w-]+)*", value):
        raise ValueError("not a mail address; write it as name@host")
    return value


def _narrow(value: str) -> str:
    try:
        network = ipaddress.ip_network(value)
    except ValueError:
        return value  # said with its own words by whoever asks for the network
    if network.prefixlen < (8 if network.version == 4 else 7):
        raise ValueError("opens far more than a private range; write one no wider than 10.0.0.0/8 or fc00::/7")
    return value


def _recipient(value: str) -> str:
    return _mail_address(value) if "@" in value else value


def _review_band(value: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= value[0] <= value[1] <= 1:
        raise ValueError("write [low, high] with 0 <= low <= high <= 1: no score is between these")
    return value


def _language(value: str) -> str:
    if not re.fullmatch(r"([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)?", value):
        raise ValueError("not a language code; write one such as en, ko or ru")
    return value


class Secret:
    """A secret that shows itself to nobody by accident: only `reveal()` gives it."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


Duration = Annotated[float, BeforeValidator(read_duration)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", max_length=80)]
Line = Annotated[str, AfterValidator(_one_line)]
Url = Annotated[str, AfterValidator(_http_url)]
Zone = Annotated[str, AfterValidator(_known_zone)]
Address = Annotated[str, AfterValidator(_mail_address)]
Strings = tuple[Line, ...]
# An empty list would read as "no such condition" and widen the rule to everything.
Slugs = Annotated[tuple[Slug, ...], Field(min_length=1)]
Names = Annotated[Strings, Field(min_length=1)]
Flag = Annotated[bool, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]


class FeedSpec(Model):
    """A polled URL. `interval` in seconds; `tier` 1 is a wire or an official source, 3 an aggregator."""

    id: Slug
    url: Url = Field(repr=False)
    title: str = ""
    language: Annotated[str, AfterValidator(_language)] = ""
    tags: tuple[Slug, ...] = ()
    tier: Whole = Field(default=2, ge=1, le=3)
    interval: Annotated[Duration, Field(ge=1)] = 900.0
    enabled: Flag = True


class TopicSpec(Model):
    """`threshold` and `review` (low, high) replace the model's own, where given."""

    id: Slug
    name: Line
    description: str = ""
    threshold: float | None = Field(default=None, gt=0, lt=1)
    review: Annotated[tuple[float, float], AfterValidator(_review_band)] | None = None


class WatchedEntity(Model):
    id: Slug
    type: Literal["person", "organisation", "place", "weapon", "vessel", "other"]
    name: Line
    aliases: Strings = ()
    tags: tuple[Slug, ...] = ()
    note: str = ""


class TopicCondition(Model):
    """Any of these topics matches; `min_score` replaces the topic's own threshold."""

    any: Slugs
    min_score: float | None = Field(default=None, gt=0, le=1)


class EntityCondition(Model):
    """Every given condition must hold. `at_least` counts distinct mentioned entities among those the others select."""

    any: Slugs = ()
    all: Slugs = ()
    types: Names = ()
    tags: Slugs = ()
    at_least: Whole = Field(default=1, ge=1)


class Conditions(Model):
    """All that are given must hold; at least `topics` or `entities` is."""

    topics: TopicCondition | None = None
    entities: EntityCondition | None = None
    languages: Names = ()
    sources: Slugs = ()
    tags: Slugs = ()


class RuleSpec(Model):
    id: Slug
    name: Line
    severity: Literal["low", "normal", "high", "critical"] = "normal"
    when: Conditions
    channels: Slugs


class InboxChannel(Model):
    """Alerts as files below the data folder."""

    id: Slug
    kind: Literal["inbox"]
    enabled: Flag = True
    folder: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,60}$")] = "inbox"


class EmailChannel(Model):
    """`to` holds ids of people, or addresses. `security`: 'starttls', 'tls', or 'none' for a relay on this machine."""

    id: Slug
    kind: Literal["email"]
    enabled: Flag = True
    host: Line
    port: Whole = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = Field(default="", repr=False)
    password: Secret | str = ""
    sender: Address
    to: tuple[Annotated[Line, AfterValidator(_recipient)], ...] = Field(min_length=1)


class WebhookChannel(Model):
    """Standard Webhooks: `secret` is whsec_ and base64. `url` may hold a token, so it is not shown."""

    id: Slug
    kind: Literal["webhook"]
    enabled: Flag = True
    url: str = Field(repr=False)
    secret: Secret | str


ChannelSpec = InboxChannel | EmailChannel | WebhookChannel
CHANNELS: Mapping[str, type[Model]] = {"inbox": InboxChannel, "email": EmailChannel, "webhook": WebhookChannel}
# Fields that must hold a reference to a secret, and those that may.
SECRET_FIELDS = {"password", "secret"}
MAYBE_SECRET_FIELDS = {"url", "username"}


class Person(Model):
    id: Slug
    name: Line
    address: Address
    time_zone: Zone = "UTC"
    role: Literal["analyst", "operator"] = "analyst"


class AllowSpec(Model):
    """A private range that may be dialled. No ports: all of them."""

    cidr: Annotated[str, AfterValidator(_narrow)]
    ports: tuple[Annotated[Whole, Field(ge=1, le=65535)], ...] = ()
    uses: tuple[Literal["feed", "webhook"], ...] = Field(alias="for", min_length=1)

    def network(self) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        """Raises ValueError."""
        return ipaddress.ip_network(self.cidr)


class HostSpec(Model):
    """How one allow-listed private host is polled."""

    interval_floor: Duration = 120.0
    spacing: Duration = 1.0
    concurrent: Whole = Field(default=2, ge=1, le=200)
    ignore_hints: Flag = False


class Network(Model):
    allow: tuple[AllowSpec, ...] = ()
    hosts: dict[str, HostSpec] = Field(default_factory=dict)


class Timing(Model):
    """Seconds. A lease must outlast the work it covers: a fetch may take 30 s, a delivery as long."""

    tick: Annotated[Duration, Field(ge=0.1, le=300)] = 10.0
    beat: Annotated[Duration, Field(ge=0.5, le=60)] = 15.0
    poll_lease: Annotated[Duration, Field(ge=1)] = 120.0
    analyse_lease: Annotated[Duration, Field(ge=1)] = 120.0
    deliver_lease: Annotated[Duration, Field(ge=1)] = 60.0

    @property
    def silent_after(self) -> float:
        """Whoever has not beaten for so long does not work: ten beats, so that by default it is noticed and started
        again within three minutes."""
        return 10 * self.beat


class Retention(Model):
    """How long an article's text is kept. Alerts and headlines are kept for good."""

    text: Annotated[Duration, Field(ge=86400)] = 180 * 86400.0


class Settings(Model):
    """`contact` goes into the User-Agent, for publishers to reach you."""

    contact: Line
    time_zone: Zone = "UTC"
    environment: Line = "production"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    retention: Retention = Retention()
    timing: Timing = Timing()
    poll_batch: Whole = Field(default=32, ge=1, le=500)
    analyse_batch: Whole = Field(default=64, ge=1, le=500)
    deliver_batch: Whole = Field(default=32, ge=1, le=500)


@dataclass(frozen=True)
class Config:
    """Everything the files say. `topic_model` is the desk's own, None the shipped one. `warnings` are problems that did
    not matter for what was loaded."""

    feeds: tuple[FeedSpec, ...] = ()
    topics: tuple[TopicSpec, ...] = ()
    topic_model: Path | None = None
    watchlist: tuple[WatchedEntity, ...] = ()
    rules: tuple[RuleSpec, ...] = ()
    channels: tuple[ChannelSpec, ...] = ()
    people: tuple[Person, ...] = ()
    network: Network = field(default_factory=Network)
    settings: Settings = field(default_factory=lambda: Settings(contact="unset"))
    warnings: tuple[Problem, ...] = ()

    @functools.cached_property
    def entities_by_id(self) -> Mapping[str, WatchedEntity]:
        return {entity.id: entity for entity in self.watchlist}

    @functools.cached_property
    def _feeds_by_id(self) -> Mapping[str, FeedSpec]:
        return {feed.id: feed for feed in self.feeds}

    def feed(self, feed_id: str) -> FeedSpec:
        """The feed's settings; for one that left the configuration, defaults: its articles are still ours."""
        found = self._feeds_by_id.get(feed_id)
        return found or FeedSpec(id=feed_id, url="https://removed.invalid/", title=feed_id, tier=3)

    def to_policy(self) -> NetworkPolicy:
        allow = tuple(Allow(spec.network(), frozenset(spec.ports), frozenset(spec.uses)) for spec in self.network.allow)
        hosts = {name.lower(): HostPolicy(**spec.model_dump()) for name, spec in self.network.hosts.items()}
        return NetworkPolicy(allow=allow, hosts=hosts)

    def public(self) -> dict[str, Any]:
        """The whole as JSON values, secrets as '***'."""
        parts = ("feeds", "topics", "watchlist", "rules", "channels", "people")
        shown: dict[str, Any] = {part: [_public(item) for item in getattr(self, part)] for part in parts}
        # By its name alone: the same files are the same configuration wherever they lie.
        shown["topic_model"] = self.topic_model.name if self.topic_model else None
        return shown | {"network": _public(self.network), "settings": _public(self.settings)}

    @functools.cached_property
    def hash(self) -> str:
        """SHA-256 of the public form: equal for equal files, whatever their comments and order of keys."""
        return hashlib.sha256(json.dumps(self.public(), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _public(model: BaseModel) -> dict[str, Any]:
    """A secret field is hidden whether it was resolved or not, so that the form does not depend on the environment."""
    values = json.loads(json.dumps(model.model_dump(by_alias=True), default=repr))
    secrets = SECRET_FIELDS | (MAYBE_SECRET_FIELDS if isinstance(model, EmailChannel | WebhookChannel) else set())
    return {key: HIDDEN if key in secrets and value else value for key, value in values.items()}
