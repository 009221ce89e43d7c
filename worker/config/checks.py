"""What only the whole configuration tells: missing references, rules and aliases that can never match."""

from __future__ import annotations

import base64
import difflib
import itertools
import re
from collections.abc import Collection, Iterable, Mapping

from worker.articles.folding import fold
from worker.config.feedchecks import check_feeds, check_reach, policy_of
from worker.config.namelist import ListedEntity
from worker.config.rulespec import Conditions, EntityCondition, Escalation
from worker.config.schema import (
    OPERATOR,
    Config,
    EmailChannel,
    FeedChannel,
    FeedSpec,
    RuleSpec,
    WatchedEntity,
    WebhookChannel,
)
from worker.config.source import Path_, Source
from worker.config.topicchecks import check_topics
from worker.config.values import SECRET_FORM, Secret, is_http_url
from worker.model import SEVERITIES

SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret of Standard Webhooks begins with
SECRET_BYTES = range(24, 65)  # what the convention asks for

CONTACT = (
    "settings.yaml: contact is still the example's. It goes to every publisher with every request, for them to reach"
    " you: put yours before you poll."
)
EXAMPLE_HOSTS = ("example.org", "example.com", "example.net")  # RFC 2606: nobody is reached there

Known = Collection[str] | None  # None: there is no telling, so nothing is held to be missing
MOST_ALIKE = 5_000  # names among which the nearest is looked for: of a hundred thousand that takes seconds
MOST_SHARED = 20  # names of two entities that are told of
FILES_OF = {"rules": "rules.yaml", "watchlist": "watchlist.yaml"}
KnownNames = Mapping[tuple[str, ...], tuple[Known, str]]
FEEDS = ("sources",)


def check_references(config: Config, sources: Mapping[str, Source]) -> None:
    """Notes each problem in its source. What could not be read is not held against the others."""
    checks = {
        "feeds": check_feeds,
        "topics": check_topics,
        "watchlist": _check_aliases,
        "rules": _check_rules,
        "channels": _check_channels,
    }
    for part, check in checks.items():
        if part in sources and sources[part].readable:
            check(config, sources)


def broken_rules(config: Config) -> list[str]:
    """What the rules ask of the watchlist and it has not, in words: of a configuration whose watchlist was changed
    since they were checked."""
    sources = {part: Source(FILES_OF[part], readable=True, lost=set()) for part in ("rules", "watchlist")}
    sources["rules"].kept = list(range(len(config.rules)))
    _check_rules(config, sources)
    return [f"{problem.file}: {problem.key}: {problem.message}" for problem in sources["rules"].problems]


def advice(config: Config) -> tuple[str, ...]:
    """What is no problem and should be changed all the same, in words."""
    found = {
        CONTACT: is_example_contact(config),
        "feeds.yaml: no feed is enabled, so nothing will be polled.": not any(feed.enabled for feed in config.feeds),
        "rules.yaml: there is no rule, so nobody will be told of anything.": not config.rules,
    }
    shared = (
        f"watchlist.yaml: {alias!r} is a name of {owner} and of {other}; where it stands, both are found."
        for alias, owner, other in itertools.islice(_shared_names(config), MOST_SHARED)
    )
    return (*(words for words, so in found.items() if so), *shared)


def is_example_contact(config: Config) -> bool:
    """Whether publishers would be told to write where nobody reads."""
    host = _contact_host(config.settings.contact)
    return any(host == one or host.endswith(f".{one}") for one in EXAMPLE_HOSTS)


def _contact_host(contact: str) -> str:
    """Of a mail address or a web address, with or without mailto: or https: before it."""
    _, found, rest = contact.partition("://")
    authority = re.split(r"[/?#]", rest)[0] if found else contact
    return re.match(r"[\w.-]*", authority.rpartition("@")[2])[0].lower().rstrip(".")  # type: ignore[index]


def _ids(sources: Mapping[str, Source], part: str, ids: Iterable[str]) -> Known:
    """The ids that may be named, those of items with problems among them."""
    lost = sources[part].lost if part in sources else {None}
    return None if None in lost else {*ids, *(name for name in lost if name)}


def _all_typed(sources: Mapping[str, Source], part: str) -> bool:
    return part in sources and not sources[part].lost


def _check_aliases(config: Config, sources: Mapping[str, Source]) -> None:
    from worker.nlp.names import alias_problem

    source = sources["watchlist"]
    for n, entity in zip(source.kept, config.watchlist, strict=True):
        named: list[tuple[Path_, str]] = [(("entities", n, "name"), entity.name)]
        named += [(("entities", n, "aliases", at), alias) for at, alias in enumerate(entity.aliases)]
        named += [(("entities", n, "weak", at), alias) for at, alias in enumerate(entity.weak)]
        for path, alias in named:
            if problem := alias_problem(alias):
                source.add(path, f"{alias!r} can never match: {problem}")


