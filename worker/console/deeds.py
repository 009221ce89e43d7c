"""What a link in a mail does, and whether it is done already: by the same functions as the `wirewatch` command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from worker.links import SILENCE, Claim, Deed
from worker.model import SilenceKind
from worker.store.alerts import acknowledge
from worker.store.engine import Connection
from worker.store.silences import add_silence, running_silences


@dataclass(frozen=True)
class Done:
    """By whom, and since or until when."""

    by: str
    at: datetime


def find_done(connection: Connection, claim: Claim, row: Any, *, now: datetime) -> Done | None:
    """None while it is still to be done. `row`: the alert, of `listing.find_alert_row`."""
    if claim.deed is Deed.ACKNOWLEDGE:
        return Done(row.acknowledged_by, row.acknowledged_at) if row.acknowledged_at else None
    kind = SILENCES[claim.deed][0]
    for one in running_silences(connection, now=now):
        about = one.story_id == row.root if kind is SilenceKind.STORY else one.value == row.rule_id
        if one.kind is kind and about:
            return Done(one.author, one.expires_at)
    return None


def do(connection: Connection, claim: Claim, row: Any, *, now: datetime) -> Done:
    if claim.deed is Deed.ACKNOWLEDGE:
        return Done(acknowledge(connection, row.public_id, by=claim.person, now=now) or claim.person, now)
    kind, value = SILENCES[claim.deed]
    add_silence(
        connection,
        kind=kind,
        value=value(row),
        because=f"by the link in a mail about the alert {row.public_id}",
        author=claim.person,
        expires_at=now + SILENCE,
        now=now,
    )
    return Done(claim.person, now + SILENCE)


SILENCES: Final[Mapping[Deed, tuple[SilenceKind, Callable[[Any], str]]]] = {
    Deed.SILENCE_STORY: (SilenceKind.STORY, lambda row: row.story),
    Deed.SILENCE_RULE: (SilenceKind.RULE, lambda row: row.rule_id),
}
