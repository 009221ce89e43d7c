"""The verbs about a desk as a whole: write one, check it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import typer

from worker.cli.options import HERE, KEPT, ConfigOption, DataOption, JsonOption, adder, print_line, read_config
from worker.errors import ConfigError

COUNTED = {
    "feeds": "feeds",
    "topics": "topics",
    "watchlist": "watched entities",
    "rules": "rules",
    "channels": "channels",
    "people": "people",
}


def init(folder: Path, as_json: JsonOption = False) -> None:
    """Writes the example configuration into a new folder."""
    from worker.config.example import write_example

    written = write_example(folder)
    if as_json:
        print_line({"folder": str(folder), "files": [path.name for path in written]})
    else:
        print(f"{len(written)} files written to {folder}. Next: wirewatch check --config {folder}")


def check(as_json: JsonOption = False, config: ConfigOption = HERE, data: DataOption = KEPT) -> None:
    """Every problem in the configuration, with file, line and key."""
    from worker.config.checks import advice

    try:
        desk = read_config(config)
    except ConfigError as error:
        if not as_json:
            raise
        print_line({"problems": [dataclasses.asdict(one) for one in error.problems], "notes": [], "counts": None})
        raise typer.Exit(1) from None
    counts, notes = {part: len(getattr(desk, part)) for part in COUNTED}, advice(desk)
    if as_json:
        print_line({"problems": [], "notes": list(notes), "counts": counts})
        return
    words = ", ".join(f"{counts[part]} {name}" for part, name in COUNTED.items())
    print(f"{config}: no problem found. {words}.")
    for note in notes:
        print(f"Note: {note}")


add_to = adder(init, check)
