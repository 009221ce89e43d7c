"""`wirewatch rejudge`: what it asks for, what it says, and that a dry run and a run without --alert tell nobody."""

import json

import pytest
import yaml
from desk import BASELINE
from steps import bring, poll_now
from typer.testing import CliRunner

from worker.cli import cli
from worker.errors import WirewatchError
from worker.store.schema import alert, delivery, former_judgement

FLOOD = ("f1", "Floods drown the \x1b[31mrice fields", "After a week of monsoon rain the river burst its dykes.")


@pytest.fixture
def renewed(desk, runtime, monkeypatch):
    """A desk that has judged, and since then watches for floods."""
    poll_now(desk, runtime)
    bring(desk, runtime, "a", [FLOOD, *BASELINE])
    topics, rules = (yaml.safe_load((desk.config / f"{name}.yaml").read_text()) for name in ("topics", "rules"))
    topics["topics"].append({"id": "floods", "name": "Floods", "terms": {"flood*": 1}})
    rule = {"id": "floods", "name": "Floods", "when": {"topics": {"any": ["floods"]}}, "channels": ["mail"]}
    rules["rules"].append(rule)
    for name, body in (("topics", topics), ("rules", rules)):
        (desk.config / f"{name}.yaml").write_text(yaml.safe_dump(body))
    for name, value in desk.environ().items():
        monkeypatch.setenv(name, value)
    return desk


def run(desk, *words, code=0):
    result = CliRunner().invoke(cli, ["rejudge", *words, "--config", str(desk.config), "--data", str(desk.data)])
    if isinstance(result.exception, WirewatchError):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def test_rejudge_says_what_changed_and_tells_only_when_asked(renewed):
    assert "1 would change" in run(renewed, "--all", "--dry-run") and renewed.rows(former_judgement) == []
    said = run(renewed, "--since", "1d")
    assert "1 changed" in said and "+floods" in said and "\x1b[31m" not in said
    assert renewed.rows(alert) == renewed.rows(delivery) == []
    assert json.loads(run(renewed, "--all", "--json"))["judged"] == 0


def test_rejudge_with_alert_says_what_was_raised(renewed):
    found = json.loads(run(renewed, "--feed", "a", "--alert", "--json").splitlines()[-1])  # after the log
    (row,) = renewed.rows(alert)
    assert [(one["alert"], one["rule_id"]) for one in found["raised"]] == [(row.public_id, "floods")]
    assert found["topics"] == {"gained": {"floods": 1}, "lost": {}}
    assert "0 alerts raised" in run(renewed, "--all", "--alert")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "say which articles"),
        (("--all", "--since", "1d"), "say which articles"),
        (("--all", "--alert", "--dry-run"), "nothing can be alerted"),
        (("--since", "tomorrow"), "write a duration"),
    ],
)
def test_rejudge_used_wrongly_says_how_it_is_used(renewed, words, says):
    assert says in " ".join(run(renewed, *words, code=2).replace("│", " ").split())


def test_rejudge_of_no_topic_of_the_desk_is_refused(renewed):
    with pytest.raises(WirewatchError, match="no topic 'fires'"):
        run(renewed, "--all", "--topic", "fires")
