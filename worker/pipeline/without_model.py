"""While the topic model cannot be loaded the news goes on, by names alone; once it is back, it judges what it missed.

What it missed was never judged by topics, so it may alert then as news does: unlike `wirewatch rejudge`, nobody has to
ask for it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import structlog

from worker.model import UNJUDGED
from worker.pipeline.operator import tell_operator
from worker.pipeline.rejudging import BATCH, Outcome, Wish, judge_again, save_judged
from worker.pipeline.runtime import Runtime
from worker.store import alerts, rejudgements
from worker.store.articles import read_judgement
from worker.store.engine import read_clock
from worker.store.rejudgements import Range

log = structlog.get_logger()

LOOK_AGAIN = 30.0  # seconds between two tries to load it: a try may take one
MISSED = Range(missed=True)
ADVICE = (
    "The news goes on: articles are stored, watched names are found in them, and rules that ask for names alert. What "
    "this model should have judged has no topics until it can be loaded again; that is tried twice a minute. Then "
    "these articles are judged by it, and those that are no old news by then may alert."
)


def catch_up(runtime: Runtime) -> bool:
    """Looks for a model that is away, and tells the operator; or judges a batch of what it missed: True if full."""
    judge = runtime.judge()
    judge.look_again(every=LOOK_AGAIN)
    if judge.missing:
        _tell(runtime, judge.missing)
        return False
    rows = _missed(runtime, limit=BATCH)
    if not rows:
        return False
    wish, outcome = Wish(alert=True), Outcome()
    judge_again(runtime, wish, rows, outcome)
    if outcome.unjudged:
        _leave(runtime, wish, rows)
    log.info("model_caught_up", saved=outcome.saved, raised=len(outcome.raised), unjudged=outcome.unjudged)
    if outcome.raised:
        runtime.hint("deliver")
    return len(rows) == BATCH


def _missed(runtime: Runtime, *, limit: int) -> list[Any]:
    """The first of them, as they came."""
    with runtime.store.reading() as connection:
        return rejudgements.judged_after(connection, MISSED, after=0, limit=limit)


def _leave(runtime: Runtime, wish: Wish, rows: list[Any]) -> None:
    """What this model chokes on stays as it was judged: tried without end, it would hold up all that wait behind it."""
    asked = {row.id for row in rows}
    left = [row for row in _missed(runtime, limit=len(rows)) if row.id in asked]
    log.error("articles_left_without_topics", articles=[row.public_id for row in left])
    save_judged(runtime, wish, [(row, replace(read_judgement(row), model_id=UNJUDGED)) for row in left], Outcome())


def _tell(runtime: Runtime, why: str) -> None:
    """Once for each time that it is away: as long as it is, the first article that it missed is the same."""
    first = next(iter(_missed(runtime, limit=1)), None)
    if first is None:
        return
    key = f"no-model:{first.public_id}"
    with runtime.store.reading() as connection:
        if alerts.is_told(connection, key):
            return
    log.error("topic_model_missing", why=why)
    with runtime.store.writing() as connection:
        now = read_clock(connection)
        subject = "The topic model cannot be loaded"
        told = tell_operator(runtime, connection, key=key, subject=subject, lines=[why, ADVICE], now=now)
    if told:
        runtime.hint("deliver")
