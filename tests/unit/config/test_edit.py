"""Edits of a list: only the item's own lines change, whatever the file looks like, and it reads as what was meant."""

import pathlib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from worker.config import edit as module
from worker.config.edit import add_items, remove_item, replace_items, set_words
from worker.config.load import LISTS

CONFIG = pathlib.Path(__file__).parents[3] / "config"
NEW = {"id": "new", "url": "https://new.example/feed", "tags": ["a", "b"]}


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def loader(request, monkeypatch):
    """With libyaml and without."""
    monkeypatch.setattr(module, "LOADER", getattr(yaml, request.param))


def read(text, key="feeds"):
    return yaml.load(text, Loader=module.LOADER)[key]


@pytest.mark.parametrize(
    ("text", "after"),
    [
        # as the example has it
        ("# top\nfeeds:\n  - id: a\n", "# top\nfeeds:\n  - id: a\n  - id: new\n    x: 1\n"),
        # a list that is not indented
        ("feeds:\n- id: a\n", "feeds:\n- id: a\n- id: new\n  x: 1\n"),
        # odd indentation, a comment behind a value, and one at the end
        (
            "feeds:\n   -   id: a\n       url: b   # why\n\n# end\n",
            "feeds:\n   -   id: a\n       url: b   # why\n   -   id: new\n       x: 1\n\n# end\n",
        ),
        # a comment inside the last item stays with it
        ("feeds:\n  - id: a\n    # url: b\n  # c\n", "feeds:\n  - id: a\n    # url: b\n  - id: new\n    x: 1\n  # c\n"),
        # the dash on a line of its own
        ("feeds:\n  -\n    id: a\n", "feeds:\n  -\n    id: a\n  - id: new\n    x: 1\n"),
        # Windows
        ("# c\r\nfeeds:\r\n  - id: a\r\n", "# c\r\nfeeds:\r\n  - id: a\r\n  - id: new\r\n    x: 1\r\n"),
        # no end of the last line, and none afterwards
        ("feeds:\n  - id: a", "feeds:\n  - id: a\n  - id: new\n    x: 1"),
        ("feeds:\n  - id: a # c", "feeds:\n  - id: a # c\n  - id: new\n    x: 1"),
        # a value that is missing
        ("feeds:\n  - id: a\n    title:\n", "feeds:\n  - id: a\n    title:\n  - id: new\n    x: 1\n"),
        # a value over several lines
        ("feeds:\n  - id: |\n      a\n# c\n", "feeds:\n  - id: |\n      a\n  - id: new\n    x: 1\n# c\n"),
        ('feeds:\n  - id: "a\n\n      b"\n# c\n', 'feeds:\n  - id: "a\n\n      b"\n  - id: new\n    x: 1\n# c\n'),
        # an item a line
        ("feeds:\n  - {id: a,x: 2}\n", "feeds:\n  - {id: a,x: 2}\n  - {id: new, x: 1}\n"),
        # all on one line
        ("feeds: [{id: a}]  # c\n", "feeds: [{id: a}, {id: new, x: 1}]  # c\n"),
        ("feeds: [\n  {id: a},  # c\n]\n", "feeds: [\n  {id: a}, {id: new, x: 1},  # c\n]\n"),
        ("{feeds: [{id: a}], other: 1}", "{feeds: [{id: a}, {id: new, x: 1}], other: 1}"),
        # what stands behind the list
        ("feeds:\n  - id: a\nmodel: m\n", "feeds:\n  - id: a\n  - id: new\n    x: 1\nmodel: m\n"),
        ("---\nfeeds:\n  - id: a\n...\n", "---\nfeeds:\n  - id: a\n  - id: new\n    x: 1\n...\n"),
        # letters of any width before it
        ("# 김정은 😀\nfeeds:\n  - id: 😀\n", "# 김정은 😀\nfeeds:\n  - id: 😀\n  - id: new\n    x: 1\n"),
    ],
)
def test_edit_adds_after_the_last_item_as_it_is_written(loader, text, after):
    assert add_items(text, "feeds", [{"id": "new", "x": 1}]) == after
    assert read(after) == [*read(text), {"id": "new", "x": 1}]


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("feeds: []\n", "feeds:\n  - id: new\n"),
        ("feeds: []", "feeds:\n  - id: new"),
        ("feeds: [ ]   # none yet\nmodel: m\n", "feeds:   # none yet\n  - id: new\nmodel: m\n"),
        ("feeds:\n", "feeds:\n  - id: new\n"),
        ("feeds:  # none yet\n# end\n", "feeds:  # none yet\n  - id: new\n# end\n"),
        ("feeds: ~\r\n", "feeds:\r\n  - id: new\r\n"),
        ("feeds: null", "feeds:\n  - id: new"),
        ("  feeds: []\n", "  feeds:\n    - id: new\n"),
        ("feeds: [  # none\n]\n", "feeds: [{id: new}  # none\n]\n"),
        ("{feeds: []}", "{feeds: [{id: new}]}"),
        ("{feeds: ~, x: 1}", "{feeds:  [{id: new}], x: 1}"),
    ],
)
def test_edit_begins_an_empty_list(loader, text, after):
    assert add_items(text, "feeds", [{"id": "new"}]) == after
    assert read(after) == [{"id": "new"}]


