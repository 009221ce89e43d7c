"""What Sentry is told, and what not: the gate in front of it, and the DSN. What is really sent: tests/integration."""

import asyncio
import importlib

import pytest
import redis
import sqlalchemy.exc
from hypothesis import given
from hypothesis import strategies as st
from kombu.exceptions import OperationalError

from worker import sentry
from worker.errors import DeliveryError, DeliveryReason, FetchError, FetchReason, StoreError
from worker.scrub import Scrub, make_scrub

DSN = "https://0123456789abcdef0123456789abcdef@sentry.example/7"


def event_of(error, *, module="worker.pipeline.poll", lineno=12):
    """An event as the SDK makes it of an exception that passed `module`."""
    frames = [
        {
            "module": module,
            "lineno": lineno,
            "in_app": True,
            "abs_path": "/home/ana/worker/poll.py",
            "vars": {"a": "b"},
        },
        {"module": "sqlalchemy.engine", "lineno": 99, "in_app": False, "abs_path": "/home/ana/lib.py"},
    ]
    raised = {"type": type(error).__name__, "value": str(error), "stacktrace": {"frames": frames}}
    return {"exception": {"values": [raised]}, "release": sentry.RELEASE, "level": "error"}


def hint_of(error):
    return {"exc_info": (type(error), error, None)}


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def gate(clock):
    return sentry.Gate(make_scrub(["canary77"]), clock=clock)


class Postgres(Exception):
    """What psycopg raises, as far as it matters: its `sqlstate`, None when no server answered."""

    def __init__(self, sqlstate):
        self.sqlstate = sqlstate


def database(kind, original, *, lost=False):
    return kind("SELECT 1", {}, original, connection_invalidated=lost)


EXPECTED = [
    FetchError(FetchReason.DNS),  # ours: it is a row and a count
    DeliveryError(DeliveryReason.AUTH),
    StoreError("a lost lease"),
    redis.ConnectionError("refused"),
    redis.TimeoutError(),
    redis.AuthenticationError(),  # a ConnectionError, too
    OperationalError("kombu's"),
    database(sqlalchemy.exc.OperationalError, Postgres(None)),  # nobody answered
    database(sqlalchemy.exc.OperationalError, Postgres("08006")),  # the connection broke
    database(sqlalchemy.exc.OperationalError, Postgres("57P03")),  # it starts
    database(sqlalchemy.exc.OperationalError, Postgres("53300")),  # no place
    database(sqlalchemy.exc.InternalError, Postgres("25P03"), lost=True),  # a transaction that stood still was ended
    SystemExit(1),
    KeyboardInterrupt(),
    asyncio.CancelledError(),
    ExceptionGroup("both", [redis.ConnectionError(), StoreError()]),
]
UNEXPECTED = [
    ValueError(),
    OSError(28, "No space left on device"),
    ConnectionRefusedError(),  # who dials wraps it: bare, somebody forgot
    redis.ResponseError("WRONGTYPE"),
    database(sqlalchemy.exc.OperationalError, Exception("database or disk is full")),  # SQLite's
    database(sqlalchemy.exc.OperationalError, Postgres("40P01")),  # a deadlock is a flaw of ours
    database(sqlalchemy.exc.OperationalError, Postgres("53100")),  # the server's disk is full
    database(sqlalchemy.exc.IntegrityError, Postgres("23505")),
    sqlalchemy.exc.TimeoutError(),  # our own pool was too small
    ExceptionGroup("one", [redis.ConnectionError(), ValueError()]),
]


@pytest.mark.parametrize("error", EXPECTED, ids=repr)
def test_gate_keeps_expected_failures(gate, error):
    assert gate(event_of(error), hint_of(error)) is None


@pytest.mark.parametrize("error", UNEXPECTED, ids=repr)
def test_gate_lets_the_unexpected_through(gate, error):
    assert gate(event_of(error), hint_of(error))


def test_gate_names_expected_types_that_exist():
    for name in sentry.EXPECTED:
        module, _, kind = name.rpartition(".")
        assert issubclass(getattr(importlib.import_module(module), kind), BaseException)


def test_gate_lets_one_event_a_minute_through_and_counts_the_others(gate, clock):
    error = ValueError("again")
    sent = []
    for clock.now in (0, 1, 59, 60, 61, 200):
        sent.append(gate(event_of(error), hint_of(error)))
    assert [one and one.get("extra", {}).get("held_back", 0) for one in sent] == [0, None, None, 2, None, 1]


def test_gate_holds_back_by_type_and_by_the_last_place_in_our_code(gate):
    assert gate(event_of(ValueError("a")), hint_of(ValueError()))
    assert gate(event_of(ValueError("other words, same place")), hint_of(ValueError())) is None
    assert gate(event_of(KeyError("a")), hint_of(KeyError()))
    assert gate(event_of(ValueError("a"), lineno=13), hint_of(ValueError()))
    assert gate(event_of(ValueError("a"), module="worker.tasks"), hint_of(ValueError()))


def test_gate_remembers_a_bounded_number_of_places(gate):
    for line in range(3 * sentry.MOST_PLACES):
        assert gate(event_of(ValueError(), lineno=line), hint_of(ValueError()))
    assert len(gate.limit._held) <= sentry.MOST_PLACES


