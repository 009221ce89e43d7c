"""One line an event, in fixed columns; one JSON object an event."""

import io
import json
import sys
from datetime import timedelta

import pytest
from happenings import NOW, delivered, judged, polled, raised

from worker.live.happened import Topic, Trouble, arrived
from worker.live.lines import JsonLines, PlainLines, line_of, say
from worker.live.watch import Look


@pytest.mark.parametrize(
    ("happened", "line"),
    [
        (polled(), "polled   harbour: 5 entries, 2 new"),
        (polled(edited=1, new=0), "polled   harbour: 5 entries, 0 new, 1 edited"),
        (polled(baseline=True), "polled   harbour: 5 entries, 2 new (first look: stored and judged, never alerted)"),
        (polled(outcome="unchanged", new=0, entries=0), ""),
        (
            polled(outcome="failed", reason="forbidden_markup", detail="declares entities"),
            "REFUSED  harbour: forbidden_markup (declares entities); what it gave before stays, the others go on",
        ),
        (
            polled(outcome="failed", reason="dns"),
            "FAILED   harbour: dns; what it gave before stays, the others go on",
        ),
        (judged(), "judged   [en] Kim Jong Un walks a shell plant · Arms 0.97; Kim Jong Un"),
        (judged(title="T", topics=(), names=(), copy=True), "judged   [en] T (a copy) · nothing we watch"),
        (
            judged(title="T", topics=(), names=("Kim",), unjudged="no topic rules", language="de"),
            "judged   [de] T · no topic rules; Kim",
        ),
        (judged(title="x" * 90, names=(), topics=(Topic("t", "T", 1.0),)), f"judged   [en] {'x' * 77}… · T 1.00"),
        (raised(), "ALERT    CRITICAL: Arms deals · Kim Jong Un walks a shell plant"),
        (delivered(), ""),  # told with the others of its look
        (
            delivered(state="failed", reason="timeout", detail="no answer within 5 s"),
            "failed   desk-mail to ana@desk.example: timeout no answer within 5 s",
        ),
        (arrived("mail", at=NOW, recipient="ana", subject="S"), ""),
        (arrived("webhook", at=NOW, recipient="", subject="forged", good=False), "REFUSED  webhook: forged"),
        (Trouble(NOW, "the database does not answer"), "TROUBLE  the database does not answer"),
    ],
)  # fmt: skip
def test_line_of_each_event(happened, line):
    assert line_of(happened) == line


class Output(io.TextIOWrapper):
    def __init__(self, encoding="utf-8"):
        super().__init__(io.BytesIO(), encoding=encoding)

    @property
    def lines(self):
        return self.buffer.getvalue().decode().splitlines()


def test_plain_lines_tell_what_was_sent_together(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Output())
    later = NOW + timedelta(seconds=1)
    sent = [
        delivered(seconds=0.2),
        delivered(kind="webhook", seconds=1.5, at=later),
        delivered(kind="webhook", at=later),
    ]
    PlainLines().tell(Look([raised(), *sent]))
    assert sys.stdout.lines == [
        "12:00:00 UTC  ALERT    CRITICAL: Arms deals · Kim Jong Un walks a shell plant",
        "12:00:01 UTC  sent     1 mail, 2 webhooks, at most 1.5 s after the article was first seen",
    ]


def test_say_escapes_what_the_terminal_cannot_say(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Output("ascii"))
    say("김 → ok")
    assert sys.stdout.lines == ["\\uae40 \\u2192 ok"]


def test_json_lines_are_one_object_each(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Output("ascii"))
    JsonLines().tell(Look([polled(title="김"), Trouble(NOW, "two\nlines")]))
    first, second = (json.loads(line) for line in sys.stdout.lines)
    assert (first["event"], first["title"], second["words"]) == ("polled", "김", "two\nlines")
