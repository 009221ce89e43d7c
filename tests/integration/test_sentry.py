"""What reaches Sentry, at a DSN of the test's own: our unexpected errors, once, and no secret of anybody (J06)."""

import json
import os
import subprocess
import sys

import pytest
import redis
from collector import Collector
from desk import wait_for
from scripted import Origin, http

START = """
import asyncio, os, threading
import structlog
from worker import sentry
from worker.reporting import start_reporting
from worker.config.schema import Config

log = structlog.get_logger()
start_reporting(Config(), os.environ, role=os.environ.get("ROLE", "poll-deliver"))

def fail(words="a flaw of ours"):
    raise ValueError(words)
"""


@pytest.fixture
def collector():
    with Collector() as made:
        yield made


@pytest.fixture
def origin():
    with Origin() as made:
        made.routes["/feed?key=CANARY-QUERY"] = http(200, b"Content-Type: application/rss+xml", body=b"<rss/>")
        yield made


def run(program, collector=None, *, code=0, role="poll-deliver", **environ):
    """The process's stderr, when it has ended with `code`."""
    given = dict(os.environ) | {"ROLE": role} | environ
    if collector:
        given["SENTRY_DSN"] = collector.dsn
    argv = [sys.executable, "-c", START + program]
    done = subprocess.run(argv, env=given, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    return done.stderr


FETCH = """
import ipaddress
from urllib.parse import urlsplit
from worker import net
from worker.guard import Allow, NetworkPolicy

policy = NetworkPolicy((Allow(ipaddress.ip_network("127.0.0.0/8")),))

async def ask(use):
    async with net.open_session(policy, use=use, user_agent="Wirewatch/0") as session:
        url = os.environ["ORIGIN"] + "/feed?key=CANARY-QUERY"
        if use == "feed":
            return await net.get(session, url, headers={}, use="feed", policy=policy)
        return await net.post(session, url, body=b"CANARY-BODY", headers={}, policy=policy)

def work(password):
    for use in ("feed", "webhook"):
        assert asyncio.run(ask(use)).status == 200
    try:
        fail()
    except ValueError:
        log.exception("feed_not_saved", feed_id="wire")

work("CANARY-LOCAL")
"""


def test_j06_sentry_hears_of_our_errors_and_of_no_request(collector, origin):
    said = run(FETCH, collector, ORIGIN=origin.url)
    assert collector.said() == [("ValueError", "a flaw of ours")]
    (event,) = collector.events
    assert event["release"].startswith("wirewatch@")
    assert (event["environment"], event["tags"]["role"]) == ("production", "poll-deliver")
    assert event["contexts"]["log"]["event"] == "feed_not_saved"
    assert "server_name" not in event
    assert not [envelope for envelope in collector.raw if "CANARY" in envelope]
    assert "feed_not_saved" in said
    assert "CANARY" not in said


def test_j06_sentry_adds_nothing_to_what_publishers_and_receivers_are_sent(collector, origin):
    run(FETCH, collector, ORIGIN=origin.url)
    assert collector.events, "Sentry was on"
    assert len(origin.requests) == 2
    for index in range(2):
        sent = origin.headers(index)
        assert not sent.keys() & {"sentry-trace", "baggage", "traceparent", "tracestate"}
        assert b"sentry" not in origin.requests[index].lower()


def test_sentry_is_silent_without_its_address(collector, origin):
    said = run(FETCH, ORIGIN=origin.url)
    assert "feed_not_saved" in said
    assert len(origin.requests) == 2
    assert not collector.raw


HINT = """
from worker.celery import hints_through, make_celery
hints_through(make_celery(os.environ["REDIS"], tick=1, soft_shutdown=1))("poll")
"""


def test_sentry_adds_nothing_to_messages(collector, redis_url):
    run(HINT, collector, REDIS=redis_url)
    client = redis.Redis.from_url(redis_url.replace("redis+socket:", "unix:"))
    headers = json.loads(client.lindex("wirewatch:poll", 0))["headers"]
    client.close()
    assert not [name for name in (*headers, *(headers.get("headers") or ())) if "sentry" in name or name == "baggage"]


# ---- who dies


def test_sentry_hears_of_who_dies_uncaught(collector):
    said = run("fail('at https://user:CANARY@host.example/CANARY')", collector, code=1)
    assert collector.said() == [("ValueError", "at https://host.example/…")]
    assert "ValueError: at https://host.example/…" in said
    assert "CANARY" not in said


def test_sentry_hears_of_a_thread_that_dies_uncaught_once(collector):
    said = run("one = threading.Thread(target=fail); one.start(); one.join()", collector)
    assert collector.said() == [("ValueError", "a flaw of ours")]
    assert "ValueError: a flaw of ours" in said


def test_sentry_hears_the_last_line_of_a_process_that_ends_itself(collector):
    run("log.critical('step_hangs', queue='poll'); os._exit(70)", collector, code=70)
    (event,) = collector.events
    assert (event["message"], event["level"]) == ("step_hangs", "fatal")
    assert event["contexts"]["log"]["queue"] == "poll"


@pytest.mark.parametrize(
    "program",
    [
        "raise SystemExit(3)",
        "os.kill(os.getpid(), 2)",  # Ctrl-C
        "from worker.errors import StoreError; raise StoreError('the record refused')",
        "import redis; redis.Redis(host='127.0.0.1', port=1).ping()",
    ],
)
def test_sentry_hears_nothing_of_expected_ends(collector, program):
    argv = [sys.executable, "-c", START + program]
    done = subprocess.run(argv, env=dict(os.environ, SENTRY_DSN=collector.dsn), capture_output=True, timeout=60)
    assert done.returncode != 0
    assert not collector.events


def test_sentry_that_hangs_keeps_nobody(collector):
    """Every send would take thirty seconds, and this is ten of them; the process ends all the same."""
    collector.hang.set()
    program = """
try:
    fail()
except ValueError:
    log.exception("first")
for _ in range(9):
    sentry.check_ins(os.environ, tick=1)(True)
print("through", flush=True)
"""
    argv = [sys.executable, "-c", START + program]
    done = subprocess.run(
        argv, env=dict(os.environ, SENTRY_DSN=collector.dsn), capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout.strip()) == (0, "through"), done.stderr


def test_sentry_that_is_not_there_is_one_line_in_the_log():
    program = "import sentry_sdk\nfor _ in range(3): sentry.check_ins(os.environ, tick=1)(True); sentry_sdk.flush(9)"
    said = run(program, SENTRY_DSN="http://0123456789abcdef0123456789abcdef@127.0.0.1:1/1")
    assert said.count("\n") == 1, said
    assert "/envelope/" in said
    assert "0123456789abcdef" not in said


# ---- Celery


PREFORK = """
from worker.celery import make_celery, run_worker

celery = make_celery(os.environ["REDIS"], tick=60, soft_shutdown=1)
celery.conf.worker_max_tasks_per_child = 1  # replaced at once, with what it has not said yet

@celery.task(name="wirewatch.flaw")
def flaw():
    sentry.check_ins(os.environ, tick=1)(True)  # it is said before the failure is, and Sentry is slow
    fail("in a child, at redis://:CANARY@host.example/0")

nothing = lambda: None
celery.send_task("wirewatch.flaw", queue="analyse")
run_worker(
    celery, name="analyse", queues=("analyse",), threads=int(os.environ["THREADS"]), on_ready=nothing, on_task=nothing,
    on_start=lambda: start_reporting(Config(), os.environ, role="analyse"), on_stop=nothing,
)
"""  # fmt: skip


@pytest.mark.parametrize("threads", ["0", "2"], ids=["prefork", "threads"])
def test_sentry_hears_of_a_task_that_fails_once_also_from_a_child_that_is_replaced(
    collector, redis_url, tmp_path, threads
):
    collector.slow = 1.5  # more than the second that a pool's child has at its end, less than it waits for Sentry
    given = {"SENTRY_DSN": collector.dsn, "REDIS": redis_url, "ROLE": "analyse"}
    with (tmp_path / "log").open("wb") as log:
        argv = [sys.executable, "-c", START + PREFORK]
        worker = subprocess.Popen(argv, env=dict(os.environ) | given | {"THREADS": threads}, stdout=log, stderr=log)
        try:
            said = tmp_path / "log"
            wait_for(lambda: b"in a child" in said.read_bytes(), seconds=60, what="the failure in the log")
            wait_for(lambda: collector.events, what="the failure at Sentry")
            worker.terminate()
            worker.wait(30)
        finally:
            worker.kill()
            worker.wait()
    assert [words for _, words in collector.said()] == ["in a child, at redis://host.example/…"]
    (event,) = collector.events
    assert event["exception"]["values"][0]["mechanism"]["type"] == "celery"
    assert (event["transaction"], event["tags"]["role"]) == ("wirewatch.flaw", "analyse")
    assert b"CANARY" not in said.read_bytes()


# ---- the console


CONSOLE = """
import http.client, socket
import uvicorn
from fastapi import FastAPI, Request

console = FastAPI()

@console.get("/pages/{name}")
def page(name: str, request: Request):
    CANARY = request.headers["cookie"]
    fail("a page of ours")

listener = socket.create_server(("127.0.0.1", 0))
server = uvicorn.Server(uvicorn.Config(console, log_config=None, log_level="warning"))
thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
thread.start()
connection = http.client.HTTPConnection(*listener.getsockname(), timeout=30)
headers = {"Cookie": "wirewatch-1=CANARY", "Authorization": "Bearer CANARY", "X-Forwarded-For": "10.9.8.7"}
connection.request("GET", "/pages/CANARY?key=CANARY", headers=headers)
assert connection.getresponse().status == 500
server.should_exit = True
thread.join()
"""


def test_j06_sentry_hears_of_a_broken_page_and_not_who_asked_for_it(collector):
    said = run(CONSOLE, collector, role="console")
    (event,) = collector.events
    assert event["exception"]["values"][0]["value"] == "a page of ours"
    assert event["transaction"] == "/pages/{name}"
    assert set(event["request"]) == {"method", "url"}
    assert event["request"]["url"].endswith("/…")
    assert "10.9.8.7" not in collector.raw[0]
    assert not [envelope for envelope in collector.raw if "CANARY" in envelope]
    assert "a page of ours" in said
    assert "CANARY" not in said.replace('CANARY = request.headers["cookie"]', "")


# ---- check-ins


def test_check_in_is_an_envelope_that_makes_its_own_monitor(collector):
    run(
        "check_in = sentry.check_ins(os.environ, tick=130)\nfor ok in (True, False, False):\n    check_in(ok)",
        collector,
    )
    assert [one["status"] for one in collector.check_ins] == ["ok", "error"], "one failure a minute"
    one = collector.check_ins[0]
    assert one["monitor_slug"] == "wirewatch-tick"
    assert one["environment"] == "production"
    assert one["monitor_config"]["schedule"] == {"type": "interval", "value": 3, "unit": "minute"}
    assert one["monitor_config"]["checkin_margin"] > 3
