"""BCubed, worked out by hand, and the laws that it keeps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.articles.agreement import bcubed, torn

GROUPS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("truth", "found", "precision", "recall"),
    [
        ("aabb", "1122", 1.0, 1.0),
        ("aabb", "1111", 0.5, 1.0),  # all in one
        ("aabb", "1234", 1.0, 0.5),  # each alone
        # Of the three a, two have two of the three; of the story 2, each of the two has itself alone.
        ("aaab", "1122", (1 + 1 + 0.5 + 0.5) / 4, (2 / 3 + 2 / 3 + 1 / 3 + 1) / 4),
        ("", "", 1.0, 1.0),
    ],
)
def test_bcubed_by_hand(truth, found, precision, recall):
    measured = bcubed(truth, found)
    assert (measured.precision, measured.recall) == (pytest.approx(precision), pytest.approx(recall))


@given(GROUPS)
def test_bcubed_turned_round_swaps_precision_and_recall(pairs):
    truth, found = zip(*pairs, strict=True)
    one, other = bcubed(truth, found), bcubed(found, truth)
    assert (one.precision, one.recall) == (pytest.approx(other.recall), pytest.approx(other.precision))
    assert 0 < one.f1 <= 1


@given(GROUPS)
def test_bcubed_is_one_exactly_where_nothing_is_torn(pairs):
    truth, found = zip(*pairs, strict=True)
    is_whole = not torn(truth, found) and not torn(found, truth)
    assert (bcubed(truth, found).f1 == pytest.approx(1)) == is_whole


def test_torn_names_the_parts_with_the_largest_first():
    assert torn("abaaa", "12331") == {"a": [[0, 4], [2, 3]]}
    assert torn("aab", "112") == {}
