"""Real processes, killed on purpose, on both databases: nothing is lost, a second copy has the same id (A01-A06)."""

import contextlib
import fcntl
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from desk import BASELINE, Desk, entries, wait_for
from sqlalchemy import text
from standardwebhooks import Webhook
from steps import LONG_AGO, change, enqueue, operator_subjects, poll_now, settle

from worker.metrics import MAYBE_DUPLICATES
from worker.pipeline.deliver import deliver_due
from worker.pipeline.tick import tick
from worker.store.lease import MAX_ATTEMPTS
from worker.store.schema import alert, article, delivery
from worker.store.tallies import read_tallies

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

FIRST = entries(4, start=300)
NEW = entries(12)
MORE = entries(6, start=500)
ELSEWHERE = entries(1, start=900)
NEXT_YEAR = LONG_AGO + timedelta(days=3650)


@pytest.fixture
def desk(tmp_path, database_url):
    with Desk(tmp_path, database_url=database_url, feeds=("a", "b")) as made:
        yield made


@contextmanager
def writes_blocked(desk):
    """No poll can commit while this holds: SQLite's write lock, or PostgreSQL's lock on the last table written."""
    if desk.store.is_sqlite:
        with open(desk.store.lock_path, "a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        return
    with desk.store.engine.connect() as connection:
        connection.execute(text("LOCK TABLE poll IN EXCLUSIVE MODE"))
        yield
        connection.rollback()


def test_a01_a02_a03_killed_before_the_commit_after_it_or_before_any_hint_loses_nothing(desk):
    raise_without_a_hint(desk)
    up = desk.start()
    wait_for(lambda: desk.sent() == 2 * len(FIRST), seconds=2 * 0.5 + 5, what="the sweep's deliveries")
    desk.check_alerts(FIRST)
    kill_before_the_commit(desk, up)
    desk.check_alerts([*FIRST, *NEW], allowed_extra=0)
    kill_before_the_ack(desk, up)
    desk.check_alerts([*FIRST, *NEW, *MORE, *ELSEWHERE], allowed_extra=len(MORE))


def raise_without_a_hint(desk):
    """As who is killed right after the commit leaves it: alerts, and no hint that there is something to deliver."""
    runtime = desk.runtime()
    poll_now(desk, runtime)
    desk.set_feed("a", FIRST + BASELINE)
    poll_now(desk, runtime)
    settle(runtime)
    runtime.store.close()
    assert len(desk.rows(alert)) == len(FIRST)
    assert desk.mail.received == []


def kill_before_the_commit(desk, up):
    before, served, release = desk.etag(), threading.Event(), threading.Event()
    blocked = threading.Event()

    def block():
        with writes_blocked(desk):
            blocked.set()
            release.wait(20)

    def before_answer(path, changed):
        if path == "/a" and changed and not served.is_set():
            threading.Thread(target=block).start()
            blocked.wait(10)
            served.set()

    desk.origin.before_answer = before_answer
    desk.set_feed("a", [*NEW, *FIRST, *BASELINE])
    assert served.wait(20)
    time.sleep(1.5)  # the document is parsed meanwhile, and its save waits for the lock
    desk.kill_role(up, "poll")
    release.set()
    assert desk.etag() == before
    assert len(desk.rows(article, article.c.feed_id == "a")) == len(FIRST + BASELINE)


def kill_before_the_ack(desk, up):
    stall = threading.Event()

    def before_answer(path, changed):
        if path == "/b" and changed:
            stall.wait(20)  # the batch goes on, so the hint is not acknowledged yet

    desk.set_feed("b", [*ELSEWHERE, *BASELINE])
    desk.origin.before_answer = before_answer
    desk.set_feed("a", [*NEW, *MORE, *FIRST, *BASELINE])
    wait_for(lambda: len(desk.rows(article, article.c.feed_id == "a")) > len(NEW + MORE + FIRST), what="the commit")
    desk.kill_role(up, "poll")
    desk.origin.before_answer = None
    stall.set()


DELIVER = """
import os, pathlib, sys
from worker.app import build
from worker.config.load import load_config
from worker.pipeline.deliver import deliver_due
config = load_config(pathlib.Path(sys.argv[1]), environ=os.environ)
deliver_due(build(config, data=pathlib.Path(sys.argv[2]), environ=os.environ))
"""


def deliver_and_die(desk, point):
    """Another process claims what is due, and is killed at that point; by now its lease is over."""
    argv = [sys.executable, "-c", DELIVER, desk.config, desk.data]
    environ = desk.environ() | {"WIREWATCH_CRASH_AT": point}
    done = subprocess.run([str(part) for part in argv], env=environ, capture_output=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert {row.state for row in desk.rows(delivery, delivery.c.lease_token.is_not(None))} == {"sending"}
    change(desk, delivery, lease_until=LONG_AGO)


def test_a04_a05_a06_killed_before_dialling_or_after_the_yes_sends_the_same_once_more_at_the_most(desk):
    runtime = desk.runtime()
    with contextlib.closing(runtime.store):
        enqueue(desk, runtime, "hook", 1)
        deliver_and_die(desk, "sent_not_recorded")  # A06
        accepted = time.time()
        change(desk, delivery, due_at=NEXT_YEAR)
        enqueue(desk, runtime, "mail", 1)
        deliver_and_die(desk, "claimed_not_dialled")  # A04
        assert desk.mail.received == []
        deliver_due(runtime)
        assert len(desk.mail.received) == 1
        enqueue(desk, runtime, "mail", 1)
        deliver_and_die(desk, "sent_not_recorded")  # A05
        deliver_due(runtime)
        time.sleep(max(0.0, 1.0 - (time.time() - accepted)))  # a signature's time is in whole seconds
        change(desk, delivery, due_at=LONG_AGO)
        deliver_due(runtime)
    _, first, second = desk.mail.received
    assert first.raw == second.raw
    (hooked, body), (again, same) = desk.webhook.received
    assert (hooked["webhook-id"], body) == (again["webhook-id"], same)
    assert int(hooked["webhook-timestamp"]) < int(again["webhook-timestamp"])
    for headers, received in desk.webhook.received:
        Webhook(desk.secret).verify(received, headers)
    assert {(row.state, row.maybe_duplicate) for row in desk.rows(delivery)} == {("sent", 1)}
    assert MAYBE_DUPLICATES.values(read_tallies(desk.store)) == {(): 3}


ANALYSE = """
import os, pathlib, sys, time
from dataclasses import replace
from worker.app import build
from worker.config.load import load_config
from worker.pipeline.analyse import analyse_new_articles


class Hangs:
    def judge_many(self, articles):
        print("claimed", flush=True)
        time.sleep(60)


config = load_config(pathlib.Path(sys.argv[1]), environ=os.environ)
runtime = build(config, data=pathlib.Path(sys.argv[2]), environ=os.environ)
analyse_new_articles(replace(runtime, judge=Hangs))
"""


def analyse_beyond_the_limit(desk):
    """An analyst that does not end is killed, as the task's time limit kills it; by now its lease is over."""
    argv = [sys.executable, "-c", ANALYSE, str(desk.config), str(desk.data)]
    with subprocess.Popen(argv, env=desk.environ(), stdout=subprocess.PIPE) as analyst:
        assert analyst.stdout.readline() == b"claimed\n"
        analyst.kill()
    change(desk, article, lease_until=LONG_AGO)


def test_a12_an_article_whose_judging_never_ends_counts_its_attempts_and_is_parked(desk):
    runtime = desk.runtime()
    poll_now(desk, runtime)
    for _ in range(MAX_ATTEMPTS):
        analyse_beyond_the_limit(desk)
    tick(runtime)
    (parked,) = desk.rows(article, article.c.state == "quarantined")
    assert parked.attempts == MAX_ATTEMPTS
    assert [subject.split(":")[0] for subject in operator_subjects(desk)] == ["Article quarantined"]
    settle(runtime)
    assert len(desk.rows(article, article.c.state == "settled")) == len(desk.feeds) - 1, "the others of its batch go on"
    runtime.store.close()
