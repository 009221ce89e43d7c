"""The live view on a real terminal, and `--json`: what `up` and the demo show, and how they leave the terminal."""

import json
import re
import signal
import subprocess
import sys
import time

import pytest
from desk import BASELINE, Desk, below, entries, living, wait_for
from rich.cells import cell_len
from terminal import Terminal

from worker.demo.sample import load_sample
from worker.store.schema import alert, article, attempt, poll

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
WORKER = [sys.executable, "-m", "worker"]


@pytest.fixture
def desk(tmp_path):
    with Desk(tmp_path) as made:
        yield made


def up_argv(desk, *options):
    return [*WORKER, "up", "--config", desk.config, "--data", desk.data, "--port", "0", *options]


def whole_frames(terminal):
    """What is written between two pictures left out, and the last, which the demo takes away."""
    return [frame for frame in terminal.frames()[:-1] if len(frame) > 1]


def test_demo_on_a_terminal_shows_itself_ends_and_leaves_its_summary(tmp_path):
    """Every picture fits its terminal, which is made larger half way."""
    with Terminal([*WORKER, "demo", "--data", tmp_path / "demo"], width=80, height=24) as terminal:
        wait_for(lambda: "Starting: queues" in terminal.text, seconds=90)
        wait_for(lambda: [one for one in whole_frames(terminal) if "Starting" not in "".join(one)], seconds=90)
        terminal.resize(140, 45)
        assert terminal.process.wait(180) == 0, terminal.text[-3000:]
        seen, left, whole = terminal.text, terminal.left, whole_frames(terminal)
        assert terminal.is_as_before()
    assert len(whole) > 20 and {len(frame) for frame in whole} == {24, 45}
    for frame in whole:
        assert {cell_len(line) for line in frame} == {{24: 80, 45: 140}[len(frame)]}, frame
    for words in ("entries read", "REFUSED", "CRITICAL", "told in", "✓ signed", "MAIL INBOX", "(a copy)"):
        assert words in seen, words
    assert re.search(r"[가-힣]", seen) and re.search(r"[\u0621-\u064a]", seen) and re.search(r"[а-я]", seen)
    truth = sum(len(feed.guids()) for feed in load_sample())
    assert re.search(rf"{truth} articles → \d+ alerts → \d+ mails, \d+ webhooks, \d+ files", left), left
    assert "Every entry of the sample is in the record, once." in left
    assert "wirewatch init mydesk" in left and "WHERE TO LOOK" in left


def test_demo_stops_at_ctrl_c_and_gives_the_terminal_back(tmp_path):
    with Terminal([*WORKER, "demo", "--keep", "--data", tmp_path / "demo"]) as terminal:
        wait_for(lambda: "steps of the sample" in terminal.text, seconds=90)
        everyone = below(terminal.process)
        assert len(everyone) >= 5
        terminal.press(b"xyz\x03")
        assert terminal.process.wait(25) == 0
        assert terminal.is_as_before()
        assert "xyz" not in terminal.text and "^C" not in terminal.text and "Traceback" not in terminal.text
        assert "WHERE TO LOOK" in terminal.left
    wait_for(lambda: not living(everyone), seconds=10, what="the end of every child")


def test_up_on_a_terminal_shows_the_desk_and_ctrl_c_leaves_it_clean(desk):
    """With a second `up` that is refused, and a child that dies."""
    with Terminal(up_argv(desk), environ=desk.environ()) as terminal:
        wait_for(lambda: desk.settled() and "No trouble" in terminal.text and "unchanged" in terminal.text, seconds=90)
        desk.set_feed("a", entries(2) + BASELINE)
        wait_for(lambda: desk.sent() == 4, seconds=90)
        wait_for(lambda: "2 webhooks" in terminal.text and "told in" in terminal.text, seconds=20)
        with Terminal(up_argv(desk), environ=desk.environ()) as second:
            assert second.process.wait(60) == 1
            assert second.is_as_before()
            assert "Another `wirewatch up`" in second.left
        (analyst,) = desk.children(terminal.process, "analyse")
        analyst.kill()
        wait_for(lambda: "analyse died and starts again in" in terminal.text, seconds=20)
        wait_for(lambda: len(desk.children(terminal.process, "analyse")) == 1, seconds=20)
        everyone = below(terminal.process)
        began = time.monotonic()
        terminal.press(b"\x03")
        assert terminal.process.wait(15) == 0
        assert time.monotonic() - began < 12
        assert terminal.is_as_before()
        seen, left = terminal.text, terminal.left
    assert living(everyone) == []
    for words in (
        "Kim in the news",
        "Factory one visited",
        "Kim Jong Un",
        "NORMAL",
        "/?key=",
        "No trouble",
        "Stopping",
    ):
        assert words in seen, words
    assert re.search(
        r"^Stopped\. In .*: [\d,]+ polls, 3 new articles, 2 alerts, 4 deliveries\. Log: \S+up\.log$", left, re.M
    )
    log = desk.data / "up.log"
    assert log.stat().st_mode & 0o077 == 0
    assert "event='alert_raised'" in log.read_text() and "Traceback" not in log.read_text()


