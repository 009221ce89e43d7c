"""How a desk is, all that an operator wants to know at one look, as JSON values. Reads only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from worker import health, metrics
from worker.config.schema import Config
from worker.feeds.shown import reason_of, stand_of
from worker.store.engine import Store
from worker.store.heartbeats import list_heartbeats
from worker.store.tallies import read_tallies
from worker.store.today import read_done, worst_feeds

NOT_RUNNING: Final = "not running"


def read_status(store: Store, config: Config | None) -> dict[str, Any]:
    """`status` is ok, degraded or not running, with `reasons`. Instants in UTC, by the database's clock; lengths in
    seconds. A feed's `state` and those of `feeds` are ids; `words` say it. `config` is None where it cannot be read:
    the default leases and UTC are taken."""
    standing, hearts = health.stand(store, config), list_heartbeats(store)
    judged = health.judge(standing, hearts, config)
    running = bool(health.living(hearts))
    zone = config.settings.time_zone if config else "UTC"
    midnight = standing.now.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    done = read_done(store, since=midnight)
    return {
        "status": judged.status if running else NOT_RUNNING,
        "reasons": [*judged.reasons] if running else ["no process works for this desk", *judged.reasons],
        "at": _iso(standing.now),
        "zone": zone,
        "configured": config is not None,
        "processes": [
            dict(
                role=one.role,
                host=one.host,
                pid=one.pid,
                started=_iso(one.started_at),
                last_beat=_iso(one.beat_at),
                silent=one.silent_for > health.SILENT,
            )
            for one in hearts
        ],
        "feeds": judged.feeds,
        "worst_feeds": [_feed(row, config) for row in worst_feeds(store)],
        "articles": judged.articles,
        "holds": judged.holds,
        "deliveries": judged.deliveries,
        "queues": {
            queue: dict(depth=found.depth, age=found.age.total_seconds(), late=found.late, stuck=found.stuck)
            for queue, found in standing.queues.items()
        },
        "today": dict(since=_iso(midnight), articles=done.articles, alerts=done.alerts, attempts=dict(done.attempts)),
        "time_to_alert": _times(metrics.times_to_alert(read_tallies(store))),
        "last_poll": _iso(standing.last_poll_at),
        "last_alert": _iso(done.last_alert_at),
    }


def _feed(row: Any, config: Config | None) -> dict[str, Any]:
    stand = stand_of(config.find_feed(row.id) if config else None, row)
    return dict(
        id=row.id,
        title=row.title,
        state=stand.state,
        words=stand.words,
        failures=row.failures,
        reason=reason_of(row),
        wrong=stand.trouble.whole if stand.trouble else "",
        advice=stand.trouble.advice if stand.trouble else "",
        last_success=_iso(row.succeeded_at),
    )


def _times(buckets: Mapping[str, int]) -> dict[str, float | int | None]:
    """The bounds under which half and 95 of 100 of all deliveries of alerts came; None past the last bound."""

    def under(q: float) -> float | None:
        bound = metrics.quantile(buckets, q)
        return None if bound is None or math.isinf(bound) else bound

    return dict(half_under=under(0.5), most_under=under(0.95), count=sum(buckets.values()))


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(ZoneInfo("UTC")).isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None
