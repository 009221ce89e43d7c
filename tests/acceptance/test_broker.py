"""Redis is a hint: flushed, killed or silent, nothing is lost and the desk goes on by itself (B01-B03)."""

import contextlib
import random
import subprocess
import time

import psutil
import pytest
import redis
from desk import BASELINE, Desk, entries, wait_for

from worker.celery import QUEUES, make_celery
from worker.embedded import find_redis, redis_arguments, socket_url, wait_for_redis
from worker.up import private_folder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class OwnRedis:
    """A Redis of the test's own, to be flushed and killed."""

    def __init__(self, folder):
        self.folder, self.process = folder, None
        self.client = redis.Redis(unix_socket_path=str(folder / "redis.sock"))

    def start(self):
        self.process = subprocess.Popen(redis_arguments(find_redis(), self.folder), stdout=subprocess.DEVNULL)
        wait_for_redis(self.folder, dead=lambda: self.process.poll() is not None)

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def own_redis():
    with private_folder() as folder:
        server = OwnRedis(folder)
        server.start()
        yield server
        server.kill()


@pytest.fixture
def desk(tmp_path, own_redis):
    """On SQLite: what happens to Redis alone is the same on either database."""
    with Desk(tmp_path, redis_url=socket_url(own_redis.folder)) as made:
        yield made


@pytest.fixture
def desk_on_both(tmp_path, database_url, own_redis):
    with Desk(tmp_path, database_url=database_url, redis_url=socket_url(own_redis.folder)) as made:
        yield made


def queue_hints(url, count):
    app = make_celery(url, tick=1, soft_shutdown=1)
    for n in range(count):
        name = QUEUES[n % len(QUEUES)]
        app.send_task(f"wirewatch.{name}", queue=name, retry=False)
    app.close()


def test_b01_flushed_with_workers_up_loses_nothing_and_without_any_redis_their_own_timers_do_the_work(desk, own_redis):
    desk.start()
    wait_for(desk.polled)
    desk.set_feed("a", entries(80) + BASELINE)
    queue_hints(desk.redis_url, 500)
    for _ in range(5):
        own_redis.client.flushall()
        time.sleep(0.2)
    desk.check_alerts(entries(80))
    own_redis.kill()
    desk.set_feed("a", entries(85) + BASELINE)
    desk.check_alerts(entries(85))
    own_redis.start()


def test_b02_flushed_with_workers_down_loses_nothing(desk_on_both, own_redis):
    desk = desk_on_both
    up = desk.start()
    wait_for(desk.polled)
    desk.set_feed("a", entries(80) + BASELINE)
    wait_for(lambda: len(desk.guids()) > 1)
    desk.kill(up)
    queue_hints(desk.redis_url, 500)
    own_redis.client.flushall()
    desk.logs.write_bytes(b"")
    desk.start()
    desk.check_alerts(entries(80), allowed_extra=80)


def test_b03_redis_killed_and_back_empty_five_times_needs_nobody(desk, own_redis):
    up = desk.start()
    wait_for(desk.polled)
    before = {child.pid for child in psutil.Process(up.pid).children()}
    items = []
    for n in range(5):
        own_redis.kill()
        items = entries((n + 1) * 8)
        desk.set_feed("a", items + BASELINE)
        time.sleep(random.Random(n).uniform(0.5, 3))
        own_redis.start()
        wait_for(
            lambda: own_redis.client.info("commandstats").get("cmdstat_brpop"), seconds=30, what="a worker that listens"
        )
    desk.check_alerts(items)
    with contextlib.suppress(psutil.Error):
        assert {child.pid for child in psutil.Process(up.pid).children()} == before
