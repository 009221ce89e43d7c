"""How many wrong links and keys of feeds are answered in a minute; beyond that a guesser is told to wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from starlette.responses import Response

from worker.console.pages import plain_page

log = structlog.get_logger()


class Guesses:
    """Counts them whoever brings them: behind a proxy all come from one address. What is right is let in however many
    are wrong. `clock` in seconds."""

    def __init__(self, *, most: int = 20, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.most, self.seconds, self.clock = most, seconds, clock
        self._lock, self._since, self._count = threading.Lock(), clock(), 0

    def refuse(self) -> Response | None:
        """Counts one more; None while there are few, then the answer to wait."""
        count = self._note(self.clock())
        if count <= self.most:
            return None
        if count == self.most + 1:
            log.warning("many_wrong_links", most=self.most, seconds=self.seconds)
        words = "Wait a minute, then open the link again, whole."
        answer = plain_page(429, "Too many wrong links", words, inside=False)
        answer.headers["Retry-After"] = str(round(self.seconds))
        return answer

    def _note(self, now: float) -> int:
        with self._lock:
            if now - self._since > self.seconds:
                self._since, self._count = now, 0
            self._count += 1
            return self._count
