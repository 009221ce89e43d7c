"""What is counted and measured: every metric's name, labels and words, and the keys it is counted by. Pure: no I/O.

Counters are rows of the record (`store/tallies.py`): counted in the transaction that does the thing, so that they lose
nothing in a restart, whichever process did it. Labels are few and closed: configured ids and our own reasons, never an
address, a title or a URL.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

Key = tuple[str, str]  # a metric's name, and its label values joined by tabs
Counts = Mapping[Key, int]

MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True)
class Metric:
    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()

    def of(self, *values: str) -> Key:
        """The key for these label values, in the order of `labels`."""
        if len(values) != len(self.labels):
            raise ValueError(f"{self.name} has the labels {self.labels}, not so many values: {values}")
        return self.name, "\t".join(values)

    def values(self, counts: Counts) -> dict[tuple[str, ...], int]:
        """Its own counts, by label values."""
        own = {labels: n for (name, labels), n in counts.items() if name == self.name}
        return {tuple(labels.split("\t")) if self.labels else (): n for labels, n in own.items()}


POLLS: Final = Metric(
    "wirewatch_polls_total",
    "counter",
    "Polls of feeds. Outcome: new (a document was read), unchanged, failed; the reason of those that failed, "
    "were cut short, or may have missed entries",
    ("outcome", "reason"),
)
ENTRIES: Final = Metric(
    "wirewatch_entries_total",
    "counter",
    "Entries of the documents that were read. Kind: seen (all), and of them new, changed, and skipped as unreadable",
    ("kind",),
)
ENTRY_KINDS: Final = ("seen", "new", "changed", "skipped")
ARTICLES: Final = Metric("wirewatch_articles_total", "counter", "Articles stored")
PAGES: Final = Metric(
    "wirewatch_pages_total",
    "counter",
    "Articles' own pages that were asked for. Outcome: fetched, or failed with the reason: the feed's text stands",
    ("outcome", "reason"),
)
JUDGEMENTS: Final = Metric("wirewatch_judgements_total", "counter", "Articles judged")
TOPIC_MATCHES: Final = Metric(
    "wirewatch_topic_matches_total", "counter", "Judgements that found an article to be about the topic", ("topic",)
)
SETTLED: Final = Metric(
    "wirewatch_articles_settled_total", "counter", "Articles put into their story, their alerts decided"
)
QUARANTINED: Final = Metric(
    "wirewatch_articles_quarantined_total", "counter", "Articles parked after three failed tries"
)
ALERTS: Final = Metric("wirewatch_alerts_total", "counter", "Alerts raised", ("rule", "severity"))
ATTEMPTS: Final = Metric(
    "wirewatch_delivery_attempts_total",
    "counter",
    "Attempts of deliveries that came to an end. Outcome: sent, failed (will be tried again), abandoned",
    ("channel", "outcome", "reason"),
)
MAYBE_DUPLICATES: Final = Metric(
    "wirewatch_maybe_duplicates_total",
    "counter",
    "Deliveries attempted again after an attempt of which nobody knows the end: the receiver may have got two copies",
)
HINTS_LOST: Final = Metric(
    "wirewatch_hints_lost_total",
    "counter",
    "Hints that Redis did not take: it was away, silent or full. The work waits for a worker's own clock",
    ("queue",),
)
TIME_TO_ALERT: Final = Metric(
    "wirewatch_time_to_alert_seconds",
    "histogram",
    "From the poll that first saw the article to the receiver's yes, once for each delivery of an alert that was sent",
)

FEEDS: Final = Metric(
    "wirewatch_feeds",
    "gauge",
    "Feeds now, by state: new (never polled), active, failing, stopped (gone for good), removed from the configuration",
    ("state",),
)
UNSETTLED: Final = Metric(
    "wirewatch_unsettled_articles",
    "gauge",
    "Articles now that are not settled, by state: awaiting (its own page), new, analysing, judged, quarantined",
    ("state",),
)
UNSENT: Final = Metric(
    "wirewatch_unsent_deliveries",
    "gauge",
    "Deliveries now that are not sent, by state: pending, sending, failed (will be tried again), abandoned",
    ("state",),
)
UNSENT_AGE: Final = Metric(
    "wirewatch_unsent_age_seconds", "gauge", "Age of the oldest delivery that is neither sent nor abandoned; 0 for none"
)
QUEUE_DEPTH: Final = Metric("wirewatch_queue_depth", "gauge", "What waits for a worker now, by queue", ("queue",))
QUEUE_AGE: Final = Metric(
    "wirewatch_queue_age_seconds", "gauge", "For how long the oldest of what waits has been due; 0 for none", ("queue",)
)
LATE: Final = Metric("wirewatch_late", "gauge", "What should have been worked on five minutes ago", ("queue",))
STUCK: Final = Metric(
    "wirewatch_stuck_leases", "gauge", "Claimed ten leases ago, and neither finished nor claimed again", ("queue",)
)
HEARTBEAT_AGE: Final = Metric(
    "wirewatch_heartbeat_age_seconds",
    "gauge",
    "Time since the last beat of a process; of the most silent where a host has several of one role",
    ("role", "host"),
)
LAST_POLL_AGE: Final = Metric("wirewatch_last_poll_age_seconds", "gauge", "Time since the last poll of any feed")
BUILD: Final = Metric("wirewatch_build_info", "gauge", "1, with the version that serves this", ("version",))

METRICS: Final = (
    POLLS, ENTRIES, ARTICLES, PAGES, JUDGEMENTS, TOPIC_MATCHES, SETTLED, QUARANTINED, ALERTS, ATTEMPTS,
    MAYBE_DUPLICATES, HINTS_LOST, TIME_TO_ALERT, FEEDS, UNSETTLED, UNSENT, UNSENT_AGE, QUEUE_DEPTH, QUEUE_AGE, LATE,
    STUCK, HEARTBEAT_AGE, LAST_POLL_AGE, BUILD,
)  # fmt: skip

# ---------------------------------------------------------------- time to alert

# Seconds. An alert within a minute is the aim; beyond the last bound something was down.
BOUNDS: Final = (1, 2, 5, 10, 30, 60, 120, 300, 900, 3600)
BUCKETS: Final = (*(str(bound) for bound in BOUNDS), "+Inf")
SUM: Final = "sum"  # in microseconds, beside the buckets


def time_to_alert(waited: timedelta) -> dict[Key, int]:
    """One alert's time as counts: of its bucket alone, and of the sum. A clock that was set back makes it 0."""
    seconds = max(0.0, waited.total_seconds())
    bucket = next((str(bound) for bound in BOUNDS if seconds <= bound), BUCKETS[-1])
    return {(TIME_TO_ALERT.name, bucket): 1, (TIME_TO_ALERT.name, SUM): max(0, waited // MICROSECOND)}


def times_to_alert(counts: Counts) -> dict[str, int]:
    """How many fell into each bucket alone."""
    return {bucket: counts.get((TIME_TO_ALERT.name, bucket), 0) for bucket in BUCKETS}


def quantile(buckets: Mapping[str, int], q: float) -> float | None:
    """The bound, in seconds, under which the share `q` of all times lies: infinite past the last, None without any."""
    counted = [buckets.get(bucket, 0) for bucket in BUCKETS]
    if not any(counted):
        return None
    rising = itertools.accumulate(counted)
    bounds = (float(bound) for bound in (*BOUNDS, math.inf))
    return next(bound for bound, found in zip(bounds, rising, strict=True) if found >= q * sum(counted))
