"""`wirewatch demo`: the real `wirewatch up` over the sample world; what it does is told from its record."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty

from worker.config.example import EXAMPLE
from worker.config.load import load_config
from worker.console.access import told_address
from worker.demo.desk import DemoWorld
from worker.demo.summary import Ending
from worker.demo.told import Teller, telling
from worker.errors import WirewatchError
from worker.live.happened import Arrived, Reader
from worker.live.log import LogTail, open_log
from worker.live.screen import Manner
from worker.live.shown import titles
from worker.live.state import Progress, State
from worker.live.watch import Look, Watch
from worker.store.engine import open_store
from worker.store.recent import Watcher, read_backlog
from worker.store.schema import EPOCH
from worker.up import choose_port, only_one

MARK = ".wirewatch-demo"  # what shows that a folder is a demo's, and may be emptied
OWN_SERVERS = ("REDIS_URL", "DATABASE_URL", "SENTRY_DSN")  # the demo never touches a desk's own
LOOK_SECONDS = 0.25
PACE = 3.0
START_SECONDS = 60.0
STOP_SECONDS = 15.0
LINGER_SECONDS = 3.0  # that the last picture stays
LONGEST_SECONDS = 300.0  # the sample takes about forty; a demo that hangs must say so


def run_demo(data: Path, *, keep: bool, manner: Manner) -> int:
    """Runs until the sample is through, or with `keep` until Ctrl-C. Returns the exit code."""
    empty(data)
    for number in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: nobody is left behind, the terminal is given back
        signal.signal(number, signal.default_int_handler)
    with DemoWorld(data, example=EXAMPLE, pace=PACE) as world:
        port = choose_port(0)
        config = load_config(world.config_folder, environ=os.environ)
        state = State(started=datetime.now(UTC), titles=titles(config))
        log = shown(world.data / "up.log")
        address = functools.partial(told_address, world.data, port)
        with telling(manner, state, address=address, log=log) as teller, running_up(world, port) as up:
            show = Show(up, world, Reader.of(config), teller)
            finished = show.run(keep=keep, linger=manner is Manner.SCREEN)
        ending = ended(world, state, finished=finished)
    teller.end(ending)
    return 0 if ending.good else 1


def empty(data: Path) -> None:
    """A demo starts from nothing. Only a demo's own folder is emptied; raises WirewatchError for any other."""
    if data.exists() and any(data.iterdir()):
        if not (data / MARK).exists():
            raise WirewatchError(f"{data} holds other files; choose an empty folder with --data")
        with only_one(data):
            shutil.rmtree(data)
    data.mkdir(parents=True, exist_ok=True)
    (data / MARK).write_text("A demo's folder: the next demo empties it.\n")


@contextlib.contextmanager
def running_up(world: DemoWorld, port: int) -> Iterator[subprocess.Popen[bytes]]:
    environ = {name: value for name, value in os.environ.items() if name not in OWN_SERVERS}
    argv = [sys.executable, "-m", "worker", "up", "--port", str(port)]
    where = ["--config", str(world.config_folder), "--data", str(world.data)]
    with open_log(world.data / "up.log") as log:
        # In a group of its own, so that Ctrl-C reaches us first and the stop is orderly.
        up = subprocess.Popen([*argv, *where], env=environ, stdout=log, stderr=log, start_new_session=True)
        try:
            yield up
        finally:
            stop(up)


def stop(up: subprocess.Popen[bytes]) -> None:
    if up.poll() is None:
        up.send_signal(signal.SIGTERM)
        try:
            up.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            up.kill()
            up.wait()


@dataclass
class Show:
    """One run, from the start of `up` to its end."""

    up: subprocess.Popen[bytes]
    world: DemoWorld
    reader: Reader
    teller: Teller

    def run(self, *, keep: bool, linger: bool) -> bool:
        """False when the sample did not come to its end. Ctrl-C is an end as good as any."""
        store = open_store("", data=self.world.data)
        tail = LogTail(self.world.data / "up.log")
        watch = Watch(store, self.reader, began=0, tail=tail, watcher=Watcher(store, since=EPOCH))
        try:
            self._wait_until_up(watch)
            finished = self._follow(watch, keep=keep)
            if finished and linger:
                self._linger(watch)
        except KeyboardInterrupt:
            finished = True
        self.teller.phase("stopping")
        stop(self.up)
        self._tell(watch)
        store.close()
        return finished

    def _wait_until_up(self, watch: Watch) -> None:
        """The feeds are polled before the language model is there: that is told already."""
        began = time.monotonic()
        log = self.world.data / "up.log"
        while b"Wirewatch is up" not in (said := log.read_bytes()):
            if b"event='feed_polled'" in said:
                self._tell(watch)
            if self.up.poll() is not None or time.monotonic() - began > START_SECONDS:
                raise WirewatchError(f"The demo did not start. Its log ({log}) ends:\n{log.read_text()[-2000:]}")
            time.sleep(LOOK_SECONDS)
        self.teller.phase("running", seconds=time.monotonic() - began)

    def _follow(self, watch: Watch, *, keep: bool) -> bool:
        """Tells what happens until the sample is through and all of it is sent. False when that did not come."""
        until = time.monotonic() + LONGEST_SECONDS
        through = False
        while self.up.poll() is None:
            self._tell(watch)
            if not through and self.world.origin.done.is_set() and read_backlog(watch.store).quiet:
                through = True
                if not keep:
                    return True
                self.teller.phase("through")
            elif not keep and time.monotonic() > until:
                return False
            time.sleep(LOOK_SECONDS)
        return False

    def _linger(self, watch: Watch) -> None:
        self.teller.phase("through")
        until = time.monotonic() + LINGER_SECONDS
        while time.monotonic() < until:
            self._tell(watch)
            time.sleep(LOOK_SECONDS)

    def _tell(self, watch: Watch) -> None:
        look = watch.look()
        came = [*look.happenings, *self._arrivals()]
        self.teller.tell(Look(came, look.backlog, look.away))
        self.teller.progress(Progress(*self.world.origin.progress()))

    def _arrivals(self) -> Iterator[Arrived]:
        with contextlib.suppress(Empty):
            while True:
                yield self.world.arrivals.get_nowait()


def ended(world: DemoWorld, state: State, *, finished: bool) -> Ending:
    places = {
        "mails": world.data / "mail",
        "webhooks": world.data / "webhooks",
        "alerts as files": world.data / "inbox",
        "its configuration": world.config_folder,
        "its log": world.data / "up.log",
    }
    missing = len(world.origin.truth()) - state.counts["judged"] if world.origin.done.is_set() else None
    return Ending(
        state=state,
        finished=finished,
        missing=missing,
        places={name: shown(place) for name, place in places.items()},
        program=program(),
    )


def program() -> str:
    """How this command is called here: its bare name where the shell finds it, else as it was called now."""
    called = Path(sys.argv[0])
    return shown(called.absolute()) if called.name == "wirewatch" and not shutil.which("wirewatch") else "wirewatch"


def shown(path: Path) -> str:
    """Relative to here where that is shorter."""
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
