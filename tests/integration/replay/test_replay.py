"""`wirewatch replay`, the real pipeline over histories of our own: what would have been told, twice the same."""

import json
import pathlib
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from desk import entries
from origin import rss

from worker.config.load import load_config
from worker.model import Judgement
from worker.replay import run as running
from worker.replay.entries import PER_DOCUMENT
from worker.replay.history import read_history
from worker.replay.run import replay

ROOT = pathlib.Path(__file__).parents[3]
RULES = """
rules:
  - id: kim
    name: "Kim in the news"
    severity: high
    when: {entities: {any: [kim-jong-un]}}
    channels: [inbox]
"""
STAMPS = ("20260813T040000Z", "20260813T041500Z", "20260813T043000Z")


@pytest.fixture
def history(tmp_path):
    """Feed a: two entries at first, then two new, an edit, then a hostile document. Feed b: a copy of a's news."""
    folder, first = tmp_path / "history", entries(2)
    later = entries(2, start=2)
    edited = [(later[0][0], later[0][1] + ", and more", later[0][2]), later[1]]
    documents = {
        "a": [rss("A", first), rss("A", first + later), rss("A", first + edited)],
        "b": [
            rss("B", []),
            rss("B", [("other", later[1][1], "The same report of Kim Jong Un.")]),
            b"<html>closed</html>",
        ],
    }
    for feed, bodies in documents.items():
        (folder / feed).mkdir(parents=True)
        for stamp, body in zip(STAMPS, bodies, strict=True):
            (folder / feed / f"{stamp}.xml").write_bytes(body)
    return folder


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return path


def run(*argv):
    command = [sys.executable, "-m", "worker", "replay", *map(str, argv), "--config", str(ROOT / "config")]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_replay_tells_once_what_the_desk_would_have_told_and_the_same_twice(history, rules, tmp_path):
    kept = tmp_path / "kept"
    scratch = run(history, "--rules", rules, "--data", tmp_path / "var")
    again = run(history, "--rules", rules, "--keep", kept)
    assert not (tmp_path / "var").exists()
    assert (kept / "wirewatch.sqlite3").exists()
    report, same = (json.loads(done.stdout) for done in (scratch, again))
    assert report | {"wall_seconds": 0} == same | {"wall_seconds": 0}
    counts = {name: value for name, value in report.items() if isinstance(value, int)}
    assert counts == {
        "feeds": 2,
        "polls": 6,
        "entries": 2 + 4 + 4 + 0 + 1,
        "skipped_entries": 0,
        "articles": 5,
        "edits": 1,
        "baseline": 2,
        "duplicates": 1,
        "held": 0,
        "quarantined": 0,
        "unsettled": 0,
        "stories": 4,
    }
    assert report["refused_polls"] == [{"feed": "b", "at": "2026-08-13T04:30:00Z", "reason": "not_a_feed"}]
    assert [(alert["time"], alert["rule"], alert["severity"]) for alert in report["alerts"]] == [
        ("2026-08-13T04:15:00Z", "kim", "high")
    ] * 2
    copied = next(alert for alert in report["alerts"] if len(alert["articles"]) == 2)
    assert {article["source"] for article in copied["articles"]} == {"a", "b"}
    assert copied["story"]["outlets"] == 2
    assert copied["reasons"] == ["kim-jong-un"]
    assert "wall_seconds" in report


def test_replay_of_entry_lines_is_that_of_their_documents(tmp_path, rules):
    lines = [
        {"id": guid, "title": title, "summary": text, "link": f"https://paper.example/{guid}", "first_seen": seen}
        for seen, batch in (("2026-08-13T04:00:00Z", entries(2)), ("2026-08-13T04:15:00Z", entries(3, start=2)))
        for guid, title, text in batch
    ]
    path = tmp_path / "wire.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = json.loads(run(path, "--rules", rules).stdout)
    assert (report["articles"], report["baseline"], len(report["alerts"])) == (5, 2, 3)
    assert report["alerts"][0]["articles"][0]["first_seen"] == "2026-08-13T04:15:00Z"


