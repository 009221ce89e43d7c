"""The `wirewatch` command: every verb a few lines over the functions that the tasks call."""

from __future__ import annotations

import enum
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from worker import app
from worker.config.checks import CONTACT, advice, is_example_contact
from worker.config.load import load_config
from worker.config.schema import Config
from worker.errors import ConfigError, WirewatchError

cli = typer.Typer(
    no_args_is_help=True, add_completion=True, help="A news desk's lookout.", pretty_exceptions_enable=False
)
topics_cli = typer.Typer(no_args_is_help=True, help="The topic model: train it, measure it.")
cli.add_typer(topics_cli, name="topics")

Queue = enum.StrEnum("Queue", ["poll", "analyse", "deliver"])
ConfigOption = Annotated[Path, typer.Option("--config", help="The folder with the configuration files.")]
DataOption = Annotated[Path, typer.Option("--data", help="The folder where everything is kept.")]
PortOption = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="Where the console listens, on this machine only.")
]
QueueOption = Annotated[list[Queue] | None, typer.Option(help="What it works on; may be given again.")]
FileArgument = Annotated[typer.FileBinaryRead, typer.Argument(help="Articles as JSON lines; - is standard input.")]
HERE, KEPT, PORT = Path("config"), Path("var"), 8420
STDIN: Any = "-"


def main() -> None:
    """Expected errors are one plain message and exit code 1; wrong use is 2; the unexpected is a traceback."""
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


def read_config(folder: Path, *, only: frozenset[str] | None = None) -> Config:
    return load_config(folder, environ=os.environ, only=only)


@cli.command()
def up(config: ConfigOption = HERE, data: DataOption = KEPT, port: PortOption = PORT) -> None:
    """Everything in one terminal; Ctrl-C stops cleanly."""
    from worker.up import choose_port, run_up

    desk = read_config(config)
    app.start_logging(level=desk.settings.log_level)
    refuse_example_contact(desk)
    port = choose_port(port)
    feeds = sum(feed.enabled for feed in desk.feeds)

    def ready(seconds: float) -> None:
        print(f"Wirewatch is up after {seconds:.1f} s: {feeds} feeds, {len(desk.rules)} rules.", flush=True)
        print(f"Health: http://127.0.0.1:{port}/healthz   Alerts as files: {data / 'inbox'}", flush=True)
        print("Ctrl-C stops it.", flush=True)

    run_up(config_folder=config, data=data, port=port, environ=os.environ, on_ready=ready)
    print("Stopped.", flush=True)


def refuse_example_contact(desk: Config) -> None:
    """Nobody polls under a name that nobody answers to. Raises WirewatchError."""
    if is_example_contact(desk):
        raise WirewatchError(CONTACT)


@cli.command()
def worker(queue: QueueOption = None, config: ConfigOption = HERE, data: DataOption = KEPT) -> None:
    """One worker, for Procfile and compose. Needs REDIS_URL."""
    queues = [one.value for one in queue or ()] or ["poll", "deliver"]
    if "analyse" in queues and len(queues) > 1:
        raise typer.BadParameter("analyse needs a worker of its own: it holds the language model")
    if "analyse" in queues:
        # Celery reads it as it is imported: SIGTERM is then a soft shutdown, which kills the child once its time is
        # over. With a pool of threads it cannot: there celery.end_within ends the process.
        os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")
    from worker import roles

    desk = read_config(config)
    refuse_example_contact(desk)
    roles.worker(desk, data=data, queues=queues)


@cli.command()
def scheduler(config: ConfigOption = HERE, data: DataOption = KEPT) -> None:
    """The scheduler, for Procfile and compose: it sends the tick. Needs REDIS_URL."""
    from worker import roles

    roles.scheduler(read_config(config))


@cli.command()
def console(config: ConfigOption = HERE, data: DataOption = KEPT, port: PortOption = PORT) -> None:
    """The console, on this machine's loopback address only."""
    from worker import roles

    roles.console(read_config(config), data=data, port=port)


@cli.command()
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Go on when the sample is through.")] = False,
    data: DataOption = KEPT / "demo",
) -> None:
    """Half a minute of real work on a bundled sample: no network, no account."""
    from worker.demo.show import run_demo

    raise typer.Exit(run_demo(data, keep=keep))


@cli.command()
def init(folder: Path) -> None:
    """Writes the example configuration into a new folder."""
    from worker.config.example import write_example

    written = write_example(folder)
    print(f"{len(written)} files written to {folder}. Next: wirewatch check --config {folder}")


@cli.command()
def check(config: ConfigOption = HERE, data: DataOption = KEPT) -> None:
    """Every problem in the configuration, with file, line and key."""
    desk = read_config(config)
    counts = (
        f"{len(desk.feeds)} feeds, {len(desk.topics)} topics, {len(desk.watchlist)} watched entities, "
        f"{len(desk.rules)} rules, {len(desk.channels)} channels, {len(desk.people)} people"
    )
    print(f"{config}: no problem found. {counts}.")
    for words in advice(desk):
        print(f"Note: {words}")


@cli.command()
def poll(urls: list[str], config: ConfigOption = HERE, data: DataOption = KEPT) -> None:
    """Fetches and parses feeds once and prints their entries as JSON lines; stores nothing."""
    from worker.polling import poll_once

    failed = False
    for line in poll_once(read_config(config, only=frozenset({"network", "settings"})), urls):
        failed |= "error" in line
        print_line(line)
    raise typer.Exit(1 if failed else 0)


@cli.command()
def judge(file: FileArgument = STDIN, config: ConfigOption = HERE, data: DataOption = KEPT) -> None:
    """Articles as JSON lines in, judgements as JSON lines out, in order; stores nothing."""
    from worker.judging import judge_lines, read_lines

    desk = read_config(config, only=frozenset({"topics", "watchlist", "rules"}))
    for warning in desk.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    for line in judge_lines(desk, read_lines(file)):
        print_line(line)


@cli.command()
def stories(file: FileArgument = STDIN, config: ConfigOption = HERE, data: DataOption = KEPT) -> None:
    """Articles as JSON lines in, each one's story out, in arrival order; stores nothing."""
    from worker.judging import read_lines, story_lines

    for line in story_lines(read_lines(file)):
        print_line(line)


@topics_cli.command()
def train(file: Path, out: Annotated[Path, typer.Option(help="The folder to write the model to.")]) -> None:
    """Trains the topic model on labelled articles (JSON lines) and writes it to a folder."""
    from worker.nlp.topics import train as train_model

    print_line(train_model(file, out))


@topics_cli.command()
def evaluate(file: Path, model: Annotated[Path | None, typer.Option(help="Default: the shipped one.")] = None) -> None:
    """Precision, recall, F1 and calibration for each topic; says how many of the articles the model has seen."""
    from worker.nlp.topics import evaluate as evaluate_model

    print_line(evaluate_model(file, model))


def print_line(value: Any) -> None:
    """One line of JSON in UTF-8, whatever the terminal's encoding; half a character becomes its escape."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    sys.stdout.buffer.write(text.encode("utf-8", errors="backslashreplace") + b"\n")
    sys.stdout.buffer.flush()
