"""Measured topics as a picture: one SVG that needs nothing beside it, a row of three panels a topic.

How far scores can be believed, what a stricter threshold costs, and where the scores lie. Shape, fill and words tell
what colour tells, so that it can be read in print. Pure: no I/O, no clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import escape

PANEL: Final = 250  # a panel's inner width
HEIGHT: Final = 210
LEFT, GAP, TOP, BELOW = 64, 84, 84, 58  # room for the words at the axes, and for a row's heading
HEAD, FOOT = 74, 34
WIDTH: Final = LEFT + 3 * PANEL + 2 * GAP + 28
ROW: Final = TOP + HEIGHT + BELOW
INK, FAINT, GRID, BLUE, ORANGE, BAND = "#1b1f24", "#57606a", "#d8dee4", "#0b5cad", "#b35900", "#eef1f4"
TICKS: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
KEY: Final = (
    "Dashed: the threshold. Grey: the review band, where the judge says that it is unsure. Dotted: where a score is "
    "its chance. Numbers at dots: articles."
)
FONT: Final = "font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, sans-serif\""


@dataclass(frozen=True)
class Row:
    """One topic's measurements. `words` stand under its name; `precision` and `recall` are those at the threshold;
    `detail` as `measure.drawn` gives it."""

    name: str
    words: str
    threshold: float
    precision: float
    recall: float
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Panel:
    """Where a panel's inner square begins, and what its axes are called; both run from 0 to 1, or y up to `most`."""

    left: float
    top: float
    title: str
    across: str
    up: str
    most: float = 1.0

    def x(self, value: float) -> float:
        return self.left + value * PANEL

    def y(self, value: float) -> float:
        return self.top + HEIGHT * (1 - value / self.most)


def draw(title: str, notes: Sequence[str], rows: Sequence[Row]) -> str:
    """The whole file; of `notes`, a line each, there is room for two."""
    height = HEAD + ROW * len(rows) + FOOT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" {FONT} font-size="12" fill="{INK}">',
        f"<title>{escape(title)}</title><desc>{escape(_told(rows))}</desc>",
        '<defs><pattern id="lines" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<rect width="6" height="6" fill="#fff"/><line x1="0" y1="0" x2="0" y2="6" stroke="{ORANGE}" '
        'stroke-width="2.4"/></pattern></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        _text(24, 30, title, size=18, weight=600),
        *(_text(24, 49 + 16 * n, note, fill=FAINT) for n, note in enumerate(notes)),
        _text(24, height - 14, KEY, size=11, fill=FAINT),
    ]
    for n, row in enumerate(rows):
        parts += _row(row, HEAD + ROW * n)
    return "\n".join([*parts, "</svg>", ""])


def _told(rows: Sequence[Row]) -> str:
    return "; ".join(f"{row.name}: {row.words}" for row in rows)


def _row(row: Row, top: float) -> Iterator[str]:
    yield f'<line x1="24" x2="{WIDTH - 24}" y1="{top + 4}" y2="{top + 4}" stroke="{GRID}"/>'
    yield _text(24, top + 28, row.name, size=15, weight=600)
    yield _text(24, top + 46, row.words, fill=FAINT)
    lefts = [LEFT + n * (PANEL + GAP) for n in range(3)]
    yield from _reliability(row, Panel(lefts[0], top + TOP, "Is a score its chance?", "score", "share that is true"))
    yield from _curve(row, Panel(lefts[1], top + TOP, "Precision by recall", "recall", "precision"))
    yield from _histogram(row, lefts[2], top + TOP)


# ---------------------------------------------------------------- the panels


def _reliability(row: Row, panel: Panel) -> Iterator[str]:
    """Each bin a dot, the larger the more it holds, with its count; on the diagonal a score is what it says."""
    yield from _band(row, panel)
    yield from _axes(panel)
    corners = f'x1="{panel.x(0)}" y1="{panel.y(0)}" x2="{panel.x(1)}" y2="{panel.y(1)}"'
    yield f'<line {corners} stroke="{FAINT}" stroke-dasharray="2 4"/>'
    bins = row.detail["reliability"]
    most = max((one["count"] for one in bins), default=1)
    points = [(panel.x(one["score"]), panel.y(one["share"])) for one in bins]
    yield _line(points, ORANGE, width=1.5)
    for (x, y), one in zip(points, bins, strict=True):
        radius = 3 + 6 * math.sqrt(one["count"] / most)
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{ORANGE}" stroke="#fff"/>'
    for (x, y), one in zip(points, bins, strict=True):
        left = one["score"] > 0.5
        beside = (-12 if left else 12, -6 if one["share"] < 0.95 else 16)
        anchor = "end" if left else "start"
        yield _text(x + beside[0], y + beside[1], f"{one['count']:,}", size=10, fill=FAINT, anchor=anchor, halo=True)


