"""How the demo is told: as a picture on a terminal, as lines, or as JSON; each with its beginning and its end."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final, Protocol

from rich.console import Console

from worker.demo import summary
from worker.demo.summary import Ending
from worker.live.lines import JsonLines, PlainLines, say, say_event
from worker.live.panels import About
from worker.live.screen import Manner, Screen
from worker.live.state import Progress, State
from worker.live.watch import Look

TITLE: Final = "Wirewatch demo"
WORK: Final = "Real work on six invented feeds in four languages: this machine, no network."
STARTING: Final = "Starting: queues, workers, language model …"
THROUGH: Final = "The sample is through, and all of it is sent."


class Teller(Protocol):
    """`state` is what was told until now. `phase` is one of State's, `seconds` how long it took to get there."""

    state: State

    def tell(self, look: Look) -> None: ...
    def phase(self, name: str, *, seconds: float = 0) -> None: ...
    def progress(self, now: Progress) -> None: ...
    def end(self, ending: Ending) -> None: ...


class Lines:
    """For pipes, CI and plain terminals."""

    def __init__(self, state: State, *, address: str) -> None:
        self.state, self.address = state, address
        self._lines = PlainLines()
        say("Wirewatch demo: six invented feeds, a mail server and a webhook receiver, all on this machine.")
        say(STARTING)

    def tell(self, look: Look) -> None:
        self.state.take(look.happenings, now=datetime.now(UTC))
        self._lines.tell(look)

    def phase(self, name: str, *, seconds: float = 0) -> None:
        if name == "running":
            say(f"Up after {seconds:.1f} s. From here on everything is real work. Console: {self.address}\n")
        elif name == "through":
            say(f"\n{THROUGH} Polling goes on; Ctrl-C ends it.")

    def progress(self, now: Progress) -> None:
        """No line: each event has one."""

    def end(self, ending: Ending) -> None:
        for line in summary.plain(ending):
            say(line)


class Json:
    """One object a line, for programs."""

    def __init__(self, state: State, *, address: str) -> None:
        self.state, self.address = state, address
        self._lines = JsonLines()

    def tell(self, look: Look) -> None:
        self.state.take(look.happenings, now=datetime.now(UTC))
        self._lines.tell(look)

    def phase(self, name: str, *, seconds: float = 0) -> None:
        if name == "running":
            say_event("up", seconds=round(seconds, 1), feeds=len(self.state.titles), console=self.address)
        else:
            say_event(name)

    def progress(self, now: Progress) -> None:
        """Told by the events themselves."""

    def end(self, ending: Ending) -> None:
        say_event("ended", **summary.as_json(ending))


class Picture:
    """On a terminal; at the end it is as before, with a summary below."""

    def __init__(self, screen: Screen, console: Console) -> None:
        self.screen, self.console, self.state = screen, console, screen.state

    def tell(self, look: Look) -> None:
        self.screen.tell(look)

    def phase(self, name: str, *, seconds: float = 0) -> None:
        self.screen.change(lambda state: setattr(state, "phase", name))

    def progress(self, now: Progress) -> None:
        self.screen.change(lambda state: setattr(state, "progress", now), lively=now != self.state.progress)

    def end(self, ending: Ending) -> None:
        width = self.console.width
        for line in summary.on_terminal(ending, width=width, now=datetime.now(UTC)):
            self.console.print(line, soft_wrap=True)


@contextlib.contextmanager
def telling(manner: Manner, state: State, *, address: Callable[..., str], log: str) -> Iterator[Teller]:
    """`address(terminal=…)` is the console's, with its key where only a person reads it."""
    if manner is Manner.LINES:
        yield Lines(state, address=address(terminal=sys.stdout.isatty()))
    elif manner is Manner.JSON:
        yield Json(state, address=address(terminal=False))
    else:
        console = Console(highlight=False)
        hints = ("Ctrl-C ends the demo", f"Log {log}", f"Console {address(terminal=True)}")
        about = About(TITLE, WORK, STARTING, hints, through=THROUGH, inboxes=("mail", "webhook"))
        with Screen(state, about, console=console) as screen:
            yield Picture(screen, console)
