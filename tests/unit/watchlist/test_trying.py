"""A text tried: what is found and how, what is nearly found and why it does not count."""

import time

import pytest

from worker.config.namelist import ListedEntity
from worker.model import Denial
from worker.nlp.names import compile_watchlist
from worker.watchlist.trying import HOW, how_words, marked, try_text

ENTITIES = (
    ListedEntity("kim-yo-jong", "person", "Kim Yo Jong", ("Kim Yo-jong", "김여정")),
    ListedEntity("donald-trump", "person", "Donald Trump"),
    ListedEntity("lee-jae-myung", "person", "Lee Jae-myung"),
    ListedEntity("lee-myung-bak", "person", "Lee Myung-bak"),
    ListedEntity("nis", "organisation", "National Intelligence Service", ("NIS",)),
    ListedEntity("wagner", "organisation", "PMC Wagner", (), weak=("Wagner",), context=("mercenar",)),
    ListedEntity("angara", "other", "Angara", not_context=("river",)),
)
KNOWN = {entity.id: entity for entity in ENTITIES}
INDEX = compile_watchlist(ENTITIES)


def tried(text, denials=()):
    return try_text(INDEX, text, entities=KNOWN, denials=denials)


@pytest.mark.parametrize(
    ("text", "shown", "why"),
    [
        ("The nis said so.", "The ‹nis› said so.", "an acronym counts only in capitals: NIS"),
        ("Wagner gave an opera.", "‹Wagner› gave an opera.", "none of its context words (mercenar) stands near it"),
        ("Melania Trump spoke.", "Melania ‹Trump› spoke.", "somebody else's name"),
        ("Mr Lee spoke.", "Mr ‹Lee› spoke.", "several watched persons"),
        ("The Trump family met.", "The ‹Trump› family met.", "a family, a place or a thing"),
        ("Angara, the river.", "‹Angara›, the river.", "a word of `not_context` stands near it (river)"),
    ],
)
def test_try_text_says_what_was_nearly_found_and_why_it_does_not_count(text, shown, why):
    result = tried(text)
    assert list(result.found) == []
    assert marked(result) == shown
    [near] = result.near
    assert why in near.why


@pytest.mark.parametrize(
    ("text", "shown", "how"),
    [
        ("Kim Yo Jong said so.", "«Kim Yo Jong» said so.", "its name"),
        ("The NIS said so.", "The «NIS» said so.", "an acronym"),
        ("김여정은 말했다.", "«김여정»은 말했다.", "Korean"),
        ("Mercenaries of Wagner came.", "Mercenaries of «Wagner» came.", "another name"),
        ("“Yo Jong”, sister of Kim Yo Jong", "“«Yo Jong»”, sister of «Kim Yo Jong»", "given name"),
    ],
)
def test_try_text_says_how_it_was_found(text, shown, how):
    result = tried(text)
    assert marked(result) == shown
    assert how in how_words(result.found[0])
    assert list(result.near) == []


def test_try_text_tells_of_two_of_one_name_and_marks_them_once():
    twins = (ListedEntity("one", "other", "Hwasong Base"), ListedEntity("two", "other", "Hwasong Base"))
    result = try_text(compile_watchlist(twins), "At Hwasong Base.", entities={})
    assert {one.entity for one in result.found} == {"one", "two"}
    assert marked(result) == "At «Hwasong Base»."


def test_try_text_obeys_what_an_analyst_has_denied():
    words = frozenset({"factory", "worker", "exemplary", "hamhung"})
    denial = Denial("kim-yo-jong", "kim yo jong", "another-article", words)
    same = "An exemplary worker of the Hamhung factory, Kim Yo Jong, was praised."
    result = tried(same, [denial])
    assert (list(result.found), [one.text for one in result.denied]) == ([], ["Kim Yo Jong"])
    assert "‹Kim Yo Jong›" in marked(result)
    assert [one.entity for one in tried("Kim Yo Jong, sister of the leader, spoke.", [denial]).found] == ["kim-yo-jong"]


def test_how_words_fall_back_to_the_rules_own_name():
    [mention] = tried("Kim Yo Jong said so.").found
    assert how_words(mention) == HOW["name"]


def test_try_text_of_a_long_text_takes_no_longer_for_each_name():
    def seconds(count):
        started = time.process_time()
        assert len(tried("Melania Trump nis " * count).near) == 2 * count
        return time.process_time() - started

    seconds(50)
    assert seconds(1_600) < 8 * 4 * max(seconds(200), 0.01)
