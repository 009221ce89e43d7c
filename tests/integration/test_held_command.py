"""`wirewatch feeds held`, `release`, `ignore`: what waits for somebody's word, and who gave it; and who shows it."""

import json
from datetime import timedelta
from email.utils import format_datetime

import pytest
from desk import BASELINE, at_once
from lxml import html
from served import Served
from steps import bring, now, settle
from typer.testing import CliRunner

from worker import metrics
from worker.cli import cli
from worker.config.load import load_config
from worker.console.scrape import read_gauges
from worker.errors import WirewatchError
from worker.explain import explain
from worker.health import look, stand
from worker.store.engine import read_clock
from worker.store.holds import Verdict, decide_hold
from worker.store.schema import alert, article, hold


def old_entries(desk, count, *, start=0):
    date = format_datetime(now(desk) - timedelta(days=40))
    return [
        (f"h{n}", f"Archive {n} of the \x1b[31mleader in the north", f"Kim Jong Un in round {n}.", date)
        for n in range(start, start + count)
    ]


@pytest.fixture
def held(desk, runtime, monkeypatch):
    """A desk on which feed `a` has brought 12 old entries at once, feed `b` 15."""
    for name, count in (("a", 12), ("b", 15)):
        bring(desk, runtime, name, BASELINE)
        bring(desk, runtime, name, [*BASELINE, *old_entries(desk, count)])
    for name, value in desk.environ().items():
        monkeypatch.setenv(name, value)
    return desk


def run(desk, *words):
    """The verb's output; the error that ended it is raised."""
    argv = ["feeds", *words, "--config", str(desk.config), "--data", str(desk.data)]
    result = CliRunner().invoke(cli, argv)
    if isinstance(result.exception, WirewatchError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def lines(desk, *words):
    return [json.loads(line) for line in run(desk, *words, "--json").splitlines()]


def states(desk, feed_id):
    return {row.state for row in desk.rows(article, article.c.feed_id == feed_id, article.c.hold_id.is_not(None))}


def test_held_lists_what_waits_with_headlines_and_commands(held):
    first, second = lines(held, "held")
    assert [(one["feed"], one["count"], one["kind"], one["decision"]) for one in (first, second)] == [
        ("a", 12, "backdated", None),
        ("b", 15, "backdated", None),
    ]
    assert len(first["headlines"]) == 3 and first["headlines"][0].startswith("Archive 11")
    shown = run(held, "held")
    for words in (
        "12 old entries from a (a), held since ",
        "release or ignore",
        "  - Archive 11 of the ",
        "  and 9 more",
        f"wirewatch feeds release {first['id'][:12]}",
        f"wirewatch feeds ignore {second['id'][:12]}",
    ):
        assert words in shown
    assert "\x1b" not in shown


def test_release_lets_them_alert_and_says_who_decided(held, runtime):
    (row,) = lines(held, "release", "a", "--as", "ana")
    assert (row["feed"], row["decision"], row["decided_by"], row["changed"]) == ("a", "released", "ana", True)
    settle(runtime)
    assert (states(held, "a"), states(held, "b")) == ({"settled"}, {"held"})
    assert len(held.rows(alert)) == 12
    assert [one["feed"] for one in lines(held, "held")] == ["b"]
    # again, and the other way: nothing changes, and it is said who decided
    for verb in ("release", "ignore"):
        assert run(held, verb, "a", "--as", "ana") == (
            "Nothing changed: 12 old entries from a (a) were released by ana.\n"
        )
    assert lines(held, "ignore", row["id"][:12], "--as", "ana")[0]["changed"] is False


def test_ignore_all_lets_them_raise_nothing(held, runtime):
    shown = run(held, "ignore", "--all", "--as", "ana")
    assert "Ignored: 12 old entries from a (a)" in shown and "Ignored: 15 old entries from b (b)" in shown
    settle(runtime)
    assert states(held, "a") | states(held, "b") == {"settled"}
    assert held.rows(alert) == []
    assert run(held, "held") == "Nothing is held.\n"
    assert run(held, "release", "--all", "--as", "ana") == "Nothing is held.\n"


def test_a_feed_of_several_holds_is_decided_as_a_whole(held, runtime):
    bring(held, runtime, "a", [*BASELINE, *old_entries(held, 30, start=100)])
    assert [one["count"] for one in lines(held, "release", "a", "--as", "ana")] == [12, 30]
    assert {row.decision for row in held.rows(hold, hold.c.feed_id == "a")} == {"released"}


def test_of_two_people_at_once_one_decides(held):
    (row,) = held.rows(hold, hold.c.feed_id == "a")
    verdicts = iter(Verdict)

    def decide():
        with held.store.writing() as connection:
            verdict = next(verdicts)
            return verdict if decide_hold(connection, row.id, verdict, by="ana", now=read_clock(connection)) else None

    (decided,) = filter(None, at_once(2, decide))
    assert [one.decision for one in held.rows(hold, hold.c.feed_id == "a")] == [decided]
    ignored = {one.baseline for one in held.rows(article, article.c.hold_id == row.id)}
    assert ignored == {decided is Verdict.IGNORED}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("release", "nobody", "--as", "ana"), "Nothing is held under 'nobody'"),
        (("ignore", "%", "--as", "ana"), "`wirewatch feeds held` shows what is held"),
        (("release", "a", "--as", "zed"), "'zed' is nobody in people.yaml"),
    ],
)
def test_what_cannot_be_decided_is_said(held, words, message):
    with pytest.raises(WirewatchError, match=message):
        run(held, *words)
    assert len(lines(held, "held")) == 2


