"""`wirewatch explain`: why an article was told, and why another was not, from the record of real work."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
import yaml
from desk import SECRET, entries
from steps import bring, change, poll_now, settle

import worker.explain
from worker.cli import trace
from worker.config.load import load_config
from worker.config.schema import RuleSpec
from worker.explain import NotFound, explain
from worker.pipeline.analyse import analyse_new_articles
from worker.pipeline.deliver import deliver_due
from worker.store.alerts import save_config_version
from worker.store.articles import drop_old_text
from worker.store.engine import read_clock
from worker.store.schema import article, revision


def traced(desk, name):
    found = explain(desk.store, load_config(desk.config, environ=desk.environ()), name)
    return found.traces if found.total > 1 else found.traces[0]


def test_explain_of_an_article_that_was_told(desk, runtime):
    bring(desk, runtime, "a", [])
    bring(desk, runtime, "a", entries(1))
    while deliver_due(runtime):
        pass
    trace = traced(desk, "https://paper.example/g0")
    assert trace["result"] == "It raised an alert by kim."
    assert trace["article"]["title"] == entries(1)[0][1]
    assert (trace["poll"]["seen"], trace["poll"]["new"]) == (1, 1)
    assert trace["judgement"]["names"] == {"kim-jong-un": "Kim Jong Un"}
    [rule] = trace["rules"]
    [alert] = trace["alerts"]
    assert (rule["fires"], rule["decision"], rule["alert"]) == (True, "raised", alert["id"])
    assert trace["rules_of"]["stored"] is True
    told = {(one["channel"], one["recipient"].split("@")[0], one["state"]) for one in alert["deliveries"]}
    assert {(channel, state) for channel, _, state in told} == {("mail", "sent"), ("hook", "sent")}
    assert all([one["outcome"] for one in delivery["attempts"]] == ["sent"] for delivery in alert["deliveries"])


def test_explain_says_why_not(desk, runtime):
    old = [("older", "Kim Jong Un opens a factory in the far north", "Kim Jong Un was there.")]
    bring(desk, runtime, "a", old)
    bring(desk, runtime, "b", [])
    bring(desk, runtime, "a", [*old, ("dull", "Weather stays fine in all the provinces", "No clouds."), *entries(1)])
    bring(desk, runtime, "b", [("copy", entries(1)[0][1], "Kim Jong Un, by another paper.")])
    results = {name: traced(desk, f"https://paper.example/{name}") for name in ("older", "dull", "g0", "copy")}
    assert results["older"]["rules"][0]["decision"] == "baseline"
    assert "not news" in results["older"]["result"]
    assert results["dull"]["result"] == "It raised no alert: no rule fires on it."
    assert results["dull"]["rules"][0]["because"] != ""
    assert results["copy"]["rules"][0]["decision"] == "already_alerted"
    assert results["copy"]["story"]["copy_of"]["by"] == "the same headline"
    assert results["copy"]["alerts"][0]["by"]["id"] == results["g0"]["article"]["id"]


def test_explain_judges_by_the_rules_that_settled_it(desk, runtime):
    bring(desk, runtime, "a", [])
    bring(desk, runtime, "a", entries(1))
    rules = yaml.safe_load((desk.config / "rules.yaml").read_text())
    rules["rules"][0] |= {"id": "other", "when": {"topics": {"any": ["nk-russia-arms"]}}}
    (desk.config / "rules.yaml").write_text(yaml.safe_dump(rules))
    trace = traced(desk, "https://paper.example/g0")
    assert [(rule["id"], rule["decision"]) for rule in trace["rules"]] == [("kim", "raised")]


def test_explain_of_one_that_waits(desk, runtime):
    poll_now(desk, runtime)
    trace = traced(desk, desk.rows(article)[0].public_id)
    assert trace["result"] == "It waits to be judged."
    assert (trace["judgement"], trace["rules"], trace["alerts"]) == (None, [], [])
    settle(runtime)
    assert traced(desk, trace["article"]["id"])["result"] == (
        "It raised no alert: kim fires, but the article was in the feed before it was watched: not news."
    )


@pytest.mark.parametrize(
    ("state", "decision", "words"),
    [
        ("judged", "open", "fires; whether it raises an alert is decided when the article gets its story"),
        ("quarantined", "parked", "fires, but the article was parked before it had a story: nothing was raised"),
    ],
)
def test_explain_of_one_without_its_story_claims_no_alert(desk, runtime, state, decision, words):
    bring(desk, runtime, "a", [])
    desk.set_feed("a", entries(1))
    poll_now(desk, runtime)
    analyse_new_articles(runtime)
    change(desk, article, state=state)
    found = traced(desk, "https://paper.example/g0")
    [rule] = found["rules"]
    assert (rule["fires"], rule["decision"], rule["words"], rule["alert"]) == (True, decision, words, None)
    assert "alert" not in found["result"]


def test_explain_says_how_many_more_an_address_has(desk, runtime, monkeypatch, capsys):
    for name in ("a", "b"):
        bring(desk, runtime, name, entries(1))
    monkeypatch.setattr(worker.explain, "MOST", 1)
    monkeypatch.setenv("DATABASE_URL", desk.database_url)
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    where = dict(config=desk.config, data=desk.data)
    trace.explain("https://paper.example/g0", **where)
    assert capsys.readouterr().out.endswith(
        "\nand 1 more of this address: give an article's id to have its own trace\n"
    )
    trace.explain("https://paper.example/g0", **where, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert (len(shown["articles"]), shown["total"]) == (1, 2)


def test_explain_of_one_address_in_two_feeds_tells_of_both(desk, runtime):
    for name in ("a", "b"):
        bring(desk, runtime, name, [])
    for name in ("a", "b"):
        bring(desk, runtime, name, entries(1))
    first, second = traced(desk, "http://paper.example/g0/?utm_source=x#top")
    assert (first["article"]["feed"], second["article"]["feed"]) == ("a", "b")
    assert second["story"]["copy_of"]["by"] == "the same address"


def test_explain_says_the_same_after_the_texts_are_dropped(desk, runtime):
    rules = [
        {"id": name, "name": name, "severity": "high", "when": {"words": words}, "channels": ["mail"]}
        for name, words in (("palace", "palace"), ("guest", "guest NOT train"), ("horse", "horse"))
    ]
    config = replace(runtime.config, rules=tuple(map(RuleSpec.model_validate, rules)))
    version = save_config_version(desk.store, digest="words", body=config.public())
    runtime = replace(runtime, config=config, config_version=version)
    bring(desk, runtime, "a", [])
    bring(
        desk, runtime, "a", [("x", "A guest of the north", "The guest came by train, the palace said in a statement.")]
    )
    found = []
    for _ in range(2):
        (shown,) = explain(desk.store, config, "https://paper.example/x").traces
        found.append((shown["result"], [(one["id"], one["fires"], one["decision"]) for one in shown["rules"]]))
        with desk.store.writing() as connection:
            drop_old_text(connection, before=read_clock(connection) + timedelta(days=1), limit=10)
    assert not any(row.text for row in desk.rows(revision))
    assert found[0] == found[1]
    assert found[0][1] == [
        ("palace", True, "raised"), ("guest", False, "rule_did_not_fire"), ("horse", False, "rule_did_not_fire"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["nothing", "https://paper.example/none", "", "%", "'; DROP TABLE article; --"])
def test_explain_of_what_is_not_there(desk, name):
    with pytest.raises(NotFound, match="No article is stored"):
        traced(desk, name)


def test_explain_prints_words_and_json(desk, runtime):
    bring(desk, runtime, "a", [])
    bring(desk, runtime, "a", [("x", "Kim Jong Un \x1b[31mvisits\u202e a plant in red", "Kim Jong Un.")])
    number = next(row.public_id for row in desk.rows(article) if row.url.endswith("/x"))

    def run(*options):
        where = ["--config", str(desk.config), "--data", str(desk.data)]
        command = [sys.executable, "-m", "worker", "explain", number, *where, *options]
        return subprocess.run(command, env=desk.environ(), capture_output=True, text=True, timeout=60, check=False)

    done = run()
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("It raised an alert by kim.\n")
    assert "\x1b" not in done.stdout and "\u202e" not in done.stdout
    for words in ("first seen", "fires       kim: kim-jong-un", "pending     mail to"):
        assert words in done.stdout, words
    assert json.loads(run("--json").stdout)["articles"][0]["article"]["id"] == number


def edits_of(desk, name):
    config = load_config(desk.config, environ=desk.environ())
    (found,) = explain(desk.store, config, name).traces
    lines = list(trace.trace_lines(found, zone="UTC"))
    start = next((n for n, line in enumerate(lines) if line.startswith("  edited")), len(lines))
    end = next(n for n, line in enumerate(lines) if line.startswith(("Judged", "Not judged")))
    return found["revisions"], [line.strip() for line in lines[start:end] if not line.startswith("  edited")]


def test_explain_shows_what_each_edit_changed(desk, runtime):
    first = ("x", "Guests arrive in the north", "The guests came by train at noon. They stay for a day.")
    second = ("x", "Two guests arrive in the north", "The guests came by train at noon. They stay for a day.")
    third = ("x", "Two guests arrive in the north", "The guests \x1b[31mcame by plane at noon. They stay for a day.")
    for one in (first, second, third):
        bring(desk, runtime, "a", [one])
    revisions, lines = edits_of(desk, "https://paper.example/x")
    assert [(one["n"], one["changes"] is None) for one in revisions] == [(1, True), (2, False), (3, False)]
    assert revisions[1]["changes"] == {"title": {"old": first[1], "new": second[1]}, "text": []}
    assert [piece for piece in revisions[2]["changes"]["text"] if piece["kind"] == "new"][-1]["text"] == "plane"
    assert revisions[2]["changes"]["title"] is None
    assert lines[0] == "headline  [-Guests-] {+Two guests+} arrive in the north"
    assert lines[1].startswith("text      The guests ") and "[-train-] {+plane+} at noon." in lines[1]
    assert "\x1b" not in "".join(lines)


def test_explain_of_edits_whose_text_is_no_longer_kept(desk, runtime):
    for words in ("came by train", "came by plane"):
        bring(desk, runtime, "a", [("x", "Guests arrive in the north", f"The guests {words} at noon.")])
    with desk.store.writing() as connection:
        drop_old_text(connection, before=read_clock(connection) + timedelta(days=1), limit=10)
    revisions, lines = edits_of(desk, "https://paper.example/x")
    assert revisions[1]["changes"] == {"title": None, "text": None}
    assert lines == ["text      is no longer kept, so what changed in it cannot be told"]