def _shared_names(config: Config) -> Iterable[tuple[str, str, str]]:
    """Names and their two entities, of watchlist.yaml itself: in a long list namesakes are as common as in life."""
    held: dict[tuple[str, bool], str] = {}
    for entity in config.watchlist:
        for alias in (entity.name, *entity.aliases):
            owner = held.setdefault(spelling(alias), entity.id)
            if owner != entity.id:
                yield alias, owner, entity.id


def spelling(alias: str) -> tuple[str, bool]:
    """Equal for names that the index cannot tell apart; capitals count apart, for an acronym is no word."""
    return " ".join(fold(alias).text.split()), alias.isupper()


def _check_rules(config: Config, sources: Mapping[str, Source]) -> None:
    known = _known_names(config, sources)
    channels = _ids(sources, "channels", (channel.id for channel in config.channels))
    enabled = {channel.id for channel in config.channels if channel.enabled}
    source = sources["rules"]
    for n, rule in zip(source.kept, config.rules, strict=True):
        path: Path_ = ("rules", n)
        if rule.when.topics is None and rule.when.entities is None and not rule.when.words:
            words = "needs `topics`, `entities` or `words`: a rule on everything would tell of everything"
            source.add((*path, "when"), words)
        _check_when(config, sources, rule.when, (*path, "when"), known)
        for at, step in enumerate(rule.escalate):
            _check_escalation(source, rule, step, (*path, "escalate", at))
            _check_when(config, sources, step.when, (*path, "escalate", at, "when"), known)
        _check_telling(source, rule, path, known)
        _check_ids(source, (*path, "channels"), rule.channels, channels, "channel")
        if _all_typed(sources, "channels") and not enabled & set(rule.channels):
            words = "none of these channels is enabled, so nobody would hear; add one that is"
            source.add((*path, "channels"), words)


def _check_when(
    config: Config, sources: Mapping[str, Source], when: Conditions, path: Path_, known: KnownNames
) -> None:
    source = sources["rules"]
    before = len(source.problems)
    for names, (ids, what) in known.items():
        _check_ids(source, (*path, *names), _at(when, names), ids, what)
    if len(source.problems) == before:
        _check_possible(config, sources, when, path)


def _check_escalation(source: Source, rule: RuleSpec, step: Escalation, path: Path_) -> None:
    if SEVERITIES.index(step.severity) <= SEVERITIES.index(rule.severity):
        source.add((*path, "severity"), f"not higher than the rule's own, {rule.severity}, so it would change nothing")
    if step.when == Conditions():
        source.add((*path, "when"), "needs a condition; what always holds is the rule's own severity")


def _check_telling(source: Source, rule: RuleSpec, path: Path_, known: KnownNames) -> None:
    if 0 < rule.timing.remind <= rule.timing.wait:
        source.add((*path, "timing", "remind"), "due before the first message; make it longer than `wait`")
    feeds, what = known[FEEDS]
    for key in ("must_fire", "must_not_fire"):
        for at, example in enumerate(getattr(rule, key)):
            if example.source:
                _check_id(source, (*path, key, at, "source"), example.source, feeds, what)


def _known_names(config: Config, sources: Mapping[str, Source]) -> KnownNames:
    """By a condition's keys: what it may name, and what that is called."""
    topics = _ids(sources, "topics", (topic.id for topic in config.topics))
    entities = _ids(sources, "watchlist", config.entities_by_id)
    feeds = _ids(sources, "feeds", (feed.id for feed in config.feeds))
    types = tags = feed_tags = languages = None
    if _all_typed(sources, "watchlist"):
        types = {entity.type for entity in config.entities_by_id.values()}
        tags = {tag for entity in config.entities_by_id.values() for tag in entity.tags}
    if _all_typed(sources, "feeds"):
        feed_tags = {tag for feed in config.feeds for tag in feed.tags}
        languages = _recognised() | {feed.language.split("-")[0].lower() for feed in config.feeds if feed.language}
    return {
        ("topics", "any"): (topics, "topic"),
        ("entities", "any"): (entities, "entity"),
        ("entities", "all"): (entities, "entity"),
        ("entities", "types"): (types, "type of entity"),
        ("entities", "tags"): (tags, "tag of an entity"),
        ("languages",): (languages, "recognised language"),
        FEEDS: (feeds, "feed"),
        ("tags",): (feed_tags, "tag of a feed"),
    }


def _recognised() -> set[str]:
    """Every language that an article can be found to be in, whatever its feed says."""
    from worker.nlp.language import RECOGNISED

    return {*RECOGNISED, "und"}


