"""Lists on a terminal and elsewhere: nothing that a feed says reaches the terminal as anything but letters."""

import io
import sys
import time

import pytest
from rich.cells import cell_len

from worker.cli import table as module
from worker.cli.table import bar, print_table

HOSTILE = "a\x1b[31m\x07\r\nb\x9b2J\u202egnp\u2066\u200b\ud800\x00[bold]c[/]"


class Screen(io.TextIOWrapper):
    """Standard output, perhaps a terminal."""

    def __init__(self, terminal):
        super().__init__(io.BytesIO(), encoding="utf-8")
        self.terminal = terminal

    def isatty(self):
        return self.terminal

    def text(self):
        self.flush()
        return self.buffer.getvalue().decode()


@pytest.fixture(params=[True, False], ids=["terminal", "pipe"])
def printed(request, monkeypatch):
    """What print_table writes to such a standard output."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "dumb")

    def printed(heads, rows):
        screen = Screen(request.param)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", screen)
            print_table(heads, rows)
        return screen.text()

    return printed


def test_h12_print_table_lets_no_escape_through(printed):
    text = printed(["id", "title"], [["a", HOSTILE], ["b", "B"]])
    assert all(ch.isprintable() or ch == "\n" for ch in text)
    assert "[bold]c[/]" in text  # and no markup of ours
    assert len(text.splitlines()) == 3


def test_print_table_aligns_wide_letters(printed):
    lines = printed(["id", "title", "n"], [["a", "연합뉴스", "1"], ["long-id", "B", "22"]]).splitlines()
    places = [cell_len(line[: line.rindex(end)]) for line, end in zip(lines, ["n", "1", "22"], strict=True)]
    assert len(set(places)) == 1


def test_print_table_leaves_out_what_is_empty_everywhere(printed):
    assert printed(["id", "trouble", "title"], [["a", "", "A"], ["b", "", ""]]).split("\n")[0].split() == [
        "id",
        "title",
    ]


def test_print_table_of_nothing_is_nothing(printed):
    assert printed(["id"], []) == ""


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("total", "hidden"), [(2, True), (2, False), (None, False)])
def test_bar_shows_only_what_lasts(monkeypatch, total, hidden):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(module, "PATIENCE", 60.0)
    with bar(total, "feeds", hidden=hidden) as done:
        done()
    assert sys.stderr.getvalue() == ""
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    with bar(total, "feeds", hidden=hidden) as done:
        until = time.monotonic() + 20
        while not hidden and "feeds" not in sys.stderr.getvalue() and time.monotonic() < until:
            time.sleep(0.01)
        done()
    assert ("feeds" in sys.stderr.getvalue()) is not hidden


def test_bar_is_for_terminals(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    with bar(1, "feeds") as done:
        done()
    assert sys.stderr.getvalue() == ""
