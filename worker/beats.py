"""Beats: how a process says that it works, and when its silence has lasted too long. What counts as a beat is its
role's to say."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import structlog

from worker.store import heartbeats
from worker.store.engine import Store
from worker.store.lease import new_token

READY_FOLDER = "WIREWATCH_READY"  # the environment's name for the folder where each role says that it serves, and beats
log = structlog.get_logger()

HUNG = 70  # the exit code of a process that ended itself (sysexits.h: internal software error)
LOOKS = 5  # how often in a beat a process looks whether it is silent: what is noticed late is restarted late
REMOVE_SECONDS = 2.0  # that a stop waits for a row that is being written


@dataclass
class Silence:
    """How long nothing was heard, by the clock of who listens.

    Of the time between two looks no more than `most` seconds count: a machine that slept, or a listener that was
    stopped itself, has heard nobody, and blames nobody for it. Pure: sign and time are arguments.
    """

    most: float
    sign: object = None
    seconds: float = 0.0
    looked: float | None = None

    def look(self, sign: object, *, now: float) -> float:
        """Seconds since `sign`, anything that changes with each beat, was another. `now` in monotonic seconds."""
        step = 0.0 if self.looked is None else min(now - self.looked, self.most)
        self.seconds = self.seconds + step if sign == self.sign else 0.0
        self.sign, self.looked = sign, now
        return self.seconds


def beat_file(folder: Path, role: str) -> Path:
    """There from when a role serves; its time is the role's last beat."""
    return folder / f"{role}.ready"


def find_beat(file: Path) -> int | None:
    """The time of the last beat, as its file has it; None when there was none. To be compared, not read as a time."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return None


@dataclass
class Heart:
    """One process's beats: a file for who keeps the process, and a row for the desk's health.

    `every` in seconds; `file` is None where nobody watches. Made before a pool forks: `pid` is the process that its
    keeper knows, and a pool's child that takes another's place goes on with the same row.
    """

    role: str
    every: float
    file: Path | None = None
    id: str = field(default_factory=new_token)
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    born: float = field(default_factory=time.monotonic)
    last: float = 0.0
    beaten: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    saving: threading.Lock = field(default_factory=threading.Lock)

    def beat(self) -> None:
        """The file at once; the row is another thread's, for a database may keep it waiting."""
        self.last = time.monotonic()
        if self.file is not None:
            with contextlib.suppress(OSError):
                self.file.touch()
        self.beaten.set()

    def start(
        self, store: Store, *, silent_after: float, each: Callable[[], object], end: Callable[[int], object]
    ) -> None:
        """From now on the row follows the beats, `each` (which may not raise) is done every beat, and silence ends the
        process."""
        self.last = time.monotonic()
        threading.Thread(target=self._keep_row, args=(store,), name="heartbeat-row", daemon=True).start()
        watch = threading.Thread(target=self._watch, args=(silent_after, each, end), name="heartbeat", daemon=True)
        watch.start()

    def stop(self, store: Store) -> None:
        """The orderly end: no beat any more, and no row. Never raises."""
        self.ended.set()
        self.beaten.set()
        if self.saving.acquire(timeout=REMOVE_SECONDS):
            try:
                heartbeats.remove_heartbeat(store, self.id)
            except Exception as error:
                log.warning("heartbeat_not_removed", role=self.role, error=type(error).__name__)
            finally:
                self.saving.release()

    def _watch(self, silent_after: float, each: Callable[[], object], end: Callable[[int], object]) -> None:
        wait = self.every / LOOKS
        silence, looks = Silence(most=2 * wait), 0
        while not self.ended.wait(wait):
            if looks % LOOKS == 0:
                each()
            looks += 1
            seconds = silence.look(self.last, now=time.monotonic())
            if seconds > silent_after:
                log.critical("silent", role=self.role, seconds=round(seconds))
                return end(HUNG)

    def _keep_row(self, store: Store) -> None:
        swept = failed = False
        while not self.ended.is_set():
            self.beaten.wait()
            self.beaten.clear()
            try:
                swept = swept or self._sweep(store)
                self._save(store)
                failed = False
            except Exception as error:  # the database is away, or not migrated yet: the file counts all the same
                if not failed:
                    reason = str(getattr(error, "orig", None) or error).split("\n", 1)[0][:200]
                    log.warning("heartbeat_not_saved", role=self.role, error=type(error).__name__, reason=reason)
                failed = True
            self.ended.wait(self.every)

    def _sweep(self, store: Store) -> bool:
        # A container that is started again has the host and the process number that its former life had.
        heartbeats.sweep_dead(store, host=self.host, keep=self.id, is_dead=lambda pid: pid == self.pid or is_gone(pid))
        return True

    def _save(self, store: Store) -> None:
        with self.saving:
            if not self.ended.is_set():
                age = timedelta(seconds=time.monotonic() - self.born)
                heartbeats.save_beat(store, heartbeat_id=self.id, role=self.role, host=self.host, pid=self.pid, age=age)


def is_gone(pid: int) -> bool:
    """Whether this machine has no such process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # somebody else's
        return False
    return False
