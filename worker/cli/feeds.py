"""The verbs about feeds: what is polled, and how it is with each."""

from __future__ import annotations

import typer

cli = typer.Typer(no_args_is_help=True, help="The feeds: list, import, export and test them.")
