"""`wirewatch topics evaluate`: what it asks for, what it prints on a terminal and elsewhere, what it draws."""

import json

import pytest

from worker.cli.measured import print_report

EXAMPLES = [{"title": f"Floods drown the rice fields of village {n}", "label": "yes"} for n in range(6)]
EXAMPLES += [{"title": f"Roses bloom in the palace garden {n}", "label": "no"} for n in range(6)]


@pytest.fixture
def labelled(tmp_path):
    lines = [
        {"id": "1", "title": "Israeli strikes hit southern Lebanon as talks go on", "labels": ["middle-east"]},
        {"id": "2", "title": "Striker signs a new contract with the city rivals", "labels": [], "unsure": True},
        {"id": "3", "title": "Курс акций местного банка вырос", "language": "ru", "labels": []},
    ]
    path = tmp_path / "labelled.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def floods(desk):
    topic = {"id": "floods", "name": "Floods", "terms": {"flood*": 1}, "examples": EXAMPLES}
    (desk / "topics.yaml").write_text(json.dumps({"topics": [topic]}))
    return desk


def test_evaluate_prints_one_object_where_no_terminal_reads(run, labelled, tmp_path):
    code, out, err = run("topics", "evaluate", labelled, "--plot", tmp_path / "topics.svg")
    report = json.loads(out)
    assert (code, err, report["articles"], report["unsure"]) == (0, "", 3, 1)
    assert set(report["topics"]) == {"korea-diplomacy", "middle-east", "nk-russia-arms"}
    assert (tmp_path / "topics.svg").read_text().startswith("<svg ")


def test_a_report_in_words_has_every_table(run, labelled, capfdbinary):
    _, out, _ = run("topics", "evaluate", labelled, "--json")
    print_report(json.loads(out))
    said = capfdbinary.readouterr().out.decode()
    for words in ("3 articles", "Whole, macro-F1", "By headline alone", "Without the 1 of which", "wrong within"):
        assert words in said
    assert "In ru" not in said  # one article of a language is no measure


def test_evaluate_of_an_own_topic_tells_and_draws(run, floods, tmp_path, capfdbinary):
    code, out, _ = run("topics", "evaluate", "--topic", "floods", "--config", floods, "--plot", tmp_path / "f.svg")
    report = json.loads(out)
    assert (code, report["examples"]) == (0, 12) and report["by"].startswith("desk:")
    assert "Too few examples to tell" in (tmp_path / "f.svg").read_text()
    print_report(report)
    said = capfdbinary.readouterr().out.decode()
    assert "95 times in 100" in said and "in 1,000" in said and "Note: Too few" in said


def test_evaluate_of_a_stream_lists_what_to_read(run, floods, tmp_path, capfdbinary):
    path = tmp_path / "stream.jsonl"
    titles = ["Floods drown the delta", "Roses bloom", "A \x1b[31mred flood"]
    path.write_text("".join(json.dumps({"title": title}) + "\n" for title in titles))
    _, out, _ = run("topics", "evaluate", "--stream", path, "--topic", "floods", "--config", floods)
    report = json.loads(out)
    assert (report["items"], report["topics"]["floods"]["matches"]) == (3, 2)
    print_report(report)
    said = capfdbinary.readouterr().out.decode()
    assert "Floods drown the delta" in said and "\x1b[31m" not in said


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ((), 2, "give a file of labelled articles"),
        (("x.jsonl", "--topic", "floods"), 2, "give a file of labelled articles"),
        (("x.jsonl", "--plot", "x.png"), 2, "ends in .svg"),
        (("--stream", "x.jsonl", "--plot", "x.svg"), 2, "cannot be drawn"),
        (("x.jsonl", "--plot", "nowhere/x.svg"), 2, "there is no folder nowhere"),
        (("nowhere.jsonl",), 1, "nowhere.jsonl: cannot be read"),
        (("--topic", "fires"), 1, "'fires' is no topic of your own: topics.yaml has floods"),
    ],
)
def test_evaluate_says_what_it_needs(run, floods, words, code, says):
    answer, _, err = run("topics", "evaluate", *words, "--config", floods)
    assert answer == code and says in " ".join(err.replace("│", " ").split())


def test_a_picture_that_cannot_be_written_takes_no_figures_along(run, labelled, tmp_path):
    (tmp_path / "folder.svg").mkdir()
    code, out, err = run("topics", "evaluate", labelled, "--plot", tmp_path / "folder.svg")
    assert code == 1 and json.loads(out)["articles"] == 3
    assert "folder.svg: cannot be written" in err and "Traceback" not in err


def test_a_report_names_labels_that_the_model_does_not_know(run, tmp_path, capfdbinary):
    path = tmp_path / "labelled.jsonl"
    path.write_text(json.dumps({"id": "1", "title": "Talks in Beirut", "labels": ["middle-east", "midle-east"]}) + "\n")
    _, out, _ = run("topics", "evaluate", path)
    report = json.loads(out)
    assert report["unknown_labels"] == ["midle-east"]
    print_report(report)
    assert "not measured: midle-east" in capfdbinary.readouterr().out.decode()
