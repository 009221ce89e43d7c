"""Words, stems, what they weigh, and the sketch that is kept of an article."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.articles import terms
from worker.articles.count_terms import count_terms
from worker.articles.terms import STEP, UNIT, hash_of, read_sketch, read_table, shared_words, sketch_of, stem, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The U.A.E. and the U.S. agree", ["The", "UAE", "and", "the", "US", "agree"]),
        ("Kim Jong-un’s 1,500 men", ["Kim", "Jong", "un's", "1,500", "men"]),
        ("", []),
    ],
)
def test_words_of_a_text(text, words):
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("word", "stemmed"),
    [
        ("Launches", "launch"),
        ("launched", "launch"),
        ("launching", "launch"),
        ("Moscow's", "moscow"),
        ("pass", "pass"),
        ("is", "is"),  # too short to have an ending
        ("Seven", "7"),
        ("북한이", "북한이"),
    ],
)
def test_stem_of_a_word(word, stemmed):
    assert stem(word) == stemmed


@given(st.text(max_size=80), st.text(max_size=500))
def test_a_sketch_is_read_as_it_was_written(title, text):
    sketch = sketch_of(title, text)
    assert read_sketch(sketch.to_bytes()) == sketch
    assert set(sketch.title) <= set(sketch.terms) == set(sketch.weights)


def test_a_sketch_is_one_unit_long():
    sketch = sketch_of("Envoys meet on the lake shore", "The envoys of two neighbours spoke of the dam for an hour.")
    for part in (sketch.terms, sketch.title):
        assert sum(weight**2 for weight in part.values()) ** 0.5 == pytest.approx(UNIT, rel=0.02)


def test_a_rare_word_tells_more_than_a_common_one():
    sketch = sketch_of("Minister opens planetarium", "")
    told = {word: sketch.weights[hash_of(stem(word))] for word in ("minister", "planetarium")}
    assert told["planetarium"] > told["minister"] + STEP


def test_a_name_of_three_words_counts_about_once():
    alone = sketch_of("Kim", "").weights
    whole = sketch_of("Kim Jong Un", "").weights
    assert sum(whole.values()) < 1.3 * sum(alone.values())


@pytest.mark.parametrize(
    ("title", "known"),
    [
        ("Envoys meet on the shore of the lake", True),
        ("Die Gesandten treffen sich am Ufer des Sees", False),
        ("Послы встретились на берегу озера", False),
        ("특사들이 호숫가에서 만났다", False),
        ("", False),
    ],
)
def test_only_english_is_known(title, known):
    assert sketch_of(title, "").known is known


def test_shared_words_are_the_articles_own_and_the_most_telling_first():
    found = shared_words(
        "Kim visits a Submarine yard", "Soon more.", sketch_of("A submarine yard and a king", "").terms
    )
    assert found == ["Submarine", "yard"]


def test_the_shipped_table_is_read():
    table = read_table()
    assert len(table.weights) > 20_000
    assert table.weights[hash_of("minister")] < table.weights[hash_of("submarine")]
    assert all(other in table.weights for other, _ in table.beside.values())


def test_a_counted_table_is_read_as_it_was_written(tmp_path, monkeypatch):
    told = [(f"Harbour number {n} of Port Vila floods", "A dull day.") for n in range(30)]
    table = count_terms([*told, *[("A vila in the hills", "")] * 4, *[("Sun", "")] * 66])
    monkeypatch.setattr(terms, "TABLE", tmp_path / "terms.bin")
    terms.TABLE.write_bytes(table.to_bytes())
    read = read_table.__wrapped__()
    assert (dict(read.weights), dict(read.beside)) == (dict(table.weights), dict(table.beside))
    assert table.weights[hash_of("vila")] == round(STEP * 1.0788)  # log(100 / 34)
    assert table.weights[hash_of("sun")] < table.weights[hash_of("vila")]
    assert table.beside[hash_of("port")][0] == hash_of("vila"), "Port Vila is one name"
    assert hash_of("vila") not in table.beside or table.beside[hash_of("vila")][0] != hash_of("port")


def test_a_file_that_is_no_table_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(terms, "TABLE", tmp_path / "terms.bin")
    terms.TABLE.write_bytes(b"something else")
    with pytest.raises(ValueError, match="no table"):
        read_table.__wrapped__()
