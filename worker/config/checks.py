"""What only the whole configuration tells: missing references, rules and aliases that can never match."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping

from worker.config.schema import Config, EmailChannel, WebhookChannel
from worker.config.source import Path_, Source

OPERATOR = "operator"


def check_references(config: Config, sources: Mapping[str, Source]) -> None:
    """Notes each problem in its source; parts with problems of their own are not held against the others."""
    sound = {part for part, source in sources.items() if not source.problems}
    _check_feeds(config, sources["feeds"])
    if "watchlist" in sound:
        _check_aliases(config, sources["watchlist"])
    if "rules" in sound:
        _check_rules(config, sources["rules"], sound)
    if "channels" in sound:
        _check_channels(config, sources["channels"], people_known="people" in sound)


def _check_feeds(config: Config, source: Source) -> None:
    if source.problems:
        return
    held: dict[str, str] = {}
    for n, feed in enumerate(config.feeds):
        if feed.url in held:
            source.add(("feeds", n, "url"), f"the feed {held[feed.url]} has the same address; keep one")
        held.setdefault(feed.url, feed.id)


def _check_aliases(config: Config, source: Source) -> None:
    from worker.nlp.names import alias_problem

    for n, entity in enumerate(config.watchlist):
        named = [(("entities", n, "name"), entity.name)]
        named += [(("entities", n, "aliases", at), alias) for at, alias in enumerate(entity.aliases)]
        for path, alias in named:
            problem = alias_problem(alias)
            if problem:
                source.add(path, f"{alias!r} can never match: {problem}")


def _check_rules(config: Config, source: Source, sound: Collection[str]) -> None:
    entity_tags = {tag for entity in config.watchlist for tag in entity.tags}
    entity_types = {entity.type for entity in config.watchlist}
    known: dict[tuple[str, ...], tuple[str, Collection[str], str]] = {
        ("topics", "any"): ("topics", {topic.id for topic in config.topics}, "topic"),
        ("entities", "any"): ("watchlist", set(config.entities_by_id), "entity"),
        ("entities", "all"): ("watchlist", set(config.entities_by_id), "entity"),
        ("entities", "types"): ("watchlist", entity_types, "type of entity"),
        ("entities", "tags"): ("watchlist", entity_tags, "tag of an entity"),
        ("sources",): ("feeds", {feed.id for feed in config.feeds}, "feed"),
        ("tags",): ("feeds", {tag for feed in config.feeds for tag in feed.tags}, "tag of a feed"),
    }
    enabled = {channel.id for channel in config.channels if channel.enabled}
    everywhere = {channel.id for channel in config.channels}
    for n, rule in enumerate(config.rules):
        path: Path_ = ("rules", n)
        if rule.when.topics is None and rule.when.entities is None:
            source.add((*path, "when"), "needs `topics` or `entities`: a rule on everything would tell of everything")
        for names, (part, ids, what) in known.items():
            if part in sound:
                _check_ids(source, (*path, "when", *names), _at(rule.when, names), ids, what)
        if "channels" in sound:
            _check_ids(source, (*path, "channels"), rule.channels, everywhere, "channel")
            if not enabled & set(rule.channels):
                source.add(
                    (*path, "channels"), "none of these channels is enabled, so nobody would hear; add one that is"
                )


def _at(value: object, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        value = getattr(value, name, ())
    return value  # type: ignore[return-value]


def _check_ids(source: Source, path: Path_, given: Collection[str], known: Collection[str], what: str) -> None:
    for at, name in enumerate(given):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "it can never match; correct it or remove it"
            source.add((*path, at), f"there is no {what} {name!r}; {hint}")


def _check_channels(config: Config, source: Source, *, people_known: bool) -> None:
    ids = {channel.id: channel for channel in config.channels}
    if OPERATOR not in ids or not ids[OPERATOR].enabled:
        source.add(("channels",), "one enabled channel must be named operator: quarantines and dead letters go there")
    people = {person.id for person in config.people}
    for n, channel in enumerate(config.channels):
        if isinstance(channel, EmailChannel) and people_known:
            ids_only = [name for name in channel.to if "@" not in name]
            _check_ids(source, ("channels", n, "to"), ids_only, people, "person")
        if isinstance(channel, WebhookChannel) and channel.enabled:
            _check_webhook(channel, source, n)


def _check_webhook(channel: WebhookChannel, source: Source, n: int) -> None:
    from standardwebhooks import Webhook

    if not str(channel.url).startswith(("https://", "http://")):
        source.add(("channels", n, "url"), "write the whole address, with https://")
    reveal = getattr(channel.secret, "reveal", None)
    if reveal is not None and reveal() != "unset":
        try:
            Webhook(reveal())
        except Exception:
            source.add(("channels", n, "secret"), "not a Standard Webhooks secret: whsec_ and base64")
