"""The supervisor behind `wirewatch up`: starts Redis and one process a role, restarts what dies, leaves none behind."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import structlog

from worker.beats import READY_FOLDER, Silence, beat_file, find_beat
from worker.config.schema import Timing
from worker.embedded import find_redis, redis_arguments, socket_url, wait_for_redis
from worker.errors import WirewatchError
from worker.store.engine import make_folder, open_store
from worker.store.migrate import migrate

log = structlog.get_logger()

TIED = "WIREWATCH_TIED"  # set for roles that shall die with who started them: with `up`, never with a container's shell
REDIS = "redis"  # the child that the others lean on
PR_SET_PDEATHSIG = 1
STOP_SECONDS = 8.0  # what children get after SIGTERM; the promise is under ten with the killing after it
BACK_OFF = (0.2, 1.0, 3.0, 10.0, 30.0)  # seconds before a dead child is started again
STEADY_SECONDS = 60.0  # a child that lived this long starts its back-off anew
LOOK_SECONDS = 0.1
LISTEN_SECONDS = 1.0  # between two looks at a child's beats
LISTEN_MOST = 2.0  # of the time between them, what counts as its silence
READY_SECONDS = 300.0  # for a start, which may wait for a database: then a child that never served is silent, too
FOLDER, FOLDER_LOCK = "wirewatch-", "in-use"  # what the names of private folders begin with, and the lock in each


class AlreadyRunning(WirewatchError):
    """Another `up` holds this data folder."""


class PortTaken(WirewatchError):
    """Something else listens where the console should."""


@dataclass
class Child:
    """One process and its past. `failures` counts deaths since it last ran for a steady while."""

    name: str
    argv: Sequence[str]
    popen: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    start_at: float = 0.0
    failures: int = 0
    silence: Silence = field(default_factory=lambda: Silence(most=LISTEN_MOST))

    @property
    def alive(self) -> bool:
        return self.popen is not None and self.popen.poll() is None


@dataclass
class Supervisor:
    """Runs `children` until `stop` is asked. Single-threaded: signals only set a flag.

    `output`: where they write what they say; None leaves them ours. `beats`: the folder where they beat, and after how
    many seconds a silent one is ended; None where nobody does.
    """

    children: list[Child]
    environ: Mapping[str, str]
    output: BinaryIO | None = None
    beats: tuple[Path, float] | None = None
    stopping: bool = False

    def ask_to_stop(self, *_: object) -> None:
        self.stopping = True

    def look(self) -> None:
        """One round: whoever is silent is ended, whoever is dead is started again when its back-off is over."""
        now = time.monotonic()
        for child in self.children:
            if child.alive:
                self._listen(child, now)
                continue
            if child.popen is not None:
                self._note_death(child, now)
            if now >= child.start_at:
                self._start(child, now)

    def _listen(self, child: Child, now: float) -> None:
        """A child that lives and does not work: stopped, or in a loop that never ends. It may hear no other signal."""
        looked = child.silence.looked
        if self.beats is None or child.name == REDIS or (looked is not None and now - looked < LISTEN_SECONDS):
            return
        folder, silent_after = self.beats
        beat = find_beat(beat_file(folder, child.name))
        silent = child.silence.look(beat, now=now)
        if silent > (READY_SECONDS if beat is None else silent_after):
            log.error("child_silent", role=child.name, seconds=round(silent))
            child.silence = Silence(most=LISTEN_MOST)
            kill_group(child.popen)

    def _start(self, child: Child, now: float) -> None:
        child.silence = Silence(most=LISTEN_MOST)
        if self.beats is not None:
            beat_file(self.beats[0], child.name).unlink(missing_ok=True)  # the former one's
        try:
            child.popen, child.started = start_process(child.argv, self.environ, self.output), now
        except OSError as error:  # no memory or no process to be had: perhaps in a while
            child.start_at = now + BACK_OFF[-1]
            log.warning("child_not_started", role=child.name, error=error.strerror, again_in=BACK_OFF[-1])

    def _note_death(self, child: Child, now: float) -> None:
        assert child.popen is not None  # noqa: S101 - for the type checker
        kill_group(child.popen)  # what it had started itself
        child.failures = 0 if now - child.started > STEADY_SECONDS else child.failures
        wait = BACK_OFF[min(child.failures, len(BACK_OFF) - 1)]
        log.warning("child_died", role=child.name, code=child.popen.returncode, again_in=wait)
        child.failures += 1
        child.start_at = now + wait
        child.popen = None

    def stop(self) -> None:
        """SIGTERM to all but Redis, then to Redis, which the others need until they have ended; at the end SIGKILL."""
        living = [child for child in self.children if child.popen is not None]
        until = time.monotonic() + STOP_SECONDS
        end([child.popen for child in living if child.name != REDIS], until=until)
        end([child.popen for child in living if child.name == REDIS], until=until)


def start_process(
    argv: Sequence[str], environ: Mapping[str, str], output: BinaryIO | None = None
) -> subprocess.Popen[bytes]:
    """In a group of its own, so that Ctrl-C reaches only the supervisor; killed by the kernel when we die."""
    return subprocess.Popen(
        argv,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=_die_with_parent,
    )


_LIBC = ctypes.CDLL(None)  # loaded before the fork: between fork and exec only a plain call is safe


def _die_with_parent() -> None:
    if sys.platform == "linux":
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end(processes: Sequence[Any], *, until: float) -> None:
    """Asks all, waits for all, and kills with its group whoever is left at `until` (monotonic seconds)."""
    for popen in processes:
        with contextlib.suppress(ProcessLookupError):
            popen.terminate()
    for popen in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            popen.wait(max(0.05, until - time.monotonic()))
    for popen in processes:
        kill_group(popen)
        popen.wait()


def kill_group(popen: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(popen.pid, signal.SIGKILL)


def choose_port(port: int) -> int:
    """`port` when it is free on loopback, any free one for 0. Raises PortTaken, before anything is started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortTaken(
                f"Port {port} cannot be used ({error.strerror}). Stop what listens there, or choose another: --port."
            ) from None
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Holds the data folder's lock file. Raises AlreadyRunning with the other's process id."""
    make_folder(data)
    with (data / "wirewatch.lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            holder = handle.read().strip() or "unknown"
            raise AlreadyRunning(
                f"Another `wirewatch up` (process {holder}) works on {data}. Stop it first, or choose another --data."
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def run_up(
    *,
    config_folder: Path,
    data: Path,
    port: int,
    environ: Mapping[str, str],
    on_ready: Callable[[float], None],
    on_stop: Callable[[], None] = lambda: None,
    output: BinaryIO | None = None,
    silent_after: float = Timing().silent_after,
) -> None:
    """Everything in one terminal, until SIGINT or SIGTERM. `on_ready` gets the seconds until all roles served;
    `on_stop` is told before they are asked to end.

    `output`: the file that the roles log to, where a live view has the terminal. `silent_after`: the configured one.
    """
    began = time.monotonic()
    with only_one(data), private_folder() as folder:
        # Once here, for a plain message: each role would say it again and again.
        store = open_store(environ.get("DATABASE_URL", ""), data=data)
        migrate(store)
        store.close()
        environ = dict(environ) | {READY_FOLDER: str(folder), TIED: "1"}
        common = ["--config", str(config_folder), "--data", str(data)]
        roles = {
            "poll-deliver": ["worker", "--queue", "poll", "--queue", "deliver"],
            "analyse": ["worker", "--queue", "analyse"],
            "scheduler": ["scheduler"],
            "console": ["console", "--port", str(port)],
        }
        program = [sys.executable, "-m", "worker"]
        children = [Child(name, [*program, *verb, *common]) for name, verb in roles.items()]
        redis = None
        if not environ.get("REDIS_URL"):
            redis = Child(REDIS, redis_arguments(find_redis(), folder))
            environ["REDIS_URL"] = socket_url(folder)
            children.insert(0, redis)
        supervisor = Supervisor(children, environ, output, beats=(folder, silent_after))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, supervisor.ask_to_stop)
        try:
            supervise(supervisor, folder=folder, redis=redis, on_ready=lambda: on_ready(time.monotonic() - began))
        finally:
            on_stop()
            supervisor.stop()


def supervise(supervisor: Supervisor, *, folder: Path, redis: Child | None, on_ready: Callable[[], None]) -> None:
    if redis is not None:
        redis.popen = start_process(redis.argv, supervisor.environ, supervisor.output)
        redis.started = time.monotonic()
        wait_for_redis(folder, dead=lambda: not redis.alive)
    waiting = {child.name for child in supervisor.children if child is not redis}
    while not supervisor.stopping:
        supervisor.look()
        if waiting:
            waiting = {name for name in waiting if find_beat(beat_file(folder, name)) is None}
            if not waiting:
                on_ready()
        time.sleep(LOOK_SECONDS)


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """A short path, for a unix socket's name may be about a hundred bytes long; in use for as long as its lock is held.

    Those that killed ones left behind are swept away first.
    """
    place = Path("/tmp" if Path("/tmp").is_dir() else tempfile.gettempdir())  # noqa: S108
    for left in place.glob(f"{FOLDER}*"):
        if _is_left_behind(left):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=FOLDER, dir=place))
    with (folder / "new").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (folder / "new").rename(folder / FOLDER_LOCK)  # held before any other can look whether it is
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _is_left_behind(folder: Path) -> bool:
    """Whether nobody holds its lock any more: a process id would say nothing of another container's."""
    try:
        with (folder / FOLDER_LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except OSError:
        return False  # in use, another user's, or none of ours
