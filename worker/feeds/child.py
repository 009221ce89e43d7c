"""Warm child processes with limits and a deadline: what a hostile document does, it does to its child and nothing else.

The parent speaks length-prefixed JSON over pipes; `child_main` is the child's half. What is read there, each child's
own module decides: parse_child (feeds), page_child (articles' pages).
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import select
import subprocess
import sys
import time
from typing import Any, Final

from worker.errors import ParseReason
from worker.feeds.child_main import LENGTH, OUT_OF_MEMORY

START_SECONDS: Final = 20.0  # Python and the parser from a cold disk
OVER_LIMITS: Final = (-24, -9, OUT_OF_MEMORY)  # SIGXCPU; the kernel's own memory killer; ours
MAX_ANSWER: Final = 256 * 1024 * 1024


class ChildLost(Exception):
    """A child died, or was too slow. `reason` is TOO_DEAR or CRASHED."""

    def __init__(self, reason: ParseReason, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(detail)


class NoneFree(Exception):
    """Every child had a document of somebody else's."""


class Children:
    """Up to `count` warm children that run `module`, started when they are first needed. Safe from several threads.

    `cpu_seconds` and `memory_mb` are a child's own limits, `deadline` the wall seconds for one document.
    """

    def __init__(self, module: str, *, cpu_seconds: int, memory_mb: int, deadline: float, count: int) -> None:
        self.arguments = ["-m", module, str(cpu_seconds), str(memory_mb)]
        self.deadline = deadline
        self.places: queue.LifoQueue[Child | None] = queue.LifoQueue()
        for _ in range(count):
            self.places.put(None)

    def ask(self, header: dict[str, Any], body: bytes, *, patience: float | None = None) -> dict[str, Any]:
        """The answer of a child that is free. Raises ChildLost; the next document gets another child.

        Raises NoneFree where none is within `patience` seconds: nobody has seen the document.
        """
        try:
            place = self.places.get(timeout=None if patience is None else max(patience, 0.001))
        except queue.Empty as error:
            raise NoneFree from error
        try:
            if place is None or not place.alive:
                place = self._replace(place)
            return place.ask(json.dumps(header).encode(), body, seconds=self.deadline)
        except BaseException:
            # Also when we are interrupted: a child with an answer under way would give it to the next document.
            if place is not None:
                place.end()
            place = None
            raise
        finally:
            self.places.put(place)

    def _replace(self, dead: Child | None) -> Child:
        if dead is not None:
            dead.end()
        return Child(self.arguments)

    def close(self) -> None:
        """Ends the children that are not at work. It stays usable: it starts others."""
        places = []
        with contextlib.suppress(queue.Empty):
            while True:
                places.append(self.places.get_nowait())
        for child in places:
            if child is not None:
                child.end()
            self.places.put(None)


class Child:
    """One warm child. It ends by itself when our end of its input closes, also when we are killed."""

    def __init__(self, arguments: list[str]) -> None:
        command = [sys.executable, *arguments]
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            self.popen: subprocess.Popen[bytes] = subprocess.Popen(command, bufsize=0, **pipes)  # type: ignore[call-overload]
        except OSError as error:
            raise ChildLost(ParseReason.CRASHED, f"the parser did not start: {error.strerror}") from error
        assert self.popen.stdin is not None  # noqa: S101 - for the type checker
        os.set_blocking(self.popen.stdin.fileno(), False)
        try:
            self._read_exactly(1, until=time.monotonic() + START_SECONDS)
        except ChildLost as error:
            self.end()
            raise ChildLost(ParseReason.CRASHED, f"the parser did not start: {error.detail}") from error

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    def ask(self, header: bytes, body: bytes, *, seconds: float) -> dict[str, Any]:
        """Raises ChildLost when the child died or was too slow; it must then be ended."""
        until = time.monotonic() + seconds
        for part in (header, body):
            self._write(LENGTH.pack(len(part)) + part, until=until)
        (length,) = LENGTH.unpack(self._read_exactly(LENGTH.size, until=until))
        if length > MAX_ANSWER:
            raise ChildLost(ParseReason.TOO_DEAR, "the parse is too large")
        return json.loads(self._read_exactly(length, until=until))  # type: ignore[no-any-return]

    def _write(self, whole: bytes, *, until: float) -> None:
        assert self.popen.stdin is not None  # noqa: S101 - for the type checker
        handle, left = self.popen.stdin.fileno(), memoryview(whole)
        while left:
            _wait(handle, select.POLLOUT, until=until)
            try:
                left = left[os.write(handle, left) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise ChildLost(ParseReason.CRASHED, "the parser died") from error

    def _read_exactly(self, count: int, *, until: float) -> bytes:
        assert self.popen.stdout is not None  # noqa: S101 - for the type checker
        handle, parts = self.popen.stdout.fileno(), bytearray()
        while len(parts) < count:
            _wait(handle, select.POLLIN | select.POLLHUP, until=until)
            chunk = os.read(handle, min(count - len(parts), 1 << 20))
            if not chunk:
                raise self._lost()
            parts += chunk
        return bytes(parts)

    def _lost(self) -> ChildLost:
        try:
            code: int | None = self.popen.wait(5)
        except subprocess.TimeoutExpired:
            code = None
        if code in OVER_LIMITS:
            return ChildLost(ParseReason.TOO_DEAR, "over its limits")
        return ChildLost(ParseReason.CRASHED, f"the parser died ({code})")

    def end(self) -> None:
        self.popen.kill()
        self.popen.wait()
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _wait(handle: int, events: int, *, until: float) -> None:
    poller = select.poll()
    poller.register(handle, events)
    left = until - time.monotonic()
    if left <= 0 or not poller.poll(left * 1000):
        raise ChildLost(ParseReason.TOO_DEAR, "over its time")
