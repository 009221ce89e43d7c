"""The whole screen as lines: what this is, the way of the news with its counts, the panels, what to do next.

Pure: no I/O, no clock. Of what does not fit, the less important goes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from rich.text import Text

from worker.feeds.reasons import wording
from worker.live.panels import WIDE, About, body
from worker.live.rows import BAD, GOOD, QUIET, between, clock, failed_word, fit, join, number, span, spread, whole_span
from worker.live.state import STAGES, State

ALL_LINES: Final = 28  # lines from which the top has air
LATELY: Final = timedelta(minutes=10)  # that a trouble stays in sight; what lasts is counted by what stands
NARROW_STAGE: Final = 9  # cells of the longest word of the way
PULSE_SECONDS: Final = 1.5  # that a count which grew stands out


def frame(state: State, about: About, *, width: int, height: int, now: datetime) -> list[Text]:
    """Exactly `height` lines of exactly `width` cells."""
    airy = height >= ALL_LINES
    top = [headline(state, about, width=width, now=now)]
    top += [fit((about.subtitle, QUIET), width)] if height >= 20 else []
    top += [fit("", width)] if airy else []
    top += flow(state, width=width, now=now, notes=airy)
    top += [fit("", width)] if airy else []
    if state.progress is not None or state.phase != "running":
        top.append(progress_line(state, about, width=width, now=now))
        top += [fit("", width)] if airy else []
    bottom = [trouble_line(state, width=width, now=now), *hint_lines(about.hints, width=width)]
    room = height - len(top) - len(bottom)
    if room < 0:  # no terminal for a picture: what this is, the counts, and how to end it
        return spread([*top[: height - 1], bottom[1]], width=width, height=height)
    return spread([*top, *body(state, about, width=width, height=room, now=now), *bottom], width=width, height=height)


# ---------------------------------------------------------------- the top


def headline(state: State, about: About, *, width: int, now: datetime) -> Text:
    title, time = (f" {about.title} ", "bold reverse"), f"{clock(now)} UTC · {whole_span(seconds_of(state, now))}"
    return between(title, (time, QUIET), width)


def flow(state: State, *, width: int, now: datetime, notes: bool) -> list[Text]:
    """The way of the news, left to right: a count and a word a stage, and with `notes` what is behind the count."""
    arrow = " ──▶ " if width >= WIDE else " ▶ "
    cell = (width - len(arrow) * (len(STAGES) - 1)) // len(STAGES)
    if cell < NARROW_STAGE:
        return [fit(arrow.join(f"{number(state.counts[stage])} {stage}" for stage in STAGES), width)]
    words = dict(zip(STAGES, ("polls", "entries read", "new articles", "judged", "alerts", "delivered"), strict=True))
    if cell < len(" new articles"):
        words |= {"entries": "entries", "articles": "articles"}
    counts, labels, behind = join(), join(), join()
    for stage in STAGES:
        first = stage == STAGES[0]
        moved = state.moved.get(stage)
        lately = moved is not None and (now - moved).total_seconds() < PULSE_SECONDS
        style = "bold reverse" if lately else "bold" if state.counts[stage] else QUIET
        counts.append("" if first else arrow, QUIET)
        counts.append(centred((f" {number(state.counts[stage])} ", style), cell))
        labels.append(" " * (0 if first else len(arrow))).append(centred(words[stage], cell))
        behind.append(" " * (0 if first else len(arrow))).append(centred((flow_note(state, stage), QUIET), cell))
    return [fit(line, width) for line in ([counts, labels, behind] if notes else [counts, labels])]


def centred(part: tuple[str, str] | str, width: int) -> Text:
    made = join(part)
    left = max(0, width - made.cell_len) // 2
    return fit(join(" " * left, made), width)


def flow_note(state: State, stage: str) -> str:
    counts, backlog = state.counts, state.backlog
    if stage == "polls":
        return f"of {number(len(state.titles))} feeds"
    if stage == "entries":
        return f"{number(counts['edited'])} edited" if counts["edited"] else ""
    if stage == "articles":
        return f"{number(counts['copies'])} copies" if counts["copies"] else ""
    if stage == "judged":
        return f"{number(backlog.waiting)} waiting" if backlog and backlog.waiting else ""
    if stage == "alerts":
        return f"{number(state.severities['critical'])} critical" if state.severities["critical"] else ""
    return f"at most {span(state.slowest)}" if state.slowest else ""


def progress_line(state: State, about: About, *, width: int, now: datetime) -> Text:
    """A bar for the demo's sample; before it, what is being started; after it, what comes."""
    if state.phase == "stopping":
        return fit(("Stopping …", "bold"), width)
    if state.phase == "starting" or state.progress is None:
        return fit(join((about.starting, "bold"), (f"  {whole_span(seconds_of(state, now))}", QUIET)), width)
    if state.phase == "through":
        return fit((about.through, "bold"), width)
    done, of = state.progress.done, max(1, state.progress.of)
    bar = max(10, width // 4)
    filled = min(bar, bar * done // of)
    words = f"  {done} of {of} steps of the sample"
    coming = f" · next: {state.progress.next}" if state.progress.next else ""
    return fit(join(("━" * filled, GOOD), ("─" * (bar - filled), QUIET), words, (coming, QUIET)), width)


def seconds_of(state: State, now: datetime) -> float:
    return (now - state.started).total_seconds()


# ---------------------------------------------------------------- the foot


def trouble_line(state: State, *, width: int, now: datetime) -> Text:
    """What needs a look: what stands in the record, then the last that happened."""
    if state.away_since is not None:
        return fit((f"! The database does not answer (for {span((now - state.away_since).total_seconds())}); "
                    "the workers go on when it does.", BAD), width)  # fmt: skip
    words = [f"{clock(one.at)} {one.words}" for one in [*state.troubles][-1:] if now - one.at < LATELY]
    refused, backlog = state.refused, state.backlog
    if refused is not None and now - refused.at < LATELY:
        words.append(f"{refused.title} {failed_word(refused)}: {wording(refused.reason).says}")
    if backlog is not None:
        counts = [(backlog.feeds.get("failing", 0), "feed failing", "feeds failing")]
        counts += [(backlog.quarantined, "quarantined article", "quarantined articles")]
        counts += [(backlog.failed, "delivery to be tried again", "deliveries to be tried again")]
        counts += [(backlog.abandoned, "delivery given up", "deliveries given up")]
        words += [f"{number(count)} {one if count == 1 else more}" for count, one, more in counts if count]
    if not words:
        return fit(("✓ No trouble.", GOOD), width)
    return fit((f"! {' · '.join(words)}", BAD), width)


def hint_lines(hints: Sequence[str], *, width: int) -> list[Text]:
    """On one line where they fit, else on two; those that do not fit then are left out."""
    lines: list[str] = []
    for hint in hints:
        if lines and len(lines[-1]) + 3 + len(hint) <= width:
            lines[-1] += f"   {hint}"
        elif len(lines) < 2:
            lines.append(hint)
    return [fit((line, ""), width) for line in lines]