def _curve(row: Row, panel: Panel) -> Iterator[str]:
    """The square marks the threshold."""
    yield from _axes(panel)
    points = row.detail["precision_recall"]
    yield _line([(panel.x(recall), panel.y(precision)) for _, precision, recall in points], BLUE, width=2)
    x, y = panel.x(row.recall), panel.y(row.precision)
    yield f'<rect x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10" fill="#fff" stroke="{INK}" stroke-width="2"/>'
    words, y = f"threshold {row.threshold:.2f}", min(y + 24, panel.y(0) - 8)
    yield _text(max(x - 8, panel.left + 96), y, words, size=11, anchor="end", halo=True)


def _histogram(row: Row, left: float, top: float) -> Iterator[str]:
    """By the logarithm, for nearly all of news is about something else."""
    counts = row.detail["histogram"]
    most = max(max(counts["true"]), max(counts["other"]), 9)
    panel = Panel(left, top, "Where the scores lie", "score", "articles", most=math.log10(most + 1))
    yield from _band(row, panel)
    decades = [10**n for n in range(int(math.log10(most)) + 1)]
    yield from _axes(panel, ups=[(0.0, "0"), *((math.log10(one + 1), f"{one:,}") for one in decades)])
    wide = PANEL / len(counts["true"])
    for at, (true, other) in enumerate(zip(counts["true"], counts["other"], strict=True)):
        for n, (count, fill) in enumerate(((other, "#fff"), (true, "url(#lines)"))):
            if count:
                y = panel.y(math.log10(count + 1))
                yield (
                    f'<rect x="{panel.left + (at + n / 2) * wide + 0.5:.1f}" y="{y:.1f}" width="{wide / 2 - 1:.1f}" '
                    f'height="{panel.y(0) - y:.1f}" fill="{fill}" stroke="{(FAINT, ORANGE)[n]}"/>'
                )
    for n, (words, fill) in enumerate((("true", "url(#lines)"), ("not", "#fff"))):
        x, y = panel.left + PANEL - 104 + 54 * n, top - 21
        yield f'<rect x="{x}" y="{y}" width="11" height="11" fill="{fill}" stroke="{(ORANGE, FAINT)[n]}"/>'
        yield _text(x + 16, y + 10, words, size=11, fill=FAINT)


# ---------------------------------------------------------------- its parts


def _band(row: Row, panel: Panel) -> Iterator[str]:
    """The review band as a grey field, the threshold as a dashed line."""
    review = row.detail["review"]
    low, high = panel.x(review["low"]), panel.x(review["high"])
    yield f'<rect x="{low:.1f}" y="{panel.top}" width="{high - low:.1f}" height="{HEIGHT}" fill="{BAND}"/>'
    x = panel.x(row.threshold)
    yield (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{panel.top}" y2="{panel.top + HEIGHT}" stroke="{INK}" '
        'stroke-dasharray="5 3"/>'
    )


def _axes(panel: Panel, ups: Sequence[tuple[float, str]] | None = None) -> Iterator[str]:
    yield _text(panel.left, panel.top - 12, panel.title, weight=600)
    for tick in TICKS:
        yield _text(panel.x(tick), panel.y(0) + 16, f"{tick:.1f}", size=11, fill=FAINT, anchor="middle")
        yield f'<path d="M{panel.x(tick)},{panel.y(0)} v4" stroke="{INK}"/>'
    for value, words in ups if ups is not None else [(tick, f"{tick:.1f}") for tick in TICKS]:
        y = panel.y(value)
        yield f'<line x1="{panel.left}" x2="{panel.left + PANEL}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GRID}"/>'
        yield _text(panel.left - 7, y + 4, words, size=11, fill=FAINT, anchor="end")
    corners = f"M{panel.left},{panel.top} V{panel.y(0)} H{panel.left + PANEL}"
    yield f'<path d="{corners}" fill="none" stroke="{INK}"/>'
    yield _text(panel.left + PANEL / 2, panel.y(0) + 36, panel.across, anchor="middle")
    at = f"{panel.left - 42},{panel.top + HEIGHT / 2}"
    yield f'<text transform="translate({at}) rotate(-90)" text-anchor="middle">{escape(panel.up)}</text>'


def _line(points: Sequence[tuple[float, float]], colour: str, *, width: float) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"/>'


def _text(
    x: float,
    y: float,
    words: str,
    *,
    size: int = 12,
    weight: int = 400,
    fill: str = INK,
    anchor: str = "start",
    halo: bool = False,
) -> str:
    """`halo`: white around the letters, where they stand on lines."""
    around = ' paint-order="stroke" stroke="#fff" stroke-width="3"' if halo else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" fill="{fill}" '
        f'text-anchor="{anchor}"{around}>{escape(words)}</text>'
    )
