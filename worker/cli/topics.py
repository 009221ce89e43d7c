"""The verbs about the topic model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker.cli.options import print_line

cli = typer.Typer(no_args_is_help=True, help="The topic model: train it, measure it.")


@cli.command()
def train(file: Path, out: Annotated[Path, typer.Option(help="The folder to write the model to.")]) -> None:
    """Trains the topic model on labelled articles (JSON lines) and writes it to a folder."""
    from worker.nlp.topics import train as train_model

    print_line(train_model(file, out))


@cli.command()
def evaluate(file: Path, model: Annotated[Path | None, typer.Option(help="Default: the shipped one.")] = None) -> None:
    """Precision, recall, F1 and calibration for each topic; says how many of the articles the model has seen."""
    from worker.nlp.topics import evaluate as evaluate_model

    print_line(evaluate_model(file, model))
