"""What the demo did, where to look at it and how to go on: as lines, for a terminal, as JSON. Pure: no I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from rich.text import Text

from worker.live.rows import BAD, GOOD, QUIET, alert_rows, counted, heading, join, span
from worker.live.state import State

ALERTS_SHOWN: Final = 5
REPORT: Final = "please report this"


@dataclass(frozen=True)
class Ending:
    """`missing`: articles that the sample has and the record has not, negative for too many; None: not to be told yet.

    `places`: what lies where, as it is shown. `program`: how the command is called here.
    """

    state: State
    finished: bool
    missing: int | None
    places: Mapping[str, str]
    program: str

    @property
    def good(self) -> bool:
        return self.finished and not self.missing

    @property
    def sent(self) -> Counter[str]:
        return Counter({kind: self.state.sent[kind] for kind in ("email", "webhook", "inbox", "operator")})

    def missing_words(self) -> str:
        if not self.missing:
            return ""
        return f"{abs(self.missing)} articles {'are missing' if self.missing > 0 else 'are too many'}: {REPORT}."

    def next_steps(self) -> Sequence[tuple[str, str]]:
        return (
            (f"{self.program} init mydesk", "writes a desk to begin with"),
            (f"{self.program} up --config mydesk", "runs it, once your contact stands in mydesk/settings.yaml"),
        )


def plain(ending: Ending) -> Iterator[str]:
    counts = ending.state.counts
    yield f"\n{counts['judged']} articles, {counts['alerts']} alerts; sent: {counted(ending.sent)}."
    if ending.missing:
        yield ending.missing_words()
    yield "Where to look:"
    for name, place in ending.places.items():
        yield f"  {name:18} {place}"
    if not ending.finished:
        yield "The demo did not come to its end; the log says why."
        return
    yield "Your own desk:"
    for command, words in ending.next_steps():
        yield f"  {command:36} {words}"


def on_terminal(ending: Ending, *, width: int, now: datetime) -> list[Text]:
    """Made for at least 72 cells. Only a path or a command may be wider: it is to be copied whole."""
    state = ending.state
    width = min(width, 120)
    told = {kind: count for kind, count in ending.sent.items() if count}
    sent = counted(told) or "nothing sent"
    lines = [join((" Wirewatch demo ", "bold reverse"), f" {span((now - state.started).total_seconds())}"), join()]
    counts = f"{state.counts['judged']} articles → {state.counts['alerts']} alerts → {sent}"
    lines.append(join(("  ", ""), (counts, "bold")))
    if state.slowest:
        lines.append(
            join(
                ("  Each was out ", QUIET),
                (f"at most {span(state.slowest)}", GOOD),
                (" after its article was first seen.", QUIET),
            )
        )
    if ending.missing == 0:
        lines.append(join(("  Every entry of the sample is in the record, once.", QUIET)))
    if ending.missing:
        lines.append(join((f"  {ending.missing_words()}", BAD)))
    last = list(reversed(state.alerts.values()))[:ALERTS_SHOWN]
    if last:
        lines += [join(), heading("THE LAST ALERTS", "", width)]
        lines += [row for alert in last for row in alert_rows(alert, width=width, now=now)]
    lines += [join(), heading("WHERE TO LOOK", "", width)]
    lines += [join("  ", (f"{name:20}", QUIET), place) for name, place in ending.places.items()]
    if not ending.finished:
        return [*lines, join(), join(("The demo did not come to its end; the log says why.", BAD))]
    lines += [join(), heading("YOUR OWN DESK", "", width)]
    longest = max(len(command) for command, _ in ending.next_steps())
    lines += [
        join("  ", (f"{command:{longest}}", "bold"), "  ", (words, QUIET)) for command, words in ending.next_steps()
    ]
    return lines


def as_json(ending: Ending) -> dict[str, Any]:
    counts = ending.state.counts
    return {
        "finished": ending.finished,
        "articles": counts["judged"],
        "alerts": counts["alerts"],
        "sent": dict(ending.sent),
        "missing": ending.missing,
        "places": dict(ending.places),
    }
