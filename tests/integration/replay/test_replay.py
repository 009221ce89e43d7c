"""`wirewatch replay`, the real pipeline over histories of our own: what would have been told, twice the same."""

import json
import pathlib
import shutil
import subprocess
import sys

import pytest
from desk import entries
from origin import rss

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


def test_replay_tells_once_what_the_desk_would_have_told(history, rules):
    done = run(history, "--rules", rules)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
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
        "quarantined": 0,
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


def test_replay_of_one_history_is_the_same_twice(history, rules):
    first, second = (json.loads(run(history, "--rules", rules).stdout) for _ in range(2))
    for report in (first, second):
        del report["wall_seconds"]
    assert first["alerts"]
    assert first == second


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


def test_replay_keeps_its_store_where_it_is_told(history, rules, tmp_path):
    kept = tmp_path / "kept"
    assert run(history, "--rules", rules, "--keep", kept).returncode == 0
    assert (kept / "wirewatch.sqlite3").exists()
    again = run(history, "--keep", kept)
    assert again.returncode == 2
    assert "is not" in again.stderr  # the terminal may break the line


def test_replay_leaves_nothing_in_the_data_folder(history, rules, tmp_path):
    assert run(history, "--rules", rules, "--data", tmp_path / "var").returncode == 0
    assert not (tmp_path / "var").exists()


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


def test_replay_tells_how_far_it_is(history, rules):
    from worker.config.load import load_config

    shutil.rmtree(history / "b")
    parts = frozenset({"feeds", "topics", "watchlist", "rules", "settings"})
    seen = []
    config = load_config(ROOT / "config", environ={}, only=parts, files={"rules": rules})
    replay(read_history(history), config, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
