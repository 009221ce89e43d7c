"""Named moments at which a test ends this process, as a power cut would: between a deed and its record, on purpose.

Nothing, unless the environment variable WIREWATCH_CRASH_AT names one of POINTS (`name`, or `name:3`: its third time).
"""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Mapping
from typing import Final

POINTS: Final = frozenset(
    {
        "poll_before_commit",  # the articles of a feed are written, and its validators
        "poll_after_commit",
        "page_before_commit",  # an article's page is written, and the article goes on
        "settled_before_commit",  # stories, alerts and deliveries are written
        "settled_after_commit",
        "claimed_not_dialled",  # deliveries are SENDING, and no receiver knows
        "sent_not_recorded",  # a receiver has said yes, or no
        "recorded",
    }
)


def crash_at(environ: Mapping[str, str]) -> Callable[[str], None]:
    """What `crash_point` is in this environment. Raises ValueError for a point that there is not."""
    wanted, _, nth = environ.get("WIREWATCH_CRASH_AT", "").partition(":")
    if not wanted:
        return lambda name: None
    if wanted not in POINTS:
        raise ValueError(f"WIREWATCH_CRASH_AT: there is no {wanted}, only {', '.join(sorted(POINTS))}")
    times, last = itertools.count(1), int(nth or 1)

    def crash(name: str) -> None:
        if name == wanted and next(times) == last:
            os.kill(os.getpid(), signal.SIGKILL)

    return crash


crash_point: Final = crash_at(os.environ)
