"""The picture at every size: exact lines, the words that a newcomer needs, hostile text that stays text."""

import io
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from happenings import NOW, delivered, judged, polled, raised, state_of
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from worker.live.happened import Trouble, arrived, safe
from worker.live.panels import About, Panel, share
from worker.live.rows import fit, span
from worker.live.state import Progress
from worker.live.view import frame
from worker.store.recent import Backlog

DESK = About("Wirewatch", "3 feeds are polled.", "Starting …", ("Ctrl-C stops", "Log var/up.log", "Console http://x/"))
DEMO = replace(DESK, title="Wirewatch demo", through="The sample is through.", inboxes=("mail", "webhook"))
BACKLOG = Backlog(feeds={"active": 1}, waiting=0, quarantined=0, unsent=0, failed=0, abandoned=0)
SIZES = [(80, 24), (120, 40), (200, 50), (100, 30), (99, 24), (60, 20), (40, 12), (24, 6), (10, 3), (300, 80)]
KOREAN, ARABIC = (
    "김정은, 러시아 군사대표단 접견…포탄 추가 지원 논의한 듯",
    "الحوثيون يعلنون استهداف سفينة شحن قرب باب المندب",
)


def drawn(state, about=DESK, *, width=120, height=40, now=NOW):
    """The picture as plain lines; each is as wide as the terminal, and there are as many as it has."""
    lines = frame(state, about, width=width, height=height, now=now)
    assert len(lines) == height
    for line in lines:
        assert cell_len(line.plain) == width, (line.plain, cell_len(line.plain))
    return "\n".join(line.plain for line in lines)


def full_state(**options):
    """Much of everything, in scripts of every width and direction."""
    happenings, severities = [], ("critical", "high", "normal", "low")
    for n, title in enumerate([KOREAN, ARABIC, "Kim Jong Un walks a shell plant", "長い見出し" * 30, "word " * 60] * 3):
        at = NOW + timedelta(seconds=n)
        happenings += [
            polled(at=at, feed=f"f{n}", title=title),
            judged(at=at, article=f"a{n}", title=title, copy=n % 2 == 0, language="ko"),
            raised(at=at, alert=f"x{n}", article=f"a{n}", title=title, severity=severities[n % 4]),
            delivered(at=at, alert=f"x{n}", subject=title, state="failed" if n % 5 == 0 else "sent", reason="timeout"),
            arrived("mail", at=at, recipient="ana@desk.example", subject=title),
            arrived("webhook", at=at, recipient="alert.raised", subject=title, good=n % 3 > 0),
        ]  # fmt: skip
    titles = {f"f{n}": f"Feed {n} {KOREAN}" for n in range(9)}
    return state_of(*happenings, titles=titles, **options)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("about", [DESK, DEMO], ids=["desk", "demo"])
@pytest.mark.parametrize("phase", ["starting", "running", "through", "stopping"])
def test_view_fits_every_terminal(width, height, about, phase):
    state = full_state(phase=phase)
    state.progress, state.backlog = Progress(3, 30, f"next: {KOREAN}"), replace(BACKLOG, failed=3)
    state.troubles.append(Trouble(NOW, ARABIC))
    drawn(state, about, width=width, height=height)
    drawn(state_of(phase=phase), about, width=width, height=height)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 50)])
def test_view_says_what_happens_to_the_news(width, height):
    seen = drawn(state_of(polled(), judged(), raised(), delivered()), width=width, height=height)
    for words in (
        "Wirewatch", "12:00:00 UTC", "polls", "entries", "articles", "judged", "alerts", "delivered", "FEEDS", "2 new",
        "ARTICLES", "Arms 0.97; Kim Jong Un", "ALERTS", "CRITICAL", "told in 0.4 s", "topic Arms 0.97", "DELIVERIES",
        "desk-mail", "1 mail", "Ctrl-C stops",
    ):  # fmt: skip
        assert words in seen, words


def test_view_of_the_demo_shows_both_inboxes_and_how_far_it_is():
    mail = arrived("mail", at=NOW, recipient="ana@desk.example", subject="[Critical] Kim")
    hook = arrived("webhook", at=NOW, recipient="alert.raised", subject="Kim walks")
    state = state_of(mail, hook)
    state.progress = Progress(12, 30, "Harbour Wire: new entries")
    for width, height in ((80, 24), (120, 40)):
        seen = drawn(state, DEMO, width=width, height=height)
        for words in ("ana@desk.example  [Critical] Kim", "✓ signed alert.raised  Kim walks", "12 of 30 steps"):
            assert words in seen, words
        assert "next: Harbour Wire" in seen and "DELIVERIES" not in seen


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
def test_view_of_nothing_says_what_is_awaited(width, height):
    desk = " ".join(drawn(state_of(), width=width, height=height).split())
    for words in ("waits for its first poll" if width == 120 else "· Harbour Wire", "new article appears here",
                  "raises an alert here", "appears here", "No trouble"):  # fmt: skip
        assert words in desk, words
    assert "arrives here" in drawn(state_of(), DEMO, width=width, height=height)


