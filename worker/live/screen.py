"""The terminal while a view is shown: taken over, painted from its own thread, given back as it was.

Decides when to paint; what is painted is `view`'s.
"""

from __future__ import annotations

import contextlib
import enum
import os
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final

import structlog
from rich.console import Console
from rich.live import Live
from rich.text import Text

from worker.live.panels import About
from worker.live.state import State
from worker.live.view import frame
from worker.live.watch import Look

log = structlog.get_logger()

LOOK_SECONDS: Final = 0.25  # between two looks whether there is something to paint: a resize, an event, the time
LIVELY_SECONDS: Final = 5.0  # after an event the time goes on each second, later every IDLE_SECONDS
IDLE_SECONDS: Final = 2.0
# What is wider than the terminal believes is cut at its edge, where it would break every line below.
NO_WRAP, WRAP = "\x1b[?7l", "\x1b[?7h"


class Manner(enum.Enum):
    """How a command tells what happens."""

    SCREEN = "screen"
    LINES = "lines"
    JSON = "json"


def choose_manner(*, plain: bool, as_json: bool) -> Manner:
    """What was asked for; else a picture where there is somebody to see it."""
    if as_json:
        return Manner.JSON
    return Manner.SCREEN if not plain and can_show(Console()) else Manner.LINES


def can_show(console: Console) -> bool:
    """A terminal that understands more than lines, has the letters, and is ours: not one that we stand behind."""
    return (
        sys.stdout.isatty()
        and not console.is_dumb_terminal
        and console.encoding.startswith("utf")
        and os.tcgetpgrp(sys.stdout.fileno()) == os.getpgrp()
    )


class Screen:
    """Use it in a `with`. `tell` and `change` may be called by any thread; the painter reads under the same lock."""

    def __init__(self, state: State, about: About, *, console: Console) -> None:
        self.state, self.about, self.console = state, about, console
        self._live = Live(
            console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._painter = threading.Thread(target=self._paint, name="painter", daemon=True)
        self._restore = contextlib.ExitStack()
        self._changed = time.monotonic()
        self._painted: tuple[Any, ...] = ()

    def tell(self, look: Look) -> None:
        def take(state: State) -> None:
            state.take(look.happenings, now=datetime.now(UTC))
            state.backlog, state.away_since = look.backlog or state.backlog, look.away

        lively = bool(look.happenings) or look.backlog != self.state.backlog or look.away != self.state.away_since
        self.change(take, lively=lively)

    def change(self, do: Callable[[State], None], *, lively: bool = True) -> None:
        with self._lock:
            do(self.state)
        if lively:
            self._changed = time.monotonic()

    def __enter__(self) -> Screen:
        with contextlib.ExitStack() as taken:
            taken.enter_context(quiet_keys())
            taken.callback(self._leave)
            self._live.start()
            self.console.file.write(NO_WRAP)
            self._painter.start()
            self._restore = taken.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._ended.set()
        self._painter.join()
        self._restore.close()

    def _leave(self) -> None:
        with contextlib.suppress(OSError):  # the terminal may be gone
            self.console.file.write(WRAP)
            self._live.stop()

    def _paint(self) -> None:
        """Whatever goes wrong with a picture, the desk that it shows goes on."""
        failed = False
        while True:
            ended = self._ended.wait(LOOK_SECONDS)
            try:
                self._paint_when_needed()
            except OSError:
                return  # the terminal is gone
            except Exception:
                if not failed:
                    log.exception("view_not_painted")
                failed = True
            if ended:
                return

    def _paint_when_needed(self) -> None:
        now = time.monotonic()
        beat = 1.0 if now - self._changed < LIVELY_SECONDS else IDLE_SECONDS
        width, height = self.console.size
        wanted = (width, height, self._changed, now // beat, beat)
        if wanted == self._painted:
            return
        with self._lock:
            lines = frame(self.state, self.about, width=width, height=height, now=datetime.now(UTC))
        self._live.update(Text("\n", no_wrap=True, overflow="crop", end="").join(lines), refresh=True)
        self._painted = wanted


@contextlib.contextmanager
def quiet_keys() -> Iterator[None]:
    """Keys leave no trace on the picture, and Ctrl-Z does not stop it half way; Ctrl-C works as ever."""
    try:
        before = termios.tcgetattr(sys.stdin)
    except (termios.error, OSError, ValueError):  # the keys come from elsewhere, or from nowhere
        yield
        return
    quiet = [*before[:3], before[3] & ~termios.ECHO, *before[4:6], [*before[6]]]
    quiet[6][termios.VSUSP] = b"\0"
    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        with contextlib.suppress(termios.error, OSError):
            termios.tcflush(sys.stdin, termios.TCIFLUSH)
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
