"""YAML as plain values with their lines: what may be read, what is refused, and where it is said to be."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from worker.config import source as module
from worker.config.source import MAX_BYTES, dotted, read_source


@pytest.fixture
def read(tmp_path):
    """Reads these bytes (or this text) as the file x.yaml."""

    def read(content):
        path = tmp_path / "x.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_source(path)

    return read


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def loader(request, monkeypatch):
    """With libyaml and without."""
    monkeypatch.setattr(module, "LOADER", getattr(yaml, request.param))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: [x, 2.5, true]\n", {"a": 1, "b": ["x", 2.5, True]}),
        ("\ufeffa: 김정은\n", {"a": "김정은"}),  # a byte order mark
        ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),  # lines as Windows ends them
        ("1: a\ntrue: b\n", {"1": "a", "true": "b"}),  # keys are always text
        ("a:\n", {"a": None}),
        ("# nothing\n", None),
        ("", None),
    ],
)
def test_source_gives_plain_values(read, loader, text, value):
    source = read(text)
    assert (source.value, source.problems, source.readable) == (value, [], True)


def test_source_remembers_lines(read, loader):
    source = read("feeds:\n  - id: a\n    tags:\n      - x\n      - y\n  - id: b\n")
    assert source.line(("feeds", 0, "tags", 1)) == 5
    assert source.line(("feeds", 1)) == 6
    assert source.line(("feeds", 0, "url")) == 2  # what is missing is said of what it misses in
    assert source.line(("nowhere",)) == 1


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        ("a: 1\nb: [\n", 3, "not valid YAML"),
        ("a: 1\nb: c: d\n", 2, "not valid YAML"),
        ("a: 1\n--- \nb: 2\n", 2, "not valid YAML"),  # one document a file
        ("a: 1\nb: &x 2\n", 2, "anchors and aliases"),
        ("a: 1\nb: &x [1]\nc: *x\n", 2, "anchors and aliases"),
        ("a: *x\n", 1, "anchors and aliases"),  # an alias of nothing
        ("a: 1\nb: " + "[" * 13 + "]" * 13, 2, "nested too deeply"),
        ("[" * 100_000, 1, "nested too deeply"),
        (b"a: 1\nb: \xff\n", 2, "not UTF-8"),
        ("a: 1\nb: \x01\n", 2, "U+0001"),
        ("a: 1\nb: x\x00\n", 2, "U+0000"),
    ],
)
def test_source_refuses_the_whole_file(read, loader, content, line, says):
    source = read(content)
    [problem] = source.problems
    assert (problem.file, problem.line, problem.key) == ("x.yaml", line, "")
    assert says in problem.message
    assert (source.value, source.readable) == (None, False)


@pytest.mark.parametrize(
    "text",
    [
        "!hunter2",  # a tag that nobody knows
        "!!int hunter2",
        "!!bool hunter2",
        "!!timestamp hunter2",
        "!!float hunter2",
        "!!binary hünter2",
        "!!python/object:os.system hunter2",
        "2023-13-45",  # a date by its form
        "9" * 5000,  # longer than Python reads
        ":".join(["1"] * 400) + ".5",  # base 60, beyond a float
        "=",
    ],
)
def test_source_refuses_one_value_and_reads_the_rest(read, loader, text):
    source = read(f"a: 1\nsecret: {text}\nc: 3\n")
    [problem] = source.problems
    assert (problem.line, problem.key) == (2, "secret")
    assert problem.message == "cannot be read; put it in quotes"
    assert source.value == {"a": 1, "secret": None, "c": 3}
    assert source.readable


def test_source_refuses_half_a_character(read, loader):
    source = read('a: "\\ud800"\n')
    assert len(source.problems) == 1  # libyaml refuses the file, Python's reader is helped to refuse the value


def test_source_refuses_a_key_given_twice(read, loader):
    source = read("a: 1\nb: 2\na: 3\n")
    [problem] = source.problems
    assert (problem.line, problem.key, problem.message) == (3, "a", "given twice; keep one")
    assert source.readable  # so that the file's other problems are told with it


def test_source_h16_is_capped_in_size(tmp_path):
    path = tmp_path / "x.yaml"
    with path.open("wb") as handle:
        handle.truncate(50 * 2**20)  # sparse: nothing is written
    [problem] = read_source(path).problems
    assert problem.message == f"larger than {MAX_BYTES // 2**20} MB"


def test_source_h16_stops_reading_at_the_cap(monkeypatch, tmp_path):
    (tmp_path / "x.yaml").write_text("a: 1 # and a comment\n")
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    [problem] = read_source(tmp_path / "x.yaml").problems
    assert problem.message.startswith("larger than")


def test_source_says_why_a_file_cannot_be_read(tmp_path):
    (tmp_path / "folder.yaml").mkdir()
    [missing] = read_source(tmp_path / "x.yaml").problems
    [folder] = read_source(tmp_path / "folder.yaml").problems
    assert missing.message.startswith("missing; `wirewatch init` writes an example")
    assert folder.message == "cannot be read: Is a directory"


def test_source_says_nothing_more_of_a_refused_value(read):
    source = read("a: 1\n")
    source.refuse(("a",), "first")
    source.add(("a",), "second")
    source.add(("b",), "third")
    assert [problem.message for problem in source.problems] == ["first", "third"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("feeds", 3, "url"), "feeds[3].url"),
        (("when", "topics", "any", 0), "when.topics.any[0]"),
        ((), ""),
        (("a\x1b[31m\n",), r"'a\x1b[31m\n'"),  # nothing that a terminal would obey
    ],
)
def test_dotted_names_a_key(path, text):
    assert dotted(path) == text


@given(st.binary(max_size=200) | st.text(alphabet="ab:-[]{}&*!|>'\"#%@?,\n \t~<=0.", max_size=60).map(str.encode))
def test_source_never_raises_for_what_a_file_holds(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content)
    source = read_source(path)
    assert source.readable or source.problems
