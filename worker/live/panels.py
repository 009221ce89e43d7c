"""The panels of the screen and how they share it: feeds, articles, alerts, inboxes or deliveries.

Pure: no I/O, no clock. Of what does not fit, the less important goes first.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rich.text import Text

from worker.live.rows import (
    QUIET,
    alert_rows,
    arrival_row,
    article_rows,
    counted,
    delivery_row,
    feed_mark,
    feed_row,
    fit,
    heading,
    join,
    number,
    spread,
)
from worker.live.state import AlertNow, State

WIDE: Final = 100  # cells from which two columns are better than one
AIRY: Final = 26  # lines of panels from which an empty one between two is well spent


@dataclass(frozen=True)
class About:
    """What the screen says of itself. `inboxes`: the demo's; a desk has none and shows its deliveries.

    `starting` and `through` say what is done and what comes; `hints` stand at the foot, the important first.
    """

    title: str
    subtitle: str
    starting: str
    hints: Sequence[str]
    through: str = ""
    inboxes: Sequence[str] = ()


@dataclass(frozen=True)
class Panel:
    """A heading and lines below it. `least`: lines with the heading; of what is left it gets by `weight`, up to `most`.

    `rank`: where the room is short, the highest goes first.
    """

    title: str
    note: str
    lines: Callable[[int, int], list[Text]]
    least: int
    most: int
    weight: int
    rank: int

    def draw(self, *, width: int, height: int) -> list[Text]:
        body = spread(self.lines(width, height - 1), width=width, height=height - 1)
        return [heading(self.title, self.note, width), *body]


def body(state: State, about: About, *, width: int, height: int, now: datetime) -> list[Text]:
    """Two columns where there is room: what comes in on the left, what goes out on the right."""
    if width < WIDE:
        panels = [feeds_panel(state, now, rank=4, tight=True), articles_panel(state, rank=2), alerts_panel(state, now)]
        return stack([*panels, *outlets(state, about, merged=True)], width=width, height=height)
    left_width = (width - 2) * 9 // 20
    left = stack([feeds_panel(state, now, rank=2), articles_panel(state, rank=1)], width=left_width, height=height)
    right_width = width - 2 - left_width
    right = stack([alerts_panel(state, now), *outlets(state, about, merged=False)], width=right_width, height=height)
    return [join(one, "  ", other) for one, other in zip(left, right, strict=True)]


def stack(panels: Sequence[Panel], *, width: int, height: int) -> list[Text]:
    """The panels below each other, `height` lines in all; where there is room, with air between them."""
    air = [fit("", width)] if height >= AIRY else []
    heights = share(panels, height - len(air) * (len(panels) - 1))
    drawn = [panel.draw(width=width, height=own) for panel, own in zip(panels, heights, strict=True) if own]
    return spread([line for panel in drawn for line in (*panel, *air)], width=width, height=height)


def share(panels: Sequence[Panel], height: int) -> list[int]:
    """Lines for each panel, 0 for one that is left out; all of `height` where any panel wants it."""
    kept = sorted(range(len(panels)), key=lambda n: panels[n].rank)
    while kept and sum(panels[n].least for n in kept) > height:
        kept.pop()
    heights = [panels[n].least if n in kept else 0 for n in range(len(panels))]
    for _ in range(height - sum(heights)):
        wanting = [n for n in kept if heights[n] < panels[n].most]
        if not wanting:
            break
        poorest = min(wanting, key=lambda n: (heights[n] / panels[n].weight, panels[n].rank))
        heights[poorest] += 1
    return heights


def feeds_panel(state: State, now: datetime, *, rank: int, tight: bool = False) -> Panel:
    """In a fixed order where all fit; of more feeds than that, those polled last."""
    count = max(1, len(state.titles))

    def lines(width: int, height: int) -> list[Text]:
        if count <= height:
            return [feed_row(title, state.feeds.get(id), width=width, now=now) for id, title in state.titles.items()]
        if count <= height * max(1, width // 24):
            return feed_grid(state, width=width, height=height)
        last = list(reversed(state.feeds.values()))[:height]
        rows = [feed_row(one.title, one, width=width, now=now) for one in last]
        return rows or [join(("The first poll of each feed is its baseline: stored and judged, not alerted.", QUIET))]

    most = 1 + min(count, 12)
    least = 1 + -(-min(count, 6) // 3) if tight else min(most, 4)
    return Panel("FEEDS", feeds_note(state), lines, least=least, most=least if tight else most, weight=1, rank=rank)


def feeds_note(state: State) -> str:
    feeds = state.backlog.feeds if state.backlog else {}
    shown = [
        f"{feeds[name]} {word}" for name, word in (("failing", "failing"), ("stopped", "stopped")) if feeds.get(name)
    ]
    unpolled = feeds.get("new", 0)
    return ", ".join([*shown, *([f"{unpolled} not polled yet"] if unpolled else [])]) or "polled again and again"


def feed_grid(state: State, *, width: int, height: int) -> list[Text]:
    """Marks and titles alone, several in a line."""
    columns = -(-len(state.titles) // height)
    cell = width // columns
    cells = [fit(join(feed_mark(state.feeds.get(id)), " ", title), cell - 1) for id, title in state.titles.items()]
    return [join(*(part for one in cells[n::height] for part in (one, " "))) for n in range(height)]


def articles_panel(state: State, *, rank: int) -> Panel:
    def lines(width: int, height: int) -> list[Text]:
        each = 2 if width < 70 and height >= 4 else 1
        last = list(reversed(state.articles))[: -(-height // each)]
        rows = [row for one in last for row in article_rows(one, state, width=width, lines=each)]
        return rows or empty(width, "Each new article appears here: its language, its topics, the watched names in it.")

    return Panel("ARTICLES", "judged: topics, watched names", lines, least=3, most=999, weight=2, rank=rank)


def alerts_panel(state: State, now: datetime) -> Panel:
    def lines(width: int, height: int) -> list[Text]:
        last: list[AlertNow] = list(reversed(state.alerts.values()))[: -(-height // 2)]
        rows = [row for one in last for row in alert_rows(one, width=width, now=now)]
        return rows or empty(
            width,
            "An article that meets a rule raises an alert here, with the reason: once a story.",
            "What stood in a feed at its first poll raises none.",
        )

    counted = [
        f"{state.severities[name]} {name}" for name in ("critical", "high", "normal", "low") if state.severities[name]
    ]
    return Panel(
        "ALERTS", ", ".join(counted) or "rules that fired, and why", lines, least=3, most=999, weight=3, rank=0
    )


def outlets(state: State, about: About, *, merged: bool) -> list[Panel]:
    """The demo's inboxes, in one panel or in one each; of a desk its deliveries."""
    if not about.inboxes:
        return [deliveries_panel(state)]
    if merged:
        return [inbox_panel(state, about.inboxes, title="INBOXES", rank=3)]
    return [
        inbox_panel(state, (inbox,), title=f"{inbox.upper()} INBOX", rank=3 + n)
        for n, inbox in enumerate(about.inboxes)
    ]


