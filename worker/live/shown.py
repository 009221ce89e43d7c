"""`wirewatch up` while somebody watches: the view on their terminal, or every event as JSON, beside the supervisor."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from rich.console import Console

from worker.config.schema import Config
from worker.console.access import plain_address, told_address
from worker.live.happened import Reader
from worker.live.lines import JsonLines, say, say_event
from worker.live.log import LogTail, open_log
from worker.live.panels import About
from worker.live.rows import number, span
from worker.live.screen import Screen
from worker.live.state import State
from worker.live.watch import Follower, Watch
from worker.reporting import start_reporting
from worker.store.engine import open_store
from worker.up import run_up

LOOK_SECONDS = 1.0  # between two looks at the record


@dataclass(frozen=True)
class Shown:
    """What `up` was asked for. `port` is free."""

    config: Config
    folder: Path
    data: Path
    port: int
    environ: Mapping[str, str]

    def on_screen(self) -> None:
        """Until Ctrl-C. What the roles and the supervisor log goes to a file beside the record."""
        path = self.data / "up.log"
        state = State(started=datetime.now(UTC), titles=titles(self.config))
        with open_log(path) as log, writing_to(log):
            start_reporting(self.config, self.environ, role="up")
            watch = self._watch(tail=LogTail.from_now(path))
            with Screen(state, self._about(path), console=Console(highlight=False)) as screen:
                follower = Follower(watch, screen, every=LOOK_SECONDS)

                def ready(_: float) -> None:
                    screen.change(lambda state: setattr(state, "phase", "running"))
                    follower.start()

                def stopping() -> None:
                    screen.change(lambda state: setattr(state, "phase", "stopping"))

                try:
                    self._run(on_ready=ready, on_stop=stopping, output=log)
                finally:
                    follower.stop()
        say(f"Stopped. {summary(state)} Log: {path}")

    def as_lines(self) -> None:
        """Until Ctrl-C. What the roles log comes between ours: one line an event, for a journal or a plain terminal."""
        start_reporting(self.config, self.environ, role="up")

        def ready(seconds: float) -> None:
            feeds, rules = len(titles(self.config)), len(self.config.rules)
            say(f"Wirewatch is up after {seconds:.1f} s: {feeds} feeds, {rules} rules.")
            say(f"Console: {told_address(self.data, self.port, terminal=sys.stdout.isatty())}")
            say(f"Health: {plain_address(self.port)}healthz   Alerts as files: {self.data / 'inbox'}")
            say("Ctrl-C stops it.")

        self._run(on_ready=ready)
        say("Stopped.")

    def as_json(self) -> None:
        """Until Ctrl-C. What the roles write goes to stderr, all of it: stdout has nothing but JSON lines."""
        start_reporting(self.config, self.environ, role="up")
        follower = Follower(self._watch(tail=None), JsonLines(), every=LOOK_SECONDS)

        def ready(seconds: float) -> None:
            counts = {"feeds": len(titles(self.config)), "rules": len(self.config.rules)}
            with contextlib.suppress(OSError):  # nobody listens
                say_event("up", seconds=round(seconds, 1), **counts, console=plain_address(self.port))
            follower.start()

        try:
            self._run(on_ready=ready, output=sys.stderr.buffer)
        finally:
            follower.stop()
        with contextlib.suppress(OSError):
            say_event("stopped")

    def _run(self, **options: Any) -> None:
        run_up(
            config_folder=self.folder,
            data=self.data,
            port=self.port,
            environ=self.environ,
            silent_after=self.config.settings.timing.silent_after,
            **options,
        )

    def _watch(self, *, tail: LogTail | None) -> Watch:
        """Opened here, used when all roles serve: by then the record is there and up to date."""
        store = open_store(self.environ.get("DATABASE_URL", ""), data=self.data)
        return Watch(store, Reader.of(self.config), began=time.monotonic(), tail=tail)

    def _about(self, log: Path) -> About:
        feeds, rules = number(len(titles(self.config))), len(self.config.rules)
        used = {channel for rule in self.config.rules for channel in rule.channels}
        channels = ", ".join(channel.id for channel in self.config.channels if channel.enabled and channel.id in used)
        address = told_address(self.data, self.port, terminal=True)
        return About(
            title="Wirewatch",
            subtitle=f"{feeds} feeds are polled and judged by {rules} rules; alerts go to {channels or 'no channel'}.",
            starting="Starting: queues, workers, language model …",
            hints=("Ctrl-C stops", f"Log {log}", f"Console {address}"),
        )


def titles(config: Config) -> dict[str, str]:
    return {feed.id: feed.title or feed.id for feed in config.feeds if feed.enabled}


def summary(state: State) -> str:
    """'In 2 h 5 min: 1,204 polls, 533 new articles, 25 alerts, 94 deliveries.'"""
    names = {"polls": "polls", "articles": "new articles", "alerts": "alerts", "delivered": "deliveries"}
    counts = ", ".join(f"{number(state.counts[stage])} {name}" for stage, name in names.items())
    return f"In {span((datetime.now(UTC) - state.started).total_seconds())}: {counts}."


@contextlib.contextmanager
def writing_to(log: BinaryIO) -> Iterator[None]:
    """What this process says on stderr goes there too: a line in the picture would break it."""
    with (
        open(log.fileno(), "a", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False) as words,
        contextlib.redirect_stderr(words),
    ):
        yield
