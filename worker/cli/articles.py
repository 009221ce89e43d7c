"""The verbs about articles: fetch, judge and group them without storing anything."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from worker.cli.options import (
    HERE,
    KEPT,
    STDIN,
    ConfigOption,
    DataOption,
    FileArgument,
    adder,
    print_line,
    read_config,
)

EvaluateOption = Annotated[
    bool, typer.Option("--evaluate", help="Each line has its `story`: print how well they are found (BCubed).")
]
ErrorsOption = Annotated[bool, typer.Option("--errors", help="And which stories were split, and which were mixed.")]


def poll(urls: list[str], config: ConfigOption = HERE, data: DataOption = KEPT) -> None:
    """Fetches and parses feeds once and prints their entries as JSON lines; stores nothing."""
    from worker.polling import poll_once

    failed = False
    for line in poll_once(read_config(config, only=frozenset({"network", "settings"})), urls):
        failed |= "error" in line
        print_line(line)
    raise typer.Exit(1 if failed else 0)


def judge(file: FileArgument = STDIN, config: ConfigOption = HERE, data: DataOption = KEPT) -> None:
    """Articles as JSON lines in, judgements as JSON lines out, in order; stores nothing."""
    from worker.judging import judge_lines, read_lines

    desk = read_config(config, only=frozenset({"topics", "watchlist", "rules"}))
    for warning in desk.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    for line in judge_lines(desk, read_lines(file), data=data):
        print_line(line)


def stories(
    file: FileArgument = STDIN,
    evaluate: EvaluateOption = False,
    errors: ErrorsOption = False,
    config: ConfigOption = HERE,
    data: DataOption = KEPT,
) -> None:
    """Articles as JSON lines in, each one's story out, in arrival order; stores nothing."""
    from worker.grouping import group_known
    from worker.judging import read_lines, story_lines

    if evaluate or errors:
        known = group_known(read_lines(file))
        print_line(known.figures() | (known.errors() if errors else {}))
        return
    for line in story_lines(read_lines(file)):
        print_line(line)


add_to = adder(poll, judge, stories)
