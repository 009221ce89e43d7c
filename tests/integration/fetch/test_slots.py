"""The places of a host, agreed on by the processes of a desk through Redis, and without it."""

import threading
import time

import pytest
from scripted import http

from worker.feeds.fetch import Fetcher
from worker.feeds.slots import SharedSlots
from worker.model import Fetched, FetchRequest, Postponed


@pytest.fixture(autouse=True)
def nobody_is_away(monkeypatch):
    monkeypatch.setattr(SharedSlots, "_away_until", 0.0)


def two_processes(origin, redis_url, **policy):
    """Fetchers that know of each other only through Redis."""
    made = dict(user_agent="W/0", redis_url=redis_url.replace("redis+socket:", "unix:"))
    return [Fetcher(origin.policy(**{"ignore_hints": False, **policy}), **made) for _ in range(2)]


def ask(fetchers, url, *, each):
    """So many requests by each, at the same time; their outcomes."""
    outcomes, threads = [], []
    for fetcher in fetchers:
        requests = [FetchRequest(str(n), url) for n in range(each)]

        def work(fetcher=fetcher, requests=requests):
            outcomes.extend(result.outcome for group in fetcher.fetch_all(requests) for result in group)

        threads.append(threading.Thread(target=work))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return outcomes


def test_f17_two_processes_space_their_requests_to_one_host(origin, own_redis):
    origin.routes["/"] = http(200, body=b"x")
    fetchers = two_processes(origin, own_redis.url, spacing=0.2, concurrent=2)
    outcomes = ask(fetchers, origin.url + "/", each=3)
    assert [type(outcome) for outcome in outcomes] == [Fetched] * 6
    assert origin.times[-1] - origin.times[0] > 0.8, "five spaces of 0.2 s, less the noise of a loaded machine"


def test_f17_two_processes_together_keep_to_the_hosts_places(origin, own_redis):
    lock, busy, most = threading.Lock(), [], []

    def slow(connection):
        with lock:
            busy.append(connection)
            most.append(len(busy))
        time.sleep(0.15)
        with lock:
            busy.remove(connection)
        connection.sendall(http(200, body=b"x"))

    origin.routes["/"] = slow
    ask(two_processes(origin, own_redis.url, spacing=0.001, concurrent=2), origin.url + "/", each=4)
    assert len(most) == 8 and max(most) == 2
    assert own_redis.client.zcard("wirewatch:host:127.0.0.1") == 0, "every place was given back"


def test_f12_a_host_that_asked_one_process_to_wait_is_not_asked_by_another(origin, own_redis):
    origin.routes["/"] = http(429, b"Retry-After: 120")
    first, second = two_processes(origin, own_redis.url, spacing=0.01)
    ask([first], origin.url + "/", each=1)
    (outcome,) = ask([second], origin.url + "/", each=1)
    assert isinstance(outcome, Postponed) and outcome.held > 100
    assert len(origin.requests) == 1


def test_a_process_that_died_with_a_place_keeps_it_from_nobody_for_long(origin, own_redis):
    origin.routes["/"] = http(200, body=b"x")
    (fetcher, _) = two_processes(origin, own_redis.url, spacing=0.01, concurrent=1)
    seconds, _ = own_redis.client.time()
    own_redis.client.zadd("wirewatch:host:127.0.0.1", {"of one that died": seconds + 1})
    (outcome,) = ask([fetcher], origin.url + "/", each=1)
    assert isinstance(outcome, Fetched)


def test_a_redis_whose_clock_was_set_back_keeps_a_host_from_nobody(origin, own_redis):
    origin.routes["/"] = http(200, body=b"x")
    (fetcher, _) = two_processes(origin, own_redis.url, spacing=0.01, concurrent=1)
    seconds, _ = own_redis.client.time()
    own_redis.client.set("wirewatch:host:127.0.0.1:next", str(seconds + 3600))
    own_redis.client.zadd("wirewatch:host:127.0.0.1", {"of an hour ago, which is to come": seconds + 3600})
    with fetcher.open() as visits:
        visits.add([FetchRequest("a", origin.url + "/")], start_within=2)
        (result,) = visits.take(5)
    assert isinstance(result.outcome, Fetched)


def test_f17_without_redis_each_process_is_more_careful(origin, own_redis):
    origin.routes["/"] = http(200, body=b"x")
    fetchers = two_processes(origin, own_redis.url, spacing=0.2, concurrent=2)
    own_redis.kill()
    outcomes = ask(fetchers[:1], origin.url + "/", each=4)
    assert [type(outcome) for outcome in outcomes] == [Fetched] * 4
    assert origin.times[-1] - origin.times[1] > 0.6, "two spaces of twice 0.2 s, once Redis is known to be away"


def test_a_host_of_the_operators_own_needs_no_redis(origin, own_redis):
    origin.routes["/"] = http(200, body=b"x")
    (fetcher, _) = two_processes(origin, own_redis.url, spacing=0)
    ask([fetcher], origin.url + "/", each=3)
    assert own_redis.client.keys("*") == []
