"""How soon `wirewatch up` serves, what it holds and uses when nothing happens, and how soon it is gone.

Memory is summed PSS: a page that processes share is counted once, so the figure is what the machine really gives.
"""

from __future__ import annotations

import contextlib
import pathlib
import shutil
import tempfile
import time

import psutil
import yaml

from bench.desk import EXAMPLE, Up
from bench.figures import Figure
from bench.progress import say

SETTLE, WINDOW = (1.0, 15.0), (1.0, 20.0)  # seconds: quick, and in full


def measure(*, quick: bool) -> list[Figure]:
    settle, window = SETTLE[not quick], WINDOW[not quick]
    with tempfile.TemporaryDirectory() as folder:
        desk, data = quiet_desk(pathlib.Path(folder, "config")), pathlib.Path(folder, "var")
        say("idle: starting wirewatch up over the example desk")
        with Up(desk, data) as up:
            ready = time.monotonic() - up.began
            time.sleep(settle)
            say(f"idle: {window:g} seconds of nothing to do")
            before = processor(up.processes())
            time.sleep(window)
            everyone = up.processes()
            used = processor(everyone) - before
            held = sum(map(pss, everyone)) / 2**20
            say("idle: stopping it")
            stopped = up.stop()
    return [
        Figure("start, until every role serves", ready, "s"),
        Figure("memory, summed PSS", held, "MB"),
        Figure("processes", len(everyone), ""),
        Figure("processor", 100 * used / window, "% of a core"),
        Figure("stop", stopped, "s"),
    ]


def quiet_desk(folder: pathlib.Path) -> pathlib.Path:
    """The example desk, its feeds at names that lead nowhere (RFC 6761): no publisher hears of a bench."""
    shutil.copytree(EXAMPLE, folder)
    feeds = yaml.safe_load((folder / "feeds.yaml").read_text())
    for feed in feeds["feeds"]:
        feed["url"] = f"https://{feed['id']}.invalid/"
    settings = (folder / "settings.yaml").read_text()
    (folder / "settings.yaml").write_text(settings.replace("example.org", "bench.example"))
    (folder / "feeds.yaml").write_text(yaml.safe_dump(feeds, allow_unicode=True))
    return folder


def pss(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return process.memory_full_info().pss
    return 0


def processor(processes: list[psutil.Process]) -> float:
    total = 0.0
    for one in processes:
        with contextlib.suppress(psutil.Error):
            total += sum(one.cpu_times()[:2])
    return total
