"""What happened as lines: for people one event a line in fixed columns, for programs one JSON object a line."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from worker.live.happened import (
    Arrived,
    Delivered,
    Happened,
    Judged,
    Polled,
    Raised,
    Trouble,
    as_json,
    instant,
)
from worker.live.rows import clock, counted, failed_word, span
from worker.live.watch import Look

NAMED: Final = 4  # of an article's names
TITLE: Final = 78  # letters: the rest of the line says more


def say(line: str) -> None:
    """Whatever the terminal's encoding: what it cannot say is escaped."""
    text = line.encode(sys.stdout.encoding or "utf-8", errors="backslashreplace")
    sys.stdout.buffer.write(text + b"\n")
    sys.stdout.buffer.flush()


def say_json(value: Mapping[str, Any]) -> None:
    """One object a line, in UTF-8 whatever the locale."""
    sys.stdout.buffer.write(json.dumps(value, ensure_ascii=False).encode("utf-8", errors="backslashreplace") + b"\n")
    sys.stdout.buffer.flush()


def say_event(event: str, **values: Any) -> None:
    """An event of the command itself, such as its start and its end."""
    say_json({"at": instant(datetime.now(UTC)), "event": event} | values)


class JsonLines:
    """Every event as one JSON object."""

    def tell(self, look: Look) -> None:
        for one in look.happenings:
            say_json(as_json(one))


class PlainLines:
    """One event a line; what was sent since the last look, on one. Polls that brought nothing have none."""

    def tell(self, look: Look) -> None:
        for one in look.happenings:
            if words := line_of(one):
                say(f"{clock(one.at)} UTC  {words}")
        sent = [one for one in look.happenings if isinstance(one, Delivered) and one.state == "sent"]
        if sent:
            kinds = counted(Counter(one.kind for one in sent))
            slowest = span(max(one.seconds for one in sent))
            say(f"{clock(sent[-1].at)} UTC  sent     {kinds}, at most {slowest} after the article was first seen")


def line_of(one: Happened) -> str:
    """'' for what no line is worth: it is counted, or told together with others."""
    match one:
        case Polled():
            return polled_line(one)
        case Judged():
            return judged_line(one)
        case Raised():
            return f"ALERT    {one.severity.upper()}: {one.rule_name} · {cut(one.title)}"
        case Delivered() if one.state != "sent":
            return f"{one.state:8} {one.channel} to {one.recipient}: {one.reason} {one.detail}".rstrip()
        case Arrived() if not one.good:
            return f"REFUSED  {one.inbox}: {one.subject}"
        case Trouble():
            return f"TROUBLE  {one.words}"
        case _:
            return ""


def polled_line(one: Polled) -> str:
    if one.outcome == "failed":
        detail = f" ({one.detail})" if one.detail else ""
        return f"{failed_word(one):8} {one.feed}: {one.reason}{detail}; what it gave before stays, the others go on"
    if not (one.new or one.edited):
        return ""
    first = " (first look: stored and judged, never alerted)" if one.baseline else ""
    edited = f", {one.edited} edited" if one.edited else ""
    return f"polled   {one.feed}: {one.entries} entries, {one.new} new{edited}{first}"


def judged_line(one: Judged) -> str:
    topics = ", ".join(f"{topic.name} {topic.score:.2f}" for topic in one.topics)
    parts = (topics or one.unjudged, ", ".join(one.names[:NAMED]))
    about = "; ".join(part for part in parts if part) or "nothing we watch"
    copy = " (a copy)" if one.copy else ""
    return f"judged   [{one.language}] {cut(one.title)}{copy} · {about}"


def cut(title: str) -> str:
    return title if len(title) <= TITLE else title[: TITLE - 1].rstrip() + "…"
