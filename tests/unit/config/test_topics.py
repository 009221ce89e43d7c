"""A desk's own topics in topics.yaml: terms, examples, a file of them, and what `check` says of each mistake."""

import json
import pathlib
import shutil

import pytest
import yaml

from worker.config import topicchecks
from worker.config.load import load_config
from worker.errors import ConfigError

ROOT = pathlib.Path(__file__).parents[3]
YES = [{"title": f"Floods drown village {n}", "label": "yes"} for n in range(6)]
NO = [{"title": f"Roses bloom in garden {n}", "label": "no"} for n in range(6)]


@pytest.fixture
def load(tmp_path):
    shutil.copytree(ROOT / "config", tmp_path / "config")

    def load(topic, **files):
        for name, lines in files.items():
            body = lines if isinstance(lines, bytes) else "".join(f"{line}\n" for line in lines).encode()
            (tmp_path / "config" / f"{name}.jsonl").write_bytes(body)
        text = yaml.safe_dump({"topics": [{"id": "floods", "name": "Floods"} | topic]}, sort_keys=False)
        (tmp_path / "config" / "topics.yaml").write_text(text)
        return load_config(tmp_path / "config", environ={}, only=frozenset({"topics"}))

    return load


def problems(load, topic, **files):
    try:
        return [str(problem) for problem in load(topic, **files).warnings]
    except ConfigError as error:
        return [str(problem) for problem in error.problems]


def test_terms_are_a_list_or_weights(load):
    assert load({"terms": ["flood*", "monsoon rain"]}).topics[0].terms == {"flood*": 1.0, "monsoon rain": 1.0}
    assert load({"terms": {"flood*": 2, "홍수": 1, "web": -0.5}}).topics[0].terms == {
        "flood*": 2,
        "홍수": 1,
        "web": -0.5,
    }


def test_examples_stand_there_or_in_a_file(load):
    inline = load({"examples": YES + NO}).topics[0].examples
    lines = [json.dumps(one | {"id": "passed over"}) for one in YES + NO]
    assert load({"examples": "floods.jsonl"}, floods=["", *lines]).topics[0].examples == inline
    assert [one.label for one in inline] == [True] * 6 + [False] * 6


def test_examples_are_part_of_the_configurations_version(load):
    one = load({"examples": YES + NO}).hash
    lines = [json.dumps(example) for example in YES + NO]
    assert load({"examples": "floods.jsonl"}, floods=lines).hash == one
    assert load({"examples": YES + NO[:5]}).hash != one


@pytest.mark.parametrize(
    ("topic", "says"),
    [
        ({}, "the topic model does not know 'floods'"),
        ({"terms": []}, "does not know 'floods'"),
        ({"terms": ["***"]}, "topics[0].terms[0]: '***' can never match"),
        ({"terms": {"flood": 1, "a*": 1}}, "topics[0].terms.a*: 'a*' can never match"),
        ({"terms": {"flood": 0}}, "'flood': a weight is from -10 to 10"),
        ({"terms": {"flood": 11}}, "'flood': a weight is from -10 to 10"),
        ({"terms": {"flood": float("nan")}}, "'flood': a weight is from -10 to 10"),
        ({"terms": {"flood": -1}}, "every weight is below 0"),
        ({"terms": ["flood", "flood"]}, "'flood' is given twice"),
        ({"terms": [{"flood": 1}]}, "write the terms as a list of words and phrases"),
        ({"examples": YES[:4]}, "4 examples can teach nothing"),
        ({"examples": [YES[0] | {"title": f"Floods {n}"} for n in range(12)]}, "12 labelled yes and 0 labelled no"),
        ({"examples": YES[:4] + NO}, "4 labelled yes and 6 labelled no"),
        ({"examples": YES + NO + [dict(YES[0])]}, "'Floods drown village 0' is given twice"),
        ({"examples": YES + NO + [NO[0] | {"label": "yes"}]}, "'Roses bloom in garden 0' is given both yes and no"),
        ({"examples": YES + [NO[0] | {"label": "maybe"}]}, "topics[0].examples[6].label: write yes or no"),
        ({"examples": "nowhere.jsonl"}, "nowhere.jsonl cannot be read"),
        (
            {"id": "middle-east", "terms": ["gaza"]},
            "topics[0].terms: never asked, for the topic model knows this topic",
        ),
    ],
)
def test_check_names_what_is_wrong_with_a_topic(load, topic, says):
    found = problems(load, topic)
    assert len(found) == 1 and says in found[0], found


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["{"], "floods.jsonl:1: not JSON"),
        ([json.dumps(YES[0]), "", "[]"], "floods.jsonl:3: not an example"),
        ([json.dumps({"title": "Floods"})], "floods.jsonl:1: label: missing"),
        ([json.dumps({"title": "", "label": "no"})], "floods.jsonl:1: title: must be one line of text"),
        ([json.dumps(YES[0] | {"label": 3})], "floods.jsonl:1: label: write yes or no"),
        ([], "floods.jsonl: holds no example"),
        (b"\xff", "floods.jsonl cannot be read: not UTF-8"),
    ],
)
def test_check_names_the_line_of_a_bad_example(load, lines, says):
    found = problems(load, {"examples": "floods.jsonl"}, floods=lines)
    assert any(says in problem for problem in found), found
    assert not any("does not know" in problem for problem in found)


def test_a_separator_within_an_example_ends_no_line(load):
    lines = [json.dumps(one | {"text": "one\u2028two\x85three"}, ensure_ascii=False) for one in YES + NO]
    assert len(load({"examples": "floods.jsonl"}, floods=lines).topics[0].examples) == 12


def test_check_says_that_the_shipped_model_is_away(load, monkeypatch, tmp_path):
    monkeypatch.setattr(topicchecks, "SHIPPED_MODEL", tmp_path)
    (found,) = problems(load, {"terms": ["flood*"]})
    assert "the shipped topic model cannot be read (FileNotFoundError)" in found