@pytest.mark.parametrize(
    ("text", "n", "after"),
    [
        ("feeds:\n  - id: a\n    x: 1\n  - id: b\n", 0, "feeds:\n  - id: b\n"),
        ("feeds:\n  - id: a\n  - id: b\n", 1, "feeds:\n  - id: a\n"),
        ("feeds:\n  - id: a\n  - id: b", 1, "feeds:\n  - id: a\n"),
        ("feeds:\n- id: a\n- id: b\n# end\n", 1, "feeds:\n- id: a\n# end\n"),
        # the headings around it stay, the comments inside it go
        (
            "feeds:\n  # one\n  - id: a\n    # old\n    x: 1 # y\n\n  # two\n  - id: b\n",
            0,
            "feeds:\n  # one\n\n  # two\n  - id: b\n",
        ),
        ("feeds:\n  - id: a\n  # - id: c\n  -\n    # b - it is\n    id: b\n", 1, "feeds:\n  - id: a\n  # - id: c\n"),
        ("feeds:\r\n  - id: a\r\n  - id: b\r\n", 0, "feeds:\r\n  - id: b\r\n"),
        ("feeds: [{id: a}, {id: b} , {id: c}]\n", 0, "feeds: [{id: b} , {id: c}]\n"),
        ("feeds: [{id: a}, {id: b} , {id: c}]\n", 1, "feeds: [{id: a} , {id: c}]\n"),
        ("feeds: [{id: a}, {id: b}]\n", 1, "feeds: [{id: a}]\n"),
    ],
)
def test_edit_removes_one_item_and_nothing_else(loader, text, n, after):
    assert remove_item(text, "feeds", n) == after
    assert read(after) == [item for at, item in enumerate(read(text)) if at != n]


@pytest.mark.parametrize("text", ["feeds:\n  - id: a\n", "feeds: [{id: a}]\n"])
def test_edit_removes_the_only_item(text):
    assert not read(remove_item(text, "feeds", 0))


@pytest.mark.parametrize("text", ["", "feeds: [\n", "others: []\n", "- a\n", "feeds: 3\n", "feeds: {}\n"])
def test_edit_of_what_has_no_such_list_is_a_value_error(text):
    with pytest.raises(ValueError, match="no "):
        add_items(text, "feeds", [NEW])
    with pytest.raises(ValueError, match="no "):
        remove_item(text, "feeds", 0)


def windows(text):
    return text.replace("\n", "\r\n")


def with_a_tail(text):
    return text + "\n  # tail\n# the end\n"


@pytest.mark.parametrize("shape", [str, str.rstrip, windows, with_a_tail])
@pytest.mark.parametrize("part", [*LISTS, "channels"])
def test_edit_keeps_every_character_of_the_example(part, shape):
    name, key, _ = LISTS.get(part, (f"{part}.yaml", part, None))
    text = shape((CONFIG / name).read_text(encoding="utf-8"))
    held = read(text, key) or []
    added = add_items(text, key, [NEW])
    assert read(added, key) == [*held, NEW]
    lines = iter(added.splitlines())
    assert all(line in lines for line in text.splitlines())  # each line in its order
    if shape is not str.rstrip:  # whose last line gets an end
        assert remove_item(added, key, len(held)) == text
    for n in range(0, len(held), max(1, len(held) - 1)):
        assert read(remove_item(text, key, n), key) == held[:n] + held[n + 1 :]


