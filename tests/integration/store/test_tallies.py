"""Counting by many at once loses nothing and locks nobody out, on both databases; looking costs by what is open."""

import inspect
import random
import subprocess
import sys
from contextlib import contextmanager

import pytest
from desk import at_once
from sqlalchemy import event
from stores import migrated_store

from worker import health
from worker.console.scrape import scrape
from worker.metrics import ALERTS, ARTICLES, METRICS, POLLS
from worker.store.engine import open_store
from worker.store.migrate import migrate
from worker.store.tallies import count, read_tallies

# Which all count, each time in another order: who did not sort them would soon wait for who waits for it.
KEYS = [ARTICLES.of(), *(POLLS.of(outcome, "") for outcome in ("new", "unchanged")), ALERTS.of("kim", "high")]
ROUNDS = 40


def count_rounds(store):
    for n in range(ROUNDS):
        shuffled = random.sample(KEYS, len(KEYS))
        with store.writing() as connection:
            count(connection, dict.fromkeys(shuffled, n % 3))


CHILD = f"""
import random, sys
from pathlib import Path
from worker.store.engine import open_store
from worker.store.tallies import count
KEYS, ROUNDS = {KEYS!r}, {ROUNDS}
{inspect.getsource(count_rounds)}
count_rounds(open_store(sys.argv[1], data=Path(sys.argv[2])))
"""


@pytest.fixture
def store(database_url, tmp_path):
    made = migrated_store(database_url, tmp_path)
    yield made
    made.close()


def test_k06_counting_by_threads_and_processes_at_once_loses_nothing(store, database_url, tmp_path):
    argv = [sys.executable, "-c", CHILD, database_url, str(tmp_path)]
    children = [subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    at_once(4, lambda: count_rounds(store))
    for child in children:
        _, said = child.communicate(timeout=60)
        assert child.returncode == 0, said
    each = sum(n % 3 for n in range(ROUNDS))
    assert read_tallies(store) == dict.fromkeys(KEYS, 6 * each)


def test_what_is_rolled_back_was_never_counted(store):
    with pytest.raises(RuntimeError), store.writing() as connection:
        count(connection, {ARTICLES.of(): 3})
        raise RuntimeError("the step fails after all")
    assert read_tallies(store) == {}


def test_nothing_to_count_writes_no_row(store):
    with store.writing() as connection:
        count(connection, {ARTICLES.of(): 0})
        count(connection, {})
    assert read_tallies(store) == {}


@contextmanager
def statements_of(store):
    """Every statement with its parameters that is run meanwhile."""
    found = []

    def note(_connection, _cursor, statement, parameters, *_):
        found.append((statement, parameters))

    event.listen(store.engine, "before_cursor_execute", note)
    yield found
    event.remove(store.engine, "before_cursor_execute", note)


OF_WHAT_WAITS = ("ix_hold_waiting", "ix_judgement_missed")  # indexes that have only what waits


@pytest.mark.parametrize("look", [health.look, scrape], ids=["health", "metrics"])
def test_a_look_walks_no_table_that_grows(tmp_path, look):
    store = open_store("", data=tmp_path)
    migrate(store)
    with statements_of(store) as found:
        look(store)
    assert len(found) > 10
    with store.reading() as connection:
        for statement, parameters in found:
            if not statement.startswith("SELECT"):
                continue
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters):
                if step.detail.startswith("SCAN") and not any(index in step.detail for index in OF_WHAT_WAITS):
                    assert step.detail.split()[1] in ("feed", "heartbeat", "tally", "channel", "CONSTANT"), (
                        step.detail,
                        statement,
                    )
    store.close()


def test_every_metric_is_there_on_an_empty_record(store):
    text = scrape(store).decode()
    for metric in METRICS:
        assert f"# HELP {metric.name} " in text
    assert "\nwirewatch_articles_total 0.0\n" in text
    assert '\nwirewatch_time_to_alert_seconds_bucket{le="+Inf"} 0.0\n' in text
    assert '\nwirewatch_queue_depth{queue="poll"} 0.0\n' in text
    assert "\nwirewatch_last_poll_age_seconds" not in text, "there was none"
