"""A rule's examples through the real judge, and what is said of one that does not hold."""

import pytest

from worker.config.schema import Config, FeedSpec, RuleSpec, TopicSpec, WatchedEntity
from worker.examples import try_examples

ARMS = "North Korea ships artillery shells and missiles to Russia, South Korea's spy agency says"
WIRE = FeedSpec(id="wire", url="https://wire.example/rss", tags=("korea",), tier=1, language="ko")


def make_rule(when, **examples):
    return RuleSpec.model_validate({"id": "r", "name": "R", "when": when, "channels": ["inbox"]} | examples)


def desk(*rules):
    return Config(
        feeds=(WIRE,),
        topics=(TopicSpec(id="nk-russia-arms", name="Arms"),),
        watchlist=(
            WatchedEntity(id="russia", type="place", name="Russia", aliases=("러시아",)),
            WatchedEntity(id="kim", type="person", name="Kim Jong Un", aliases=("김정은",)),
        ),
        rules=rules,
    )


@pytest.fixture(scope="module")
def tried():
    """By headline and what is asked; one look at the model for all."""
    rules = [
        make_rule(
            {"topics": {"any": ["nk-russia-arms"]}},
            must_fire=[ARMS, "Chess championship opens in Paris"],
            must_not_fire=["A football match in Moscow"],
        ),
        make_rule(
            {"entities": {"any": ["kim"]}, "languages": ["ko"], "tags": ["korea"], "tier": 1},
            must_fire=[{"title": "김정은이 왔다", "source": "wire"}, "김정은이 갔다"],
            must_not_fire=[{"title": "Kim Jong Un, again", "language": "en", "source": "wire"}],
        ),
        make_rule({"words": "shells"}, must_fire=[{"title": "On the move", "text": "Shells, again"}]),
        make_rule({"words": "shells"}, must_not_fire=["Shells of Russia " + "x" * 100]),
    ]
    return {one.title: one for one in try_examples(desk(*rules))}


@pytest.mark.parametrize(
    ("title", "holds"),
    [
        (ARMS, True),
        ("Chess championship opens in Paris", False),
        ("A football match in Moscow", True),
        ("김정은이 왔다", True),  # as an article of that feed
        ("김정은이 갔다", False),  # of no feed
        ("Kim Jong Un, again", True),
        ("On the move", True),
    ],
)
def test_examples_are_judged_as_articles_are(tried, title, holds):
    assert tried[title].holds is holds


def test_examples_stand_where_the_file_has_them(tried):
    assert tried["A football match in Moscow"].path == ("rules", 0, "must_not_fire", 0)
    assert tried["김정은이 갔다"].path == ("rules", 1, "must_fire", 1)


def test_examples_that_do_not_hold_say_which_condition_and_what_was_found(tried):
    words = tried["김정은이 갔다"].complaint()
    assert (
        words == "“김정은이 갔다”: must fire, and does not: feed has no tag korea (found: language ko; no topic; kim)"
    )
    assert (
        "must fire, and does not: topic below its threshold" in tried["Chess championship opens in Paris"].complaint()
    )
    long = next(one for title, one in tried.items() if title.startswith("Shells of Russia"))
    assert '…”: must not fire, and does: words "Shells" (found: ' in long.complaint()
    assert "; russia)" in long.complaint()
