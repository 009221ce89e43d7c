"""How the demo names its console: with the key where a person reads it, without it where a file may keep it."""

import sys
from datetime import UTC, datetime

import pytest

from worker.demo.told import telling
from worker.live.screen import Manner
from worker.live.state import State


@pytest.mark.parametrize(
    ("manner", "terminal", "with_key"),
    [
        (Manner.LINES, True, True),  # `demo --plain`, as `up --plain`
        (Manner.LINES, False, False),
        (Manner.JSON, True, False),
    ],
)
def test_told_address_has_its_key_on_a_terminal_only(monkeypatch, capsys, manner, terminal, with_key):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    state = State(started=datetime.now(UTC), titles={})
    with telling(manner, state, address=lambda *, terminal: "KEY" if terminal else "NONE", log="up.log") as teller:
        teller.phase("running", seconds=1.0)
    assert ("KEY" in capsys.readouterr().out) == with_key
