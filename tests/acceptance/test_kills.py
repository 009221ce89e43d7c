"""Real processes, killed on purpose, on both databases: nothing is lost, a second copy has the same id (A01-A06)."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import psutil
import pytest
from desk import BASELINE, Desk, entries, wait_for
from sqlalchemy import text
from standardwebhooks import Webhook

from worker.pipeline.analyse import analyse_new_articles
from worker.pipeline.poll import poll_due_feeds
from worker.pipeline.raising import storify_and_raise
from worker.store.schema import alert, article, delivery

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

NEW = entries(40)
MORE = entries(20, start=500)
ELSEWHERE = entries(1, start=900)


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


def stop_process(pid):
    """SIGSTOP, and wait until it really stands."""
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED, seconds=5)


def start_with_baseline(desk):
    up = desk.start()
    wait_for(desk.polled, what="the baseline")
    wait_for(desk.settled, what="the baseline judged")
    return up


def test_a01_a02_killed_before_the_commit_or_after_it_and_before_the_ack_loses_nothing(desk):
    up = start_with_baseline(desk)
    kill_before_the_commit(desk, up)
    desk.check_alerts(NEW, allowed_extra=0)
    kill_before_the_ack(desk, up)
    desk.check_alerts([*NEW, *MORE, *ELSEWHERE], allowed_extra=len(MORE))


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
    desk.set_feed("a", NEW + BASELINE)
    assert served.wait(20)
    time.sleep(1.5)  # the document is parsed meanwhile, and its save waits for the lock
    desk.kill_role(up, "poll")
    release.set()
    assert desk.etag() == before
    assert len(desk.rows(article, article.c.feed_id == "a")) == len(BASELINE)


def kill_before_the_ack(desk, up):
    stall = threading.Event()

    def before_answer(path, changed):
        if path == "/b" and changed:
            stall.wait(20)  # the batch goes on, so the hint is not acknowledged yet

    desk.set_feed("b", [*ELSEWHERE, *BASELINE])
    desk.origin.before_answer = before_answer
    desk.set_feed("a", [*NEW, *MORE, *BASELINE])
    wait_for(lambda: len(desk.rows(article, article.c.feed_id == "a")) > len(NEW + MORE), what="the commit")
    desk.kill_role(up, "poll")
    desk.origin.before_answer = None
    stall.set()


def test_a03_alerts_committed_without_any_hint_are_delivered_by_the_sweep(desk):
    runtime = desk.runtime()
    poll_due_feeds(runtime)
    desk.set_feed("a", NEW + BASELINE)
    wait_for(lambda: poll_due_feeds(runtime) or len(desk.guids()) > len(NEW), seconds=10)
    while analyse_new_articles(runtime):
        pass
    while storify_and_raise(runtime):
        pass
    assert len(desk.rows(alert)) == len(NEW)
    assert desk.mail.received == []
    runtime.parser.close()
    runtime.store.close()
    desk.start()
    wait_for(lambda: desk.sent() == 2 * len(NEW), seconds=2 * 0.5 + 5, what="the sweep's deliveries")
    desk.check_alerts(NEW)


def raise_one(desk):
    """One alert in the outbox, nothing sent."""
    runtime = desk.runtime()
    poll_due_feeds(runtime)
    desk.set_feed("a", entries(1) + BASELINE)
    wait_for(lambda: poll_due_feeds(runtime) or len(desk.guids()) == 3, seconds=10)
    while analyse_new_articles(runtime):
        pass
    storify_and_raise(runtime)
    runtime.parser.close()
    runtime.store.close()


def test_a04_killed_between_claim_and_connect_delivers_once_after_the_lease(desk):
    raise_one(desk)
    claim = (
        "import os, pathlib, sys; from datetime import timedelta\n"
        "from worker.store.engine import open_store; from worker.store.deliveries import claim_due_deliveries\n"
        "store = open_store(sys.argv[1], data=pathlib.Path(sys.argv[2]))\n"
        "assert claim_due_deliveries(store, limit=9, lease=timedelta(seconds=3)).rows; os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", claim, desk.database_url, str(desk.data)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert {row.state for row in desk.rows(delivery)} == {"sending"}
    desk.start()
    desk.check_alerts(entries(1), allowed_extra=0)


def kill_after_the_answer(desk, up):
    """Freezes the worker before the receiver's yes reaches it, and kills it once the yes is on the wire."""
    pid = desk.children(up, "poll")[0].pid
    stop_process(pid)
    threading.Timer(0.5, os.kill, (pid, signal.SIGKILL)).start()


def test_a05_a06_accepted_then_killed_sends_the_same_again(desk):
    """By mail the same bytes; by webhook the same id and body, freshly signed."""
    up = start_with_baseline(desk)
    kill_after_the_mail_is_taken(desk, up)
    kill_after_the_webhook_is_taken(desk, up)


def kill_after_the_mail_is_taken(desk, up):
    once = threading.Event()

    def on_receive(message):
        if not once.is_set():
            once.set()
            kill_after_the_answer(desk, up)

    desk.mail.on_receive = on_receive
    desk.set_feed("a", entries(1) + BASELINE)
    desk.check_alerts(entries(1), allowed_extra=1)
    assert len(desk.mail.received) == 2
    assert desk.mail.received[0].raw == desk.mail.received[1].raw
    assert [row.maybe_duplicate for row in desk.rows(delivery, delivery.c.channel == "mail")] == [1]


def kill_after_the_webhook_is_taken(desk, up):
    once = threading.Event()

    def on_receive(headers, body):
        if not once.is_set():
            once.set()
            kill_after_the_answer(desk, up)

    desk.webhook.on_receive = on_receive
    desk.set_feed("a", entries(2) + BASELINE)
    desk.check_alerts(entries(2), allowed_extra=2)
    first_id = desk.webhook.received[0][0]["webhook-id"]
    (first_headers, first), (second_headers, second) = [
        (headers, body) for headers, body in desk.webhook.received if headers["webhook-id"] != first_id
    ]
    assert first == second
    assert first_headers["webhook-id"] == second_headers["webhook-id"]
    assert int(first_headers["webhook-timestamp"]) < int(second_headers["webhook-timestamp"])
    for headers, body in desk.webhook.received:
        Webhook(desk.secret).verify(body, headers)
    assert max(desk.rows(delivery, delivery.c.channel == "hook"), key=lambda row: row.id).maybe_duplicate == 1