def inbox_panel(state: State, inboxes: Sequence[str], *, title: str, rank: int) -> Panel:
    def lines(width: int, height: int) -> list[Text]:
        each = -(-height // len(inboxes))
        came = [one for inbox in inboxes for one in list(reversed(state.arrivals.get(inbox, ())))[:each]]
        rows = [arrival_row(one, width=width, tagged=len(inboxes) > 1) for one in came]
        return rows or empty(width, "What the analysts get arrives here, within a second of the poll.")

    counts = [f"{number(state.counts[f'{inbox} arrived'])} {inbox}s" for inbox in inboxes]
    refused = sum(state.counts[f"{inbox} refused"] for inbox in inboxes)
    note = ", ".join(counts) + (f", {refused} refused" if refused else "")
    return Panel(title, note, lines, least=3, most=12, weight=1, rank=rank)


def deliveries_panel(state: State) -> Panel:
    def lines(width: int, height: int) -> list[Text]:
        last = list(reversed(state.deliveries))[:height]
        return [delivery_row(one, width=width) for one in last] or empty(
            width, "Each mail, webhook or file that goes out appears here."
        )

    return Panel(
        "DELIVERIES", counted(state.sent) or "by mail, webhook or file", lines, least=3, most=14, weight=1, rank=3
    )


def empty(width: int, *sentences: str) -> list[Text]:
    """What is awaited, broken into lines."""
    return [fit((line, QUIET), width) for words in sentences for line in textwrap.wrap(words, max(10, width))]
