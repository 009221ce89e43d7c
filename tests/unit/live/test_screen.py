"""The terminal is taken and given back whatever happens; a picture that cannot be drawn harms nothing."""

import io
import sys
import time

import pytest
from happenings import NOW, polled, state_of
from rich.console import Console
from structlog.testing import capture_logs

from worker.live import screen as live_screen
from worker.live.panels import About
from worker.live.screen import Manner, Screen, can_show, choose_manner
from worker.live.watch import Look

ABOUT = About("Wirewatch", "One feed.", "Starting …", ("Ctrl-C stops",))


def made_screen(file=None):
    file = file or io.StringIO()
    console = Console(width=80, height=24, force_terminal=True, file=file, legacy_windows=False)
    return Screen(state_of(), ABOUT, console=console), file


def given_back(written):
    return [
        written.rfind(on) < written.rfind(off) for on, off in (("?1049h", "?1049l"), ("?25l", "?25h"), ("?7l", "?7h"))
    ]


def wait_for(look):
    until = time.monotonic() + 10
    while not look():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_screen_paints_what_it_is_told_and_gives_the_terminal_back():
    screen, file = made_screen()
    with screen:
        screen.tell(Look([polled(title="Harbour Wire")], away=NOW))
    written = file.getvalue()
    assert "2 new" in written and "The database does not answer" in written
    assert screen.state.away_since == NOW and screen.state.counts["polls"] == 1
    assert given_back(written) == [True] * 3


def test_screen_gives_the_terminal_back_after_an_error_too():
    screen, file = made_screen()
    with pytest.raises(KeyboardInterrupt), screen:
        raise KeyboardInterrupt
    assert given_back(file.getvalue()) == [True] * 3


def test_screen_that_cannot_be_painted_says_so_once_in_the_log(monkeypatch):
    def broken(*_, **__):
        raise ValueError("a bug")

    monkeypatch.setattr(live_screen, "frame", broken)
    monkeypatch.setattr(live_screen, "LOOK_SECONDS", 0.001)
    screen, file = made_screen()
    with capture_logs() as logs, screen:
        wait_for(lambda: logs)
        screen.tell(Look([polled()]))
    assert [line["event"] for line in logs] == ["view_not_painted"]
    assert given_back(file.getvalue()) == [True] * 3


class Gone(io.StringIO):
    """A terminal that was closed."""

    gone = False

    def write(self, text):
        if self.gone:
            raise OSError(5, "Input/output error")
        return super().write(text)


def test_screen_of_a_terminal_that_is_gone_raises_nothing():
    screen, file = made_screen(Gone())
    with screen:
        wait_for(lambda: "Wirewatch" in file.getvalue())
        file.gone = True
        screen.change(lambda state: None)


@pytest.fixture
def piped(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())


@pytest.mark.parametrize("plain", [True, False])
def test_manner_is_what_was_asked_for_and_lines_without_a_terminal(piped, plain):
    assert choose_manner(plain=plain, as_json=True) is Manner.JSON
    assert choose_manner(plain=plain, as_json=False) is Manner.LINES


def test_manner_of_a_console_that_only_pretends_to_be_a_terminal_is_lines(piped):
    assert not can_show(Console(force_terminal=True, file=io.StringIO()))
