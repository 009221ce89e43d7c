"""Wall and processor time of a stretch of work: this process's and its children's, without the publisher's."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psutil


@dataclass
class Spent:
    """Seconds."""

    seconds: float
    cpu: float

    def __iadd__(self, other: Spent) -> Spent:
        self.seconds, self.cpu = self.seconds + other.seconds, self.cpu + other.cpu
        return self


@contextlib.contextmanager
def stopwatch(*, apart: int = 0) -> Iterator[Spent]:
    """Filled when the block ends. `apart`: the process whose work is not ours."""
    spent, before, began = Spent(0.0, 0.0), processor(apart), time.perf_counter()
    yield spent
    spent.seconds = time.perf_counter() - began
    # A child that was started meanwhile counts from its start; one that ended is waited for, and counts as ours.
    spent.cpu = processor(apart) - before


def processor(apart: int = 0) -> float:
    """Seconds that this process and its children have used so far, those that have ended included."""
    ended = os.times()
    total = time.process_time() + ended.children_user + ended.children_system
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if child.pid != apart:
                total += sum(child.cpu_times()[:2])
    return total
