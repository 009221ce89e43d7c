"""What the figures were measured on: a figure without its machine says nothing."""

from __future__ import annotations

import os
import pathlib
import platform
import re
import sqlite3
import subprocess
import sys

import psutil
from postgres import find_postgres

from bench.beside import reader_version
from worker import __version__

MISSING = "not installed, skipped"
BUSY = 0.3  # of the cores at work for others before we begin: what is measured then is them


def describe() -> dict[str, str]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "Wirewatch": __version__,
        "machine": f"{cores} cores ({_processor()}), {psutil.virtual_memory().total / 2**30:.0f} GB",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "PostgreSQL": postgres_version(),
        "reader": reader_version(),
        "others at work before": others(),
    }


def others() -> str:
    busy = psutil.cpu_percent(interval=1.0) / 100
    said = f"{busy:.0%} of the cores"
    return f"{said}, so the figures are too low" if busy > BUSY else said


def postgres_version() -> str:
    place = find_postgres()
    if place is None:
        return MISSING
    said = subprocess.run([str(place / "postgres"), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\d+(\.\d+)*", said)
    return found.group() if found else said.strip()


def _processor() -> str:
    path = pathlib.Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.+)$", path.read_text(), re.M) if path.exists() else None
    return found[1].strip() if found else platform.processor() or sys.platform
