"""What an edit changed, word by word, and how it is written with plain signs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.articles.changes import MOST_WORDS, Piece, marked_changes, word_changes


def shown(old, new, limit=80):
    return marked_changes(word_changes(old, new), limit=limit)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("They met at noon.", "They met at night.", "They met at [-noon.-] {+night.+}"),
        ("They met.", "They met.", ""),
        ("They  met\nat noon.", " They met at noon. ", ""),  # white space alone
        ("", "They met.", "{+They met.+}"),
        ("They met.", "", "[-They met.-]"),
        ("Three killed in raid", "Four killed in night raid", "[-Three-] {+Four+} killed in {+night+} raid"),
        ("김정은이 평양에서 연설했다", "김정은이 원산에서 연설했다", "김정은이 [-평양에서-] {+원산에서+} 연설했다"),
        ("金正恩氏が訪問", "金正恩氏が再び訪問", "金正恩氏が {+再び+} 訪問"),  # no spaces: letter by letter
        (
            "a b c d e f g h old i j k l m n o p q r s t u v old w x y z",
            "a b c d e f g h new i j k l m n o p q r s t u v new w x y z",
            "… c d e f g h [-old-] {+new+} i j k l m n … q r s t u v [-old-] {+new+} w x y z",
        ),
        ("a b c old d e f g h i j k", "a b c new d e f g h i j k", "a b c [-old-] {+new+} d e f g h i …"),
    ],
)
def test_word_changes_shows_what_differs_with_a_few_words_around(old, new, words):
    assert shown(old, new) == words


def test_word_changes_cuts_a_long_piece_for_the_eye_only():
    (piece,) = word_changes("", "word " * 100)
    assert len(piece.text) == 499
    assert marked_changes([piece], limit=20) == "{+word word word word…+}"


def test_word_changes_of_long_texts_gives_the_whole_of_what_lies_between():
    """Nothing is compared at a cost that grows with the square; what both begin and end with still goes."""
    old = " ".join(f"a{n}" for n in range(MOST_WORDS + 1))
    new = " ".join(f"b{n}" for n in range(MOST_WORDS + 1))
    found = word_changes(f"They said {old} in the end", f"They said {new} in the end")
    assert found == (Piece("same", "They said"), Piece("old", old), Piece("new", new), Piece("same", "in the end"))


WORDS = st.lists(st.sampled_from(["one", "two", "three", "\n", "氏", "語"]), max_size=40).map(" ".join)


@given(WORDS, WORDS)
def test_word_changes_holds_every_word_that_went_or_came(old, new):
    found = word_changes(old, new)
    assert bool(found) == (old.split() != new.split())
    assert all(bool(piece.text) != (piece.kind == "gap") for piece in found)
    if not any(piece.kind == "gap" for piece in found) and found:
        for text, kinds in ((old, ("same", "old")), (new, ("same", "new"))):
            said = " ".join(piece.text for piece in found if piece.kind in kinds)
            assert "".join(said.split()) == "".join(text.split())
