"""An analyst's "not this one"."""

from dataclasses import replace

import pytest
from watched import Watched

from worker.model import ArticleText
from worker.nlp.names import compile_watchlist, context_words, denials, deny, find_mentions, without_denied

INDEX = compile_watchlist([Watched("shahed", "Shahed", (), "weapon"), Watched("iran", "Iran", (), "place")])
SCHOOL = ArticleText("a", "School opens", "The Shahed primary school opened a library to pupils and parents.")
NEXT_DAY = ArticleText("b", "School library", "Pupils, parents and the Shahed primary school like the new library.")
WAR = ArticleText("c", "Drones over the port", "Eleven Shahed drones flew over the port of Iran, and two burned.")


def kept(article, denials):
    return [mention.entity for mention in without_denied(find_mentions(INDEX, article), article, denials)]


def denial_of(article):
    return deny(article, find_mentions(INDEX, article)[0])


@pytest.mark.parametrize(
    ("article", "left"),
    [
        (SCHOOL, []),  # that article
        (NEXT_DAY, []),  # one of the same
        (WAR, ["shahed", "iran"]),  # another matter
        (ArticleText("a", "Rewritten", "Shahed"), []),  # that article, after an edit
        (ArticleText("d", "Shahed"), ["shahed"]),  # too little said to tell
    ],
)
def test_without_denied_takes_out_what_was_denied(article, left):
    assert kept(article, [denial_of(SCHOOL)]) == left


def test_without_denied_takes_out_no_other_entity_or_text():
    denial = denial_of(SCHOOL)
    iran = ArticleText("a", "School opens", "The Iran primary school opened a library to pupils and parents.")
    assert kept(iran, [denial]) == ["iran"] and kept(SCHOOL, []) == ["shahed"]


def test_context_words_are_the_long_ones_without_the_name():
    words = context_words(SCHOOL, find_mentions(INDEX, SCHOOL)[0])
    assert {"school", "primary", "library", "pupils"} <= words and not words & {"shahed", "its", "to"}


def test_without_denied_looks_at_a_mention_once_however_often_it_was_denied(monkeypatch):
    others = [replace(denial_of(SCHOOL), article=f"a{n}") for n in range(50)]
    asked = []
    monkeypatch.setattr(denials, "context_words", lambda *of: asked.append(of) or context_words(*of))
    assert kept(WAR, others) == ["shahed", "iran"]
    assert len(asked) == 1


def test_context_words_of_an_endless_headline_are_of_its_beginning():
    article = ArticleText("a", "School " * 1_000 + "abroad", "The Shahed primary school opened.")
    [mention] = find_mentions(INDEX, article)
    assert context_words(article, mention) == {"school", "primary", "opened"}
