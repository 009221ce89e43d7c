"""The metrics as Prometheus reads them: counters from the tallies, gauges from how the desk stands. Reads only."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from worker import __version__, health, metrics
from worker.config.schema import Config
from worker.errors import FetchReason, ParseReason
from worker.metrics import METRICS, Counts, Metric
from worker.model import DeliveryState
from worker.store.engine import Store
from worker.store.heartbeats import Heartbeat, list_heartbeats
from worker.store.standing import FEEDS, UNSENT, UNSETTLED, Standing
from worker.store.tallies import read_tallies

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
Samples = Mapping[tuple[str, ...], float]  # by label values


def scrape(store: Store, config: Config | None = None) -> bytes:
    """The whole text, as of now. Raises what the database raises when it cannot be read."""
    registry = CollectorRegistry()
    registry.register(Record(store, config))
    return generate_latest(registry)


class Record(Collector):
    """The record as a collector: each scrape reads it anew, so any process serves the same."""

    def __init__(self, store: Store, config: Config | None) -> None:
        self._store, self._config = store, config

    def describe(self) -> list[Family]:
        """Nothing: to be registered is no reason to read the record."""
        return []

    def collect(self) -> Iterator[Family]:
        counts = {**_zeros(self._config), **read_tallies(self._store)}
        gauges = read_gauges(health.stand(self._store, self._config), list_heartbeats(self._store))
        for metric in METRICS:
            yield _histogram(metric, counts) if metric.kind == "histogram" else _family(metric, counts, gauges)


def read_gauges(standing: Standing, hearts: Sequence[Heartbeat]) -> dict[str, Samples]:
    """Every gauge's samples, by its name. What there is none of, such as a last poll, has no sample. Pure."""
    queues = standing.queues.items()
    polled = standing.last_poll_at
    silent: dict[tuple[str, ...], float] = {}
    for one in hearts:
        key = (one.role, one.host)
        silent[key] = max(silent.get(key, 0.0), _seconds(one.silent_for))
    return {
        metrics.FEEDS.name: _by_state(standing.feeds, FEEDS),
        metrics.TROUBLED.name: _by_state(standing.troubled, (*FetchReason, *ParseReason)),
        metrics.QUIET_GROUPS.name: {(): standing.quiet_groups},
        metrics.UNSETTLED.name: _by_state(standing.articles, UNSETTLED),
        metrics.HOLDS.name: {(): standing.holds},
        metrics.UNSENT.name: _by_state(standing.deliveries, UNSENT),
        metrics.UNSENT_AGE.name: {(): _seconds(standing.unsent_age)},
        metrics.QUEUE_DEPTH.name: {(queue,): found.depth for queue, found in queues},
        metrics.QUEUE_AGE.name: {(queue,): _seconds(found.age) for queue, found in queues},
        metrics.LATE.name: {(queue,): found.late for queue, found in queues},
        metrics.STUCK.name: {(queue,): found.stuck for queue, found in queues},
        metrics.HEARTBEAT_AGE.name: silent,
        metrics.LAST_POLL_AGE.name: {(): _seconds(standing.now - polled)} if polled else {},
        metrics.BUILD.name: {(__version__,): 1},
    }


def _by_state(counts: Mapping[str, int], states: Iterable[str]) -> Samples:
    """Every state, so that a line in a graph ends at 0 and does not break off."""
    return {(str(state),): counts.get(state, 0) for state in states}


def _seconds(length: timedelta) -> float:
    return max(0.0, length.total_seconds())


def _zeros(config: Config | None) -> Counts:
    """What is known to be counted one day is there from the start: Prometheus does not see a first step from nothing to
    one, and the first alert of a rule is one to be seen."""
    keys = [metric.of() for metric in METRICS if metric.kind == "counter" and not metric.labels]
    keys += [metrics.POLLS.of(outcome, "") for outcome in ("new", "unchanged")]
    keys += [metrics.ENTRIES.of(kind) for kind in metrics.ENTRY_KINDS]
    if config is not None:
        keys += [metrics.TOPIC_MATCHES.of(topic.id) for topic in config.topics]
        keys += [metrics.ALERTS.of(rule.id, rule.severity) for rule in config.rules]
        keys += [metrics.ATTEMPTS.of(channel.id, DeliveryState.SENT, "") for channel in config.channels]
    return dict.fromkeys(keys, 0)


def _family(metric: Metric, counts: Counts, gauges: Mapping[str, Samples]) -> Family:
    if metric.kind == "gauge":
        family, samples = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels), gauges[metric.name]
    else:
        family = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
        samples = metric.values(counts)
    for values, number in sorted(samples.items()):
        family.add_metric(values, number)
    return family


def _histogram(metric: Metric, counts: Counts) -> Family:
    """Prometheus counts into every bucket from the one that a time falls into."""
    alone = metrics.times_to_alert(counts)
    rising = list(zip(alone, itertools.accumulate(alone.values()), strict=True))
    microseconds = counts.get((metric.name, metrics.SUM), 0)
    return HistogramMetricFamily(metric.name, metric.help, buckets=rising, sum_value=microseconds / 1e6)
