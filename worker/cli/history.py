"""The verb that looks back: a feed history through the whole pipeline."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from worker.cli.options import HERE, KEPT, ConfigOption, DataOption, adder, print_line, read_config
from worker.cli.table import bar
from worker.errors import ConfigError

AHEAD = timedelta(days=2)  # a clock may be a day off and a zone wrong; a history that says more is wrong
PARTS = frozenset({"feeds", "topics", "watchlist", "rules", "settings"})
RulesOption = Annotated[Path | None, typer.Option("--rules", help="Other rules than the desk's, for this replay.")]
KeepOption = Annotated[
    Path | None, typer.Option("--keep", help="A new folder to keep the scratch store in, for `explain` and `console`.")
]
HistoryArgument = Annotated[Path, typer.Argument(help="Folders FEED/<UTC>.xml, or entries as JSON lines (.xz, .gz).")]


def replay(
    path: HistoryArgument,
    rules: RulesOption = None,
    keep: KeepOption = None,
    config: ConfigOption = HERE,
    data: DataOption = KEPT,
) -> None:
    """A feed history through the whole pipeline on a simulated clock; prints what would have been told, as JSON."""
    from worker.replay.history import read_history
    from worker.replay.run import replay as run

    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise typer.BadParameter("is not empty; a replay keeps its store in a new folder", param_hint="--keep")
    desk = read_config(config, only=PARTS, files={"rules": rules} if rules else None, secrets=False)
    if desk.warnings:
        raise ConfigError(desk.warnings)  # a rule left out would never fire, and nobody would know
    history = read_history(path, latest=datetime.now(UTC) + AHEAD)
    for note in history.notes:
        print(note, file=sys.stderr)
    with bar(len(history.documents), "documents") as done:
        report = run(history, desk, keep=keep, on_progress=done)
    print_line(report)


add_to = adder(replay)
