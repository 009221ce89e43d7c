"""How the verbs show lists: a table on a terminal, aligned lines elsewhere, what is hostile made visible; a bar."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from rich.cells import cell_len

from worker.display import escaped

PATIENCE: Final = 2.0  # seconds without a bar
Rows = Sequence[Sequence[str]]


def print_table(heads: Sequence[str], rows: Rows) -> None:
    """Cells may hold anything. Columns that are empty in every row are left out."""
    shown = [[escaped(cell) for cell in row] for row in rows]
    used = [n for n in range(len(heads)) if any(row[n] for row in shown)]
    heads, shown = [heads[n] for n in used], [[row[n] for n in used] for row in shown]
    if not shown:
        return
    if sys.stdout.isatty():
        _print_rich(heads, shown)
    else:
        print_text("\n".join(_aligned([heads, *shown])))


def print_text(text: str) -> None:
    """Lines in UTF-8, whatever the locale says."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", errors="backslashreplace") + b"\n")
    sys.stdout.buffer.flush()


def _print_rich(heads: Sequence[str], rows: Rows) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(highlight=False)
    with console.capture() as drawn:
        console.print(table)
    print_text(drawn.get().rstrip("\n"))


def _aligned(rows: Rows) -> Iterator[str]:
    """Two spaces between columns; a letter of East Asia takes two places."""
    widths = [max(cell_len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        cells = (cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


@contextlib.contextmanager
def bar(total: int | None, what: str, *, hidden: bool = False) -> Iterator[Callable[[], None]]:
    """Gives what is called for each one that is done; without a total it only moves.

    Shown on standard error, a terminal, and only when it lasts.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    terminal = Console(stderr=True)
    counts = (MofNCompleteColumn(), TimeRemainingColumn()) if total is not None else ()
    columns = (TextColumn("{task.description}"), BarColumn(), *counts)
    off = hidden or not terminal.is_terminal
    progress = Progress(*columns, console=terminal, transient=True, disable=off)
    task = progress.add_task(what, total=total)
    timer = threading.Timer(PATIENCE, progress.start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda: progress.advance(task)
    finally:
        timer.cancel()
        timer.join()
        progress.stop()
