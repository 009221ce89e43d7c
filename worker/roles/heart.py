"""How a role says that it works."""

from __future__ import annotations

import os
from pathlib import Path

from worker.beats import READY_FOLDER, Heart, beat_file
from worker.config.schema import Timing


def make_heart(role: str, timing: Timing) -> Heart:
    """Its file is in the folder that `up`, or a container's health check, watches; nowhere when nobody watches."""
    folder = os.environ.get(READY_FOLDER)
    return Heart(role, every=timing.beat, file=beat_file(Path(folder), role) if folder else None)


def nothing() -> None:
    """What a role does each beat whose own loop beats."""