def test_view_of_many_feeds_shows_those_polled_last():
    state = full_state()
    state.titles = {f"f{n}": f"Feed {n}" for n in range(500)}
    seen = drawn(state)
    assert "of 500 feeds" in seen and "word word" in seen


def test_view_says_what_is_wrong():
    backlog = replace(BACKLOG, feeds={"failing": 2}, quarantined=1, failed=3, abandoned=1)
    state = state_of(polled(outcome="failed", reason="forbidden_markup", new=0, entries=0))
    state.backlog = backlog
    seen = drawn(state, width=250)
    for words in ("REFUSED: its document declares entities", "2 feeds failing", "1 quarantined article",
                  "3 deliveries to be tried again", "1 delivery given up"):  # fmt: skip
        assert words in seen, words
    state.troubles.append(Trouble(NOW, "analyse died and starts again in 0.2 s"))
    assert "! 12:00:00 analyse died and starts again in 0.2 s" in drawn(state)
    assert "analyse died" not in drawn(state, now=NOW + timedelta(hours=1))
    assert "FAILED: its host's name leads nowhere" in drawn(state_of(polled(outcome="failed", reason="dns")), width=200)


def test_view_says_that_the_database_is_away():
    state = state_of()
    state.away_since = NOW - timedelta(seconds=12)
    assert "The database does not answer (for 12 s)" in drawn(state, width=80, height=24)


HOSTILE = "[bold red]\x1b[2J\x1b]0;owned\x07 [link=https://evil.example]x[/link] \u202eevil\u2066 \r\n\x9b31m [/]"


def test_view_shows_hostile_words_as_words():
    text = safe(HOSTILE)
    state = state_of(
        polled(title=text), judged(title=text, names=(text,), language=text), raised(title=text, because=text),
        delivered(subject=text, recipient=text), arrived("mail", at=NOW, recipient=text, subject=text),
        titles={"harbour": text},
    )  # fmt: skip
    state.troubles.append(Trouble(NOW, text))
    for about in (DESK, DEMO):
        lines = frame(state, about, width=200, height=50, now=NOW)
        console = Console(width=200, height=50, force_terminal=True, color_system="truecolor", file=io.StringIO())
        console.print(Text("\n").join(lines))
        written = console.file.getvalue()
        assert "[bold red]" in written and "[link=https://evil.example]" in written
        # Nothing but the styles that Rich itself writes.
        assert re.sub(r"\x1b\[[0-9;]*m", "", written).isprintable() or not re.search(
            r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", re.sub(r"\x1b\[[0-9;]*m", "", written)
        )


def test_view_says_the_same_without_colour():
    state = full_state()
    console = Console(width=120, height=40, force_terminal=True, no_color=True, file=io.StringIO())
    console.print(Text("\n").join(frame(state, DEMO, width=120, height=40, now=NOW)))
    written = console.file.getvalue()
    assert not re.search(r"\x1b\[[0-9;]*(3[0-9]|4[0-9]|9[0-9])[;m]", written)
    for words in ("CRITICAL", "HIGH", "NORMAL", "✗ REFUSED", "✓ signed"):
        assert words in written, words


def panel(least, most, weight, rank):
    return Panel("P", "", lambda *_: [], least=least, most=most, weight=weight, rank=rank)


def test_share_leaves_out_the_last_rank_first_and_gives_all_lines_away():
    panels = [panel(3, 7, 1, 2), panel(3, 999, 2, 1), panel(3, 999, 3, 0)]
    assert share(panels, 2) == [0, 0, 0]
    assert share(panels, 4) == [0, 0, 4]
    assert share(panels, 8) == [0, 3, 5]
    for height in range(9, 60):
        heights = share(panels, height)
        assert sum(heights) == height and min(heights) >= 3 and heights[0] <= 7


@pytest.mark.parametrize("text", ["", "abc", KOREAN, ARABIC, "가", "한a" * 40])
@pytest.mark.parametrize("width", [0, 1, 2, 3, 10, 79, 80])
def test_fit_is_exact_to_the_cell(text, width):
    assert fit(text, width).cell_len == width
    assert fit(text, width, right=True).cell_len == width


def test_fit_ends_what_runs_to_the_left():
    assert "\u200e" in fit(ARABIC, 80).plain and "\u200e" not in fit(KOREAN, 80).plain


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "0.0 s"), (0.04, "0.0 s"), (9.94, "9.9 s"), (12, "12 s"), (99, "99 s"), (120, "2 min"), (3660, "1 h 1 min"),
     (90_000, "1 d 1 h")],
)  # fmt: skip
def test_span_in_words(seconds, words):
    assert span(seconds) == words
