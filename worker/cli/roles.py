"""The verbs that run until they are stopped: everything at once, the demo, or one role each."""

from __future__ import annotations

import enum
import os
import sys
from typing import Annotated

import typer

from worker.cli.options import (
    HERE,
    KEPT,
    PORT,
    ConfigOption,
    DataOption,
    JsonOption,
    PortOption,
    adder,
    read_config,
    refuse_example_contact,
)

Queue = enum.StrEnum("Queue", ["poll", "analyse", "deliver"])
PlainOption = Annotated[bool, typer.Option("--plain", help="Lines, on a terminal too.")]
QueueOption = Annotated[list[Queue] | None, typer.Option(help="What it works on; may be given again.")]


def up(
    config: ConfigOption = HERE,
    data: DataOption = KEPT,
    port: PortOption = PORT,
    plain: PlainOption = False,
    as_json: JsonOption = False,
) -> None:
    """Everything in one terminal; Ctrl-C stops cleanly."""
    from worker.live.screen import Manner, choose_manner
    from worker.live.shown import Shown
    from worker.up import choose_port

    desk = read_config(config)
    refuse_example_contact(desk)
    shown = Shown(desk, config, data, choose_port(port), os.environ)
    runs = {Manner.SCREEN: shown.on_screen, Manner.LINES: shown.as_lines, Manner.JSON: shown.as_json}
    runs[choose_manner(plain=plain, as_json=as_json)]()


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Go on when the sample is through.")] = False,
    data: DataOption = KEPT / "demo",
    plain: PlainOption = False,
    as_json: JsonOption = False,
) -> None:
    """Half a minute of real work on a bundled sample: no network, no account."""
    from worker.demo.show import run_demo
    from worker.live.screen import choose_manner

    raise typer.Exit(run_demo(data, keep=keep, manner=choose_manner(plain=plain, as_json=as_json)))


def worker(queue: QueueOption = None, config: ConfigOption = HERE, data: DataOption = KEPT) -> None:
    """One worker, for Procfile and compose. Needs REDIS_URL."""
    queues = [one.value for one in queue or ()] or ["poll", "deliver"]
    if "analyse" in queues and len(queues) > 1:
        raise typer.BadParameter("analyse needs a worker of its own: it holds the language model")
    if "analyse" in queues:
        # Celery reads it as it is imported: SIGTERM is then a soft shutdown, which kills the child once its time is
        # over. With a pool of threads it cannot: there celery.end_within ends the process.
        os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")
    from worker.roles import worker as role

    desk = read_config(config)
    refuse_example_contact(desk)
    role.run(desk, data=data, queues=queues)


def scheduler(config: ConfigOption = HERE, data: DataOption = KEPT) -> None:
    """The scheduler, for Procfile and compose: it sends the tick. Needs REDIS_URL."""
    from worker.roles import scheduler as role

    role.run(read_config(config), data=data)


def console(config: ConfigOption = HERE, data: DataOption = KEPT, port: PortOption = PORT) -> None:
    """The console, on this machine's loopback address only."""
    from worker.console.access import told_address
    from worker.roles import console as role
    from worker.up import TIED, choose_port

    desk, port = read_config(config), choose_port(port)
    if TIED not in os.environ:  # else `up` says it
        print(f"Console: {told_address(data, port, terminal=sys.stdout.isatty())}", flush=True)
    role.run(desk, data=data, port=port)


add_to = adder(up, demo, worker, scheduler, console)
