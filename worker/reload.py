"""A new watchlist while the desk runs: noticed by its files, checked, and put in between two batches.

Only the watchlist: whatever else of the configuration has changed is read at the next start. Each worker looks at the
files it was started with. What is broken keeps the old watchlist, and the operator is told; each judgement is stamped
with the one it was made by.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import structlog

from worker import app
from worker.config.checks import broken_rules
from worker.config.load import FILES, load_config
from worker.config.namelist import FOLDER
from worker.config.schema import Config
from worker.errors import ConfigError
from worker.pipeline.operator import tell_operator
from worker.pipeline.runtime import Runtime
from worker.store.alerts import save_config_version
from worker.store.engine import Lock, read_clock, take_lock

log = structlog.get_logger()

EVERY: Final = 2.0  # seconds between two looks: a few names of files
TOLD: Final = 20  # problems in the message

Stamp = tuple[tuple[str, int, int, int], ...]


class NotTaken(Exception):
    """The new watchlist cannot be used; `problems` say why."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


class Reloader:
    """One process's look-out for a changed watchlist; `look` is for one thread. `judges`: this process judges, and has
    the new names ready before it takes them."""

    def __init__(self, folder: Path, *, judges: bool) -> None:
        self.folder, self.judges = folder, judges
        self._read: Stamp | None = None  # what was read last, well or not
        self._seen: Stamp | None = None

    def look(self) -> None:
        """Takes what has changed, once it has lain still between two looks: nobody's half-written file is read."""
        stamp = find_stamp(self.folder)
        still, self._seen = stamp == self._seen, stamp
        if not still or stamp == self._read:
            return
        self._take(app.runtime())
        self._read = stamp  # last: what a store that was away has cost is tried again

    def _take(self, runtime: Runtime) -> None:
        try:
            config = read_watchlist(runtime.config, self.folder)
        except NotTaken as error:
            log.error("watchlist_not_taken", problems=len(error.problems), first=error.problems[0])
            tell_of_broken(runtime, error.problems)
            return
        if config.names_hash != runtime.config.names_hash:
            app.install(self._made(runtime, config))
            log.info("watchlist_taken", entities=len(config.entities_by_id), watchlist=config.names_hash[:12])

    def _made(self, runtime: Runtime, config: Config) -> Runtime:
        version = save_config_version(runtime.store, digest=config.hash, body=config.public())
        made = replace(runtime, config=config, config_version=version)
        if self.judges:
            judge = runtime.judge().with_names(app.load_names(config, data=runtime.data))
            made = replace(made, judge=lambda: judge)
        return made


def find_stamp(folder: Path) -> Stamp:
    """What tells one state of the watchlist's files from another; lists that are not included count, too."""
    found = []
    for path in (folder / FILES["watchlist"], *sorted((folder / FOLDER).glob("*.csv"))):
        try:
            known = path.stat()
        except OSError:
            continue
        found.append((str(path), known.st_mtime_ns, known.st_size, known.st_ino))
    return tuple(found)


def read_watchlist(now: Config, folder: Path) -> Config:
    """Today's configuration with the watchlist that lies in `folder`. Raises NotTaken for one with problems, or without
    what the rules in force ask for."""
    try:
        found = load_config(folder, environ={}, only=frozenset({"watchlist"}), secrets=False)
    except ConfigError as error:
        raise NotTaken([str(one) for one in error.problems]) from error
    config = replace(now, watchlist=found.watchlist, lists=found.lists)
    if problems := [*map(str, found.warnings), *broken_rules(config)]:
        raise NotTaken(problems)
    return config


def tell_of_broken(runtime: Runtime, problems: Sequence[str]) -> None:
    """Once for the same problems, whichever worker comes first."""
    told = hashlib.sha256("\n".join(problems).encode()).hexdigest()[:32]
    more = [f"and {len(problems) - TOLD} more"] if len(problems) > TOLD else []
    with runtime.store.writing() as connection:
        take_lock(connection, Lock.DESK)
        tell_operator(
            runtime,
            connection,
            key=f"watchlist:{told}",
            subject="The changed watchlist is not used: it has problems",
            lines=[
                "The desk goes on with the one that it had. Correct these; it looks again by itself:",
                *problems[:TOLD],
                *more,
                "Where a rule must change along with the watchlist, change both and start the desk again.",
            ],
            now=read_clock(connection),
        )
    runtime.hint("deliver")
