"""One line on stderr for each thing that is measured next: whoever waits sees why."""

import contextlib
import os
import sys
from collections.abc import Iterator


def say(words: str) -> None:
    print(words, file=sys.__stderr__, flush=True)


@contextlib.contextmanager
def unread_logs() -> Iterator[None]:
    """What is logged is written, as in a worker, and read by nobody; our own lines are still seen."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        yield
