"""Doubtful names are told, and good ones are not; how often each stands in articles is counted as it is matched."""

import pytest

from worker.config.namelist import ListedEntity
from worker.model import ArticleText
from worker.watchlist.doubts import Doubt, Firing, expected, find_doubts


def entity(name, *aliases, id="a", type="organisation", weak=()):
    return ListedEntity(id=id, type=type, name=name, aliases=aliases, weak=weak)


@pytest.mark.parametrize(
    ("name", "doubts"),
    [
        ("Victory", [Doubt.WORD]),
        ("victory", [Doubt.WORD]),
        ("Wagner", [Doubt.NAME]),
        ("Kim", [Doubt.NAME]),
        ("Xi", [Doubt.SHORT]),
        ("U2", [Doubt.SHORT]),
        ("UN", [Doubt.SHORT]),  # in capitals alone, and yet two letters
        ("ИГ", [Doubt.SHORT]),
        ("NIS", []),
        ("IS", [Doubt.SHORT]),  # no word: only in capitals
        ("Victory Day", []),
        ("Hwasong", []),
        ("平壤", []),  # two letters are a whole name
        ("조선", []),
    ],
)
def test_doubts_of_one_name(name, doubts):
    assert [list(one.doubts) for one in find_doubts([entity(name)])] == ([doubts] if doubts else [])


def test_doubts_tell_a_name_of_several_entities_once():
    held = [
        entity("Kim Yong Chol", "Kim Yong-chol", id="one"),
        entity("Someone Else", "KIM YONG CHOL", "kim  yong-chol", id="two"),
        entity("Third Party", id="three", weak=("Kim Yong Chol",)),  # a weak name has its context to answer for
    ]
    [shared] = find_doubts(held)
    assert (shared.alias, shared.entities, shared.doubts) == ("Kim Yong Chol", ("one", "two"), (Doubt.SHARED,))
    assert shared.why == "a name of several"


def test_doubts_of_new_entities_look_at_all_and_tell_of_theirs():
    held = [entity("Kim Yong Chol", "Victory", id="old"), entity("Kim Yong Chol", id="new")]
    assert [one.alias for one in find_doubts(held, only={"new"})] == ["Kim Yong Chol"]


def test_doubts_begin_with_the_likeliest():
    found = find_doubts([entity("Wagner"), entity("Victory", id="b"), entity("Zz", id="c")])
    assert [one.alias for one in found] == ["Victory", "Wagner", "Zz"]


@pytest.mark.parametrize(("form", "least", "most"), [("victory", 20, 200), ("wagner", 5, 100), ("zzyzx", 0, 0)])
def test_expected_is_of_ten_thousand_news_items(form, least, most):
    assert least <= expected(form) <= most


@pytest.mark.parametrize("form", ["victory day", "김정은", "победа"])
def test_expected_of_what_no_table_has_is_unknown(form):
    assert expected(form) is None


def test_firing_counts_articles_as_names_are_matched():
    doubtful = find_doubts([entity("Victory"), entity("IS", id="b"), entity("Zz", id="c")])
    firing = Firing(doubtful)
    for number, text in enumerate(("A victory is a victory.", "Is it? It is.", "IS claims a Victory.")):
        firing.look(ArticleText(id=str(number), title="The news", text=text))
    assert firing.articles == 3
    assert dict(zip([one.alias for one in doubtful], firing.counts, strict=True)) == {"Victory": 2, "IS": 1, "Zz": 0}
