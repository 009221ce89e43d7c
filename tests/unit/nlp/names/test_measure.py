"""Precision and recall over pairs of article and entity."""

from worker.model import Mention
from worker.nlp.names.measure import Case, by_how, errors, partial_tally, tally


def mention(entity, how="name"):
    return Mention(entity, "x", "text", 0, 1, "x", how)


CASES = [
    Case("1", frozenset("ab"), frozenset("b"), [mention("a"), mention("a", "surname"), mention("c", "surname")]),
    Case("2", frozenset("b"), frozenset("b"), [mention("b", "surname")]),
    Case("3", frozenset(), frozenset(), []),
]


def test_tally_counts_pairs_not_mentions():
    whole = tally(CASES)
    assert (whole.right, whole.wrong, whole.missed) == (2, 1, 1)
    assert (round(whole.precision, 3), round(whole.recall, 3), round(whole.f1, 3)) == (0.667, 0.667, 0.667)
    assert partial_tally(CASES).recall == 0.5
    assert tally([]).precision == tally([]).recall == tally([]).f1 == 1


def test_by_how_counts_what_stands_on_one_rule():
    hows = by_how(CASES)
    assert list(hows) == ["surname", "name"]
    assert (hows["surname"].mentions, hows["surname"].alone_right, hows["surname"].alone_wrong) == (3, 1, 1)
    assert (hows["name"].mentions, hows["name"].alone_right) == (1, 0)  # "a" was found by two rules


def test_errors_lists_wrong_and_missed():
    assert [error[:3] for error in errors(CASES)] == [("1", "wrong", "c"), ("1", "missed", "b")]
    assert errors(CASES)[0][3].how == "surname"
