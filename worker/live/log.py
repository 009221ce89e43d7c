"""The log of a desk whose terminal shows the view: a file with a largest size, read for the troubles it tells of."""

from __future__ import annotations

import ast
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from worker.live.happened import Trouble, safe

LARGEST: Final = 10_000_000  # bytes; then it begins anew, and the former one is kept
READ_MOST: Final = 200_000  # bytes in one look; a flood of lines holds nobody up
EVENT: Final = re.compile(r"event='([a-z_0-9]+)'(.*)")
FIELD: Final = re.compile(r"([a-z_]+)=('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^\s]+)")


def open_log(path: Path) -> BinaryIO:
    """To append to, by many processes, for its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    os.fchmod(handle, 0o600)
    return os.fdopen(handle, "ab", buffering=0)


@dataclass
class LogTail:
    """Reads what was appended since the last look, and begins the file anew when it is too large. `at`: bytes read."""

    path: Path
    at: int = 0

    @classmethod
    def from_now(cls, path: Path) -> LogTail:
        return cls(path, at=path.stat().st_size if path.exists() else 0)

    def look(self) -> list[Trouble]:
        """What the roles and the supervisor warned of."""
        with suppress(OSError):
            found = [trouble for line in self._lines() if (trouble := read_trouble(line)) is not None]
            if self.at > LARGEST:
                self._begin_anew()
            return found
        return []

    def _lines(self) -> list[str]:
        size = self.path.stat().st_size
        if size < self.at:  # another began it anew
            self.at = 0
        if size == self.at:
            return []
        with self.path.open("rb") as file:
            file.seek(max(self.at, size - READ_MOST))
            content = file.read(READ_MOST)
            whole = content.rfind(b"\n") + 1
            self.at = file.tell() - len(content) + whole
        return content[:whole].decode(errors="replace").splitlines()

    def _begin_anew(self) -> None:
        """Who writes to it goes on: it is emptied, not exchanged."""
        former = self.path.with_name(f"{self.path.name}.1")
        shutil.copyfile(self.path, former)
        former.chmod(0o600)
        os.truncate(self.path, 0)
        self.at = 0


def read_trouble(line: str) -> Trouble | None:
    """What a person should see of a line of our log; None for one that tells of no trouble, and for any other text."""
    found = EVENT.match(line)
    if found is None:
        return None
    fields = {name: literal(value) for name, value in FIELD.findall(found[2])}
    if fields.get("level") not in ("warning", "error", "critical"):
        return None
    return Trouble(at=moment(fields.get("timestamp", "")), words=safe(trouble_words(found[1], fields)))


def trouble_words(event: str, fields: Mapping[str, str]) -> str:
    """The supervisor's events in words; any other by its name and what it is about."""
    role, again = fields.get("role", ""), fields.get("again_in", "")
    known = {
        "child_died": f"{role} died and starts again in {again} s",
        "child_silent": f"{role} was silent for {fields.get('seconds', '')} s and was ended",
        "child_not_started": f"{role} could not be started; again in {again} s",
    }
    about = " ".join(fields[name] for name in ("role", "feed_id", "article", "delivery", "channel") if name in fields)
    return known.get(event) or f"{event.replace('_', ' ')} {about}; the log says more"


def literal(value: str) -> str:
    """A value as it was before it was quoted."""
    try:
        return str(ast.literal_eval(value))
    except (ValueError, SyntaxError):
        return value


def moment(timestamp: str) -> datetime:
    try:
        return datetime.fromisoformat(timestamp).astimezone(UTC)
    except ValueError:
        return datetime.now(UTC)
