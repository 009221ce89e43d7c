"""What is stuck or late: one look at the record, for /healthz and for people. Reads only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from worker.store.due import count_late, count_states
from worker.store.engine import Store

LATE = timedelta(minutes=5)  # many ticks: whoever should have done it is not there, or cannot


@dataclass(frozen=True)
class Health:
    """`status` is 'ok', or 'degraded' with the reasons in plain words."""

    status: str
    reasons: tuple[str, ...]
    feeds: dict[str, int]
    articles: dict[str, int]
    deliveries: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def look(store: Store) -> Health:
    """Raises what the database raises when it cannot be read."""
    feeds, articles, deliveries = count_states(store)
    late_feeds, late_articles, late_deliveries = count_late(store, by=LATE)
    troubles = [
        (late_feeds, "feeds that should have been polled five minutes ago"),
        (late_articles, "articles that have waited five minutes to be judged"),
        (late_deliveries, "deliveries that should have gone out five minutes ago"),
        (feeds.get("failing", 0), "feeds that failed at their last poll"),
        (feeds.get("stopped", 0), "feeds that are gone"),
        (articles.get("quarantined", 0), "quarantined articles"),
        (deliveries.get("abandoned", 0), "deliveries that were given up"),
    ]
    reasons = tuple(f"{words}: {count}" for count, words in troubles if count)
    status = "degraded" if reasons else "ok"
    return Health(status, reasons, feeds=feeds, articles=articles, deliveries=deliveries)
