"""Whether a rule's verdict on an article raises an alert, and why not. Pure: no I/O, no clock."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from worker.model import RuleVerdict


class Reason(enum.StrEnum):
    RAISED = "raised"
    RULE_DID_NOT_FIRE = "rule_did_not_fire"
    BASELINE = "baseline"  # it was in the feed before we watched: not news
    ALREADY_ALERTED = "already_alerted"  # this rule has told of this story


@dataclass(frozen=True)
class Decision:
    reason: Reason

    @property
    def raises(self) -> bool:
        return self.reason is Reason.RAISED


def decide(*, verdict: RuleVerdict, baseline: bool, existing_alert: bool) -> Decision:
    """The first reason to stay quiet, or RAISED."""
    if not verdict.fires:
        return Decision(Reason.RULE_DID_NOT_FIRE)
    if baseline:
        return Decision(Reason.BASELINE)
    if existing_alert:
        return Decision(Reason.ALREADY_ALERTED)
    return Decision(Reason.RAISED)
