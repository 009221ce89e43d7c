"""Looks at a desk's record and log, again and again: what happened, what stands, whether the record can be read."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from worker.live.happened import Happened, Reader, Trouble
from worker.live.log import LogTail
from worker.store.engine import Store
from worker.store.recent import Backlog, Watcher, clock_of, read_backlog

log = structlog.get_logger()

BACKLOG_SECONDS = 2.0  # between two counts of what waits while nothing happens
LAST_LOOK_SECONDS = 2.0


@dataclass(frozen=True)
class Look:
    """What one look brought. `backlog` is the last that could be read; `away`: since when the record could not be."""

    happenings: Sequence[Happened] = ()
    backlog: Backlog | None = None
    away: datetime | None = None


class Audience(Protocol):
    """Whom the looks are told: a screen, or lines."""

    def tell(self, look: Look) -> None: ...


@dataclass
class Watch:
    """`began` (monotonic seconds): from when on what happened is told, by the database's own clock.

    A record that cannot be read is tried again at the next look, and goes on where it was.
    """

    store: Store
    reader: Reader
    began: float
    tail: LogTail | None = None
    watcher: Watcher | None = None
    backlog: Backlog | None = None
    stood: float = 0.0
    away: datetime | None = None

    def look(self) -> Look:
        happenings: list[Happened] = list(self.tail.look()) if self.tail else []
        try:
            happenings += [self.reader.read(kind, row) for kind, row in self._watcher().look()]
            self._count(anew=bool(happenings))
        except Exception as error:  # whatever a database that is away, or not there yet, makes its driver raise
            if self.away is None:
                self.away = datetime.now(UTC)
                log.warning("record_not_readable", error=type(error).__name__)
                happenings.append(Trouble(at=self.away, words="the database does not answer"))
        else:
            if self.away is not None:
                happenings.append(Trouble(at=datetime.now(UTC), words="the database answers again"))
            self.away = None
        return Look(happenings, self.backlog, self.away)

    def _watcher(self) -> Watcher:
        if self.watcher is None:
            now = clock_of(self.store)
            self.watcher = Watcher(self.store, since=now - timedelta(seconds=time.monotonic() - self.began))
        return self.watcher

    def _count(self, *, anew: bool) -> None:
        now = time.monotonic()
        if anew or now - self.stood >= BACKLOG_SECONDS:
            self.backlog, self.stood = read_backlog(self.store), now


def follow(watch: Watch, audience: Audience, *, every: float, ended: Callable[[float], bool]) -> None:
    """Tells, every so many seconds, until `ended`, which waits for them, says that it is over; then what came since."""
    over = False
    while not over:
        over = ended(every)
        audience.tell(watch.look())


class Follower:
    """`follow` in a thread of its own: whoever works beside it never waits for a database or a reader of ours."""

    def __init__(self, watch: Watch, audience: Audience, *, every: float) -> None:
        self._over = threading.Event()
        self._follow = functools.partial(follow, watch, audience, every=every, ended=self._over.wait)
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Waits for the last look, but not for a database that does not answer. Also right when it never started."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(LAST_LOOK_SECONDS)

    def _run(self) -> None:
        try:
            self._follow()
        except OSError:
            log.warning("nobody_listens")  # who read our lines is gone; the desk goes on
