"""A rule in plain words: on what it fires, when it is graver, and when its readers are told. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from worker.alerts.languages import language_name
from worker.alerts.rules import EVERY_TIER, Conditions, Entities, Rule
from worker.alerts.timing import Timing
from worker.model import NewsKind
from worker.query.parse import parse_query
from worker.query.tree import listed, plain

WITHIN: Final = 60.0  # seconds from a poll to the first message where nothing else holds it up
SPANS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
KINDS: Final = {
    "person": ("a person", "persons"),
    "organisation": ("an organisation", "organisations"),
    "place": ("a place", "places"),
    "weapon": ("a weapon", "weapons"),
    "vessel": ("a vessel", "vessels"),
    "other": ("something else that is watched", "others"),
}
NEWS: Final = {
    NewsKind.ENTITY: "another name that it asks for",
    NewsKind.ORIGINALS: "more sources",
    NewsKind.TIER: "a more reliable source",
    NewsKind.LANGUAGE: "another language",
    NewsKind.SEVERITY: "a higher severity",
    NewsKind.HEADLINE: "a changed headline",
}


@dataclass(frozen=True)
class Names:
    """What people call what a rule has ids for; an id without a name stays."""

    topics: Mapping[str, str] = field(default_factory=dict)
    entities: Mapping[str, str] = field(default_factory=dict)
    feeds: Mapping[str, str] = field(default_factory=dict)


def rule_words(rule: Rule, names: Names) -> tuple[str, ...]:
    """'when it is about arms, and names Kim', then a line for each escalation: 'critical when it also names KN-23'."""
    steps = (f"{step.severity} when it also {when_words(step.when, names)}" for step in rule.escalate)
    return (f"when it {when_words(rule.when, names)}", *steps)


def when_words(when: Conditions, names: Names) -> str:
    """What an article must do: 'is about arms, and names someone or something tagged dprk'."""
    return ", and ".join(_conditions(when, names)) or "is any article"


def timing_words(timing: Timing, tell_again: Sequence[str]) -> str:
    """'first message within 1 minute of the poll that sees it, updates at most every 30 minutes, no reminder'."""
    first = f"first message within {span_words(timing.wait + WITHIN)} of the poll that sees it"
    updates, remind = "no updates", "no reminder"
    if timing.updates:
        only = [words for kind, words in NEWS.items() if kind in tell_again]
        kinds = f" and only for {listed(only)}" if len(only) < len(NEWS) else ""
        updates = f"updates at most every {span_words(timing.updates)}{kinds}"
    if timing.remind:
        remind = f"one reminder after {span_words(timing.remind)} without an acknowledgement"
    return f"{first}, {updates}, {remind}"


def span_words(seconds: float) -> str:
    """'90 seconds' is '1 minute 30 seconds'; the two largest units, below a second '0 seconds'."""
    left, parts = round(seconds), []
    for unit, name in SPANS:
        count, left = divmod(left, unit)
        if count:
            parts.append(f"{count} {name}{'s' * (count > 1)}")
    return " ".join(parts[:2]) or "0 seconds"


def _conditions(when: Conditions, names: Names) -> Iterator[str]:
    if when.topics is not None:
        score = f" by a score of {when.topics.min_score} or more" if when.topics.min_score is not None else ""
        yield f"is about {listed([names.topics.get(name, name) for name in when.topics.any])}{score}"
    if when.entities is not None:
        yield from _naming(when.entities, names)
    if when.languages:
        yield f"is in {listed([language_name(code) for code in when.languages])}"
    if when.sources:
        yield f"is from {listed([names.feeds.get(name, name) for name in when.sources])}"
    if when.tags:
        yield f"is from a feed tagged {listed(when.tags)}"
    if when.tier < EVERY_TIER:
        yield f"is from a feed of tier {listed([str(tier) for tier in range(1, when.tier + 1)])}"
    if when.words:
        yield f"says {plain(parse_query(when.words))}"


def _naming(condition: Entities, names: Names) -> Iterator[str]:
    asked = [names.entities.get(name, name) for name in condition.any]
    every = [names.entities.get(name, name) for name in condition.all]
    tagged = f" tagged {listed(condition.tags)}" if condition.tags else ""
    if every:
        yield f"names {_all_of(every)}"
    if condition.at_least > 1:
        kinds = listed([KINDS[kind][1] for kind in condition.types]) if condition.types else "names"
        among = f" among {_all_of(asked)}" if asked else ""
        if asked or condition.types or condition.tags or condition.at_least > len(every):
            yield f"names at least {condition.at_least} of the watched {kinds}{tagged}{among}"
        return
    kinds = listed([KINDS[kind][0] for kind in condition.types]) if condition.types else "someone or something"
    if asked:
        yield f"names {listed(asked)}" + (f", as {kinds}{tagged}" if condition.types or condition.tags else "")
    elif condition.types or condition.tags:
        yield f"names {kinds}{tagged}"
    elif not every:
        yield "names anyone or anything that is watched"


def _all_of(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
