"""The crash points: nothing, unless one is asked for by its name."""

import os

import pytest

from worker.crashpoints import POINTS, crash_at


def killed(monkeypatch, environ, *names):
    """Which call of these, counted from 1, would have ended the process; None for none."""
    found = []
    monkeypatch.setattr(os, "kill", lambda pid, number: found.append(pid == os.getpid()))
    crash = crash_at(environ)
    for n, name in enumerate(names, start=1):
        crash(name)
        if found:
            return n
    return None


@pytest.mark.parametrize(
    ("asked", "nth"),
    [("", None), ("recorded", 2), ("recorded:2", 4), ("claimed_not_dialled:1", 1), ("recorded:9", None)],
)
def test_crash_point_ends_the_process_at_its_nth_time_only(monkeypatch, asked, nth):
    names = "claimed_not_dialled recorded sent_not_recorded recorded".split()
    assert killed(monkeypatch, {"WIREWATCH_CRASH_AT": asked}, *names) == nth


def test_crash_point_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="there is no lunch, only claimed_not_dialled, page_before_commit"):
        crash_at({"WIREWATCH_CRASH_AT": "lunch"})
    assert len(POINTS) == 8
