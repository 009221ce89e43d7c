"""What a benchmark gives back, and how it is shown: a table on a terminal, Markdown elsewhere and in the docs, JSON."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "performance.md"
MARKED = re.compile(r"(<!-- bench:begin -->\n).*?(<!-- bench:end -->)", re.S)


@dataclass(frozen=True)
class Figure:
    """One measured value. `ratio` is to the figure named `to`, measured beside it in the same run."""

    what: str
    value: float
    unit: str
    ratio: float | None = None
    to: str = ""

    @property
    def beside(self) -> str:
        return "" if self.ratio is None else f"{written(self.ratio)} × {self.to}"


Results = Mapping[str, Sequence[Figure] | str]  # by benchmark; a text says why it has no figures


def written(value: float) -> str:
    """Three digits, for more mean nothing: 0.812, 3.14, 27.9, 1,430. What was counted is whole."""
    return f"{value:,.0f}" if value >= 100 or isinstance(value, int) else f"{value:#.3g}"


def rows(results: Results) -> Iterable[tuple[str, str, str, str]]:
    for name, figures in results.items():
        if isinstance(figures, str):
            yield name, figures, "", ""
            continue
        for figure in figures:
            yield name, figure.what, f"{written(figure.value)} {figure.unit}", figure.beside


def markdown(results: Results, machine: Mapping[str, str]) -> str:
    lines = [f"- {name}: {value}" for name, value in machine.items()]
    table = ["| benchmark | what | figure | beside it |", "|---|---|---:|---|"]
    table += [f"| {' | '.join(row)} |" for row in rows(results)]
    return "\n".join([*lines, "", *table])


def print_table(results: Results, machine: Mapping[str, str]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        print(markdown(results, machine))
        return
    table = Table("benchmark", "what", "figure", "beside it", title="Wirewatch, measured", title_justify="left")
    table.columns[2].justify = "right"
    last = ""
    for name, *rest in rows(results):
        if last and name != last:
            table.add_section()
        table.add_row(name if name != last else "", *rest)
        last = name
    console.print(table)
    for name, value in machine.items():
        console.print(f"{name}: {value}", style="dim", highlight=False)


def as_json(results: Results, machine: Mapping[str, str]) -> dict[str, Any]:
    shown = {
        name: figures if isinstance(figures, str) else [asdict(figure) for figure in figures]
        for name, figures in results.items()
    }
    return {"machine": dict(machine), "figures": shown}


def put_into_page(page: str, results: Results, machine: Mapping[str, str]) -> str:
    """The page with a fresh table between its markers. Raises ValueError for a page without them."""
    if not MARKED.search(page):
        raise ValueError("the page has no place for the table")
    return MARKED.sub(lambda found: f"{found[1]}\n{markdown(results, machine)}\n\n{found[2]}", page)