def _at(value: object, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        value = getattr(value, name, ())
    return value  # type: ignore[return-value]


def _check_ids(source: Source, path: Path_, given: Iterable[str], known: Known, what: str) -> None:
    for at, name in enumerate(given):
        _check_id(source, (*path, at), name, known, what)


def _check_id(source: Source, path: Path_, name: str, known: Known, what: str) -> None:
    if known is not None and name not in known:
        near = difflib.get_close_matches(name, known, n=1) if len(known) <= MOST_ALIKE else ()
        hint = f"did you mean {near[0]}?" if near else "it can never match; correct it or remove it"
        source.add(path, f"there is no {what} {name!r}; {hint}")


def _check_possible(config: Config, sources: Mapping[str, Source], when: Conditions, path: Path_) -> None:
    """Conditions that each name something that exists, and that nothing can meet together."""
    source = sources["rules"]
    if when.entities is not None and _all_typed(sources, "watchlist"):
        fits = (entity for entity in config.entities_by_id.values() if _fits(entity, when.entities))
        fitting = len([*itertools.islice(fits, when.entities.at_least)])
        if fitting < when.entities.at_least and (_selective(when.entities) or not when.entities.all):
            words = f"can never match: {fitting} of the watched entities fit, and {when.entities.at_least} must be met"
            source.add((*path, "entities"), words)
    asked = [name for name in ("sources", "tags", "tier") if name in when.model_fields_set]
    if asked and _all_typed(sources, "feeds") and not any(_is_polled(feed, when) for feed in config.feeds):
        source.add((*path, asked[0]), "can never match: no enabled feed fits")


def _selective(condition: EntityCondition) -> bool:
    return bool(condition.any or condition.types or condition.tags)


def _fits(entity: WatchedEntity | ListedEntity, condition: EntityCondition) -> bool:
    return (
        (not condition.any or entity.id in condition.any)
        and (not condition.types or entity.type in condition.types)
        and (not condition.tags or bool(set(condition.tags) & set(entity.tags)))
    )


def _is_polled(feed: FeedSpec, when: Conditions) -> bool:
    return (
        feed.enabled
        and feed.tier <= when.tier
        and (not when.sources or feed.id in when.sources)
        and (not when.tags or bool(set(when.tags) & set(feed.tags)))
    )


def _check_channels(config: Config, sources: Mapping[str, Source]) -> None:
    source = sources["channels"]
    operators = [channel for channel in config.channels if channel.id == OPERATOR and channel.enabled]
    if not operators and not source.lost & {OPERATOR, None}:
        source.add(("channels",), "one enabled channel must be named operator: quarantines and dead letters go there")
    people = _ids(sources, "people", (person.id for person in config.people))
    for n, channel in zip(source.kept, config.channels, strict=True):
        if isinstance(channel, EmailChannel) and people is not None:
            addresses = {name for name in channel.to if "@" in name}
            _check_ids(source, ("channels", n, "to"), channel.to, {*people, *addresses}, "person")
        if isinstance(channel, EmailChannel) and channel.security == "none" and channel.username:
            words = "no password is ever sent without TLS; choose starttls or tls, or remove the user name"
            source.add(("channels", n, "username"), words)
        if isinstance(channel, WebhookChannel) and channel.enabled:
            _check_webhook(config, sources, channel, n)
        if isinstance(channel, FeedChannel) and not _is_feed_key(channel.key):
            words = "not a feed's key: 16 to 200 letters, digits, - and _, for it stands in an address"
            source.add(("channels", n, "key"), words)


def _check_webhook(config: Config, sources: Mapping[str, Source], channel: WebhookChannel, n: int) -> None:
    source = sources["channels"]
    if SECRET_FORM.fullmatch(channel.url):
        pass  # loaded without secrets
    elif not is_http_url(channel.url):
        source.add(("channels", n, "url"), "write the whole address, with https://")
    else:
        check_reach(policy_of(config, sources), source, ("channels", n, "url"), channel.url, use="webhook")
    for name, secret in (("secret", channel.secret), ("previous_secret", channel.previous_secret)):
        if isinstance(secret, Secret) and not _is_signing_key(secret.reveal()):
            words = "not a Standard Webhooks secret: whsec_ and base64 of 24 to 64 bytes"
            source.add(("channels", n, name), words)


def _is_feed_key(key: Secret | str) -> bool:
    """Also what is only a reference, of a configuration that was loaded without secrets."""
    return not isinstance(key, Secret) or re.fullmatch(r"[A-Za-z0-9_-]{16,200}", key.reveal()) is not None


def _is_signing_key(secret: str) -> bool:
    """The signing library takes any text that decodes to something, also a password; the convention asks for more."""
    body = secret.removeprefix(SECRET_PREFIX)
    try:
        return body != secret and len(base64.b64decode(body + "=" * (-len(body) % 4), validate=True)) in SECRET_BYTES
    except ValueError:
        return False
