"""What a rule's verdict on an article comes to: an alert, news for one, or silence, and why. Pure: no I/O, no clock."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from worker.alerts.news import Told, what_is_new
from worker.model import News, RuleVerdict

# The web's first feeds are of 1999. An earlier date is a mistake (year 1, 1970), and says nothing of an article's age.
FIRST_YEAR: Final = 1995


class Reason(enum.StrEnum):
    RAISED = "raised"
    NEWS = "news"  # its rule has an alert on the story, and this is new about it
    RULE_DID_NOT_FIRE = "rule_did_not_fire"
    BASELINE = "baseline"  # it was in the feed before we watched: not news
    OLD = "old"  # published long before it was first seen, or a copy of what was seen long ago
    SEEN_BEFORE = "seen_before"  # a copy of what its own feed has brought before, under another identity
    SILENCED = "silenced"
    ALREADY_ALERTED = "already_alerted"  # this rule has told of this story, and nothing is new


@dataclass(frozen=True)
class Decision:
    """`news` is what the alert's readers do not know yet; `told` what they will know."""

    reason: Reason
    news: tuple[News, ...] = ()
    told: Told | None = None

    @property
    def raises(self) -> bool:
        return self.reason is Reason.RAISED


@dataclass(frozen=True)
class Arrival:
    """What of an article decides whether it can be news at all."""

    baseline: bool
    old: bool
    seen_before: bool


def decide(
    *, verdict: RuleVerdict, arrival: Arrival, silenced: bool, told: Told | None, report: Told, again: frozenset[str]
) -> Decision:
    """The first reason to stay quiet, or what there is to tell.

    `told`: what the readers of the rule's alert on the story know; None where it has none. `report`: what they know
    after this article. `again`: the kinds of news that the rule tells of.
    """
    quiet = {
        Reason.RULE_DID_NOT_FIRE: not verdict.fires,
        Reason.BASELINE: arrival.baseline,
        Reason.OLD: arrival.old,
        Reason.SEEN_BEFORE: arrival.seen_before,
        Reason.SILENCED: silenced,
    }
    for reason, holds in quiet.items():
        if holds:
            return Decision(reason)
    if told is None:
        return Decision(Reason.RAISED, told=report)
    news = tuple(one for one in what_is_new(told, report) if one.kind in again)
    return Decision(Reason.NEWS if news else Reason.ALREADY_ALERTED, news=news, told=told.joined(report))


def is_old(published: datetime | None, *, before: datetime) -> bool:
    """Whether an article is old news at its first sight. `before` lies well before the last time that its feed was
    read: what was published while nobody looked is none."""
    return published is not None and published.year >= FIRST_YEAR and published < before
