"""What is stuck, late or silent: one look at the record, for /healthz and for people. Counts and plain words, no name.

Reads only. Whatever gets stuck is seen within five minutes (`standing.LATE`, SILENT).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final

from worker.config.schema import Config, Timing
from worker.store.engine import Store
from worker.store.heartbeats import Heartbeat, list_heartbeats
from worker.store.pages import LEASE as PAGE_LEASE
from worker.store.standing import Standing, read_standing

SILENT: Final = timedelta(minutes=3)  # by default, twelve beats
STARTING: Final = timedelta(minutes=1)  # before which nobody asks where the others are: the language model loads slowly
# No publisher may put a feed off for longer (feeds/schedule.py); what is due and not polled is late far sooner.
LONGEST_WAIT: Final = timedelta(days=1)
WORK: Final = {"poll": "polls feeds", "analyse": "judges articles", "deliver": "sends deliveries"}
CLAIMED: Final = {"poll": "feeds", "pages": "pages", "analyse": "articles", "deliver": "deliveries"}


@dataclass(frozen=True)
class Health:
    """`status` is 'ok', or 'degraded' with the reasons in plain words. Articles are those not settled, deliveries those
    not sent; `queues` says how much waits for a worker, and how many seconds the oldest has waited; `holds` wait for
    somebody's word, which is no trouble."""

    status: str
    reasons: tuple[str, ...]
    feeds: dict[str, int]
    articles: dict[str, int]
    deliveries: dict[str, int]
    queues: dict[str, dict[str, float]]
    holds: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def look(store: Store, config: Config | None = None) -> Health:
    """Raises what the database raises when it cannot be read. `config` knows the lengths of leases and intervals."""
    return judge(stand(store, config), list_heartbeats(store), config)


def stand(store: Store, config: Config | None) -> Standing:
    """How the desk stands, by the configured leases; by the default ones where the configuration is not known."""
    timing = config.settings.timing if config else Timing()
    leases = {"poll": timing.poll_lease, "analyse": timing.analyse_lease, "deliver": timing.deliver_lease}
    lengths = {queue: timedelta(seconds=seconds) for queue, seconds in leases.items()}
    return read_standing(store, leases=lengths | {"pages": PAGE_LEASE})


def judge(standing: Standing, hearts: Sequence[Heartbeat], config: Config | None) -> Health:
    """Pure."""
    reasons = (*_processes(hearts), *_redis(standing), *_late(standing), *_quiet(standing, config))
    return Health(
        status="degraded" if reasons else "ok",
        reasons=reasons,
        feeds=dict(standing.feeds),
        articles=dict(standing.articles),
        deliveries=dict(standing.deliveries),
        queues={
            queue: {"depth": found.depth, "age": round(found.age.total_seconds(), 1)}
            for queue, found in standing.queues.items()
        },
        holds=standing.holds,
    )


def living(hearts: Sequence[Heartbeat]) -> list[Heartbeat]:
    return [one for one in hearts if one.silent_for <= SILENT]


def _processes(hearts: Sequence[Heartbeat]) -> Iterator[str]:
    """A desk that no process has ever beaten for is not blamed: it may be a scratch store."""
    alive = living(hearts)
    if len(alive) < len(hearts):
        yield f"processes that have been silent for three minutes: {len(hearts) - len(alive)}"
    if not hearts or (alive and all(one.beat_at - one.started_at < STARTING for one in alive)):
        return
    served = {queue for one in alive for queue in one.role.split("-")}
    for queue, words in WORK.items():
        if queue not in served:
            yield f"no process {words}"


def _redis(standing: Standing) -> Iterator[str]:
    if standing.hints_lost:
        yield "Redis is away, silent or full: work waits for the workers' own clocks"


def _late(standing: Standing) -> Iterator[str]:
    queues = standing.queues
    troubles = [
        (queues["poll"].late, "feeds that should have been polled five minutes ago"),
        (queues["pages"].late, "articles that have waited five minutes for their own page"),
        (queues["analyse"].late, "articles that have waited five minutes to be judged"),
        (queues["deliver"].late, "deliveries that should have gone out five minutes ago"),
        (standing.overdue - queues["deliver"].late, "deliveries that have not come through for five minutes"),
        *((found.stuck, f"{CLAIMED[queue]} claimed and never finished") for queue, found in queues.items()),
        (standing.feeds.get("failing", 0), "feeds that failed at their last poll"),
        (standing.feeds.get("stopped", 0), "feeds that are gone"),
        (standing.quiet_groups, "tags or languages whose feeds have all been quiet for longer than ever"),
        (standing.disabled, "channels that are disabled"),
        (standing.quarantined, "articles quarantined within a day"),
        (standing.missed, "articles that the topic model is still to judge: it could not be loaded"),
        (standing.abandoned, "deliveries given up within a day"),
    ]
    return (f"{words}: {count}" for count, words in troubles if count > 0)


def _quiet(standing: Standing, config: Config | None) -> Iterator[str]:
    """Feeds there are, none of them is late, and yet none was polled for longer than any may wait: a clock was set."""
    working = any(standing.feeds.get(state) for state in ("active", "quiet", "dormant"))
    if config is None or standing.last_poll_at is None or not working:
        return
    shortest = min((feed.interval for feed in config.feeds if feed.enabled), default=0.0)
    quiet_for = standing.now - standing.last_poll_at
    if quiet_for > 1.2 * max(LONGEST_WAIT, timedelta(seconds=shortest)):
        yield f"no feed was polled for {quiet_for // timedelta(hours=1)} h"


def unreadable(error: Exception) -> str:
    """By its kind alone: the words may hold an address."""
    return f"the database cannot be read: {type(error).__name__}"
