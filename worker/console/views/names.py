"""What every view is made with: names for ids, and texts that are safe to lay out. Pure: no I/O, no clock.

Everything that a feed wrote passes `one_line` or `paragraphs`: no control character, no direction override, no endless
line reaches a page. Markup is the templates' business: they escape all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from worker import display
from worker.articles.shown import source_words
from worker.config.schema import Config, FeedSpec
from worker.console.words import Moment, moment

Pieces = Sequence[tuple[str, bool]]  # a text in pieces, True for those to be marked

TITLE_LETTERS: Final = 300  # a headline that is longer is none
DETAIL_LETTERS: Final = 200
NO_HEADLINE: Final = "(no headline)"


def source_of(row: Any) -> str:
    """Whose an article is; `row` has `outlet`, `source` (its feed's title) and `feed_id`."""
    return source_words(one_line(row.outlet), one_line(row.source) or row.feed_id)


@dataclass(frozen=True)
class Names:
    """What the configuration calls things, and the zone of its clock; an id that left it stands for itself."""

    rules: Mapping[str, str]
    topics: Mapping[str, str]
    entities: Mapping[str, str]
    channels: Mapping[str, str]  # the kind of each
    feeds: Mapping[str, FeedSpec]
    zone: str

    def rule(self, rule_id: str) -> str:
        return self.rules.get(rule_id, rule_id)

    def at(self, moment_: datetime, now: datetime, *, seconds: bool = False) -> Moment:
        return moment(moment_, now=now, zone=self.zone, seconds=seconds)

    def find_at(self, moment_: datetime | None, now: datetime) -> Moment | None:
        """None for None."""
        return None if moment_ is None else self.at(moment_, now)


def names_of(config: Config) -> Names:
    return Names(
        rules={rule.id: rule.name for rule in config.rules},
        topics={topic.id: topic.name for topic in config.topics},
        entities={name: entity.name for name, entity in config.entities_by_id.items()},
        channels={channel.id: channel.kind for channel in config.channels},
        feeds={feed.id: feed for feed in config.feeds},
        zone=config.settings.time_zone,
    )


@dataclass(frozen=True)
class Headline:
    """`url` is http or https, or ''. `language` is '' where nobody has judged it yet."""

    pieces: Pieces
    url: str
    language: str
    source: str

    @property
    def plain(self) -> str:
        return "".join(piece for piece, _ in self.pieces)


def one_line(text: str | None, limit: int = TITLE_LETTERS) -> str:
    return display.one_line(text or "", limit)


def paragraphs(text: str | None) -> str:
    """Lines stay; whatever else would move the reader's eye goes."""
    return display.lines(text or "").strip()
