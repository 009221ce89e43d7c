"""What a desk has done since a moment, and which of its feeds are worst off: for who looks in. Reads only.

Each query walks an index: what it costs grows with that time, not with the record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import case, func, select

from worker.store.engine import Store
from worker.store.feeds import shown_state
from worker.store.rhythms import RHYTHM
from worker.store.schema import alert, attempt, feed, poll

WORST: Final = 5


@dataclass(frozen=True)
class Done:
    """Since a moment: `articles` stored, `alerts` raised, `attempts` of deliveries that ended, by their outcome.
    `last_alert_at` is the last ever."""

    articles: int
    alerts: int
    attempts: Mapping[str, int]
    last_alert_at: datetime | None


def read_done(store: Store, *, since: datetime) -> Done:
    outcome = attempt.c.outcome
    with store.reading() as connection:
        stored = connection.execute(select(func.sum(poll.c.new)).where(poll.c.at >= since)).scalar_one()
        raised = connection.execute(select(func.count()).where(alert.c.raised_at >= since)).scalar_one()
        ended = select(outcome, func.count().label("n")).where(attempt.c.finished_at >= since).group_by(outcome)
        return Done(
            articles=int(stored or 0),
            alerts=raised,
            attempts={row.outcome: row.n for row in connection.execute(ended)},
            last_alert_at=connection.execute(select(func.max(alert.c.raised_at))).scalar_one(),
        )


def worst_feeds(store: Store, *, limit: int = WORST) -> Sequence[Any]:
    """Those that are stopped, then those that failed most often in a row, then the quiet ones, the longest first; with
    `shown`, their state for people."""
    shown = shown_state().label("shown")
    names = "id title failures reason detail configured_url current_url".split()
    worst = case({"stopped": 0, "failing": 1, "quiet": 2}, value=shown)
    statement = (
        select(*(feed.c[name] for name in (*names, *RHYTHM)), shown)
        .where(shown.in_(("stopped", "failing", "quiet")))
        .order_by(worst, feed.c.failures.desc(), feed.c.news_at, feed.c.id)
        .limit(limit)
    )
    with store.reading() as connection:
        return list(connection.execute(statement))
