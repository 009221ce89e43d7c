"""The verb that looks back: a feed history through the whole pipeline."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from worker.cli.options import HERE, KEPT, ConfigOption, DataOption, adder, print_line, read_config
from worker.errors import ConfigError

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
    desk = read_config(config, only=PARTS, files={"rules": rules} if rules else None)
    if desk.warnings:
        raise ConfigError(desk.warnings)  # a rule left out would never fire, and nobody would know
    history = read_history(path)
    for note in history.notes:
        print(note, file=sys.stderr)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    terminal = Console(stderr=True)
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as progress:
        task = progress.add_task("documents", total=len(history.documents))
        report = run(history, desk, keep=keep, on_progress=lambda done, total: progress.update(task, completed=done))
    print_line(report)


add_to = adder(replay)
