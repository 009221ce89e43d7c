"""Many feeds at once: nobody waits for a slow host, nobody is lost."""

import threading
import time

from scripted import http

from worker.errors import FetchReason
from worker.feeds.fetch import Fetcher
from worker.model import Fetched, FetchRequest


def test_fetch_all_a_slow_host_holds_nobody_back(origin):
    release = threading.Event()

    def slow(connection):
        release.wait(5)
        connection.sendall(http(200, body=b"slow"))

    origin.routes |= {"/slow": slow, "/": http(200, body=b"x")}
    fetcher = Fetcher(origin.policy(), user_agent="W/0")
    requests = [
        FetchRequest("slow", origin.url + "/slow"),
        *(FetchRequest(str(n), origin.url + "/") for n in range(20)),
    ]
    seen = []
    for group in fetcher.fetch_all(requests):
        assert group
        seen += [result.request.feed_id for result in group]
        if len(seen) == 20:
            assert "slow" not in seen
            release.set()
    assert sorted(seen) == sorted(request.feed_id for request in requests)


def test_fetch_all_never_raises_for_one_request(origin):
    origin.routes["/"] = http(200, body=b"x")
    urls = ["", "http://[", "nonsense", "http://" + "x" * 300 + "/", "\ud800", origin.url + "/"]
    fetcher = Fetcher(origin.policy(), user_agent="W/0")
    results = [r for group in fetcher.fetch_all([FetchRequest(u, u) for u in urls]) for r in group]
    assert sorted(r.request.url for r in results) == sorted(urls)
    assert sum(isinstance(r.outcome, Fetched) for r in results) == 1


def test_fetch_all_of_nothing_is_nothing(origin):
    assert list(Fetcher(origin.policy(), user_agent="W/0").fetch_all([])) == []


def test_fetch_all_left_early_leaks_no_thread(origin):
    origin.routes |= {"/": http(200, body=b"x"), "/slow": lambda connection: time.sleep(8)}
    fetcher = Fetcher(origin.policy(), user_agent="W/0")
    requests = [FetchRequest("a", origin.url + "/"), *(FetchRequest(str(n), origin.url + "/slow") for n in range(5))]
    groups = fetcher.fetch_all(requests)
    assert [result.request.feed_id for result in next(groups)] == ["a"]
    started = time.monotonic()
    groups.close()
    assert time.monotonic() - started < 4
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("fetch")]


def test_fetch_all_a_silent_host_costs_two_deadlines(origin):
    origin.routes["/"] = lambda connection: time.sleep(8)
    fetcher = Fetcher(origin.policy(concurrent=2), user_agent="W/0", deadline=0.4)
    started = time.monotonic()
    requests = [FetchRequest(str(n), origin.url + "/") for n in range(30)]
    results = [result for group in fetcher.fetch_all(requests) for result in group]
    assert len(results) == 30 and time.monotonic() - started < 4
    assert {result.outcome.reason for result in results} == {FetchReason.TIMEOUT}
    assert len(origin.requests) <= 6
