"""docs/query.md says what is so: its examples find what it says, and its messages are spoken."""

import ast
import pathlib
import re

import yaml

from worker.config.schema import RuleSpec
from worker.query.evaluate import find
from worker.query.parse import ENDS, parse_query

ROOT = pathlib.Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "query.md").read_text()
FIRST, REFUSED = PAGE.split("## What counts")[0], PAGE.split("## What is refused")[1]
SHORT = 18  # letters; shorter pieces of text are no messages


def spoken(module):
    """Every text of some length in a module's functions, what is filled in as '…'."""

    def texts(node):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif not isinstance(node, ast.Expr):  # a docstring
            for child in ast.iter_child_nodes(node):
                yield from texts(child)

    tree = ast.parse((ROOT / "worker" / "query" / f"{module}.py").read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return {text for node in functions for text in texts(node) if len(text) >= SHORT and " " in text}


def said(query, text):
    return find(parse_query(query), title="", text=text) is not None


def test_page_examples_can_be_written():
    examples = re.findall(r"^\| `(.+?)` \|", FIRST, re.M)
    assert len(examples) >= 10
    assert all(parse_query(text).words() for text in examples)
    assert parse_query("shells OR rockets Pyongyang") == parse_query("shells OR (rockets AND Pyongyang)")


def test_page_finds_what_it_says():
    for query, text in re.findall(r"`([^`]+)`\s+finds(?:\s+\"([^\"]+)\")", PAGE.split("## In a rule")[0]):
        assert said(query, text.replace("\n", " ")), query
    assert not said("missile", "missiles")
    assert said("missil*", "missiles")
    assert said("ракета", "ракетами")


def test_page_example_is_a_rule():
    [body] = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    [rule] = yaml.safe_load(body)["rules"]
    words = RuleSpec.model_validate(rule).when.words
    assert (
        said(words, "Artillery shells left North Korea")
        and said(words, "북한이 포탄을")
        and said(words, "снаряды из КНДР")
    )
    assert not said(words, "A film of artillery shells in Pyongyang")


def test_page_tells_every_refusal_and_no_other():
    told = set(re.findall(r"^\| `(.+?)` \|", REFUSED, re.M))
    heard = spoken("lex") | spoken("parse") | set(ENDS.values())
    star = "* may only end a word of which … letters stand before it"
    assert told - heard == {f"…: {star}"}
    assert heard - told == {star}