def test_replay_keeps_nothing_in_a_folder_that_is_not_its_own(history, tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.txt").write_text("years of work")
    refused = run(history, "--keep", tmp_path / "theirs")
    assert refused.returncode == 2
    assert "is not" in refused.stderr  # the terminal may break the line


@pytest.mark.parametrize(
    ("text", "words"),
    [("rules: [", "not valid YAML"), (RULES.replace("kim-jong-un", "kim-jong-unn"), "did you mean kim-jong-un?")],
)
def test_replay_refuses_rules_that_could_never_fire(history, rules, text, words):
    rules.write_text(text)
    done = run(history, "--rules", rules)
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stdout == ""


def test_replay_of_nothing_says_what_a_history_is(tmp_path):
    done = run(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing to replay" in done.stderr


def desk(rules):
    parts = frozenset({"feeds", "topics", "watchlist", "rules", "settings"})
    return load_config(ROOT / "config", environ={}, only=parts, files={"rules": rules})


class Judge:
    """Knows no topic and no name. What it is told to choke on, it does so often."""

    def __init__(self):
        self.failures = {}

    def judge_many(self, articles):
        for article in articles:
            if self.failures.get(article.title, 0) > 0:
                self.failures[article.title] -= len(articles) == 1  # it is tried again alone
                raise ValueError(article.title)
        return [Judgement(language="en", topics=(), mentions=(), model_id="stub") for _ in articles]


@pytest.fixture
def judge(monkeypatch):
    judge = Judge()
    monkeypatch.setattr(running, "load_judge", lambda config, **_: judge)
    return judge


def look_back(path, rules, **more):
    return replay(read_history(path, latest=datetime(2026, 8, 20, tzinfo=UTC)), desk(rules), **more)


def entry_file(path, *entries):
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def test_replay_tells_how_far_it_is(history, rules, judge):
    seen = []
    look_back(history, rules, on_progress=lambda: seen.append(1))
    assert len(seen) == 6


def test_replay_of_many_years_ends(tmp_path, rules, judge):
    days = [("one", "2009-05-01"), ("one", "2023-05-01"), ("two", "2023-05-02")]
    lines = [{"title": f"News of {day}", "domain": domain, "published": day} for domain, day in days]
    report = look_back(entry_file(tmp_path / "x.jsonl", *lines), rules)
    assert (report["polls"], report["articles"]) == (4, 3)


def test_replay_of_a_long_day_loses_nothing_and_takes_a_first_look_for_no_news(tmp_path, rules, judge):
    lines = [{"title": f"Report number {n}", "id": str(n), "day": "2026-08-01"} for n in range(PER_DOCUMENT + 5)]
    late = {"title": "One more", "id": "late", "day": "2026-08-02"}
    report = look_back(entry_file(tmp_path / "x.jsonl", *lines, late), rules)
    assert (report["articles"], report["skipped_entries"]) == (PER_DOCUMENT + 6, 0)
    assert report["baseline"] == PER_DOCUMENT + 5


def test_replay_does_not_take_relative_links_of_two_publishers_for_one(tmp_path, rules, judge):
    lines = [
        {"title": title, "domain": domain, "link": "/news/1", "first_seen": "2026-08-01T00:00:00Z"}
        for domain, title in (("alpha", "Grain talks resume in Geneva"), ("beta" * 20, "Storm closes three airports"))
    ]
    report = look_back(entry_file(tmp_path / "x.jsonl", *lines), rules)
    assert (report["articles"], report["stories"], report["duplicates"]) == (2, 2, 0)


@pytest.mark.parametrize(
    ("failures", "later", "outcome"),
    [
        (2, False, (0, 0, 2)),  # of the last moment: tried again before the end
        (9, False, (1, 0, 1)),
        (2, True, (0, 0, 3)),
        (9, True, (1, 0, 2)),
    ],
)
def test_replay_tries_again_what_is_not_judged_and_tells_of_it(tmp_path, rules, judge, failures, later, outcome):
    judge.failures["Poison pill of the day"] = failures
    seen = {"first_seen": "2026-08-01T00:00:00Z"}
    lines = [{"title": "Poison pill of the day"} | seen, {"title": "Another piece"} | seen]
    # Sooner than a lease is out, so it is left to the moment that follows.
    lines += [{"title": "The next one", "first_seen": "2026-08-01T00:00:01Z"}] if later else []
    report = look_back(entry_file(tmp_path / "x.jsonl", *lines), rules)
    assert (report["quarantined"], report["unsettled"], report["stories"]) == outcome
    parked = ["Poison pill of the day"] if failures > 3 else []
    assert [article["title"] for article in report["quarantined_articles"]] == parked
