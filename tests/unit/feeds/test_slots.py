"""The places of a host, within one process."""

from worker.feeds.slots import HostSlots, Look
from worker.guard import HostPolicy


def test_f17_host_slots_space_and_limit():
    slots, policy = HostSlots(), HostPolicy(spacing=1.0, concurrent=2)
    assert slots.take("h", policy, now=100.0) == Look()
    assert slots.take("h", policy, now=100.25) == Look(wait=0.75)  # too soon
    assert slots.take("other", policy, now=100.25) == Look()
    assert slots.take("h", policy, now=101.0) == Look()
    assert slots.take("h", policy, now=109.0).wait > 0  # two are under way
    slots.give_back("h")
    assert slots.take("h", policy, now=109.0) == Look()


def test_f12_host_slots_hold_siblings():
    slots = HostSlots()
    slots.hold("h", until=200.0)
    slots.hold("h", until=150.0)  # never shortens
    assert slots.held("h", now=140.0) == 60.0
    assert slots.held("h", now=201.0) == 0
    assert slots.held("other", now=140.0) == 0
    slots.hold("h", until=200.0)
    assert slots.take("h", HostPolicy(), now=140.0) == Look(held=60.0)
