"""The verbs about a desk as a whole: write one, check it."""

from __future__ import annotations

from pathlib import Path

from worker.cli.options import HERE, KEPT, ConfigOption, DataOption, adder, read_config
from worker.config.checks import advice


def init(folder: Path) -> None:
    """Writes the example configuration into a new folder."""
    from worker.config.example import write_example

    written = write_example(folder)
    print(f"{len(written)} files written to {folder}. Next: wirewatch check --config {folder}")


def check(config: ConfigOption = HERE, data: DataOption = KEPT) -> None:
    """Every problem in the configuration, with file, line and key."""
    desk = read_config(config)
    counts = (
        f"{len(desk.feeds)} feeds, {len(desk.topics)} topics, {len(desk.watchlist)} watched entities, "
        f"{len(desk.rules)} rules, {len(desk.channels)} channels, {len(desk.people)} people"
    )
    print(f"{config}: no problem found. {counts}.")
    for words in advice(desk):
        print(f"Note: {words}")


add_to = adder(init, check)
