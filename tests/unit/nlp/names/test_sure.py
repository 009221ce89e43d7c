"""Weak names, contexts for and against, and what organisations are called for short."""

import pytest
from watched import Watched, entities, mentions, person

from worker.nlp.names import compile_watchlist
from worker.nlp.names.weak import context_of, is_weak

WAGNER = Watched("wagner", "Wagner Group", ("Wagner", "PMC Wagner"), "organisation")
COUNCIL = Watched("council", "United Nations Security Council", ("UN Security Council",), "organisation")
PARTY = Watched("party", "Workers' Party of Korea", (), "organisation")
INDEX = compile_watchlist(
    [
        WAGNER,
        COUNCIL,
        PARTY,
        Watched("nis", "National Intelligence Service", ("NIS",), "organisation"),
        Watched("idf", "Israel Defense Forces", ("IDF",), "organisation"),
        Watched("thaad", "THAAD", (), "weapon"),
        Watched("strela", "Strela", ("Arrow",), "weapon", context=("missile", "Tomsk"), weak=("Arrow",)),
        Watched("opera", "Bayreuth Festival", (), "organisation"),
        Watched("hezbollah", "Hezbollah", (), "organisation"),
        Watched("hormuz", "Hormuz", (), "place", not_context=("cinema",)),
    ]
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # a surname, too: fighters beside it, or the full name anywhere
        ("Wagner's mercenaries took the town", {"wagner"}),
        ("The Wagner chief died", {"wagner"}),
        ("The Wagner Group denied it. Later on, in another matter altogether, Wagner stayed silent.", {"wagner"}),
        ("Wagner wrote thirteen operas and a number of letters", set()),
        ("Honus Wagner fought like a soldier", set()),  # somebody's own name
        ("George Wagner was a soldier. Wagner left the army.", set()),  # ... in the whole article
        ("wagner is no word of the army", {"wagner"}),
        # context of its own, the beginnings of words
        ("The Arrow missiles arrived", {"strela"}),
        ("Made in Tomsk: the Arrow", {"strela"}),
        ("An Arrow hit the target; Cupid laughed", set()),
        ("The antimissile Arrow", set()),  # not the beginning of a word
        ("The Strela and the Arrow", {"strela"}),  # its strong name beside
        # against it
        ("The strait of Hormuz", {"hormuz"}),
        ("The Hormuz, a cinema of our town", set()),
        # capitals count
        ("NIS and IDF and THAAD", {"nis", "idf", "thaad"}),
        ("nis, Idf, Thaad", set()),
        # what is left out stands elsewhere, or the whole name does
        ("The UN envoy spoke to the Security Council", {"council"}),
        ("U.N. staff: the UN Security Council met, and the Security Council voted", {"council"}),
        ("The Security Council met", set()),
        ("The UN heard that the National Security Council met", set()),  # another qualifier
        ("The UN heard Russia's Security Council", set()),
        ("The UN heard the Security Council of Russia", set()),  # another owner
        ("The UN has a security council", set()),  # no name
        ("North Korea's ruling Workers' Party met", {"party"}),
        ("Kurdistan Workers' Party, in Korea", set()),
        ("The Workers' Party won in Brazil", set()),
        # long one-word names in another spelling
        ("Hizbullah, Hizbollah", {"hezbollah"}),
        ("Hezbolah and Hezbollha", {"hezbollah"}),
        ("Hizb ut-Tahrir", set()),
    ],
)
def test_sure_keeps_what_the_article_bears_out(text, found):
    assert entities(INDEX, text) == found


def test_sure_says_how():
    text = "UN: the Security Council met. Hizbollah, Hezbollha"
    assert [mention.how for mention in mentions(INDEX, text)] == ["short", "variant", "misspelling"]


@pytest.mark.parametrize(
    ("entity", "alias", "weak"),
    [
        (WAGNER, "Wagner", True),
        (WAGNER, "PMC Wagner", False),  # more than one word
        (Watched("a", "Wagner", (), "organisation"), "Wagner", False),  # it has no other name
        (Watched("a", "Kerry Group", ("KERRY",), "organisation"), "KERRY", False),  # an acronym
        (person("a", "Anna Wagner", "Wagner"), "Wagner", False),  # surnames are resolved
        (Watched("a", "Gaza Strip", ("Moon",), "place"), "Moon", False),
        (Watched("a", "Zvezda Works", ("Zvezda",), "organisation"), "Zvezda", False),  # neither a name nor a word
    ],
)
def test_is_weak_by_itself(entity, alias, weak):
    assert is_weak(entity, alias) is weak


def test_is_weak_as_called_and_no_other():
    entity = Watched("a", "Wagner Group", ("Wagner",), "organisation", weak=("the musicians",))
    assert is_weak(entity, "the musicians") and not is_weak(entity, "Wagner")


def test_context_of_is_its_own_or_that_of_armed_groups():
    assert {"group", "pmc", "mercenar"} <= set(context_of(WAGNER, ["Wagner"]).words)
    assert "wagner" not in context_of(WAGNER, ["Wagner"]).words
    own = Watched("a", "Wagner Group", ("Wagner",), "organisation", context=("Bakhmut",))
    assert context_of(own, ["Wagner"]).words == ("bakhmut",)


def test_two_bodies_of_one_short_name_have_none():
    other = Watched("other", "Islamic Security Council", (), "organisation")
    index = compile_watchlist([COUNCIL, other])
    assert entities(index, "The UN and the Security Council") == set()
