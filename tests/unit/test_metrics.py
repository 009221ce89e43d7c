"""The metrics' names and keys, and the arithmetic of the histogram."""

import math
import re
from datetime import timedelta

import pytest
from pydantic import TypeAdapter

from worker.config.schema import Slug
from worker.metrics import (
    ALERTS,
    ARTICLES,
    ATTEMPTS,
    BUCKETS,
    METRICS,
    POLLS,
    TIME_TO_ALERT,
    quantile,
    time_to_alert,
)
from worker.store.schema import tally

LONGEST = {"rule": 80, "channel": 80, "topic": 80}  # ids; every other label's values are words of ours


def test_metrics_names_follow_the_convention_and_are_distinct():
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    for metric in METRICS:
        assert re.fullmatch(r"wirewatch_[a-z_]+[a-z]", metric.name)
        assert (metric.kind == "counter") == metric.name.endswith("_total")
        assert not metric.help.endswith("."), "a phrase, as Prometheus has it"


def test_metrics_keys_fit_their_columns():
    assert TypeAdapter(Slug).json_schema()["maxLength"] == 80
    for metric in METRICS:
        assert len(metric.name) <= tally.c.name.type.length
        assert sum(LONGEST.get(label, 32) + 1 for label in metric.labels) <= tally.c.labels.type.length


def test_metric_reads_its_values_back_from_its_keys():
    counts = {POLLS.of("new", ""): 2, POLLS.of("failed", "dns"): 1, ARTICLES.of(): 7, ALERTS.of("kim", "high"): 3}
    assert POLLS.values(counts) == {("new", ""): 2, ("failed", "dns"): 1}
    assert ARTICLES.values(counts) == {(): 7}
    assert ATTEMPTS.values(counts) == {}


def test_metric_refuses_another_number_of_labels():
    with pytest.raises(ValueError, match="outcome"):
        POLLS.of("new")


@pytest.mark.parametrize(
    ("seconds", "bucket"),
    [
        (0, "1"),
        (1, "1"),  # a bound belongs to its bucket
        (1.000001, "2"),
        (4.2, "5"),
        (3600, "3600"),
        (3600.1, "+Inf"),
        (-5, "1"),  # the database's clock was set back
    ],
)
def test_time_to_alert_falls_into_one_bucket(seconds, bucket):
    waited, name = timedelta(seconds=seconds), TIME_TO_ALERT.name
    microseconds = max(0, waited // timedelta(microseconds=1))
    assert time_to_alert(waited) == {(name, bucket): 1, (name, "sum"): microseconds}


@pytest.mark.parametrize(
    ("buckets", "q", "bound"),
    [
        ({}, 0.5, None),
        ({"5": 1}, 0.5, 5),
        ({"1": 1, "5": 1}, 0.5, 1),  # half of them
        ({"1": 1, "5": 1}, 0.51, 5),
        ({"2": 94, "10": 5, "+Inf": 1}, 0.95, 10),
        ({"2": 90, "+Inf": 10}, 0.95, math.inf),
        (dict.fromkeys(BUCKETS, 1), 1.0, math.inf),
    ],
)
def test_quantile_is_the_bound_under_which_so_many_lie(buckets, q, bound):
    assert quantile(buckets, q) == bound
