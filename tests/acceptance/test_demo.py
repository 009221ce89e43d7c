"""`wirewatch demo`, the real command: everything of its sample arrives, and it ends by itself or by Ctrl-C."""

import re
import subprocess
import sys

import pytest
from desk import below, living, wait_for

from worker.demo.sample import load_sample

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def command(data, *options):
    return [sys.executable, "-m", "worker", "demo", "--data", str(data), *options]


def run(data, *options):
    return subprocess.run(command(data, *options), capture_output=True, text=True, timeout=150, check=False)


def test_demo_runs_its_sample_through_says_where_to_look_and_leaves_nobody_behind(tmp_path):
    """It ends by itself; tests of the live view see it interrupted."""
    out = tmp_path / "out"
    with out.open("wb") as stdout, (tmp_path / "err").open("wb") as stderr:
        demo = subprocess.Popen(command(tmp_path / "demo"), stdout=stdout, stderr=stderr)
    wait_for(lambda: "polled" in out.read_text(), seconds=60)
    everyone = below(demo)
    assert len(everyone) >= 5
    assert demo.wait(150) == 0
    told = out.read_text()
    assert (tmp_path / "err").read_text() == ""
    wait_for(lambda: not living(everyone), seconds=10, what="the end of every child")
    truth = sum(len(feed.guids()) for feed in load_sample())
    assert re.search(rf"^{truth} articles, \d+ alerts; sent: \d+ mails, \d+ webhooks, \d+ files", told, re.M), told
    for words in ("polled ", "first look", "edited", "(a copy)", "REFUSED ", "forbidden_markup", "ALERT ", "sent "):
        assert words in told, words
    for language in ("[en]", "[ko]", "[ru]", "[ar]"):
        assert f"judged   {language}" in told
    alerts, mails, hooks = (
        int(n) for n in re.search(r"(\d+) alerts; sent: (\d+) mails, (\d+) webhooks", told).groups()
    )
    assert len(list((tmp_path / "demo" / "mail").glob("*.eml"))) == mails > 0
    assert len(list((tmp_path / "demo" / "webhooks").glob("*.json"))) == hooks == alerts
    for place in re.findall(r"^  [a-z ]{18} (\S+)$", told, re.M):
        assert (tmp_path / place).exists(), place


def test_demo_refuses_a_folder_that_is_not_its_own(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    done = run(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "holds other files" in done.stderr
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
