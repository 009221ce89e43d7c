"""What machines are told, on both databases: well or not, ready or not, and every number in Prometheus' own text."""

import json
import re
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from served import Served
from sqlalchemy import text
from steps import change

from worker import __version__
from worker.console.scrape import scrape
from worker.metrics import HEARTBEAT_AGE, METRICS, TOPIC_MATCHES
from worker.store import heartbeats
from worker.store.engine import read_clock
from worker.store.migrate import NEWEST
from worker.store.schema import article
from worker.store.tallies import count

# Each would end the line, the label or the text, were it not escaped.
HOSTILE = ('"', "\\", "\n", '"} 1\nwirewatch_up 1', "\x1b[31m", "김정은", "a\\n")


def execute(store, statement):
    with store.writing() as connection:
        connection.execute(text(statement))


def test_healthz_says_in_counts_and_words_how_it_is(told, served):
    answer = json.loads(served.ask("/healthz", key=False).text)
    assert (answer["status"], answer["reasons"], answer["feeds"]) == ("ok", [], {"active": 2})
    change(told, article, state="quarantined")
    answer = served.ask("/healthz", key=False)
    assert answer.status == 200, "a restart would mend nothing"
    assert json.loads(answer.text)["reasons"] == ["articles quarantined within a day: 3"]


def test_readyz_is_ready_on_the_newest_schema_only(desk, served):
    answer = served.ask("/readyz", key=False)
    assert (answer.status, json.loads(answer.text)) == (200, {"status": "ready", "reasons": []})
    for found in ("0001", "9999"):  # behind us, ahead of us
        execute(desk.store, f"UPDATE alembic_version SET version_num = '{found}'")
        answer = served.ask("/readyz", key=False)
        assert answer.status == 503
        expected = f"the database has schema {found}; this program works with schema {NEWEST}"
        assert json.loads(answer.text) == {"status": "not ready", "reasons": [expected]}
    execute(desk.store, "DROP TABLE alembic_version")
    assert "no schema yet" in served.ask("/readyz", key=False).text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_say_that_the_record_cannot_be_read_and_nothing_more(desk, path):
    desk.database_url = "postgresql://reader:hunter2@127.0.0.1:1/nowhere"
    with Served(desk) as served:
        answer = served.ask(path)
    assert (answer.status, answer.headers["Cache-Control"]) == (503, "no-store")
    assert "the database cannot be read: OperationalError" in answer.text
    assert not re.search("hunter2|nowhere|127.0.0.1", answer.text)


def test_metrics_are_prometheus_text_and_complete(told, served):
    answer = served.ask("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    families = {family.name for family in text_string_to_metric_families(answer.text)}
    assert families == {metric.name.removesuffix("_total") for metric in METRICS}
    assert 'wirewatch_alerts_total{rule="kim",severity="normal"} 1.0\n' in answer.text
    assert 'wirewatch_polls_total{outcome="new",reason=""} 3.0\n' in answer.text
    assert f'wirewatch_build_info{{version="{__version__}"}} 1.0\n' in answer.text
    assert not re.search("Kim|Factory|ana@|https?://", answer.text), "neither title nor address"


def test_metrics_begin_at_zero_for_what_is_configured(desk, served):
    text = served.ask("/metrics").text
    for begin in (
        'wirewatch_alerts_total{rule="kim",severity="normal"}',
        'wirewatch_delivery_attempts_total{channel="hook",outcome="sent",reason=""}',
        'wirewatch_topic_matches_total{topic="nk-russia-arms"}',
        'wirewatch_entries_total{kind="skipped"}',
        'wirewatch_polls_total{outcome="unchanged",reason=""}',
        "wirewatch_articles_total",
    ):
        assert f"\n{begin} 0.0\n" in text


def test_metrics_of_hostile_labels_are_still_one_sample_each(desk):
    for n, host in enumerate(HOSTILE):
        heartbeats.save_beat(
            desk.store, heartbeat_id=str(n), role="analyse", host=host, pid=n, age=timedelta(minutes=1)
        )
        with desk.store.writing() as connection:
            count(connection, {TOPIC_MATCHES.of(host): n + 1})
    shown = scrape(desk.store).decode()
    samples = [sample for family in text_string_to_metric_families(shown) for sample in family.samples]
    hosts = [sample.labels["host"] for sample in samples if sample.name == HEARTBEAT_AGE.name]
    assert sorted(hosts) == sorted(HOSTILE)
    topics = {sample.labels["topic"]: sample.value for sample in samples if "topic" in sample.labels}
    assert topics == {host: n + 1 for n, host in enumerate(HOSTILE)}
    assert "wirewatch_up" not in {sample.name for sample in samples}


def test_metrics_of_several_processes_of_one_role_show_the_most_silent(desk):
    for n, silent in enumerate((10, 100, 50)):
        with desk.store.reading() as connection:
            now = read_clock(connection)
        before = desk.store.with_clock(lambda now=now, silent=silent: now - timedelta(seconds=silent))
        heartbeats.save_beat(before, heartbeat_id=str(n), role="analyse", host="h", pid=n, age=timedelta(minutes=1))
    (line,) = [line for line in scrape(desk.store).decode().splitlines() if line.startswith("wirewatch_heartbeat")]
    assert line.startswith('wirewatch_heartbeat_age_seconds{host="h",role="analyse"} ')
    assert 100 <= float(line.split()[-1]) < 140
