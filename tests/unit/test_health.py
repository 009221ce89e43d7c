"""What health says of a desk that stands so and so: a table of troubles, and of what is none."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from worker.config.schema import Config, FeedSpec
from worker.health import judge
from worker.store.heartbeats import Heartbeat
from worker.store.standing import QueueStanding, Standing

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
IDLE = QueueStanding(depth=0, age=timedelta(0), late=0, stuck=0)
CALM = Standing(
    now=NOON,
    feeds={"active": 5},
    articles={},
    deliveries={},
    queues={"poll": IDLE, "pages": IDLE, "analyse": IDLE, "deliver": IDLE},
    overdue=0,
    unsent_age=timedelta(0),
    quarantined=0,
    abandoned=0,
    last_poll_at=NOON - MINUTE,
)
ROLES = ("poll-deliver", "analyse", "scheduler", "console")


def queue(name, **changes):
    return {"queues": {**CALM.queues, name: dataclasses.replace(IDLE, **changes)}}


def config(interval):
    return Config(feeds=(FeedSpec(id="a", url="https://a.example/", interval=interval),))


def heart(role, *, silent=timedelta(seconds=5), age=HOUR):
    """Its start is `age` before its last beat."""
    beat = NOON - silent
    return Heartbeat(id=role, role=role, host="h", pid=1, started_at=beat - age, beat_at=beat, silent_for=silent)


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, ()),
        (queue("poll", depth=9, age=4 * MINUTE), ()),  # a backlog is no trouble while it is worked off
        (queue("poll", late=2), ("feeds that should have been polled five minutes ago: 2",)),
        (queue("analyse", late=1), ("articles that have waited five minutes to be judged: 1",)),
        (queue("pages", late=1), ("articles that have waited five minutes for their own page: 1",)),
        (queue("pages", stuck=1), ("pages claimed and never finished: 1",)),
        (queue("deliver", late=3) | {"overdue": 3}, ("deliveries that should have gone out five minutes ago: 3",)),
        # They are tried, and fail: the receiver is down.
        ({"overdue": 4}, ("deliveries that have not come through for five minutes: 4",)),
        (queue("poll", stuck=1), ("feeds claimed and never finished: 1",)),
        (queue("analyse", stuck=1), ("articles claimed and never finished: 1",)),
        (queue("deliver", stuck=1), ("deliveries claimed and never finished: 1",)),
        ({"feeds": {"active": 4, "failing": 1}}, ("feeds that failed at their last poll: 1",)),
        ({"feeds": {"active": 4, "stopped": 1}}, ("feeds that are gone: 1",)),
        ({"quarantined": 1}, ("articles quarantined within a day: 1",)),
        ({"abandoned": 1}, ("deliveries given up within a day: 1",)),
        # Whoever was told of it a day ago need not hear of it for ever.
        ({"articles": {"quarantined": 1}, "deliveries": {"abandoned": 1}}, ()),
    ],
)
def test_k05_health_names_each_stuck_state(changes, reasons):
    found = judge(dataclasses.replace(CALM, **changes), [], None)
    assert found.reasons == reasons
    assert found.status == ("degraded" if reasons else "ok")


@pytest.mark.parametrize(
    ("interval", "quiet", "told"),
    [
        ("15m", timedelta(hours=23), False),  # a publisher may ask for a day
        ("15m", timedelta(hours=30), True),
        ("7d", timedelta(hours=30), False),  # once a week, as configured
        ("7d", timedelta(days=9), True),
    ],
)
def test_k05_health_names_a_desk_that_polls_nothing_for_longer_than_any_feed_may_wait(interval, quiet, told):
    standing = dataclasses.replace(CALM, last_poll_at=NOON - quiet)
    expected = (f"no feed was polled for {quiet // HOUR} h",) if told else ()
    assert judge(standing, [], config(interval)).reasons == expected
    assert judge(dataclasses.replace(standing, feeds={"stopped": 1}), [], config(interval)).reasons == (
        "feeds that are gone: 1",
    ), "none is to be polled"


@pytest.mark.parametrize(
    ("hearts", "reasons"),
    [
        ([], ()),  # a scratch store; of a desk that does not run, `wirewatch status` says so
        ([heart(role) for role in ROLES], ()),
        ([heart(role, silent=2.9 * MINUTE) for role in ROLES], ()),
        # One of two analysts has fallen silent.
        (
            [*(heart(role) for role in ROLES), heart("analyse", silent=3.1 * MINUTE)],
            ("processes that have been silent for three minutes: 1",),
        ),
        ([heart("poll-deliver"), heart("scheduler")], ("no process judges articles",)),
        ([heart("console")], ("no process polls feeds", "no process judges articles", "no process sends deliveries")),
        ([heart("console", age=0.9 * MINUTE)], ()),  # the others are starting
        ([heart("poll"), heart("analyse")], ("no process sends deliveries",)),
        ([heart("poll"), heart("deliver"), heart("analyse")], ()),  # each apart, and no console
        (
            [heart("poll-deliver"), heart("analyse", silent=5 * MINUTE)],
            ("processes that have been silent for three minutes: 1", "no process judges articles"),
        ),
        (
            [heart("poll-deliver", silent=5 * MINUTE, age=0 * MINUTE)],  # dead soon after its start
            (
                "processes that have been silent for three minutes: 1",
                "no process polls feeds",
                "no process judges articles",
                "no process sends deliveries",
            ),
        ),
    ],
)
def test_k05_health_names_who_is_silent_and_what_nobody_does(hearts, reasons):
    assert judge(CALM, hearts, None).reasons == reasons


def test_health_shows_depth_and_age_and_names_nobody():
    standing = dataclasses.replace(CALM, **queue("deliver", depth=2, age=timedelta(seconds=41.26)))
    shown = judge(standing, [heart("analyse", silent=5 * MINUTE)], None).as_json()
    assert shown["queues"]["deliver"] == {"depth": 2, "age": 41.3}
    assert shown["feeds"] == {"active": 5}
    assert "'h'" not in repr(shown)
