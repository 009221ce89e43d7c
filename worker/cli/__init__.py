"""The `wirewatch` command: every verb a few lines over the functions that the tasks call. One module a kind of verb."""

from __future__ import annotations

import atexit
import gc
import sys

from worker.cli import (
    alerts,
    articles,
    channels,
    deliveries,
    denials,
    desk,
    feedlists,
    feeds,
    finding,
    held,
    history,
    links,
    namelists,
    rejudging,
    roles,
    silences,
    status,
    topics,
    trace,
    watchlist,
)
from worker.cli.options import cli
from worker.errors import ConfigError, WirewatchError
from worker.reporting import start_logging

__all__ = ["cli", "main"]

# New objects between two looks for cycles among them. Python's own 700 are made for small programs: to import ours
# takes 270 looks.
GARBAGE = 20_000

cli.add_typer(topics.cli, name="topics")
cli.add_typer(feeds.cli, name="feeds")
for module in (feeds, feedlists, finding, held):
    module.add_to(feeds.cli)
cli.add_typer(alerts.cli, name="alerts")
for module in (alerts, silences):
    module.add_to(alerts.cli)
for module in (deliveries, channels, links, watchlist):
    cli.add_typer(module.cli, name=module.__name__.rpartition(".")[2])
    module.add_to(module.cli)
for module in (namelists, denials):
    module.add_to(watchlist.cli)
for module in (roles, desk, status, articles, trace, history, rejudging):
    module.add_to(cli)


def main() -> None:
    """Expected errors are one plain message and exit code 1; wrong use is 2; the unexpected is a scrubbed traceback."""
    gc.set_threshold(GARBAGE, 10, 10)
    # What is left at the end goes with the process; Python would search it all for cycles once more.
    atexit.register(gc.freeze)
    _refuse_half_characters(sys.argv)
    start_logging(level="WARNING")  # to stderr; a role says more, once it has read how much it should
    try:
        cli()
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        count = len(error.problems)
        print(f"{count} problem{'s' if count > 1 else ''} in the configuration.", file=sys.stderr)
        sys.exit(1)
    except WirewatchError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


def _refuse_half_characters(arguments: list[str]) -> None:
    """What is no text in UTF-8 can be no id, and no database takes it."""
    for one in arguments[1:]:
        try:
            one.encode()
        except UnicodeEncodeError:
            print(f"This argument is no text in UTF-8: {one!a}", file=sys.stderr)
            sys.exit(2)
