"""docs/configuration.md says what is so: its tables are the schema's, its examples load, its messages are spoken."""

import ast
import pathlib
import re

import pytest
import yaml

from worker.config.load import FILES, LISTS, load_config
from worker.config.reference import BESIDE_WORDS, TABLES, fill, keys_of
from worker.config.schema import CHANNELS
from worker.model import ArticleText
from worker.nlp.names import compile_watchlist, find_mentions

ROOT = pathlib.Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "configuration.md").read_text()
# Examples in their order: a desk first, then what the how-tos add to it.
EXAMPLES = [
    (f"{name}.yaml", yaml.safe_load(body)) for name, body in re.findall(r"```yaml\n# (\w+)\.yaml\n(.*?)```", PAGE, re.S)
]
MESSAGES = set(re.findall(r"^\| (?:`([^`|]+)`|`` (.+?) ``) \|", PAGE.split("## What `check` says")[1], re.M))
ENVIRONMENT = {
    "SMTP_PASSWORD": "made up",
    "STRAIT_PASSWORD": "made up",
    "EGRESS_PROXY": "http://desk:made%20up@proxy.example:3128",
}
MODULES = ("checks", "feedchecks", "load", "namelist", "source", "topicchecks", "topicspec", "typed", "values")
SHORT = 18  # letters; shorter pieces of text in the checks are no messages


def spoken(module):
    """Every text in the functions of a module of the checks, what is filled in as '…'."""

    def texts(node, doc):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value != doc:
            yield node.value
        else:
            for child in ast.iter_child_nodes(node):
                yield from texts(child, doc)

    tree = ast.parse((ROOT / "worker" / "config" / f"{module}.py").read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name != "advice"]
    return {text for node in functions for text in texts(node, ast.get_docstring(node, clean=False))}


@pytest.fixture
def desk(tmp_path):
    """A scratch desk of the page's examples; `upto` counts them."""

    def desk(upto):
        files = {}
        for name, body in EXAMPLES[:upto]:
            held = files.setdefault(name, body)
            key = next((key for file, key, _ in LISTS.values() if file == name), "channels")
            if held is not body and key in body:
                fresh = {item["id"] for item in body[key]}
                files[name] = {key: [item for item in held[key] if item["id"] not in fresh] + body[key]}
            elif held is not body:
                files[name] = body
        for name, body in files.items():
            (tmp_path / name).write_text(yaml.safe_dump(body, allow_unicode=True))
        (tmp_path / "secrets").mkdir(exist_ok=True)
        (tmp_path / "secrets" / "desk-webhook").write_text(f"whsec_{'A' * 32}\n")
        (tmp_path / "secrets" / "ministry-key").write_text("made up\n")
        (tmp_path / "certificates").mkdir(exist_ok=True)
        certificate = pathlib.Path(__file__).parent / "desk.pem"
        (tmp_path / "certificates" / "ministry.pem").write_text(certificate.read_text())
        (tmp_path / "secrets" / "desk-feed").write_text("made-up-and-long-enough\n")
        return load_config(tmp_path, environ=ENVIRONMENT)

    return desk


def test_reference_page_is_what_the_schema_makes():
    assert fill(PAGE) == PAGE, "run: python -m worker.config.reference docs/configuration.md"


def test_reference_page_has_every_table_once_and_a_part_for_every_file():
    assert sorted(re.findall(r"<!-- keys: (.+?) -->", PAGE)) == sorted(TABLES)
    assert set(re.findall(r"^## (\w+\.yaml)$", PAGE, re.M)) == set(FILES.values())
    assert {name.split(", ")[1] for name in TABLES if ", " in name} == set(CHANNELS)


@pytest.mark.parametrize("name", TABLES)
def test_reference_says_of_every_key_what_it_is(name):
    rows = list(keys_of(TABLES[name]))
    assert [row.key for row in rows if not row.meaning or "|" in f"{row.meaning}{row.allowed}"] == []
    assert len({row.key for row in rows}) == len(rows)


def test_reference_knows_what_stands_beside_a_list():
    from worker.config.load import BESIDE

    assert {name for names in BESIDE.values() for name in names} == set(BESIDE_WORDS)


def test_reference_writes_as_a_file_would():
    rows = {row.key: row for row in keys_of(TABLES["settings.yaml"])}
    assert str(rows["retention.text"]).endswith("| `180d` | duration from 1d |")
    assert (rows["contact"].default, rows["timing"].default) == (None, "")
    rules = {row.key: row for row in keys_of(TABLES["rules.yaml"])}
    assert rules["severity"].allowed == "`low`, `normal`, `high` or `critical`"
    assert rules["when.entities.any"].default == ""  # an empty list is refused there
    assert {row.key for row in keys_of(TABLES["network.yaml"])} >= {"allow[].for", "hosts.ADDRESS.spacing"}


def test_examples_are_a_desk_from_the_first_ones_on(desk):
    assert [name for name, _ in EXAMPLES[: len(FILES)]] == re.findall(r"^## (\w+\.yaml)$", PAGE, re.M)
    assert len(EXAMPLES) > len(FILES)
    assert desk(len(FILES)).warnings == ()


@pytest.mark.parametrize("upto", range(len(FILES) + 1, len(EXAMPLES) + 1))
def test_examples_load_with_what_each_how_to_adds(desk, upto):
    name, body = EXAMPLES[upto - 1]
    shown = desk(upto).public()
    for part, (file, key, _) in LISTS.items():
        if file == name:
            assert {item["id"] for item in body[key]} <= {item["id"] for item in shown[part]}


def test_examples_of_rules_hold(desk):
    from worker.examples import try_examples

    upto = next(n for n, (_, body) in enumerate(EXAMPLES, start=1) if "must_fire" in str(body))
    tried = try_examples(desk(upto))
    assert len(tried) == 3
    assert [one.complaint() for one in tried if not one.holds] == []


def test_examples_recognise_what_the_page_says(desk):
    index = compile_watchlist(desk(len(FILES)).watchlist)
    for text, entity in (("встреча с Путиным", "vladimir-putin"), ("김정은이 방문했다", "kim-jong-un")):
        assert [mention.entity for mention in find_mentions(index, ArticleText(id="a", title=text))] == [entity]


@pytest.mark.parametrize("module", MODULES)
def test_every_refusal_is_on_the_page(module):
    told = {plain or ticked for plain, ticked in MESSAGES}
    said = {text for text in spoken(module) if len(text) >= SHORT and " " in text}
    assert said - told == set()


def test_every_message_on_the_page_is_said():
    said = set().union(*map(spoken, MODULES))
    told = {plain or ticked for plain, ticked in MESSAGES} - {"message"}
    assert len(told) > 40
    assert told - said == set()
