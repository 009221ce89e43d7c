"""What the operator reads of troubles: subjects, and what a message names and counts."""

from datetime import UTC, datetime, timedelta

import pytest

from worker.errors import FetchReason, ParseReason
from worker.feeds.trouble_words import LINE_DOWN, NAMED, end_words, start_words
from worker.feeds.troubles import Known, TroubleKind, Wrong

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FAILING, SILENT, GROUP = TroubleKind.FAILING, TroubleKind.SILENT, TroubleKind.GROUP


def begun(*kinds, **values):
    told = [Wrong(kind, f"f{n}", reason, NOON - 3 * HOUR) for n, (kind, reason) in enumerate(kinds)]
    return start_words(told, {}, **dict(now=NOON, line_down=False) | values)


def over(*kinds, still=0):
    ends = [Known(n, kind, f"f{n}", reason, NOON - 3 * HOUR, NOON, NOON, 1) for n, (kind, reason) in enumerate(kinds)]
    return end_words(ends, {}, still=still)


@pytest.mark.parametrize(
    ("kinds", "began", "ended"),
    [
        ([(FAILING, "dns")], "A feed fails: f0", "A feed answers again: f0"),
        ([(FAILING, "dns"), (FAILING, "server")], "2 feeds fail", "2 feeds answer again"),
        ([(SILENT, "quiet")], "A feed is quiet: f0", "A feed brings news again: f0"),
        ([(SILENT, "no_entries")], "A feed has no entries: f0", "A feed has entries again: f0"),
        (
            [(SILENT, "quiet"), (FAILING, "tls"), (FAILING, "tls")],
            "2 feeds fail; A feed is quiet: f0",
            "2 feeds answer again; A feed brings news again: f0",
        ),
        (
            [(GROUP, "quiet")] * 3,
            "All feeds of 3 tags and languages are quiet",
            "Feeds of 3 tags and languages bring news again",
        ),
    ],
)
def test_subjects_say_what_and_how_many(kinds, began, ended):
    assert begun(*kinds)[0] == began
    assert over(*kinds)[0] == ended


def test_a_message_names_twenty_and_of_each_reason_some():
    _, lines = begun(*[(FAILING, "dns")] * 200, *[(FAILING, "connect")] * 90, *[(FAILING, "gone")] * 3)
    named = [line for line in lines if line.startswith("- f")]
    assert len(named) == NAMED
    assert [line for line in named if line.startswith(("- f290,", "- f291,", "- f292,"))] == named[-3:]
    assert [line for line in lines if line.startswith("- and ")] == ["- and 191 more", "- and 82 more"]


@pytest.mark.parametrize("reason", [*FetchReason, *ParseReason])
def test_a_message_says_each_reason_and_what_to_do_once(reason):
    _, lines = begun((FAILING, str(reason)), (FAILING, str(reason)))
    (said,) = [line for line in lines if line.startswith("2 feeds, of each: ")]
    assert said.endswith(".") and reason.replace("_", " ") != said


def test_a_message_says_that_it_is_our_own_line_only_where_nobody_is_reached():
    reached = begun((FAILING, "server"), line_down=True)[1]
    assert LINE_DOWN not in reached and LINE_DOWN not in begun((FAILING, "dns"))[1]
    assert begun((FAILING, "dns"), line_down=True)[1][0] == LINE_DOWN


def test_a_message_of_an_end_says_how_many_stay():
    assert over((FAILING, "dns"), still=1)[1][-1].endswith(" 1 is still in trouble.")
    assert over((FAILING, "dns"), still=2)[1][-1].endswith(" 2 are still in trouble.")
    assert "still" not in "".join(over((FAILING, "dns"))[1])
