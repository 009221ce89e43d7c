"""Figures of scores: counted by hand, bounded whatever the scores."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.nlp.measure import (
    BARS,
    POINTS,
    band_figures,
    drawn,
    histogram,
    interval,
    macro_f1,
    measure,
    precision_recall,
    reliability,
)

PAIRS = [(0.9, True), (0.8, False), (0.2, True), (0.1, False)]
any_pairs = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60)


def test_measure_counts():
    found = measure(PAIRS, 0.5)
    assert found | {"precision": 0.5, "recall": 0.5, "f1": 0.5, "positives": 2, "threshold": 0.5} == found
    assert found["brier"] == pytest.approx((0.01 + 0.64 + 0.64 + 0.01) / 4)
    assert measure([], 0.5)["f1"] == measure([(0.1, True)], 0.5)["f1"] == 0.0


def test_measure_goes_by_what_the_judge_said_where_it_did():
    found = measure(PAIRS, 0.5, matches=[True, False, True, False])
    assert (found["precision"], found["recall"], found["f1"]) == (1.0, 1.0, 1.0)


def test_macro_f1_is_the_mean_of_topics_that_have_any_true():
    assert macro_f1([{"f1": 0.5, "positives": 3}, {"f1": 1.0, "positives": 1}, {"f1": 0.0, "positives": 0}]) == 0.75
    assert macro_f1([]) == 0.0


def test_reliability_bins_hold_their_edges():
    bins = reliability([(0.0, False), (0.1, True), (0.19, False), (1.0, True)])
    assert [(one.low, one.count, one.share) for one in bins] == [(0.0, 1, 0.0), (0.1, 2, 0.5), (0.9, 1, 1.0)]


def test_precision_recall_lets_equal_scores_fall_together_and_ends_at_the_last_true_one():
    assert precision_recall([(0.9, True), (0.5, True), (0.5, False), (0.1, False)]) == [
        [0.9, 1.0, 0.5],
        [0.5, 0.6667, 1.0],
    ]
    assert precision_recall([(0.5, False)]) == []


@given(any_pairs)
def test_what_is_drawn_counts_every_article_and_stays_small(pairs):
    found = drawn(pairs, [(score > 0.5, False, true) for score, true in pairs], (0.2, 0.4))
    assert sum(one["count"] for one in found["reliability"]) == len(pairs)
    bars = histogram(pairs)
    assert sum(bars["true"]) + sum(bars["other"]) == len(pairs) and len(bars["true"]) == BARS
    points = found["precision_recall"]
    assert len(points) <= POINTS + 1 and points == sorted(points, key=lambda point: -point[0])
    assert [point[2] for point in points] == sorted(point[2] for point in points)


@pytest.mark.parametrize(
    ("answers", "share", "within", "outside"),
    [
        ([], 0.0, None, None),
        ([(True, True, False), (True, True, True), (False, False, False)], 0.6667, 0.5, 0.0),  # unsure where it errs
        ([(True, False, False)], 0.0, None, 1.0),  # sure, and wrong
        ([(False, True, False)], 1.0, 0.0, None),  # unsure of all
    ],
)
def test_band_figures_tell_how_often_the_answer_is_wrong(answers, share, within, outside):
    assert band_figures(answers) == {"share": share, "wrong_within": within, "wrong_outside": outside}


@given(st.integers(0, 200), st.integers(0, 200))
def test_interval_holds_the_share_and_narrows_with_more(hits, misses):
    total = hits + misses
    low, high = interval(hits, total)
    assert 0 <= low <= high <= 1
    if total:
        assert low - 0.001 <= hits / total <= high + 0.001
        more = interval(10 * hits, 10 * total)
        assert more[1] - more[0] < high - low + 1e-9


def test_interval_is_wilsons():
    assert interval(0, 0) == (0.0, 1.0)
    assert interval(8, 10) == (0.49, 0.943)  # Wilson 1927, by any table
    assert math.isclose(sum(interval(5, 10)), 1.0, abs_tol=1e-9)