@pytest.mark.parametrize("words", [(), ("a", "--all")])
def test_release_wants_a_name_or_all(held, words):
    argv = ["feeds", "release", *words, "--as", "ana", "--config", str(held.config), "--data", str(held.data)]
    result = CliRunner().invoke(cli, argv)
    assert result.exit_code == 2 and "name a hold or a feed, or give --all" in result.output


def test_what_is_held_is_counted_and_is_no_trouble(held, runtime):
    found = look(held.store, runtime.config)
    assert (found.articles["held"], found.holds) == (27, 2)
    assert not any("held" in reason for reason in found.reasons)
    gauges = read_gauges(stand(held.store, runtime.config), [])
    assert gauges[metrics.HOLDS.name] == {(): 2}
    assert gauges[metrics.UNSETTLED.name][("held",)] == 27
    result = CliRunner().invoke(cli, ["status", "--config", str(held.config), "--data", str(held.data)])
    assert "Held           2 imports of old entries: `wirewatch feeds held` shows what to decide" in result.output


def test_explain_says_that_it_is_held_and_who_decided(held, runtime):
    config = load_config(held.config, environ=held.environ())
    number = held.rows(article, article.c.hold_id.is_not(None), article.c.feed_id == "a")[0].public_id

    def words():
        argv = ["explain", number, "--config", str(held.config), "--data", str(held.data)]
        return CliRunner().invoke(cli, argv).output

    (trace,) = explain(held.store, config, number).traces
    assert (trace["hold"]["decision"], trace["hold"]["count"]) == (None, 12)
    assert trace["result"].startswith("It is held, one of many old ones")
    assert "one of 12 old entries that its feed brought at once: `wirewatch feeds held`" in words()
    run(held, "release", "a", "--as", "ana")
    settle(runtime)
    assert "one of 12 old entries that its feed brought at once; released by ana, " in words()
    assert words().endswith("It raised an alert by kim.\n")


def test_the_console_shows_each_hold_with_what_to_type(held):
    with Served(held) as served:
        tree = html.fromstring(served.ask().text)
        shown = [" ".join(one.text_content().split()) for one in tree.xpath("//ul[@class='held']/li")]
        row = held.rows(hold, hold.c.feed_id == "a")[0]
        assert len(shown) == 2
        assert shown[0].startswith("12 old entries from a (a), held since ")
        assert f"wirewatch feeds release {row.public_id[:12]}" in shown[0]
        assert f"wirewatch feeds ignore {row.public_id[:12]}" in shown[0]
        run(held, "ignore", "--all", "--as", "ana")
        assert not html.fromstring(served.ask().text).xpath("//ul[@class='held']")
