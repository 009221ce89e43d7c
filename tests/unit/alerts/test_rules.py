"""Rules: each condition's yes and no, and the words for both."""

from dataclasses import dataclass, field

import pytest

from worker.alerts.rules import FeedFacts, evaluate
from worker.model import ArticleText, Judgement, Mention, TopicScore


@dataclass(frozen=True)
class Topics:
    any: tuple = ()
    min_score: float | None = None


@dataclass(frozen=True)
class Entities:
    any: tuple = ()
    all: tuple = ()
    types: tuple = ()
    tags: tuple = ()
    at_least: int = 1


@dataclass(frozen=True)
class When:
    topics: Topics | None = None
    entities: Entities | None = None
    languages: tuple = ()
    sources: tuple = ()
    tags: tuple = ()


@dataclass(frozen=True)
class Rule:
    when: When
    id: str = "r"


@dataclass(frozen=True)
class Watched:
    type: str
    tags: tuple = field(default=())


ENTITIES = {
    "kim": Watched("person", ("dprk", "leader")),
    "putin": Watched("person", ("russia", "leader")),
    "rason": Watched("place", ("dprk", "port")),
    "kn-23": Watched("weapon", ("dprk",)),
}
ARTICLE = ArticleText(id="a", title="A headline", text="A text.")
FEED = FeedFacts(id="harbour", tags=frozenset({"korea", "wire"}), tier=1)


def judged(*names, language="en"):
    """Names `names`, twice each; arms just above its threshold, diplomacy below."""
    mentions = tuple(Mention(name, name, "text", n, n + 1, name, "name") for n in range(2) for name in names)
    topics = (TopicScore("arms", 0.62, True, False), TopicScore("diplomacy", 0.41, False, True))
    return Judgement(language=language, topics=topics, mentions=mentions, model_id="m")


def verdict(when, *names, **options):
    return evaluate(Rule(when), article=ARTICLE, judgement=judged(*names, **options), feed=FEED, entities=ENTITIES)


@pytest.mark.parametrize(
    ("when", "fires", "because"),
    [
        (Topics(("arms",)), True, "topic arms 0.62"),
        (Topics(("diplomacy", "arms")), True, "topic arms 0.62"),  # any of them
        (Topics(("diplomacy",)), False, "topic below its threshold: diplomacy 0.41"),
        (Topics(("diplomacy",), 0.4), True, "topic diplomacy 0.41"),  # the rule's own threshold, lower
        (Topics(("arms",), 0.8), False, "topic below its threshold: arms 0.62"),  # and higher
        (Topics(("arms",), 0.62), True, "topic arms 0.62"),  # at it
        (Topics(("sport", "weather")), False, "not judged for the topic sport or weather"),
    ],
)
def test_rules_topic_condition(when, fires, because):
    found = verdict(When(topics=when))
    assert (found.id, found.fires, found.because) == ("r", fires, because)


@pytest.mark.parametrize(
    ("when", "names", "fires", "because"),
    [
        (Entities(any=("kim", "putin")), ("putin",), True, "putin"),
        (Entities(any=("kim",)), ("putin",), False, "0 of the needed 1 mentions: kim"),
        (Entities(any=("kim",)), (), False, "0 of the needed 1 mentions: kim"),
        (Entities(all=("kim", "putin")), ("rason", "putin", "kim"), True, "kim, putin"),  # tells what it asked for
        (Entities(all=("kim", "putin")), ("kim",), False, "not mentioned: putin"),
        (Entities(types=("place", "weapon")), ("rason",), True, "rason"),
        (Entities(types=("place",)), ("kim",), False, "0 of the needed 1 mentions: place"),
        (Entities(tags=("leader",)), ("kim", "rason"), True, "kim"),
        (
            Entities(types=("person",), tags=("port",)),
            ("kim", "rason"),
            False,
            "0 of the needed 1 mentions: person and port",
        ),
        (Entities(any=("kim", "rason"), types=("place",)), ("kim", "rason"), True, "rason"),
        (Entities(tags=("dprk",), at_least=2), ("kim", "rason"), True, "kim, rason"),
        (
            Entities(tags=("dprk",), at_least=2),
            ("kim",),
            False,
            "1 of the needed 2 mentions: dprk",
        ),  # twice
        (Entities(all=("putin",), tags=("dprk",)), ("putin", "kim"), True, "putin, kim"),
        (Entities(all=("putin",), tags=("dprk",)), ("putin",), False, "0 of the needed 1 mentions: dprk"),
        (Entities(all=("kim",), at_least=3), ("kim", "putin"), False, "2 of the needed 3 mentions: any watched name"),
        (Entities(all=("kim",), at_least=2), ("kim", "putin"), True, "kim, putin"),
        (Entities(), ("kim",), True, "kim"),  # any watched name
        (Entities(), (), False, "0 of the needed 1 mentions: any watched name"),
        (Entities(types=("person",)), ("stranger",), False, "0 of the needed 1 mentions: person"),  # left the watchlist
    ],
)
def test_rules_entity_condition(when, names, fires, because):
    found = verdict(When(entities=when), *names)
    assert (found.fires, found.because) == (fires, because)


@pytest.mark.parametrize(
    ("when", "fires", "because"),
    [
        (When(languages=("en", "ko")), True, "language en"),
        (When(languages=("ko", "ru")), False, "language en is not ko or ru"),
        (When(languages=tuple("abcde")), False, "language en is not a or b or c or d or e"),
        (When(languages=tuple("abcdefgh")), False, "language en is not a or b or c or d or 4 others"),
        (When(sources=("harbour",)), True, "feed harbour"),
        (When(sources=("ledger",)), False, "feed harbour is not ledger"),
        (When(tags=("wire", "official")), True, "feed tagged wire"),
        (When(tags=("official",)), False, "feed has no tag official"),
        (When(), False, "the rule asks for nothing"),  # a rule without conditions must not fire on everything
    ],
)
def test_rules_feed_and_language_conditions(when, fires, because):
    found = verdict(when)
    assert (found.fires, found.because) == (fires, because)


def test_rules_language_unknown_is_no_match_and_said():
    assert verdict(When(languages=("en",)), language="").because == "language unknown is not en"


def test_rules_fire_only_when_every_condition_holds():
    whole = dict(topics=Topics(("arms",)), entities=Entities(any=("kim",)), languages=("en",), tags=("korea",))
    found = verdict(When(**whole), "kim")
    assert found.fires
    assert found.because == "topic arms 0.62; kim; language en; feed tagged korea"
    for name, broken in {
        "topics": Topics(("diplomacy",)),
        "entities": Entities(any=("putin",)),
        "languages": ("ko",),
        "tags": ("official",),
    }.items():
        found = verdict(When(**whole | {name: broken}), "kim")
        assert not found.fires
        assert ";" not in found.because  # the first that failed, alone
