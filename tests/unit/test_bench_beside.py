"""What stands beside our figures: ratios to another reader, or loud words that it was not measured."""

import sys

import pytest

from bench import beside, machine
from bench.beside import MISSING, measure_reader, update
from bench.floors import Reading
from bench.poll import KINDS, Size, figures
from bench.stopwatch import Spent

SIZE = Size(feeds=10, rounds=2)
OURS = {"first": Spent(3.0, 3.0), "quiet": Spent(0.1, 0.04), "same": Spent(0.2, 0.1), "moving": Spent(0.5, 0.4)}
THEIRS = {"first": Spent(6.0, 6.0), "quiet": Spent(1.0, 1.0), "same": Spent(2.0, 2.0), "moving": Spent(2.5, 2.0)}
BARE = {"quiet": Spent(0.02, 0.02), "same": Spent(0.04, 0.04)}


def shown(theirs):
    return {figure.what: figure for figure in figures(SIZE, OURS, theirs, BARE, Reading(0.0005, 0.01))}


def test_figures_stand_beside_readers():
    found = shown(THEIRS)
    assert (found["304"].value, found["304"].beside) == (200, "10.0 × reader")
    assert found["304: in a second of processor"].beside == "25.0 × reader"
    assert found["304: processor, above a bare GET"].value == pytest.approx(1.0)
    assert found["1 new of 50"].beside == "5.00 × reader"
    assert found["1 new of 50: reading it, processor"].beside == "0.0500 × feedparser on all of it"
    assert found["reader: first poll, 50 new of 50"].value == 5


def test_figures_without_reader_have_nothing_beside_them():
    found = shown({})
    assert found["304"].beside == ""
    assert not any(what.startswith("reader") for what in found)


def test_a_reader_that_is_missing_is_said_to_be(monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "reader", None)
    monkeypatch.setattr(beside.importlib.metadata, "version", lambda name: missing(name))
    assert measure_reader(None, KINDS, feeds=1, rounds=1) == {}
    assert MISSING in capfd.readouterr().err
    assert machine.reader_version() == MISSING


def missing(name):
    raise beside.importlib.metadata.PackageNotFoundError(name)


class Result:
    def __init__(self, value):
        self.url, self.value = "http://paper.example/", value


class Desk:
    """Of the other reader: what its update of two feeds says."""

    def __init__(self, *values):
        self.values, self.total = values, 2

    def update_feeds_iter(self, *, scheduled, workers):
        return map(Result, self.values)

    def get_feed_counts(self):
        return self


@pytest.mark.parametrize(
    ("values", "unchanged"),
    [
        ((None,), False),  # one of the two was left out
        ((None, ValueError("no feed")), False),
        ((None, "changed"), True),
    ],
)
def test_a_reader_that_did_something_else_is_no_figure(values, unchanged):
    with pytest.raises(RuntimeError, match="not as asked"):
        update(Desk(*values), unchanged=unchanged)
    update(Desk(None, None), unchanged=unchanged)
