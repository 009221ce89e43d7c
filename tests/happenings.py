"""Made-up happenings for the tests of the live view; each test replaces what it is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from worker.live.happened import Delivered, Judged, Polled, Raised, Topic
from worker.live.state import State

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def polled(**changes):
    made = Polled(
        at=NOW, feed="harbour", title="Harbour Wire", outcome="new", entries=5, new=2, edited=0, baseline=False,
        reason="", detail="",
    )  # fmt: skip
    return replace(made, **changes)


def judged(**changes):
    made = Judged(
        at=NOW, article="article-1", feed="harbour", source="Harbour Wire", language="en",
        title="Kim Jong Un walks a shell plant", topics=(Topic("arms", "Arms", 0.97),), names=("Kim Jong Un",),
        copy=False, baseline=False,
    )  # fmt: skip
    return replace(made, **changes)


def raised(**changes):
    made = Raised(
        at=NOW, alert="alert-1", article="article-1", severity="critical", rule="arms", rule_name="Arms deals",
        title="Kim Jong Un walks a shell plant", source="Harbour Wire", because="topic Arms 0.97; Kim Jong Un",
        first_seen=NOW - timedelta(seconds=1),
    )  # fmt: skip
    return replace(made, **changes)


def delivered(**changes):
    made = Delivered(
        at=NOW, delivery="delivery-1", alert="alert-1", channel="desk-mail", kind="email",
        recipient="ana@desk.example", state="sent", attempt=1, seconds=0.4, subject="[Critical] Kim Jong Un walks",
        reason="", detail="",
    )  # fmt: skip
    return replace(made, **changes)


def state_of(*happenings, phase="running", titles=None):
    made = State(started=NOW - timedelta(minutes=1), phase=phase, titles=titles or {"harbour": "Harbour Wire"})
    made.take(happenings, now=NOW)
    return made
