"""What is new about a story since an alert's readers were told of it, in words for them. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from worker.articles.prints import is_polished, read_words
from worker.display import one_line
from worker.model import SEVERITIES, News, NewsKind

# More sources that report for themselves are told of at these numbers only: the tenth confirms little more than the
# ninth.
STEPS: Final = (2, 5, 10, 25, 50)
# The weightiest first: what an update's subject and its first line say.
WEIGHT: Final = (
    NewsKind.SEVERITY,
    NewsKind.ENTITY,
    NewsKind.HEADLINE,
    NewsKind.TIER,
    NewsKind.ORIGINALS,
    NewsKind.LANGUAGE,
)


@dataclass(frozen=True)
class Told:
    """What an alert's readers know of its story. `entities`: names by id; `tier`: the best source's; `source` its
    name; `originals`: how many sources report for themselves; `languages`: names by code."""

    severity: str
    because: str
    entities: Mapping[str, str]
    languages: Mapping[str, str]
    tier: int
    source: str
    originals: int

    def joined(self, other: Told) -> Told:
        """What is known after both."""
        best = min(self, other, key=lambda one: one.tier)
        worst = max(self, other, key=lambda one: SEVERITIES.index(one.severity))
        return Told(
            severity=worst.severity,
            because=worst.because,
            entities={**self.entities, **other.entities},
            languages={**self.languages, **other.languages},
            tier=best.tier,
            source=best.source,
            originals=max(self.originals, other.originals),
        )

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "entities": dict(self.entities), "languages": dict(self.languages)}


def read_told(stored: Mapping[str, Any] | None, *, severity: str, report: Told) -> Told:
    """What `to_json` made. Of None, an alert from before such notes, all of this report but its severity: nobody is
    told again for want of notes."""
    if stored is None:
        return replace(report, severity=severity)
    # By the keys that we know: another version may have kept more, or fewer.
    return Told(**{name: stored.get(name, value) for name, value in vars(report).items()})


def what_is_new(told: Told, report: Told) -> Iterator[News]:
    """The weightiest first."""
    found: dict[NewsKind, str] = {}
    if SEVERITIES.index(report.severity) > SEVERITIES.index(told.severity):
        because = f": {report.because}" if report.because else ""
        found[NewsKind.SEVERITY] = f"severity raised from {told.severity} to {report.severity}{because}"
    if names := _fresh(told.entities, report.entities):
        found[NewsKind.ENTITY] = f"now naming {_listed(names)}"
    if report.tier < told.tier:
        found[NewsKind.TIER] = (
            f"a more reliable source reports it: {report.source} (tier {report.tier}; tier {told.tier} so far)"
        )
    if _step(report.originals) > _step(told.originals):
        found[NewsKind.ORIGINALS] = f"{report.originals} sources report it for themselves now"
    if languages := _fresh(told.languages, report.languages):
        found[NewsKind.LANGUAGE] = f"the first report in {_listed(languages)}"
    for kind in WEIGHT:
        if kind in found:
            yield News(kind, found[kind])


def headline_news(before: str, after: str) -> News | None:
    """Of a first source's edit: news only where it says something else, not where it is polished."""
    old, new = read_words(before), read_words(after)
    if not old.words or not new.words or is_polished(old, new):
        return None
    return News(NewsKind.HEADLINE, f"the first source has changed its headline, from “{one_line(before)}”")


def _fresh(known: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [name for key, name in now.items() if key not in known]


def _listed(names: Sequence[str]) -> str:
    """'Ana', 'Ana and Bo', 'Ana, Bo and Cy'."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _step(originals: int) -> int:
    return sum(originals >= step for step in STEPS)