def test_gate_holds_no_check_in_back(gate):
    check_in = {"type": "check_in", "monitor_slug": "wirewatch-tick", "status": "ok", "server_name": "anas-laptop"}
    for _ in range(2):
        assert gate(dict(check_in), {}) == {"type": "check_in", "monitor_slug": "wirewatch-tick", "status": "ok"}


def test_gate_leaves_a_check_ins_own_words_whatever_the_password_is(clock):
    check_in = {"type": "check_in", "monitor_slug": "wirewatch-tick", "status": "ok", "release": sentry.RELEASE}
    assert sentry.Gate(make_scrub(["wirewatch", "tick", "check_in"]), clock=clock)(dict(check_in), {}) == check_in


def test_gate_sends_nothing_when_scrubbing_fails(clock):
    class Broken(Scrub):
        def value(self, value):
            raise RuntimeError

    assert sentry.Gate(Broken(), clock=clock)(event_of(ValueError()), hint_of(ValueError())) is None


@pytest.mark.parametrize("event", [{}, {"exception": None}, {"exception": {"values": []}}, {"exception": 7}])
def test_gate_survives_events_of_any_form(gate, event):
    gate(event, {})


def test_clean_leaves_the_trace_without_variables_and_without_anybodys_folders(gate):
    found = gate(event_of(ValueError("of canary77")), hint_of(ValueError()))
    assert found["release"] == sentry.RELEASE
    assert found["exception"]["values"] == [
        {
            "type": "ValueError",
            "value": "of ***",
            "stacktrace": {
                "frames": [
                    {"module": "worker.pipeline.poll", "lineno": 12, "in_app": True},
                    {"module": "sqlalchemy.engine", "lineno": 99, "in_app": False},
                ]
            },
        }
    ]


def test_clean_cuts_what_may_quote_an_article(gate):
    error = ValueError("word " * 1000)
    assert len(gate(event_of(error), hint_of(error))["exception"]["values"][0]["value"]) == sentry.LONGEST_WORDS


def test_clean_leaves_of_a_request_its_method_and_host():
    request = {
        "method": "GET",
        "url": "http://127.0.0.1:8420/alerts/x",
        "headers": {"Cookie": "a=b", "Authorization": "Bearer c"},
        "cookies": {"wirewatch-1": "x"},
        "query_string": "key=x",
        "data": "x",
        "env": {"REMOTE_ADDR": "10.0.0.9"},
    }
    event = {"request": request, "user": {"ip_address": "10.0.0.9"}, "breadcrumbs": {"values": [{"message": "x"}]}}
    assert sentry.clean(event, Scrub()) == {"request": {"method": "GET", "url": "http://127.0.0.1:8420/…"}}


@pytest.mark.parametrize(("source", "kept"), [("route", True), ("url", False)])
def test_clean_leaves_a_routes_pattern_and_no_address_as_it_came(source, kept):
    event = {"transaction": "/alerts/{public_id}", "transaction_info": {"source": source}}
    assert ("transaction" in sentry.clean(event, Scrub())) is kept


def test_clean_takes_the_key_out_of_the_trace():
    event = {"contexts": {"trace": {"trace_id": "1", "dynamic_sampling_context": {"public_key": "k"}}}}
    assert sentry.clean(event, Scrub()) == {"contexts": {"trace": {"trace_id": "1"}}}


SECRET = "Qx-canary of the tests/zK"
NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.just(f"a {SECRET} b"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.just(SECRET), inner, max_size=3)
    ),
    max_leaves=8,
)
PARTS = (
    "message extra contexts request tags breadcrumbs transaction logentry user fingerprint modules sdk _meta".split()
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(PARTS, NESTED)), NESTED)
def test_clean_leaves_no_secret_in_any_part_of_an_event(event, words):
    gate = sentry.Gate(make_scrub([SECRET]), clock=Clock())
    event["exception"] = {"values": [{"type": "ValueError", "value": words, "mechanism": {"data": words}}]}
    assert SECRET not in repr(gate(event, {}))


# ---- the DSN


@pytest.mark.parametrize("dsn", [DSN, f"  {DSN}\n", DSN.replace("/7", "/path/7"), "", "  "])
def test_find_dsn_takes_what_is_one(dsn):
    assert sentry.find_dsn({"SENTRY_DSN": dsn}) == dsn.strip()
    assert sentry.find_dsn({}) == ""


@pytest.mark.parametrize(
    "dsn",
    ["canary77", "https://sentry.example/7", "ftp://canary77@sentry.example/7", "https://canary77@h:port/7",
     "https://canary77@sentry.example/project", "https://canary77@[/7"],
)  # fmt: skip
def test_find_dsn_refuses_what_is_none_without_quoting_it(dsn):
    with pytest.raises(sentry.NoDsn) as raised:
        sentry.find_dsn({"SENTRY_DSN": dsn})
    assert "SENTRY_DSN" in str(raised.value)
    assert "canary77" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_check_ins_are_nobodys_without_a_dsn():
    assert sentry.check_ins({}, tick=10) is None


# ---- the log's last words


def test_tell_does_nothing_where_sentry_was_not_started():
    line = {"event": "feed_not_saved", "exc_info": True}
    assert sentry.tell(None, "error", line) is line
