"""init and check, for a program: one object each, and the same exit codes."""

import json


def test_check_as_json_of_a_sound_desk(run, desk):
    code, out, err = run("check", "--json", "--config", desk)
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["problems"] == []
    assert found["counts"]["feeds"] == 2
    assert found["notes"] == ["rules.yaml: there is no rule, so nobody will be told of anything."]


def test_check_as_json_lists_every_problem(run, desk):
    (desk / "feeds.yaml").write_text("feeds:\n  - id: A\n    url: https://a.example/\n")
    (desk / "people.yaml").unlink()
    code, out, err = run("check", "--json", "--config", desk)
    found = json.loads(out)
    assert (code, err, found["counts"]) == (1, "", None)
    first, second = found["problems"]
    assert (first["file"], first["line"], first["key"]) == ("feeds.yaml", 2, "feeds[0].id")
    assert "small letters" in first["message"]
    assert (second["file"], second["key"]) == ("people.yaml", "")


RULES = """\
rules:
  - id: ana
    name: "Ana, wherever"
    severity: high
    when: {entities: {any: [a]}}
    escalate: [{severity: critical, when: {words: missile}}]
    channels: [inbox, desk-mail]
    timing: {wait: 5m}
"""
EXAMPLES = """\
    must_fire: ["Ana Lee is back"]
    must_not_fire:
      - "Nobody is back"
"""


def test_check_says_each_rule_in_plain_words(run, desk):
    (desk / "rules.yaml").write_text(RULES)
    code, out, _ = run("check", "--config", desk)
    assert code == 0
    assert out.split("\n\n")[1].splitlines()[:4] == [
        "ana  high  Ana, wherever",
        "    when it names Ana Lee",
        "    critical when it also says missile",
        "    by inbox, desk-mail (off); first message within 6 minutes of the poll that sees it, updates at most every",
    ]
    code, out, _ = run("check", "--json", "--config", desk)
    found = json.loads(out)
    [rule] = found["rules"]
    assert (rule["id"], rule["severity"], rule["name"]) == ("ana", "high", "Ana, wherever")
    assert rule["words"] == ["when it names Ana Lee", "critical when it also says missile"]
    assert rule["channels"] == [{"id": "inbox", "enabled": True}, {"id": "desk-mail", "enabled": False}]
    assert rule["timing"].startswith("first message within 6 minutes of the poll that sees it, updates")
    assert found["examples"] == []


def test_check_tries_the_examples_of_rules(run, desk):
    (desk / "rules.yaml").write_text(RULES + EXAMPLES)
    code, out, err = run("check", "--config", desk)
    assert (code, err) == (0, "")
    assert "2 examples: the rules fire, and stay quiet, where they must." in out
    (desk / "rules.yaml").write_text(RULES + EXAMPLES + '      - "Ana Lee again"\n')
    code, out, err = run("check", "--json", "--config", desk)
    found = json.loads(out)
    assert (code, err, found["counts"]) == (1, "", None)
    [problem] = found["problems"]
    assert (problem["file"], problem["line"], problem["key"]) == ("rules.yaml", 12, "rules[0].must_not_fire[1]")
    assert problem["message"].startswith("“Ana Lee again”: must not fire, and does: a (found: language und; ")
    assert [(one["title"], one["fires"]) for one in found["examples"]] == [
        ("Ana Lee is back", True),
        ("Nobody is back", False),
        ("Ana Lee again", True),
    ]


def test_check_tries_no_example_of_a_broken_desk(run, desk, monkeypatch):
    monkeypatch.setattr("worker.examples.load_judge", None)
    (desk / "rules.yaml").write_text(RULES.replace("words: missile", "words: 'missile OR'") + EXAMPLES)
    code, out, err = run("check", "--config", desk)
    assert (code, out) == (1, "")
    assert err.splitlines()[0] == (
        "rules.yaml:6: rules[0].escalate[0].when.words: column 11: a word is missing at the end"
    )


def test_init_as_json(run, tmp_path):
    code, out, _ = run("init", "--json", tmp_path / "desk")
    found = json.loads(out)
    assert code == 0
    assert found["folder"] == str(tmp_path / "desk")
    assert sorted(found["files"]) == sorted(path.name for path in (tmp_path / "desk").iterdir())


def test_init_as_json_over_a_desk_is_1(run, desk):
    code, out, err = run("init", "--json", desk)
    assert (code, out) == (1, "")
    assert "Nothing was written" in err
