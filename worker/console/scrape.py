"""The metrics as Prometheus reads them: counters from the tallies, gauges from how the desk stands. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from worker import __version__, health, metrics
from worker.config.schema import Config
from worker.metrics import METRICS, Counts, Metric
from worker.store.engine import Store
from worker.store.heartbeats import Heartbeat, list_heartbeats
from worker.store.standing import Standing
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
        counts = read_tallies(self._store)
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
        metrics.FEEDS.name: _by_state(standing.feeds),
        metrics.UNSETTLED.name: _by_state(standing.articles),
        metrics.UNSENT.name: _by_state(standing.deliveries),
        metrics.UNSENT_AGE.name: {(): _seconds(standing.unsent_age)},
        metrics.QUEUE_DEPTH.name: {(queue,): found.depth for queue, found in queues},
        metrics.QUEUE_AGE.name: {(queue,): _seconds(found.age) for queue, found in queues},
        metrics.LATE.name: {(queue,): found.late for queue, found in queues},
        metrics.STUCK.name: {(queue,): found.stuck for queue, found in queues},
        metrics.HEARTBEAT_AGE.name: silent,
        metrics.LAST_POLL_AGE.name: {(): _seconds(standing.now - polled)} if polled else {},
        metrics.BUILD.name: {(__version__,): 1},
    }


def _by_state(counts: Mapping[str, int]) -> Samples:
    return {(state,): n for state, n in counts.items()}


def _seconds(length: timedelta) -> float:
    return max(0.0, length.total_seconds())


def _family(metric: Metric, counts: Counts, gauges: Mapping[str, Samples]) -> Family:
    if metric.kind == "gauge":
        family, samples = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels), gauges[metric.name]
    else:
        # A counter without labels is there from the start, so that its first step shows as one.
        nothing: Samples = {} if metric.labels else {(): 0}
        family = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
        samples = {**nothing, **metric.values(counts)}
    for values, number in sorted(samples.items()):
        family.add_metric(values, number)
    return family


def _histogram(metric: Metric, counts: Counts) -> Family:
    """Prometheus counts into every bucket from the one that a time falls into."""
    own = {bucket: counts.get((metric.name, bucket), 0) for bucket in (*metrics.BUCKETS, metrics.SUM)}
    total, rising = 0, []
    for bucket in metrics.BUCKETS:
        total += own[bucket]
        rising.append((bucket, total))
    return HistogramMetricFamily(metric.name, metric.help, buckets=rising, sum_value=own[metrics.SUM] / 1e6)
