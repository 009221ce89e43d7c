"""`wirewatch alerts`: list, show, take, silence; every refusal says what to do."""

import json
from dataclasses import replace

import pytest
from desk import entries
from steps import bring
from typer.testing import CliRunner

from worker.cli import alerts as alerts_command
from worker.cli import cli
from worker.errors import WirewatchError
from worker.pipeline.deliver import deliver_due
from worker.pipeline.tick import tick
from worker.store.schema import alert, silence


@pytest.fixture
def told(desk, runtime, monkeypatch):
    """A desk that has told of two stories."""
    bring(desk, runtime, "a", [])
    bring(desk, runtime, "a", entries(2))
    while deliver_due(runtime):
        pass
    for name, value in desk.environ().items():
        monkeypatch.setenv(name, value)
    return desk


def run(desk, *words):
    """The verb's output; the error that ended it is raised."""
    argv = ["alerts", *words, "--config", str(desk.config), "--data", str(desk.data)]
    result = CliRunner().invoke(cli, argv)
    if isinstance(result.exception, WirewatchError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def lines(desk, *words):
    return [json.loads(line) for line in run(desk, *words, "--json").splitlines()]


def test_alerts_list_and_show_say_how_each_stands(told):
    first, second = lines(told, "list")
    assert first["raised"] >= second["raised"]
    assert first["deliveries"] == {"sent": 2}
    assert (first["rule"], first["severity"], first["acknowledged"]) == ("kim", "normal", None)
    shown = run(told, "list")
    assert first["id"][:12] in shown and "2 sent" in shown and first["story"]["title"][:40] in shown
    (whole,) = lines(told, "show", first["id"][:8])
    assert [message["kind"] for message in whole["messages"]] == ["alert.raised"]
    assert whole["messages"][0]["sent"] and whole["analysed"] and whole["first_seen"]
    words = run(told, "show", first["id"])
    for part in (
        "because       kim-jong-un",
        "acknowledged  by nobody",
        f"Story {first['story']['id']}: 1 article",
        "2 sent",
    ):
        assert part in words
    assert lines(told, "list", "--severity", "critical") == []
    assert "No alert fits" in run(told, "list", "--rule", "none")
    assert len(lines(told, "list", "--since", "1h", "--limit", "1")) == 1


@pytest.mark.parametrize(("channels", "own"), [(["mail"], {}), (["mail", "hook"], {"sent": 1})])
def test_alerts_told_along_with_another_say_so(told, runtime, channels, own):
    (rule,) = runtime.config.rules
    leaders = rule.model_copy(update={"id": "leaders", "name": "Leaders", "channels": tuple(channels)})
    runtime = replace(runtime, config=replace(runtime.config, rules=(rule, leaders)))
    bring(told, runtime, "a", entries(3))
    along, first = lines(told, "list", "--limit", "2")
    assert (along["rule"], first["rule"]) == ("leaders", "kim")
    while deliver_due(runtime):
        pass
    (along,) = lines(told, "list", "--rule", "leaders")
    assert (along["deliveries"], along["told_with"]) == (own, None if own else first["id"])
    assert lines(told, "show", along["id"])[0]["messages"][0]["sent"] is not None, "by the other's mail, too"
    assert (f"with {first['id'][:12]}" in run(told, "list")) is (not own)
    if not own:
        shown = run(told, "show", along["id"])
        assert f"Deliveries: none of its own: told along with the alert {first['id']}" in shown


def test_alerts_show_counts_the_whole_story(told, runtime, monkeypatch):
    monkeypatch.setattr(alerts_command, "MOST_MEMBERS", 1)
    headline = entries(1)[0][1]
    bring(told, runtime, "b", [("copy", headline, "Kim Jong Un was there, says another paper.")])
    (first,) = (one for one in lines(told, "list") if one["story"]["title"] == headline)
    (whole,) = lines(told, "show", first["id"])
    assert (len(whole["articles"]), whole["total"]) == (1, 2)
    assert f"Story {first['story']['id']}: 2 articles, the first 1:" in run(told, "show", first["id"])


def test_alerts_ack_is_by_a_person_and_stays_with_the_first(told):
    name = lines(told, "list")[0]["id"]
    with pytest.raises(WirewatchError, match=r"'bo' is nobody in people.yaml \(ana\)"):
        run(told, "ack", name, "--as", "bo")
    with pytest.raises(WirewatchError, match="no alert 'ffffffffffff'"):
        run(told, "ack", "f" * 12, "--as", "ana")
    assert run(told, "ack", name[:10], "--as", "ana").startswith("Acknowledged by ana")
    assert run(told, "ack", name, "--as", "ana").startswith("Acknowledged by ana")
    assert {row["acknowledged"]["by"] for row in lines(told, "list") if row["acknowledged"]} == {"ana"}
    assert len(lines(told, "list", "--open")) == 1
    assert "acknowledged  ana, " in run(told, "show", name)


def test_alerts_silence_keeps_quiet_is_listed_and_ends(told, runtime):
    (made,) = lines(told, "silence", "--rule", "kim", "--for", "4h", "--as", "ana", "--because", "known\nto us")
    assert (made["kind"], made["value"]) == ("rule", "kim")
    bring(told, runtime, "a", entries(3))
    assert len(told.rows(alert)) == 3
    (kept,) = lines(told, "list", "--silence", made["silence"])
    assert (kept["told"], kept["deliveries"]) == (None, {})
    (listed,) = lines(told, "silences")
    assert (listed["running"], listed["held"], listed["because"]) == (True, 1, "known to us")
    assert made["silence"] in run(told, "silences")
    assert "Ended" in run(told, "unsilence", made["silence"][:12], "--as", "ana")
    with pytest.raises(WirewatchError, match="is running"):
        run(told, "unsilence", made["silence"], "--as", "ana")
    assert listed["until"].endswith("Z") and made["until"].endswith("Z")
    tick(runtime)
    assert told.rows(silence)[0].ended_at is not None
    assert lines(told, "silences")[0]["running"] is False


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--rule", "no-such"], "There is no rule 'no-such'"),
        (["--entity", "no-such"], "There is no entity 'no-such'"),
        (["--source", "no-such"], "There is no source 'no-such'"),
        (["--story", "no-such"], "There is no alert 'no-such'"),
    ],
)
def test_alerts_silence_refuses_what_there_is_not(told, words, error):
    with pytest.raises(WirewatchError, match=error):
        run(told, "silence", *words, "--for", "1h", "--as", "ana")
    assert told.rows(silence) == []


@pytest.mark.parametrize(
    "words",
    [
        ["--for", "1h"],  # of what?
        ["--rule", "kim", "--source", "a", "--for", "1h"],  # one thing a silence
        ["--rule", "kim", "--for", "soon"],
        ["--query", '"unclosed', "--for", "1h"],
        ["--rule", "kim", "--for", "1ms"],  # it would be over before it began
    ],
)
def test_alerts_silence_used_wrongly_is_exit_code_2(told, words):
    argv = ["alerts", "silence", *words, "--as", "ana", "--config", str(told.config), "--data", str(told.data)]
    assert CliRunner().invoke(cli, argv).exit_code == 2


def test_alerts_silence_on_a_story_is_by_its_id_or_its_alerts(told):
    row = lines(told, "list")[0]
    for name in (row["id"], row["story"]["id"]):
        (made,) = lines(told, "silence", "--story", name, "--for", "30m", "--as", "ana")
        assert made["value"] == row["story"]["id"]
