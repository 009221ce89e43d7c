"""Parsing in a warm child process with limits and a deadline: a hostile document ends its child, and nothing else.

The parent speaks length-prefixed JSON over pipes. The child (parse_child.py) is the only place that runs feedparser.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import select
import struct
import subprocess
import sys
import time
from datetime import datetime
from typing import Any, Final

from worker.errors import FeedParseError, ParseReason
from worker.feeds.discover import NamedFeed
from worker.model import ParsedEntry, ParsedFeed, SkipTimes

LENGTH: Final = struct.Struct(">I")
START_SECONDS: Final = 20.0  # Python and feedparser from a cold disk
OVER_LIMITS: Final = (-24, -9, 77)  # SIGXCPU; the kernel's own memory killer; parse_child.OUT_OF_MEMORY
MAX_ANSWER: Final = 256 * 1024 * 1024


class Parser:
    """Up to `children` warm children, started when they are first needed. Safe to call from several threads.

    `cpu_seconds` and `memory_mb` are the child's own limits, `deadline` the wall seconds for one document.
    """

    def __init__(
        self, *, cpu_seconds: int = 10, memory_mb: int = 300, deadline: float = 20.0, children: int = 2
    ) -> None:
        self.limits = (str(cpu_seconds), str(memory_mb))
        self.deadline = deadline
        self._places: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(children):
            self._places.put(None)

    def parse(self, body: bytes, *, content_type: str, url: str, now: datetime, zone: str = "") -> ParsedFeed:
        """The document as a feed, entries in document order. Raises FeedParseError, and nothing else for any bytes.

        `zone` is the feed's own, for dates that name none.
        """
        refuse_early(body)
        header = {"want": "feed", "content_type": content_type, "url": url, "now": now.isoformat(), "zone": zone}
        return read_feed(self._ask(header, body))

    def find_feeds(self, body: bytes, *, content_type: str, url: str) -> list[NamedFeed]:
        """The feeds that a web page names. Raises FeedParseError."""
        answer = self._ask({"want": "named", "content_type": content_type, "url": url}, body)
        return [NamedFeed(**one) for one in answer["named"]]

    def _ask(self, header: dict[str, str], body: bytes) -> dict[str, Any]:
        place = self._places.get()
        try:
            if place is None or not place.alive:
                place = self._replace(place)
            answer = place.ask(json.dumps(header).encode(), body, seconds=self.deadline)
        except BaseException as error:
            # Also when we are interrupted: a child with an answer under way would give it to the next document.
            if place is not None:
                place.end()
            place = None
            if isinstance(error, _ChildLost):
                raise FeedParseError(error.reason, error.detail) from error
            raise
        finally:
            self._places.put(place)
        if "error" in answer:
            raise FeedParseError(ParseReason(answer["error"]), answer["detail"])
        return answer

    def _replace(self, dead: _Child | None) -> _Child:
        if dead is not None:
            dead.end()
        return _Child(self.limits)

    def close(self) -> None:
        """Ends the children that are not at work. The parser stays usable: it starts others."""
        places = []
        with contextlib.suppress(queue.Empty):
            while True:
                places.append(self._places.get_nowait())
        for child in places:
            if child is not None:
                child.end()
            self._places.put(None)


def refuse_early(body: bytes) -> None:
    """What needs no parser to refuse. Raises FeedParseError."""
    if not body.strip():
        raise FeedParseError(ParseReason.EMPTY, "the answer has no content")


def read_feed(answer: dict[str, Any]) -> ParsedFeed:
    """A child's answer as types."""
    entries = tuple(
        ParsedEntry(
            **{**entry, "published": datetime.fromisoformat(entry["published"]) if entry["published"] else None}
        )
        for entry in answer.pop("entries")
    )
    skip = answer.pop("skip", None)
    times = SkipTimes(hours=frozenset(skip["hours"]), days=frozenset(skip["days"])) if skip else None
    return ParsedFeed(**answer, entries=entries, skip=times)


class _ChildLost(Exception):
    def __init__(self, reason: ParseReason, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(detail)


class _Child:
    """One warm child. It ends by itself when our end of its input closes, also when we are killed."""

    def __init__(self, limits: tuple[str, str]) -> None:
        command = [sys.executable, "-m", "worker.feeds.parse_child", *limits]
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            self.popen: subprocess.Popen[bytes] = subprocess.Popen(command, bufsize=0, **pipes)  # type: ignore[call-overload]
        except OSError as error:
            raise _ChildLost(ParseReason.CRASHED, f"the parser did not start: {error.strerror}") from error
        assert self.popen.stdin is not None  # noqa: S101 - for the type checker
        os.set_blocking(self.popen.stdin.fileno(), False)
        try:
            self._read_exactly(1, until=time.monotonic() + START_SECONDS)
        except _ChildLost as error:
            self.end()
            raise _ChildLost(ParseReason.CRASHED, f"the parser did not start: {error.detail}") from error

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    def ask(self, header: bytes, body: bytes, *, seconds: float) -> dict[str, Any]:
        """Raises _ChildLost when the child died or was too slow; it must then be ended."""
        until = time.monotonic() + seconds
        for part in (header, body):
            self._write(LENGTH.pack(len(part)) + part, until=until)
        (length,) = LENGTH.unpack(self._read_exactly(LENGTH.size, until=until))
        if length > MAX_ANSWER:
            raise _ChildLost(ParseReason.TOO_DEAR, "the parse is too large")
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
                raise _ChildLost(ParseReason.CRASHED, "the parser died") from error

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

    def _lost(self) -> _ChildLost:
        try:
            code: int | None = self.popen.wait(5)
        except subprocess.TimeoutExpired:
            code = None
        if code in OVER_LIMITS:
            return _ChildLost(ParseReason.TOO_DEAR, "over its limits")
        return _ChildLost(ParseReason.CRASHED, f"the parser died ({code})")

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
        raise _ChildLost(ParseReason.TOO_DEAR, "over its time")
