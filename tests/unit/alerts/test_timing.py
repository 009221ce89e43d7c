"""When an alert's next message is due, and which: a table of every state."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from worker.alerts.timing import RAISED, REMINDER, UPDATED, Standing, next_message

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = 3600.0


@dataclass(frozen=True)
class Timing:
    wait: float = 0.0
    updates: float = HOUR / 2
    remind: float = 0.0


def standing(*, told=True, news=False, acknowledged=False, reminded=False):
    return Standing(AT, AT if told else None, news, acknowledged, reminded)


@pytest.mark.parametrize(
    ("timing", "now", "after", "kind"),
    [
        (Timing(), standing(told=False), 0, RAISED),
        (Timing(wait=HOUR), standing(told=False), HOUR, RAISED),
        (Timing(wait=HOUR), standing(told=False, news=True), HOUR, RAISED),  # it goes into the first message
        (Timing(), standing(), None, None),
        (Timing(), standing(news=True), HOUR / 2, UPDATED),
        (Timing(updates=0), standing(news=True), None, None),  # never
        (Timing(remind=HOUR), standing(), HOUR, REMINDER),
        (Timing(remind=HOUR), standing(acknowledged=True), None, None),
        (Timing(remind=HOUR), standing(acknowledged=True, news=True), HOUR / 2, UPDATED),  # taken, and then new
        (Timing(remind=HOUR), standing(reminded=True), None, None),  # once
        (Timing(remind=HOUR), standing(news=True), HOUR / 2, UPDATED),  # whichever is first
        (Timing(updates=2 * HOUR, remind=HOUR), standing(news=True), HOUR, REMINDER),
    ],
)
def test_next_message_is_due_by_the_rules_timing(timing, now, after, kind):
    expected = None if after is None else (AT + timedelta(seconds=after), kind)
    assert next_message(timing, now) == expected
