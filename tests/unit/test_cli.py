"""The command: its exit codes, what goes to which stream, and that no line of input and no reader ends it badly."""

import io
import json
import logging
import os
import re
import subprocess
import sys
import types

import pytest
import structlog

import worker
from worker import cli, judging, polling
from worker.config.example import write_example
from worker.model import Fetched, FetchFailed, FetchResult, Judgement, NotModified, ServerHints, Validators
from worker.roles import worker as worker_role

CANARY = "hunter2-canary"
# The rest of a channel that must be complete, written so that a row adds one key.
MAIL = "  - {id: m, kind: email, host: h.example, sender: a@b.example, to: [duty-analyst], "


RULES = """\
rules:
  - id: arms
    name: Arms
    severity: normal
    when: {entities: {tags: [dprk, russia]}}
    channels: [inbox]
  - id: blinken
    name: Blinken
    when: {entities: {all: [antony-blinken]}}
    channels: [inbox]
"""


@pytest.fixture
def desk(tmp_path):
    """A folder with the example configuration, with a contact and two rules of ours."""
    write_example(tmp_path / "config")
    spoil(tmp_path / "config", "settings", "operator@example.org", "desk@desk.example")
    (tmp_path / "config" / "rules.yaml").write_text(RULES)
    return tmp_path / "config"


@pytest.fixture
def run(monkeypatch, capfdbinary):
    """Runs the command in this process. Gives its exit code, and what it wrote to each stream."""

    def run(*argv, stdin=b""):
        monkeypatch.setattr(sys, "argv", ["wirewatch", *(str(word) for word in argv)])
        monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capfdbinary.readouterr()
        return end.value.code or 0, out.decode(), err.decode()

    return run


@pytest.fixture
def quiet_judge(monkeypatch):
    """In place of the language model: finds nothing."""

    def judge_many(articles):
        return [Judgement(language="en", topics=(), mentions=(), model_id="m") for _ in articles]

    monkeypatch.setattr(judging, "load_judge", lambda config, **_: types.SimpleNamespace(judge_many=judge_many))


def spoil(folder, part, old, new):
    path = folder / f"{part}.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


# ---------------------------------------------------------------- exit codes


@pytest.mark.parametrize(
    "argv",
    [
        ["nonsense"],
        ["check", "--nonsense"],
        ["init"],  # where?
        ["poll"],  # what?
        ["judge", "none.jsonl"],
        ["stories", "none.jsonl"],
        ["stories", "."],
        ["up", "--port", "70000"],
        ["up", "--port", "-1"],
        ["up", "--port", "http"],
        ["worker", "--queue", "nonsense"],
        ["topics"],
        ["explain", "\udcff"],  # a byte that is no UTF-8
        ["alerts", "list", "--rule", "\udcff"],
    ],
)
def test_cli_wrong_use_is_2(run, monkeypatch, tmp_path, argv):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*argv)
    assert code == 2
    assert "Traceback" not in out + err
    assert list(tmp_path.iterdir()) == []


def test_cli_tells_its_version(run):
    assert run("--version") == (0, f"wirewatch {worker.__version__}\n", "")