def test_up_plain_has_lines_on_a_terminal_too(desk):
    with Terminal(up_argv(desk, "--plain"), environ=desk.environ()) as terminal:
        wait_for(lambda: "event='feed_polled'" in terminal.text and "Ctrl-C stops it." in terminal.text, seconds=90)
        assert "\x1b[?1049h" not in terminal.raw
        terminal.press(b"\x03")
        assert terminal.process.wait(15) == 0
        assert "Stopped." in terminal.text


def read_lines(path):
    """Every whole line as JSON."""
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def of(lines, event):
    return [line for line in lines if line["event"] == event]


def test_up_json_tells_what_the_record_has_and_nothing_else(desk, tmp_path):
    out = tmp_path / "out"
    with out.open("wb") as stdout, desk.logs.open("wb") as stderr:
        argv = [str(part) for part in up_argv(desk, "--json")]
        up = subprocess.Popen(argv, env=desk.environ(), stdout=stdout, stderr=stderr)
    desk.ups.append(up)
    wait_for(desk.settled, seconds=90)
    desk.set_feed("a", entries(2) + BASELINE)
    wait_for(lambda: desk.sent() == 4, seconds=90)
    wait_for(lambda: len(of(read_lines(out), "delivery")) == 4, seconds=20)
    up.terminate()
    assert up.wait(15) == 0
    lines = read_lines(out)
    assert [line["event"] for line in lines if line["event"] in ("up", "stopped")] == ["up", "stopped"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["at"]) for line in lines)
    assert sorted(line["article"] for line in of(lines, "article")) == sorted(
        row.public_id for row in desk.rows(article)
    )
    assert sorted(line["alert"] for line in of(lines, "alert")) == sorted(row.public_id for row in desk.rows(alert))
    assert len(of(lines, "delivery")) == len(desk.rows(attempt)) == 4
    assert {line["state"] for line in of(lines, "delivery")} == {"sent"}
    polled = desk.rows(poll)
    assert abs(len(of(lines, "polled")) - len(polled)) <= 2  # the last may come after the last look
    assert sum(line["new"] for line in of(lines, "polled")) == sum(row.new for row in polled) == 3
    assert "key=" not in out.read_text()


def test_demo_json_parses_and_agrees_with_what_arrived(tmp_path):
    """Interrupted when the first alerts have arrived."""
    out, err = tmp_path / "out", tmp_path / "err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        demo = subprocess.Popen(
            [*WORKER, "demo", "--json", "--data", str(tmp_path / "demo")], stdout=stdout, stderr=stderr
        )
    both = {"mail", "webhook"}
    wait_for(lambda: {line["inbox"] for line in of(read_lines(out), "arrival")} >= both, seconds=120)
    demo.send_signal(signal.SIGINT)
    assert (demo.wait(30), err.read_text()) == (0, "")
    lines = read_lines(out)
    end = lines[-1]
    assert end["event"] == "ended"
    assert end["articles"] == len(of(lines, "article")) > 0
    assert end["alerts"] == len(of(lines, "alert"))
    mails = [line for line in of(lines, "arrival") if line["inbox"] == "mail"]
    hooks = [line for line in of(lines, "arrival") if line["inbox"] == "webhook"]
    # What was under way when it was interrupted has arrived, and may not be on record.
    assert end["sent"]["email"] <= len(mails) == len(list((tmp_path / "demo" / "mail").glob("*.eml")))
    assert end["sent"]["webhook"] <= len(hooks) <= end["alerts"] and all(line["good"] for line in hooks)
