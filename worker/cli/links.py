"""The verb about the signed links in mails."""

from __future__ import annotations

import typer

from worker.cli.options import KEPT, DataOption, JsonOption, adder, existing_store, print_line
from worker.cli.table import print_text

cli = typer.Typer(no_args_is_help=True, help="The signed links in mails: change what they are signed with.")


@cli.callback()
def _whole() -> None:
    """Makes `renew` a verb of its own: of a single command Typer makes the whole."""


def renew(as_json: JsonOption = False, data: DataOption = KEPT) -> None:
    """A new key signs the links. Those by the key before stay good; to end them too, renew again."""
    from worker.store.keys import renew_signing_key

    with existing_store(data) as store:
        renew_signing_key(store)
    if as_json:
        print_line({"renewed": True})
        return
    print_text("A new key signs the links. Links signed by the one before stay good; older ones do not.")
    print_text("Workers that run take it up when they start again.")


add_to = adder(renew)
