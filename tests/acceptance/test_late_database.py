"""A database that is away when a worker starts, and comes back: the worker waits for it, and says when it serves."""

import os
import signal
import subprocess
import sys
import time

import pytest
from desk import BASELINE, Desk, wait_for
from postgres import Postgres, find_postgres

from worker.beats import READY_FOLDER
from worker.pipeline.poll import poll_due_feeds

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def own_postgres(postgres):  # for its loud skip
    assert find_postgres()
    with Postgres() as server:
        yield server


def test_c02_an_analyst_that_starts_before_its_database_judges_once_it_is_there(tmp_path, own_postgres, redis_url):
    with Desk(tmp_path, database_url=own_postgres.new_database(), redis_url=redis_url) as desk:
        runtime = desk.runtime()
        poll_due_feeds(runtime)
        runtime.store.close()
        desk.store.engine.dispose()
        own_postgres.stop()
        ready = tmp_path / "ready"
        ready.mkdir()
        where = ["--config", str(desk.config), "--data", str(desk.data)]
        argv = [sys.executable, "-m", "worker", "worker", "--queue", "analyse", *where]
        with desk.logs.open("wb") as log:
            environ = desk.environ() | {READY_FOLDER: str(ready)}
            worker = subprocess.Popen(argv, env=environ, stdout=log, stderr=log, start_new_session=True)
        try:
            wait_for(lambda: b"worker_not_started" in desk.logs.read_bytes(), what="the first failed start")
            time.sleep(1)  # for a wrong word to come
            assert list(ready.iterdir()) == [], "it must not say that it serves"
            own_postgres.start()
            wait_for(lambda: list(ready.iterdir()), what="the start")
            wait_for(desk.settled, what="the judgement")
            assert len(desk.guids()) == len(BASELINE)
        finally:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
