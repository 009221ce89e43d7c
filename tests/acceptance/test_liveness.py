"""A role that lives and does not work is noticed, ended and started again, and no other is (B14)."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from desk import BASELINE, FAST, Desk, below, entries, living, wait_for

from worker.beats import HUNG, READY_FOLDER
from worker.store.heartbeats import list_heartbeats

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BEAT = 1.0  # seconds: a fifteenth of what it is by default, and with it the silence that is not borne
SILENT = 10 * BEAT
ROLES = {"poll": "poll-deliver", "analyse": "analyse", "scheduler": "scheduler"}
# A debugger's stop of a consumer's loop alone: its thread stands in a signal's handler, the others go on.
WEDGED_BY_A_SIGNAL = (
    "import signal, threading\n"
    "signal.signal(signal.SIGUSR2, lambda *_: threading.Event().wait())\n"
    "from worker.cli import main; main()"
)


@pytest.fixture
def desk(tmp_path):
    with Desk(tmp_path, timing=FAST | {"beat": f"{BEAT:g}s"}) as made:
        yield made


@pytest.fixture
def apart(tmp_path, redis_url):
    """A desk whose roles no `up` keeps."""
    with Desk(tmp_path, timing=FAST | {"beat": f"{BEAT:g}s"}, redis_url=redis_url) as made:
        yield made


def log_of(desk):
    return desk.logs.read_text()


def pids(up):
    return {child.pid for child in psutil.Process(up.pid).children()}


def check_nobody_was_ended(desk, up, before):
    assert "silent" not in log_of(desk)
    assert "child_died" not in log_of(desk)
    assert pids(up) == before


def test_b14_a_machine_at_its_limit_is_no_silence_and_stopped_roles_are_ended_and_started_again(desk):
    up = desk.start(seconds=90)
    wait_for(desk.settled, seconds=60)
    check_a_machine_at_its_limit(desk, up)
    stopped = {role: desk.children(up, role)[0] for role in ROLES}
    families = [one for role in stopped.values() for one in (role, *role.children(recursive=True))]
    for role in stopped.values():
        role.suspend()
    for role, one in stopped.items():
        wait_for(lambda role=role, one=one: one not in desk.children(up, role), seconds=SILENT + 60, what=role)
    log = log_of(desk)
    # The analyst's child sees that its consumer is silent, too, and may be the first to end it.
    ended = {role: f"event='child_silent' role='{ROLES[role]}'" in log for role in ROLES}
    assert ended["poll"] and ended["scheduler"], ended
    assert ended["analyse"] or "event='silent' role='analyse'" in log
    for role in ROLES:
        wait_for(lambda role=role: desk.children(up, role), what="its successor")
    assert not living(families), "what they had started has ended with them"
    desk.set_feed("a", entries(15) + BASELINE)
    desk.check_alerts(entries(15))
    successors = {(ROLES[role], desk.children(up, role)[0].pid) for role in ROLES}
    beating = lambda: {(one.role, one.pid) for one in list_heartbeats(desk.store)}  # noqa: E731
    wait_for(lambda: successors <= beating(), what="their rows")
    assert len(beating()) == 4, "the dead ones' rows are gone"


def check_a_machine_at_its_limit(desk, up):
    before = pids(up)
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3 * (os.cpu_count() or 1))]
    try:
        # A task has its time from the beat, a fifteenth of the usual here: and so little to do.
        desk.set_feed("a", entries(12) + BASELINE)
        time.sleep(1.7 * SILENT)
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
    check_nobody_was_ended(desk, up, before)
    desk.check_alerts(entries(12))


@contextlib.contextmanager
def role_apart(desk, program, *arguments):
    """One role as a Procfile runs it, when it has said that it serves; in a group of its own."""
    ready = desk.folder / "ready"
    ready.mkdir()
    argv = [sys.executable, *program, *arguments, "--config", str(desk.config), "--data", str(desk.data)]
    with desk.logs.open("ab") as log:
        environ = desk.environ() | {READY_FOLDER: str(ready)}
        process = subprocess.Popen(argv, env=environ, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for(
            lambda: list(ready.iterdir()) or process.poll() is not None, seconds=90, what="its word that it serves"
        )
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_b14_a_worker_apart_whose_consumer_hangs_ends_itself(apart):
    arguments = ["worker", "--queue", "poll", "--queue", "deliver"]
    with role_apart(apart, ["-c", WEDGED_BY_A_SIGNAL], *arguments) as worker:
        time.sleep(2 * BEAT)
        worker.send_signal(signal.SIGUSR2)
        polled = len(apart.origin.requests)
        wait_for(lambda: len(apart.origin.requests) > polled, what="a poll by its timer")
        assert worker.wait(SILENT + 60) == HUNG
    assert "event='silent' role='poll-deliver'" in log_of(apart)


def test_b14_an_analyst_apart_whose_consumer_is_stopped_ends_with_its_pool(apart):
    with role_apart(apart, ["-m", "worker"], "worker", "--queue", "analyse") as worker:
        family = below(worker)
        worker.send_signal(signal.SIGSTOP)
        assert worker.wait(SILENT + 60) == -signal.SIGKILL
        wait_for(lambda: not living(family), what="its child's end")
    assert "event='silent' role='analyse'" in log_of(apart)


@pytest.mark.parametrize("verb", ["scheduler", "console"])
def test_b14_a_loop_apart_that_hangs_ends_its_process(apart, verb):
    port = ["--port", "0"] if verb == "console" else []
    with role_apart(apart, ["-c", WEDGED_BY_A_SIGNAL], verb, *port) as role:
        role.send_signal(signal.SIGUSR2)
        assert role.wait(SILENT + 60) == HUNG
    assert f"event='silent' role='{verb}'" in log_of(apart)


@pytest.mark.parametrize(
    "arguments",
    [
        ["worker", "--queue", "poll", "--queue", "deliver"],
        ["worker", "--queue", "analyse"],
        ["scheduler"],
        ["console", "--port", "0"],
    ],
    ids=" ".join,
)
def test_a_role_apart_that_is_told_to_stop_leaves_no_row(apart, arguments):
    with role_apart(apart, ["-m", "worker"], *arguments) as role:
        wait_for(lambda: list_heartbeats(apart.store), what="its row")
        # By Ctrl-C where Celery has a word in it; SIGTERM is what `up` sends to all.
        role.send_signal(signal.SIGINT if "worker" in arguments else signal.SIGTERM)
        assert role.wait(30) == 0
    assert list_heartbeats(apart.store) == []


def test_b14_while_redis_is_away_and_when_it_is_back_nobody_is_ended(tmp_path, own_redis):
    # A worker looks for its Redis after 2, 6, 12, 20, 30 s (kombu), whatever the beat: it must be within the silence.
    timing = FAST | {"beat": f"{1.5 * BEAT:g}s"}
    # A restart; then longer than anyone may be silent: with nothing to consume nobody is.
    away_for = (0.5, 1.8 * SILENT)
    with Desk(tmp_path, timing=timing, redis_url=own_redis.url) as desk:
        up = desk.start(seconds=90)
        wait_for(desk.settled, seconds=60)
        before = pids(up)
        for number, away in enumerate(away_for, start=1):
            own_redis.kill()
            desk.set_feed("a", entries(3 * number) + BASELINE)
            time.sleep(away)
            own_redis.start()
            wait_for(lambda: own_redis.listeners() == 2, seconds=60, what="both workers that listen")
            time.sleep(1.8 * SILENT)
            check_nobody_was_ended(desk, up, before)
            desk.check_alerts(entries(3 * number))
