"""What the verbs share: their options, how they read the configuration, how they print. No verb.

What is slow to load is loaded by the verb that needs it: completion and help wait for nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker import __version__
from worker.errors import StoreError, WirewatchError

if TYPE_CHECKING:
    from worker.config.schema import Config
    from worker.store.engine import Store

ConfigOption = Annotated[Path, typer.Option("--config", help="The folder with the configuration files.")]
DataOption = Annotated[Path, typer.Option("--data", help="The folder where everything is kept.")]
PortOption = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="Where the console listens, on this machine only.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="For a program: JSON instead of words.")]
FileArgument = Annotated[typer.FileBinaryRead, typer.Argument(help="Articles as JSON lines; - is standard input.")]
SinceOption = Annotated[str | None, typer.Option("--since", metavar="30m|24h|7d", help="Only those as new as this.")]
HERE, KEPT, PORT = Path("config"), Path("var"), 8420
STDIN: Any = "-"


class NoSuch(WirewatchError):
    """Nobody and nothing of that name."""


class NothingYet(WirewatchError):
    """There is no record to look at."""


cli = typer.Typer(no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False)


def _show_version(context: typer.Context, asked: bool) -> None:
    if asked and not context.resilient_parsing:  # which completion does
        print(f"wirewatch {__version__}")
        raise typer.Exit


@cli.callback()
def _whole(
    version: Annotated[
        bool, typer.Option("--version", help="Which version this is.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """A news desk's lookout."""


def adder(*verbs: Callable[..., Any]) -> Callable[[typer.Typer], None]:
    """A module's `add_to`: its functions become verbs of their own names, in this order; `list_` is the verb `list`."""

    def add_to(cli: typer.Typer) -> None:
        for verb in verbs:
            cli.command(verb.__name__.rstrip("_"))(verb)

    return add_to


def read_config(
    folder: Path,
    *,
    only: frozenset[str] | None = None,
    files: Mapping[str, Path] | None = None,
    secrets: bool = True,
) -> Config:
    """Without `secrets` for who only looks, and need not be able to read those of the feeds."""
    from worker.config.load import load_config

    return load_config(folder, environ=os.environ, only=only, files=files, secrets=secrets)


def refuse_example_contact(desk: Config) -> None:
    """Nobody asks publishers under a name that nobody answers to. Raises WirewatchError."""
    from worker.config.checks import CONTACT, is_example_contact

    if is_example_contact(desk):
        raise WirewatchError(CONTACT)


@contextlib.contextmanager
def existing_store(data: Path) -> Iterator[Store]:
    """The record at DATABASE_URL, or in the data folder, to look at; that makes no desk, and changes none.

    Raises NothingYet where none has been kept, StoreError for one that cannot be read or that another version keeps.
    """
    from worker.health import unreadable
    from worker.store.engine import DATABASE_ERRORS, open_store
    from worker.store.migrate import schema_trouble

    refuse_no_record(data)
    store = open_store(os.environ.get("DATABASE_URL", ""), data=data)
    try:
        if trouble := schema_trouble(store):
            raise StoreError(f"{store.shown}: {trouble}. Look with the version that runs, or start this one.")
        yield store
    except DATABASE_ERRORS as error:
        raise StoreError(f"{store.shown}: {unreadable(error)}.") from error
    finally:
        store.close()


def refuse_no_record(data: Path) -> None:
    """Raises NothingYet."""
    from worker.store.engine import find_file

    file = find_file(os.environ.get("DATABASE_URL", ""), data=data)
    if file is not None and not file.exists():
        raise NothingYet(
            f"Nothing has run here yet: {file.parent} holds no record. Start the desk (`wirewatch up`), or name its "
            "folder: --data DIR, or DATABASE_URL."
        )


def print_line(value: Any) -> None:
    """One line of JSON in UTF-8, whatever the terminal's encoding; half a character becomes its escape."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    sys.stdout.buffer.write(text.encode("utf-8", errors="backslashreplace") + b"\n")
    sys.stdout.buffer.flush()


def iso(moment: datetime | None) -> str | None:
    """In UTC, as every verb writes times for programs."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def duration(value: str, option: str) -> float:
    """Seconds. Raises typer.BadParameter."""
    from worker.config.values import read_duration

    try:
        return read_duration(value)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error