HOSTILE = st.text(max_size=30) | st.sampled_from(
    [
        "no",
        "on",
        "null",
        "~",
        "1e3",
        "0x1f",
        "12:30",
        "2026-11-24",
        "- a",
        "a: b",
        "# c",
        "'",
        '"',
        "&a",
        "*a",
        "!x",
        "%",
    ]
)
ITEMS = st.lists(
    st.fixed_dictionaries(
        {"id": HOSTILE, "title": HOSTILE, "tags": st.lists(HOSTILE, max_size=3), "tier": st.integers(-9, 9)}
    ),
    max_size=4,
)
LAYOUTS = ["feeds:\n", "feeds: []\n", "feeds:\n- id: a\n", "feeds:\n   -   id: a\n", "feeds: [{id: a}]\n", "feeds: []"]


@given(text=st.sampled_from(LAYOUTS), items=ITEMS, data=st.data())
def test_edit_adds_any_values_and_takes_them_out_again(text, items, data):
    """What comes out is what was put in, also for words that YAML has other ideas about."""
    if not items:
        return
    held = read(text) or []
    added = add_items(text, "feeds", items)
    assert read(added) == [*held, *items]
    n = data.draw(st.integers(0, len(held) + len(items) - 1))
    wanted = [*held, *items]
    del wanted[n]
    assert (read(remove_item(added, "feeds", n)) or []) == wanted


LISTED = "# whom we watch\nentities:\n\n  # in the north\n  - id: a\n    name: x\n    # of a\n  - {id: b}\n# the end\n"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (LISTED, ("# whom we watch\nentities:\n", "# the end\n")),  # comments between the items went with them
        ("entities: []\n", ("entities:\n", "")),
        ("entities:\n# none yet\n", ("entities:\n", "# none yet\n")),
        ("entities: [{id: a}, {id: b}]  # two\nfiles: [x]\n", ("entities:  # two\n", "files: [x]\n")),
        ("{files: [a], entities: [{id: a}]}\n", ("{files: [a], entities: [", "]}\n")),
        ("entities:\r\n- id: a\r\n", ("entities:\r\n", "")),
    ],
)
def test_replace_items_keeps_what_is_around_the_list(text, kept):
    before, after = kept
    new = replace_items(text, "entities", [{"id": "n", "name": "No"}])
    assert yaml.safe_load(new)["entities"] == [{"id": "n", "name": "No"}]
    assert new.startswith(before) and new.endswith(after)
    emptied = replace_items(text, "entities", [])
    assert yaml.safe_load(emptied)["entities"] == []
    assert emptied.endswith(after)
    assert replace_items(emptied, "entities", []) == emptied


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        (LISTED, LISTED),
        ("files: [a, b]  # ours\nentities: []\n", "entities: []\n"),
        ("# top\nfiles:\n  - a\n  # of b\n  - b\nentities:\n- id: a\n", "# top\nentities:\n- id: a\n"),
        ("entities:\n  - id: a\nfiles: [x]", "entities:\n  - id: a\n"),
        ("files:\nentities: []\n", "entities: []\n"),
        ("{entities: []}\n", "{entities: []}\n"),
        ("{files: [a], entities: []}\n", "{files: [], entities: []}\n"),
    ],
)
def test_set_words_writes_one_line_or_none(text, rest):
    two = set_words(text, "files", ["watchlist/a.csv", "b"], above="entities")
    assert yaml.safe_load(two) == yaml.safe_load(rest) | {"files": ["watchlist/a.csv", "b"]}
    assert set_words(two, "files", ["watchlist/a.csv", "b"], above="entities") == two
    assert set_words(text, "files", [], above="entities") == rest
    assert "# " not in rest or "# " in two


def test_replace_items_and_set_words_refuse_a_text_without_the_list():
    for change in (replace_items, lambda *args: set_words(*args, above="entities")):
        with pytest.raises(ValueError):
            change("feeds: []\n", "entities", [])
