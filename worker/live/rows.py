"""Lines of exact width: text that is cut and padded by cells, with what each kind of event looks like. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from worker.errors import ParseReason
from worker.feeds.reasons import wording
from worker.live.happened import Arrived, Delivered, Judged, Polled
from worker.live.state import AlertNow, State

# Colour is never the only sign: each stands beside its word, and without colour the words stay.
SEVERITY: Final = {
    "critical": "bold bright_white on red",
    "high": "bold black on yellow",
    "normal": "bold bright_white on blue",
    "low": "bold",
}
# What goes out, by the kind of its channel.
KINDS: Final = {"email": "mail", "webhook": "webhook", "inbox": "file", "operator": "operator message"}
BADGE: Final = 10  # cells of the longest severity with a space on each side
QUIET, GOOD, BAD = "dim", "green", "bold red"
WIDE_DELIVERY: Final = 90  # cells from which a delivery's line has room for its recipient
LEFT_TO_RIGHT: Final = "\u200e"
Part = Text | str | tuple[str, str]


def join(*parts: Part) -> Text:
    """One line of pieces, each a Text, plain words, or words with their style. Nothing in them is markup."""
    line = Text(no_wrap=True, end="")
    for part in parts:
        if isinstance(part, tuple):
            line.append(*part)
        else:
            line.append(part)
    return line


def fit(line: Part, width: int, *, right: bool = False) -> Text:
    """Exactly `width` cells: cut with an ellipsis or padded, on the left with `right`."""
    made = join(line) if width > 0 else join()
    made.truncate(max(1, width), overflow="ellipsis")
    padding = " " * (width - made.cell_len)
    if right:
        return join(padding, made)
    # Without the mark, a terminal that reorders scripts would draw what follows within the right-to-left words.
    return join(made, LEFT_TO_RIGHT if runs_to_the_left(made.plain) else "", padding)


def runs_to_the_left(text: str) -> bool:
    return any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in text)


def between(left: Part, right: Part, width: int) -> Text:
    """`left`, cut where it must be, and `right` at the end of the line."""
    tail = join(right)
    if tail.cell_len + 2 > width:
        return fit(left, width)
    return join(fit(left, width - tail.cell_len - 1), " ", tail)


def heading(title: str, note: str, width: int) -> Text:
    line = join(("── ", QUIET), (title, "bold"), (f"  {note} " if note else " ", QUIET))
    line.truncate(width, overflow="ellipsis")
    return join(line, ("─" * (width - line.cell_len), QUIET))


def clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}"


def span(seconds: float) -> str:
    """'0.3 s', '12 s', '4 min', '3 h 5 min', '2 d 4 h'"""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


def whole_span(seconds: float) -> str:
    """In whole seconds, so that what stands still looks still."""
    return f"{max(0, int(seconds))} s" if seconds < 100 else span(seconds)


def ago(moment: datetime, now: datetime) -> str:
    return f"{whole_span((now - moment).total_seconds())} ago"


def number(count: int) -> str:
    return f"{count:,}" if count < 10_000_000 else f"{count / 1_000_000:,.1f} M"


def counted(kinds: Mapping[str, int]) -> str:
    """'4 mails, 1 webhook', by the kinds of channels."""
    words = ((number(count), KINDS.get(kind, kind), "" if count == 1 else "s") for kind, count in kinds.items())
    return ", ".join(f"{count} {word}{plural}" for count, word, plural in words)


# ---------------------------------------------------------------- feeds


def feed_mark(one: Polled | None) -> tuple[str, str]:
    if one is None:
        return "·", QUIET
    if one.outcome == "failed":
        return "✗", BAD
    return ("●", GOOD) if one.new or one.edited else ("○", GOOD)


def feed_words(one: Polled | None) -> tuple[str, str]:
    """The last poll in a few words."""
    if one is None:
        return "waits for its first poll", QUIET
    if one.outcome == "failed":
        return f"{failed_word(one)}: {wording(one.reason).says}", BAD
    if one.baseline:
        return f"{one.new} stored as its baseline", ""
    if one.new or one.edited:
        parts = [f"{one.new} new"] * bool(one.new) + [f"{one.edited} edited"] * bool(one.edited)
        return ", ".join(parts), "bold"
    return "unchanged", QUIET


def failed_word(one: Polled) -> str:
    """A document that came and was not taken was refused by us; the rest failed on its way."""
    return "REFUSED" if one.reason in set(ParseReason) else "FAILED"


def feed_row(title: str, one: Polled | None, *, width: int, now: datetime) -> Text:
    name = max(12, min(24, width // 3))
    when = ago(one.at, now) if one else ""
    return between(join(feed_mark(one), " ", fit(title, name), " ", feed_words(one)), (when, QUIET), width)


# ---------------------------------------------------------------- articles


def about(one: Judged) -> Text:
    """Topics with their scores, then names."""
    line = join()
    for topic in one.topics:
        line.append(", " if line else "").append(topic.name, "cyan").append(f" {topic.score:.2f}")
    if one.unjudged and not one.topics:
        line.append(one.unjudged, QUIET)
    if one.names:
        line.append("; " if line else "").append(", ".join(one.names))
    return line if line else join(("nothing we watch", QUIET))


def article_rows(one: Judged, state: State, *, width: int, lines: int) -> list[Text]:
    """On one line, or its title on one and what it is about on the next."""
    severity = state.alerted.get(one.article)
    mark = ("▲", SEVERITY_MARK.get(severity, "bold")) if severity else (" ", "")
    head = join(mark, " ", fit((one.language, QUIET), 3), " ")
    rest = width - head.cell_len
    if lines > 1:
        return [join(head, article_title(one, rest)), join(" " * head.cell_len, fit(about(one), rest))]
    title = rest * 11 // 20
    return [join(head, article_title(one, title), "  ", fit(about(one), rest - title - 2))]


def article_title(one: Judged, width: int) -> Text:
    copy = " (a copy)" if one.copy else ""
    title = join(one.title)
    title.truncate(max(1, width - len(copy)), overflow="ellipsis")
    return fit(join((title.plain, QUIET if one.baseline else ""), (copy, QUIET)), width)


SEVERITY_MARK: Final = {"critical": "bold red", "high": "bold yellow", "normal": "bold cyan"}


# ---------------------------------------------------------------- alerts


def badge(severity: str) -> Text:
    return join((f" {severity.upper()} ".ljust(BADGE), SEVERITY.get(severity, "bold")))


def told_words(alert: AlertNow, now: datetime) -> tuple[str, str]:
    """How long after its article was first seen it reached somebody."""
    if alert.told is not None:
        return f"told in {span(alert.told)}", GOOD
    if alert.failed:
        return "not delivered yet", BAD
    return "telling …", QUIET


def alert_rows(alert: AlertNow, *, width: int, now: datetime) -> list[Text]:
    raised = alert.raised
    head = between(join(badge(raised.severity), " ", (raised.title, "bold")), told_words(alert, now), width)
    why = join((raised.because, "cyan"), (f" · {raised.rule_name}", ""))
    return [head, join((f" {clock(raised.at)}".ljust(BADGE + 1), QUIET), fit(why, width - BADGE - 1))]


# ---------------------------------------------------------------- inboxes and deliveries


def arrival_row(one: Arrived, *, width: int, tagged: bool = False) -> Text:
    """`tagged`: says which inbox, where several share the lines."""
    tag = fit(("mail" if one.inbox == "mail" else "hook", "bold"), 5) if tagged else join()
    to = join((one.recipient, QUIET), "  ")
    if one.inbox == "mail":
        return fit(join(tag, to, one.subject), width)
    sign = ("✓ signed ", GOOD) if one.good else ("✗ REFUSED ", BAD)
    return fit(join(tag, sign, to, one.subject), width)


def delivery_row(one: Delivered, *, width: int) -> Text:
    if one.state == "sent":
        state, after, words = ("sent", GOOD), (span(one.seconds), QUIET), one.subject
    else:
        state, after = (one.state, BAD), (f"attempt {one.attempt}", QUIET)
        words = f"{one.reason.replace('_', ' ')}: {one.detail or one.subject}"
    to = join(" to ", one.recipient) if width >= WIDE_DELIVERY else join()
    return between(join((clock(one.at), QUIET), " ", state, f" {one.channel}", to, "  ", words), after, width)


def spread(lines: Sequence[Text], *, width: int, height: int) -> list[Text]:
    """The first `height` lines, and empty ones after them, each exactly `width` cells."""
    shown = [fit(line, width) if cell_len(line.plain) != width else line for line in lines[:height]]
    return shown + [fit("", width) for _ in range(height - len(shown))]
