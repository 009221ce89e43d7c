"""A stored configuration read back: the very rules that were in force, or the word that they cannot be read."""

import copy
import json
from dataclasses import replace

import pytest

from worker.config.namelist import ListedEntity, NameList
from worker.config.schema import Config, FeedSpec, RuleSpec, TopicSpec, WatchedEntity
from worker.config.versions import read_version

PLAIN = {"id": "plain", "name": "Plain", "when": {"entities": {}}, "channels": ["inbox"]}
WHOLE = {
    "id": "whole",
    "name": "Whole",
    "severity": "high",
    "escalate": [
        {"severity": "critical", "when": {"words": "missile", "tier": 1}},
        {"severity": "critical", "when": {"topics": {"any": ["middle-east"], "min_score": 0.9}, "tags": ["wire"]}},
    ],
    "when": {
        "topics": {"any": ["middle-east"]},
        "entities": {"any": ["ana"], "all": ["ana"], "types": ["person"], "tags": ["press"], "at_least": 1},
        "words": '"artillery shells" NOT (football OR "the game")',
        "languages": ["en", "ko"],
        "sources": ["wire"],
        "tags": ["wire"],
        "tier": 2,
    },
    "channels": ["inbox", "mail"],
    "timing": {"wait": "90s", "updates": "never", "remind": "1.5h"},
    "tell_again": ["entity", "severity"],
    "must_fire": ["A headline", {"title": "Another", "text": "Its text", "language": "ko", "source": "wire"}],
    "must_not_fire": ["A third"],
}
OTHER = Config(rules=(RuleSpec.model_validate(PLAIN | {"id": "today"}),))


def make_config(*rules):
    return Config(
        feeds=(FeedSpec(id="wire", url="https://wire.example/rss", tags=("wire",), tier=1),),
        topics=(TopicSpec(id="middle-east", name="Middle East"),),
        watchlist=(WatchedEntity(id="ana", type="person", name="Ana Lee", tags=("press",)),),
        rules=tuple(RuleSpec.model_validate(rule) for rule in rules),
    )


def stored(config):
    """As the record gives it back."""
    return json.loads(json.dumps(config.public()))


@pytest.mark.parametrize("key", [None, *WHOLE.keys() - PLAIN.keys()])
def test_version_gives_back_every_key_of_a_rule(key):
    rule = WHOLE if key is None else PLAIN | {key: WHOLE[key]}
    config = make_config(rule)
    found = read_version(stored(config), now=OTHER)
    assert found.stored
    assert found.rules == config.rules
    assert found.rules[0].model_dump() == config.rules[0].model_dump()


@pytest.mark.parametrize("key", WHOLE["when"])
def test_version_gives_back_every_condition(key):
    when = {key: WHOLE["when"][key]}
    config = make_config(PLAIN | {"when": when, "escalate": [{"severity": "high", "when": when}]})
    assert read_version(stored(config), now=OTHER).rules == config.rules


def test_version_gives_back_entities_topics_and_what_a_rule_may_ask_of_a_feed():
    config = make_config(WHOLE)
    found = read_version(stored(config), now=OTHER)
    assert found.entities == config.entities_by_id
    assert found.topic_names == {"middle-east": "Middle East"}
    assert found.feed_facts("wire") == (frozenset({"wire"}), 1)
    assert found.feed_facts("gone") == (frozenset(), 3)


def test_version_of_before_this_one_has_what_was_not_asked_then_as_it_was():
    body = stored(make_config(PLAIN))
    for key in ("escalate", "timing", "tell_again", "must_fire", "must_not_fire"):
        del body["rules"][0][key]
    for key in ("words", "tier"):
        del body["rules"][0]["when"][key]
    found = read_version(body, now=OTHER)
    assert found.stored and found.rules == make_config(PLAIN).rules


@pytest.mark.parametrize(
    "spoil",
    [
        None,  # none was stored
        lambda body: body["rules"][0].update(colour="red"),  # of a later program
        lambda body: body["rules"][0]["when"].update(words="a OR"),
        lambda body: body["rules"][0]["timing"].update(wait=90),
        lambda body: body["rules"][0].update(when="all"),
        lambda body: body.pop("watchlist"),
        lambda body: body.update(topics=None),
    ],
)
def test_version_that_cannot_be_read_is_said_and_todays_stands_in(spoil):
    body = copy.deepcopy(stored(make_config(WHOLE))) if spoil else None
    if spoil:
        spoil(body)
    found = read_version(body, now=OTHER)
    assert not found.stored and [rule.id for rule in found.rules] == ["today"]


def test_version_with_a_list_of_names_has_todays_entities_of_it():
    listed = ListedEntity("ben", "person", "Ben Lee")
    config = replace(make_config(WHOLE), lists=(NameList("watchlist/a.csv", "abc", (listed,)),))
    body = stored(config)
    assert body["lists"] == {"watchlist/a.csv": "abc"} and "Ben" not in str(body)
    found = read_version(body, now=config)
    assert found.stored and found.entities == config.entities_by_id
    assert "ben" not in read_version(stored(make_config(WHOLE)), now=config).entities
