"""Measured topics in words, as tables on a terminal, and as a picture. No verb; measures nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from worker.charts import Row, draw
from worker.cli.table import print_table, print_text
from worker.display import escaped, one_line

SHARES: Final = ("precision", "recall", "f1", "average_precision", "brier", "calibration_error")
HEADS: Final = ("topic", "true", "threshold", "precision", "recall", "F1", "AP", "Brier", "ECE")  # 80 columns
LEGEND: Final = "AP: average precision. ECE: expected calibration error, over ten bins."
FEW: Final = 20  # articles of a language: fewer are not worth a table
LISTS: Final = {
    "surest": "the surest matches",
    "spread": "matches at even steps, the surest first: the share that is right is the precision",
    "border": "the least sure matches",
    "under": "the nearest that do not match",
}
Figures = Mapping[str, Any]


def print_report(report: Figures) -> None:
    if "items" in report:
        _print_stream(report)
    elif "topic" in report:
        _print_topic(report)
    else:
        _print_file(report)


def _print_file(report: Figures) -> None:
    print_text(f"{report['articles']:,} articles, of which the model has seen {report['seen_in_training']:,}")
    if "note" in report:
        print_text(f"Note: {report['note']}")
    if "unknown_labels" in report:
        names = escaped(one_line(", ".join(report["unknown_labels"]), 200))
        print_text(f"Note: labels that are no topic of this model, and not measured: {names}")
    for title, figures in _tables(report):
        print_text(f"\n{title}")
        print_table(HEADS, [_row(topic, one) for topic, one in figures.items()])
    print_text(LEGEND)
    print_text("\nReview: where the judge says that it is unsure")
    print_table(("topic", "from", "to", "share", "wrong within", "wrong outside"), _bands(report["detail"]))


def _tables(report: Figures) -> Iterator[tuple[str, Mapping[str, Figures]]]:
    mean = report["macro_f1"]
    yield f"Whole, macro-F1 {mean['topics']:.3f}", report["topics"]
    yield f"By headline alone, macro-F1 {mean['headlines']:.3f}", report["headlines"]
    if report["unsure"]:
        words = f"Without the {report['unsure']:,} of which their reader was unsure, macro-F1 {mean['sure']:.3f}"
        yield words, report["sure"]
    for language, one in report.get("languages", {}).items():
        if one["articles"] >= FEW:
            yield f"In {language}, {one['articles']:,} articles, macro-F1 {one['macro_f1']:.3f}", one["topics"]
    if "cross_validated" in report:
        yield "Cross-validated when the model was trained", report["cross_validated"]["topics"]


def _row(topic: str, figures: Figures) -> list[str]:
    numbers = [f"{figures[name]:.3f}" for name in SHARES]
    return [topic, f"{figures['positives']:,}", f"{figures['threshold']:.3f}", *numbers]


def _bands(detail: Mapping[str, Figures]) -> list[list[str]]:
    return [
        [topic, f"{one['low']:.2f}", f"{one['high']:.2f}", _percent(one["share"])]
        + [_percent(one[name]) for name in ("wrong_within", "wrong_outside")]
        for topic, one in ((topic, figures["review"]) for topic, figures in detail.items())
    ]


def _percent(share: float | None) -> str:
    return "none there" if share is None else f"{100 * share:.1f}%"


def _print_topic(report: Figures) -> None:
    print_text(f"{report['topic']} ({report['by']}): {report['examples']} examples, cross-validated")
    figures = report["figures"]
    print_table(HEADS, [_row(report["topic"], figures)])
    print_text(LEGEND)
    for name in ("precision", "recall"):
        low, high = figures[f"{name}_interval"]
        print_text(f"{name}: from {low:.2f} to {high:.2f}, 95 times in 100")
    news = report["news"]
    low, high = news["per_1000_interval"]
    print_text(
        f"Of news as it comes it takes about {news['per_1000']:g} in 1,000 ({low:g} to {high:g}), by its examples "
        f"alone; its scores expect {news['expected_per_1000']:g} that are on the topic."
    )
    if report["note"]:
        print_text(f"Note: {report['note']}")


def _print_stream(report: Figures) -> None:
    print_text(f"{report['items']:,} articles, as they come")
    rows = [
        [topic, f"{one['threshold']:.3f}", f"{one['matches']:,}", f"{one['per_1000']:g}", f"{one['review_per_1000']:g}"]
        for topic, one in report["topics"].items()
    ]
    print_table(("topic", "threshold", "matches", "in 1,000", "unsure in 1,000"), rows)
    for topic, one in report["topics"].items():
        for name, words in LISTS.items():
            if one[name]:
                print_text(f"\n{topic}: {words}")
                print_text("\n".join(f"  {entry['score']:.3f}  {_title(entry)}" for entry in one[name]))


def _title(entry: Figures) -> str:
    return escaped(one_line(entry["title"], 110))


# ---------------------------------------------------------------- as a picture


def chart(report: Figures) -> str:
    """The SVG of a report; of a file that the model was trained on, what its cross-validation found."""
    if "topic" in report:
        notes = [f"{report['examples']} examples, each judged by what the others taught.", report["note"]]
        rows = _rows({report["topic"]: report["figures"]}, {report["topic"]: report["detail"]})
        return draw(f"Topic {report['topic']}", notes, rows)
    seen = f"it has seen {report['seen_in_training']:,} of these {report['articles']:,} articles."
    held = report.get("cross_validated", {})
    if held.get("detail"):
        notes = [f"Cross-validated when the model was trained: {seen}"]
        return draw(f"Topics of {report['model']}", notes, _rows(held["topics"], held["detail"]))
    return draw(
        f"Topics of {report['model']}", [f"{seen[:1].upper()}{seen[1:]}."], _rows(report["topics"], report["detail"])
    )


def _rows(figures: Mapping[str, Figures], detail: Mapping[str, Figures]) -> Sequence[Row]:
    return [
        Row(topic, _words(one), one["threshold"], one["precision"], one["recall"], detail[topic])
        for topic, one in figures.items()
    ]


def _words(figures: Figures) -> str:
    interval = {
        name: " ({:.2f} to {:.2f})".format(*figures[f"{name}_interval"]) if f"{name}_interval" in figures else ""
        for name in ("precision", "recall")
    }
    shares = ", ".join(f"{name} {figures[name]:.2f}{interval[name]}" for name in ("precision", "recall"))
    return (
        f"{figures['positives']:,} true; at {figures['threshold']:.2f}: {shares}, F1 {figures['f1']:.2f}; average "
        f"precision {figures['average_precision']:.2f}, Brier {figures['brier']:.3f}, calibration error "
        f"{figures['calibration_error']:.3f}"
    )