def test_cli_completion_after_the_version_offers_words_only(run, monkeypatch):
    monkeypatch.setenv("_WIREWATCH_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "wirewatch --version ")
    monkeypatch.setenv("COMP_CWORD", "2")
    _, out, _ = run()
    assert "check" in out.split() and worker.__version__ not in out


def test_cli_init_then_check_is_0(run, tmp_path):
    code, out, _ = run("init", tmp_path / "desk")
    assert code == 0
    assert f"Next: wirewatch check --config {tmp_path / 'desk'}" in out
    code, out, err = run("check", "--config", tmp_path / "desk")
    assert (code, err) == (0, "")
    assert "no problem found" in out and " 3 topics, " in out
    assert "Note: settings.yaml: contact is still the example's" in out


def test_cli_init_over_a_desk_is_1(run, desk):
    code, out, err = run("init", desk)
    assert (code, out) == (1, "")
    assert "Nothing was written" in err


@pytest.mark.parametrize(
    ("part", "old", "new", "says"),
    [
        ("feeds", "  - id: yonhap-en", "  - id: yonhap-en\n    colour: red", "feeds[0].colour: unknown"),
        ("feeds", "feeds:", "feeds: [", "not valid YAML"),
        ("topics", "nk-russia-arms", "nk-russia-army", "the topic model does not know 'nk-russia-army'"),
        ("watchlist", '"Kim Jong-un"', '"?"', "'?' can never match"),
        ("rules", "[dprk, russia]", "[dprk, rusia]", "did you mean russia?"),
        ("rules", "[antony-blinken]", "[antony-blinken, joe]", "there is no entity 'joe'"),
        ("people", "Asia/Seoul", "Seoul", "not a known time zone"),
        ("channels", "id: operator", "id: operators", "one enabled channel must be named operator"),
        ("channels", "channels:", f"channels:\n{MAIL}password: {CANARY}}}", "never write a secret here"),
        ("channels", "channels:", f"channels:\n{MAIL}password: '!{CANARY}'}}", "never write a secret here"),
        ("channels", "channels:", f"channels:\n{MAIL}password: '${{NOT_SET}}'}}", "NOT_SET is not set"),
        ("network", "allow: []", "allow: [{cidr: 10.0.0.1/8, for: [feed]}]", "not an address range"),
        ("settings", "log_level: INFO", "log_level: LOUD", "'LOUD' is none of"),
    ],
)
def test_cli_j11_a_wrong_setting_is_1_with_its_place_and_no_secret(run, desk, part, old, new, says):
    spoil(desk, part, old, new)
    code, out, err = run("check", "--config", desk)
    assert (code, out) == (1, "")
    assert f"{part}.yaml:" in err and says in err
    assert err.rstrip().endswith("in the configuration.")
    assert CANARY not in err


@pytest.mark.parametrize("verb", ["up", "worker"])
def test_cli_nothing_is_polled_under_the_examples_contact(run, desk, tmp_path, verb):
    spoil(desk, "settings", "desk@desk.example", "operator@example.org")
    code, out, err = run(verb, "--config", desk, "--data", tmp_path / "var")
    assert (code, out) == (1, "")
    assert err.startswith("settings.yaml: contact is still the example's")
    assert not (tmp_path / "var").exists()


def test_cli_worker_with_queues_that_do_not_go_together_is_2(run, desk):
    code, _, err = run("worker", "--config", desk, "--queue", "poll", "--queue", "analyse")
    assert code == 2
    assert "a worker of its own" in " ".join(err.replace("│", " ").split())


@pytest.mark.parametrize("verb", ["up", "worker", "scheduler", "console"])
def test_cli_j11_nothing_starts_on_a_missing_reference(run, desk, tmp_path, verb):
    spoil(desk, "rules", "[antony-blinken]", "[joe]")
    code, out, err = run(verb, "--config", desk, "--data", tmp_path / "var")
    assert (code, out) == (1, "")
    assert "there is no entity 'joe'" in err
    assert not (tmp_path / "var").exists()


def test_cli_check_tells_all_problems_at_once(run, desk):
    spoil(desk, "feeds", "  - id: yonhap-en", "  - id: Yonhap")
    spoil(desk, "rules", "[antony-blinken]", "[joe]")
    (desk / "people.yaml").unlink()
    code, _, err = run("check", "--config", desk)
    assert code == 1
    assert [line.split(":")[0] for line in err.splitlines()[:-1]] == ["feeds.yaml", "people.yaml", "rules.yaml"]
    assert err.splitlines()[-1].startswith("3 problems in the configuration.")


def test_cli_check_without_a_folder_is_1(run, tmp_path):
    code, _, err = run("check", "--config", tmp_path / "none")
    assert code == 1
    assert err.count("missing") == 8


def test_cli_worker_without_a_broker_is_1(run, desk, tmp_path):
    code, _, err = run("worker", "--config", desk, "--data", tmp_path / "var")
    assert (code, err.startswith("REDIS_URL is not set")) == (1, True)


@pytest.mark.parametrize(
    ("given", "queues"),
    [([], ["poll", "deliver"]), (["analyse"], ["analyse"]), (["poll", "deliver"], ["poll", "deliver"])],
)
def test_cli_worker_serves_the_queues_asked_for(run, monkeypatch, desk, given, queues):
    served = []
    monkeypatch.setattr(worker_role, "run", lambda config, *, data, queues: served.append(queues))
    code, _, _ = run("worker", "--config", desk, *(word for queue in given for word in ("--queue", queue)))
    assert (code, served) == (0, [queues])


def test_j06_cli_logs_to_stderr_and_no_secret(run, desk, monkeypatch):
    """A program reads standard output: nothing stands between its lines."""

    def poll_once(*_):
        structlog.get_logger().warning("fetch_broke", feed_id="https://paper.example/feed?token=canary")
        logging.getLogger("a.library").warning("of https://paper.example/feed?token=canary")
        return [{"error": "broke"}]

    monkeypatch.setattr(polling, "poll_once", poll_once)
    code, out, err = run("poll", "https://paper.example/feed?token=canary", "--config", desk)
    assert (code, json.loads(out)) == (1, {"error": "broke"})
    assert "event='fetch_broke'" in err and "a.library" in err and "canary" not in err


# ---------------------------------------------------------------- judge, stories


def test_cli_judge_reads_only_what_it_needs_and_warns(run, quiet_judge, desk):
    for part in ("feeds", "channels", "people", "network", "settings"):
        (desk / f"{part}.yaml").write_text("[broken")
    spoil(desk, "rules", "[antony-blinken]", "[joe]")
    spoil(desk, "rules", "severity: normal", "severity: loud")
    code, out, err = run("judge", "--config", desk, stdin=b'{"id": 1, "title": "x"}\n')
    assert code == 0
    assert [rule["id"] for rule in json.loads(out)["rules"]] == ["blinken"]  # the other cannot be read
    assert [line.split(": ")[2] for line in err.splitlines()] == ["rules[0].severity", "rules[1].when.entities.all[0]"]
    assert all(line.startswith("warning: rules.yaml:") for line in err.splitlines())


def test_cli_judge_without_its_topics_is_1(run, desk):
    (desk / "topics.yaml").unlink()
    code, out, err = run("judge", "--config", desk, stdin=b'{"title": "x"}\n')
    assert (code, out) == (1, "")
    assert err.startswith("topics.yaml:1: missing")


@pytest.mark.parametrize("verb", ["judge", "stories"])
def test_cli_answers_hostile_lines_in_valid_utf8_json(run, quiet_judge, desk, tmp_path, monkeypatch, verb):
    monkeypatch.setattr("worker.judging.MAX_LINE", 2**20)  # of 64 MB, which need not be written here
    hostile = [
        b'{"id": "big", "title": "' + b"x" * 2**20 + b'"}',
        b'{"id": "a\\ud800", "title": "\\udfff \xff"}',
        b'{"id": NaN, "title": "x"}',
        b"[" * 100_000,
        b'{"id": ["x"], "title": "x"}',
        b'{"id": null, "title": "x"}',
        '{"id": "김정은", "title": "x"}'.encode(),
    ]
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\n".join(hostile))
    code, out, _ = run(verb, path, "--config", desk)
    answers = [json.loads(line, parse_constant=pytest.fail) for line in out.splitlines()]
    assert code == 0
    assert [answer["id"] for answer in answers] == ["big", "a\ud800", None, None, None, None, "김정은"]
    assert ["error" in answer for answer in answers] == [True, False, True, True, True, False, False]


@pytest.mark.parametrize("argv", [["stories"], ["stories", "-"]])
def test_cli_reads_standard_input(run, argv):
    code, out, err = run(*argv, stdin=b'{"id": 1, "title": "x"}\n\n{"id": 2, "title": "y"}')
    assert (code, err) == (0, "")
    assert [json.loads(line) for line in out.splitlines()] == [{"id": 1, "story": 1}, {"id": 2, "story": 2}]


def wirewatch(*argv, **options):
    environ = dict(os.environ) | {"PYTHONIOENCODING": "ascii", "PYTHONWARNINGS": "error"}
    return subprocess.Popen([sys.executable, "-m", "worker", *argv], env=environ, stderr=subprocess.PIPE, **options)


def test_cli_ends_quietly_when_its_reader_does(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text(f'{{"id": "{"long" * 40}", "title": "x"}}\n' * 2_000)  # answers of more than a pipe holds
    with wirewatch("stories", str(path), stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) in (0, 1)


def test_cli_writes_utf8_whatever_the_terminal_says(tmp_path):
    with wirewatch("stories", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        out, err = process.communicate('{"id": "김정은", "title": "x"}'.encode(), 20)
    assert (process.returncode, err) == (0, b"")
    assert json.loads(out.decode("utf-8"))["id"] == "김정은"


# ---------------------------------------------------------------- poll

RSS = b"""<rss version="2.0"><channel><title>F</title><item><title>A</title><guid>g</guid>
<pubDate>Tue, 07 Nov 2023 00:00:00 GMT</pubDate></item><item><title>\xea\xb9\x80</title></item></channel></rss>"""


class FakeFetcher:
    """Answers each URL with its outcome."""

    def __init__(self, outcomes, user_agent):
        self.outcomes = outcomes
        assert "+mailto:" in user_agent  # a publisher can reach the operator

    def fetch_all(self, requests):
        yield [FetchResult(request, self.outcomes[request.url], 0.1) for request in requests]


@pytest.fixture
def fetched(monkeypatch):
    def fetched(**outcomes):
        monkeypatch.setattr(polling, "Fetcher", lambda policy, *, user_agent: FakeFetcher(outcomes, user_agent))

    return fetched


def body(content):
    return Fetched(
        status=200, body=content, content_type="", validators=Validators(), hints=ServerHints(), final_url="http://f/"
    )


def test_cli_poll_prints_entries_and_stores_nothing(run, fetched, desk, tmp_path):
    fetched(a=body(RSS))
    code, out, _ = run("poll", "a", "--config", desk, "--data", tmp_path / "var")
    first, second = (json.loads(line) for line in out.splitlines())
    assert code == 0
    assert (first["feed"], first["title"], first["published"]) == ("a", "A", "2023-11-07T00:00:00+00:00")
    assert (second["title"], second["published"]) == ("김", None)
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (FetchFailed("timeout", "30 s"), "timeout"),
        (NotModified(Validators(), ServerHints()), "status"),
        (body(b"<html>no feed</html>"), "not_a_feed"),
    ],
)
def test_cli_poll_of_a_feed_that_gives_none_is_1(run, fetched, desk, outcome, error):
    fetched(a=outcome, b=body(RSS))
    code, out, _ = run("poll", "a", "b", "--config", desk)
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert (answers[0]["feed"], answers[0]["error"]) == ("a", error)
    assert [answer["feed"] for answer in answers[1:]] == ["b", "b"]  # one bad feed hides no other


MARKED = (
    b'{"id": "a1", "title": "Putin hosts Kim", "text": "Kim Jong Un arrived.", "entities": ["kim-jong-un", "iaea"]}\n'
    b'{"id": "a2", "title": "Rain", "entities": []}\n'
)


def test_cli_watchlist_evaluate_measures_and_names_the_errors(run, desk):
    code, out, _ = run("watchlist", "evaluate", "-", "--config", desk, "--errors", stdin=MARKED)
    assert code == 0
    assert out.startswith("2 articles, 2 pairs: precision 0.500, recall 0.500")
    assert re.search(r"a1 +wrong +vladimir-putin +alias +Putin", out) and re.search(r"a1 +missed +iaea", out)
    code, out, _ = run("watchlist", "evaluate", "-", "--config", desk, "--json", stdin=MARKED)
    measured = json.loads(out)
    assert (code, measured["right"], measured["wrong"], measured["missed"], measured["f1"]) == (0, 1, 1, 1, 0.5)
    assert measured["watchlist"] and "errors" not in measured


@pytest.mark.parametrize("line", [b'{"title": "x"}', b'{"title": "x", "entities": "kim"}', b"[]", b'{"entities": []}'])
def test_cli_watchlist_evaluate_names_the_line_that_is_wrong(run, desk, line):
    code, out, err = run("watchlist", "evaluate", "-", "--config", desk, stdin=MARKED + line)
    assert (code, out) == (1, "") and err.startswith("Line 3: ")
