"""Redis is a hint: flushed, killed or silent, nothing is lost and the desk goes on by itself (B01-B03)."""

import contextlib
import random
import time

import psutil
import pytest
from desk import BASELINE, Desk, entries, wait_for

from worker.celery import QUEUES, make_celery

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def desk(tmp_path, own_redis):
    """On SQLite: what happens to Redis alone is the same on either database."""
    with Desk(tmp_path, redis_url=own_redis.url) as made:
        yield made


@pytest.fixture
def desk_on_both(tmp_path, database_url, own_redis):
    with Desk(tmp_path, database_url=database_url, redis_url=own_redis.url) as made:
        yield made


def queue_hints(url, count):
    app = make_celery(url, tick=1, soft_shutdown=1)
    for n in range(count):
        name = QUEUES[n % len(QUEUES)]
        app.send_task(f"wirewatch.{name}", queue=name, retry=False)
    app.close()


def test_b01_b03_flushed_killed_five_times_and_gone_loses_nothing_and_needs_nobody(desk, own_redis):
    up = desk.start()
    wait_for(desk.polled)
    before = {child.pid for child in psutil.Process(up.pid).children()}
    desk.set_feed("a", entries(30) + BASELINE)
    queue_hints(desk.redis_url, 500)
    for _ in range(5):
        own_redis.client.flushall()
        time.sleep(0.2)
    desk.check_alerts(entries(30))
    for n in range(1, 6):  # back empty each time
        own_redis.kill()
        desk.set_feed("a", entries(30 + 5 * n) + BASELINE)
        time.sleep(random.Random(n).uniform(0.5, 3))
        own_redis.start()
        wait_for(
            lambda: own_redis.client.info("commandstats").get("cmdstat_brpop"), seconds=30, what="a worker that listens"
        )
    desk.check_alerts(entries(55))
    own_redis.kill()  # and then their own timers do the work
    desk.set_feed("a", entries(60) + BASELINE)
    desk.check_alerts(entries(60))
    own_redis.start()
    with contextlib.suppress(psutil.Error):
        assert {child.pid for child in psutil.Process(up.pid).children()} == before


def test_b02_flushed_with_workers_down_loses_nothing(desk_on_both, own_redis):
    desk = desk_on_both
    up = desk.start()
    wait_for(desk.polled)
    desk.set_feed("a", entries(30) + BASELINE)
    wait_for(lambda: len(desk.guids()) > 1)
    desk.kill(up)
    queue_hints(desk.redis_url, 500)
    own_redis.client.flushall()
    desk.logs.write_bytes(b"")
    desk.start()
    desk.check_alerts(entries(30), allowed_extra=30)
