"""A round of requests: more goes in while some hang, and whatever hangs holds up nobody else."""

import ipaddress
import threading
from dataclasses import replace

import pytest
from scripted import Origin, http

from worker.feeds.fetch import Fetcher
from worker.guard import Allow, HostPolicy
from worker.model import Fetched, FetchRequest, Postponed

OTHER = "127.0.0.2"


@pytest.fixture
def slow_url():
    """At another host on loopback."""
    other = Origin(OTHER)
    other.routes["/"] = http(200, body=b"x")
    yield other.url + "/"
    other.shutdown()
    other.server_close()


def fetcher_of(origin, **slow):
    """Its policy for 127.0.0.1; another host on loopback has `slow`."""
    policy = origin.policy()
    everywhere = Allow(ipaddress.ip_network("127.0.0.0/8"))
    hosts = {**policy.hosts, OTHER: HostPolicy(**{"interval_floor": 1, "ignore_hints": True, **slow})}
    return Fetcher(replace(policy, allow=(everywhere,), hosts=hosts), user_agent="W/0")


def take_all(visits, count):
    taken = []
    while len(taken) < count:
        group = visits.take(10)
        assert group, f"only {len(taken)} of {count} came"
        taken += group
    return taken


def test_a_round_takes_more_while_some_hang(origin):
    release = threading.Event()
    origin.routes |= {"/": http(200, body=b"x"), "/hangs": lambda connection: release.wait(20)}
    with fetcher_of(origin).open() as visits:
        visits.add([FetchRequest(f"h{n}", origin.url + "/hangs") for n in range(3)], start_within=60)
        for n in range(4):
            visits.add([FetchRequest(f"{n}", origin.url + "/")], start_within=60)
            (result,) = take_all(visits, 1)
            assert (result.request.feed_id, type(result.outcome)) == (f"{n}", Fetched)
        assert visits.under_way == 3
        release.set()
        take_all(visits, 3)
        assert visits.take(0.1) == []


def test_a_slow_host_waits_its_turn_and_nobody_elses(origin, slow_url):
    origin.routes["/"] = http(200, body=b"x")
    with fetcher_of(origin, spacing=30.0).open() as visits:
        visits.add([FetchRequest(f"slow{n}", slow_url) for n in range(60)], start_within=600)
        visits.add([FetchRequest(f"{n}", origin.url + "/") for n in range(60)], start_within=600)
        asked = {result.request.feed_id for result in take_all(visits, 60)}
    # Its first feed is asked at once, and may be among them.
    assert len([name for name in asked if not name.startswith("slow")]) >= 59


def test_what_has_no_time_left_is_given_back(origin, slow_url):
    with fetcher_of(origin, spacing=30.0, concurrent=1).open() as visits:
        visits.add([FetchRequest(f"{n}", slow_url) for n in range(5)], start_within=0.5)
        outcomes = [type(result.outcome) for result in take_all(visits, 5)]
    assert sorted(kind.__name__ for kind in outcomes) == ["Fetched"] + ["Postponed"] * 4
    assert Postponed in outcomes
