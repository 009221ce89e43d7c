"""Everything killed at random under load: nothing lost, a second copy only with the same id. The seed is printed."""

import os
import random
import time

import pytest
from desk import BASELINE, Desk, entries, wait_for

from worker.store.schema import attempt

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

KILLS = int(os.environ.get("WIREWATCH_CHAOS_KILLS", "8"))
SEED = int(os.environ.get("WIREWATCH_CHAOS_SEED", "20231108"))


@pytest.fixture
def desk(tmp_path, database_url):
    with Desk(tmp_path, database_url=database_url, feeds=("a", "b")) as made:
        yield made


def test_a08_a09_random_kills_of_random_processes_and_of_all_at_once_lose_nothing(desk):
    print(f"seed {SEED}, {KILLS} kills")
    chance, items = random.Random(SEED), {"a": [], "b": []}
    up = desk.start()
    wait_for(desk.polled)
    for n in range(KILLS):
        name = chance.choice("ab")
        items[name] = [*entries(5, start=5 * n), *items[name]]
        desk.set_feed(name, items[name] + BASELINE)
        time.sleep(chance.uniform(0.3, 2.5))
        victim = "up" if n == KILLS // 2 else chance.choice(["poll", "analyse", "redis", "scheduler", "up"])
        if victim == "up":
            desk.kill(up)
            up = desk.start(ready=False)
        else:
            desk.kill_role(up, victim)
    expected = items["a"] + items["b"]
    desk.check_alerts(expected, allowed_extra=len(expected))
    # What docs/promise.md allows: the attempt's process died, or its connection did, before the receiver's word came.
    lost = (attempt.c.outcome == "unknown") | attempt.c.reason.in_(["timeout", "connect"])
    extra = len(desk.mail.received) + len(desk.webhook.received) - 2 * len(expected)
    assert extra <= len(desk.rows(attempt, lost)), "a second copy without an attempt of unknown fate"
