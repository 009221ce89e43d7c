"""A long watchlist's index: finds what a short one's does, is loaded as it was built, and never from what is broken."""

import pytest

from worker.config.example import EXAMPLE
from worker.config.load import load_config
from worker.config.namelist import ListedEntity
from worker.model import ArticleText
from worker.nlp.names import compile_watchlist, find_mentions, kept
from worker.nlp.names.kept import load_index

TEXTS = (
    "Kim Jong Un met President Putin in Vladivostok. Kim's sister, Kim Yo Jong, came with Mr Putin's envoy Lavrov.",
    "The Workers' Party of Korea and the UN Security Council; the Security Council. Mercenaries of Wagner came.",
    "김정은이 푸틴 대통령을 만났다. 미사일 화성-17형은 평양에서. Встреча с Путиным и Ким Чен Ыном в Москве.",
    "Hizbullah and the IDF in Beirut; Netanyahoo, the is, Oxford. 習近平 和 金正恩。 التقى بوتين بكيم جونغ أون",
    "Nobody is named here.",
)


@pytest.fixture(scope="module")
def entities():
    """The example desk's, and some that only a long list would have."""
    config = load_config(EXAMPLE, environ={}, only=frozenset({"watchlist"}))
    more = [ListedEntity(f"more-{n}", "person", f"Pat Examplename{n}", (f"P. Examplename{n}",)) for n in range(50)]
    return [*config.entities_by_id.values(), *more]


@pytest.fixture
def long(monkeypatch):
    """Ten entities are many."""
    monkeypatch.setattr(kept, "FEW", 10)


@pytest.fixture
def built(monkeypatch):
    """How often an index was built."""
    calls, build = [], kept._build
    monkeypatch.setattr(kept, "_build", lambda entities: calls.append(len(entities)) or build(entities))
    return calls


def found(index):
    return [find_mentions(index, ArticleText(id="a", title=text[:40], text=text)) for text in TEXTS]


def test_kept_index_finds_what_a_compiled_one_does(entities, long, built, tmp_path):
    expected = found(compile_watchlist(entities))
    assert sum(map(len, expected)) > 20
    for folder in (None, tmp_path, tmp_path):  # built and not kept, built and kept, loaded
        index = load_index(entities, names="a", folder=folder)
        assert found(index) == expected
        assert found(index) == expected  # and again, of what it has worked out
    assert built == [len(entities)] * 2


def test_kept_index_stamps_by_its_names(entities, long, tmp_path):
    one, again = (load_index(entities, names="a", folder=tmp_path) for _ in range(2))
    other = load_index(entities, names="b", folder=tmp_path)
    assert one.version == again.version != other.version
    assert len(one.version) == 12


def test_kept_index_of_a_few_is_compiled_and_not_kept(entities, tmp_path):
    assert found(load_index(entities, names="a", folder=tmp_path)) == found(compile_watchlist(entities))
    assert list(tmp_path.iterdir()) == []


def spoilt(body, at):
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: b"",
        lambda body: b"\x00" * 50,
        lambda body: b"{}\n",
        lambda body: b'{"key": 1, "sha256": 2, "sizes": 3}\n',
        lambda body: body[:-1],
        lambda body: spoilt(body, len(body) - 1),
        lambda body: spoilt(body, body.index(b"\n") + 5),
        lambda body: spoilt(body, body.index(b'"sizes": [') + 10),
        lambda body: spoilt(body, body.index(b'"key": "') + 9),
    ],
)
def test_kept_index_is_built_anew_where_the_file_is_broken(entities, long, built, tmp_path, spoil):
    load_index(entities, names="a", folder=tmp_path)
    [path] = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(spoil(whole))
    index = load_index(entities, names="a", folder=tmp_path)
    assert (len(built), path.read_bytes()) == (2, whole)
    assert found(index) == found(compile_watchlist(entities))


def test_kept_index_takes_no_numbers_beyond_its_entities(entities, long, built, tmp_path):
    load_index(entities, names="a", folder=tmp_path)
    load_index(entities[:-1], names="a", folder=tmp_path)  # as if a hash had lied
    assert len(built) == 2


def test_kept_index_is_of_one_program(entities, long, built, tmp_path, monkeypatch):
    load_index(entities, names="a", folder=tmp_path)
    monkeypatch.setattr(kept, "_code", lambda: "of another version")
    load_index(entities, names="a", folder=tmp_path)
    assert len(built) == 2


def test_kept_index_does_without_a_folder_that_cannot_be_written(entities, long, tmp_path):
    (tmp_path / "file").write_text("no folder")
    index = load_index(entities, names="a", folder=tmp_path / "file" / "names")
    assert found(index) == found(compile_watchlist(entities))


def test_kept_indexes_are_the_last_three(entities, long, tmp_path):
    for name in "abcde":
        load_index(entities[:12], names=name, folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
