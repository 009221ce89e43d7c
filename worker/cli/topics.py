"""The verbs about topics: train the model, measure it, measure a topic of one's own."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from worker.cli.options import HERE, ConfigOption, JsonOption, NoSuch, print_line, read_config
from worker.cli.table import bar
from worker.errors import WirewatchError

cli = typer.Typer(no_args_is_help=True, help="Topics: train the model, measure it, measure one of your own.")

ModelOption = Annotated[Path | None, typer.Option("--model", help="The model's folder. Default: the shipped one.")]
StreamOption = Annotated[
    Path | None, typer.Option("--stream", help="News as it comes, unlabelled: what of it matches, for you to read.")
]
TopicOption = Annotated[
    str | None, typer.Option("--topic", metavar="ID", help="A topic of your own, by the examples that topics.yaml has.")
]
PlotOption = Annotated[Path | None, typer.Option("--plot", metavar="FILE.svg", help="Draw it into this file.")]


@cli.command()
def train(file: Path, out: Annotated[Path, typer.Option(help="The folder to write the model to.")]) -> None:
    """Trains the topic model on labelled articles (JSON lines) and writes it to a folder."""
    from worker.nlp.topics import train as train_model

    with bar(None, "training"):
        report = train_model(file, out)
    print_line({name: value for name, value in report.items() if name != "detail"})


@cli.command()
def evaluate(
    file: Annotated[Path | None, typer.Argument(help="Labelled articles as JSON lines.")] = None,
    model: ModelOption = None,
    stream: StreamOption = None,
    topic: TopicOption = None,
    plot: PlotOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = HERE,
) -> None:
    """Precision, recall, F1 and calibration for each topic; says how many of the articles the model has seen."""
    if (file is not None) + (topic is not None) + (stream is not None and topic is None) != 1:
        raise typer.BadParameter("give a file of labelled articles, --stream FILE, or --topic ID", param_hint="FILE")
    if plot is not None and plot.suffix != ".svg":
        raise typer.BadParameter("is drawn as SVG: name a file that ends in .svg", param_hint="--plot")
    if stream is not None and plot is not None:
        raise typer.BadParameter("what nobody has labelled cannot be drawn", param_hint="--plot")
    if plot is not None and not plot.absolute().parent.is_dir():  # said before all is measured
        raise typer.BadParameter(f"there is no folder {plot.parent}", param_hint="--plot")
    if stream is not None:
        report = _of_stream(stream, model, topic, config)
    elif topic is not None:
        report = _of_topic(topic, config)
    else:
        report = _of_file(file, model)
    _show(report, plot=plot, as_json=as_json)


@cli.command()
def background(
    file: Annotated[Path, typer.Argument(help="News as it comes, some ten thousands of items, as JSON lines.")],
    out: Annotated[Path, typer.Option(help="The file to write; the shipped one is worker/nlp/background.npz.")],
) -> None:
    """Makes what a desk's examples are held against: what news is like, in numbers that are no words."""
    from worker.nlp.background import build, save
    from worker.nlp.evaluation import read_stream

    with bar(None, "multiplications") as done:
        save(build(((one.title, one.text) for one in read_stream(file)), on_progress=done), out)


def _show(report: Mapping[str, Any], *, plot: Path | None, as_json: bool) -> None:
    """In words on a terminal; one object for a program."""
    from worker.cli.measured import chart, print_report

    if as_json or not sys.stdout.isatty():
        print_line(report)
    else:
        print_report(report)
    if plot is not None:  # last: a picture that cannot be written takes no figures along
        try:
            plot.write_text(chart(report), encoding="utf-8")
        except OSError as error:
            raise WirewatchError(f"{plot}: cannot be written: {error.strerror}") from error


def _of_file(file: Any, model: Path | None) -> dict[str, Any]:
    from worker.nlp.evaluation import evaluate as evaluate_model

    with bar(None, "articles") as done:
        return evaluate_model(file, model, on_progress=done)


def _of_topic(topic: str, config: Path) -> dict[str, Any]:
    from worker.nlp.deskmeasure import evaluate_topic
    from worker.nlp.desktopic import FOLDS

    with bar(FOLDS + 1, "parts") as done:
        return evaluate_topic(_desk_topic(topic, config), on_progress=done)


def _of_stream(stream: Path, model: Path | None, topic: str | None, config: Path) -> dict[str, Any]:
    from worker.nlp.desk import DeskJudge, make_scorers
    from worker.nlp.evaluation import model_judge, watch_stream

    judge: Any = model_judge(model)
    thresholds = {name: calibration.threshold for name, calibration in judge.calibrations.items()}
    if topic is not None:
        (scorer,) = make_scorers([_desk_topic(topic, config)])
        judge, thresholds = DeskJudge(judge, [scorer], [topic]), {topic: scorer.threshold}
    with bar(None, "articles") as done:
        return watch_stream(stream, judge, thresholds, on_progress=done)


def _desk_topic(topic: str, config: Path) -> Any:
    """Raises NoSuch."""
    from worker.nlp.desk import is_desk_topic

    desk = read_config(config, only=frozenset({"topics"}))
    own = {one.id: one for one in desk.topics if is_desk_topic(one)}
    if topic not in own:
        known = f"topics.yaml has {', '.join(own)}" if own else "topics.yaml has none with terms or examples"
        raise NoSuch(f"{topic!r} is no topic of your own: {known}. The model's are measured with a labelled file.")
    return own[topic]
