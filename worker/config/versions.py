"""A stored configuration version read back: the rules, entities and feeds by which an article was settled.

Pure: it reads the public form that Config.public() made, in which secrets are hidden and durations are written as a
file would have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from worker.config.namelist import ListedEntity
from worker.config.schema import Config, RuleSpec, WatchedEntity


@dataclass(frozen=True)
class Version:
    """`stored`: these are the rules that decided; False where that form cannot be read and today's stand in.

    Of a long list of names only the hash is stored: its entities are always today's.
    """

    stored: bool
    rules: tuple[RuleSpec, ...]
    entities: Mapping[str, WatchedEntity | ListedEntity]
    topic_names: Mapping[str, str]
    _feeds: Mapping[str, Mapping[str, Any]]

    def feed_facts(self, feed_id: str) -> tuple[frozenset[str], int]:
        """The feed's tags and tier; none and 3 for one that the version does not have."""
        found = self._feeds.get(feed_id, {})
        return frozenset(found.get("tags", ())), int(found.get("tier", 3))


def read_version(body: Mapping[str, Any] | None, *, now: Config) -> Version:
    """The version whose public form is `body`; of None, or one that an older program wrote, today's configuration."""
    try:
        if body is not None:
            return _stored(body, now)
    except (ValidationError, KeyError, TypeError, ValueError):
        pass
    return Version(
        stored=False,
        rules=now.rules,
        entities=now.entities_by_id,
        topic_names={topic.id: topic.name for topic in now.topics},
        _feeds={feed.id: {"tags": feed.tags, "tier": feed.tier} for feed in now.feeds},
    )


def _stored(body: Mapping[str, Any], now: Config) -> Version:
    entities = [WatchedEntity.model_validate(_given(one)) for one in body["watchlist"]]
    listed = {name: one for name, one in now.entities_by_id.items() if isinstance(one, ListedEntity)}
    return Version(
        stored=True,
        rules=tuple(RuleSpec.model_validate(_given(one)) for one in body["rules"]),
        entities=(listed if body.get("lists") else {}) | {entity.id: entity for entity in entities},
        topic_names={topic["id"]: topic["name"] for topic in body["topics"]},
        _feeds={one["id"]: one for one in body["feeds"]},
    )


def _given(value: Any) -> Any:
    """Without what was left out: an absent condition is an empty list in the public form, which no file may write."""
    if isinstance(value, Mapping):
        return {key: _given(one) for key, one in value.items() if one not in (None, [], "")}
    if isinstance(value, list):
        return [_given(one) for one in value]
    return value
