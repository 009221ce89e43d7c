"""Rules: each condition's yes and no, and the words for both."""

from dataclasses import dataclass, field

import pytest

from worker.alerts import rules
from worker.alerts.rules import FeedFacts, evaluate, selected_entities
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
    words: str = ""
    languages: tuple = ()
    sources: tuple = ()
    tags: tuple = ()
    tier: int = 3


@dataclass(frozen=True)
class Step:
    severity: str
    when: When


@dataclass(frozen=True)
class Rule:
    when: When
    id: str = "r"
    severity: str = "normal"
    escalate: tuple = ()


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
ARTICLE = ArticleText(id="a", title="Shells reach Rason", text="Artillery-shells were seen.\nPyongyang said nothing.")
FEED = FeedFacts(id="harbour", tags=frozenset({"korea", "wire"}), tier=2)


def judged(*names, language="en"):
    """Names `names`, twice each; arms just above its threshold, diplomacy below."""
    mentions = tuple(Mention(name, name, "text", n, n + 1, name, "name") for n in range(2) for name in names)
    topics = (TopicScore("arms", 0.62, True, False), TopicScore("diplomacy", 0.41, False, True))
    return Judgement(language=language, topics=topics, mentions=mentions, model_id="m")


def verdict(when, *names, escalate=(), **options):
    rule = Rule(when, escalate=escalate)
    return evaluate(rule, article=ARTICLE, judgement=judged(*names, **options), feed=FEED, entities=ENTITIES)


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
        (When(tier=2), True, "feed of tier 2"),
        (When(tier=1), False, "feed of tier 2, not 1"),
        (When(tier=3), False, "the rule asks for nothing"),  # every feed is of it
        (When(), False, "the rule asks for nothing"),  # a rule without conditions must not fire on everything
    ],
)
def test_rules_feed_and_language_conditions(when, fires, because):
    found = verdict(when)
    assert (found.fires, found.because) == (fires, because)


def test_rules_language_unknown_is_no_match_and_said():
    assert verdict(When(languages=("en",)), language="").because == "language unknown is not en"


@pytest.mark.parametrize(
    ("query", "fires", "because"),
    [
        ("shells", True, 'words "Shells"'),
        ('"artillery shells" Pyongyang', True, 'words "Artillery-shells", "Pyongyang"'),  # as the article has them
        ("shells OR rockets OR pyongyang", True, 'words "Shells", "Pyongyang"'),
        ("shells NOT football", True, 'words "Shells"'),
        ("shells rockets football", False, "does not say rockets"),  # the first that is missing
        ("rockets OR missiles", False, "does not say rockets or missiles"),
        ("shells NOT (football OR Rason)", False, "says football or Rason"),
        ('"reach Rason Artillery"', False, 'does not say "reach Rason Artillery"'),  # from the title into the text
        ("shells NEAR/1 pyongyang", False, "does not say shells near pyongyang (at most 1 word between)"),
    ],
)
def test_rules_words_condition(query, fires, because):
    found = verdict(When(words=query))
    assert (found.fires, found.because) == (fires, because)


def test_rules_give_a_bounded_reason_for_a_long_text():
    article = ArticleText(id="a", title="", text="missiles" + "x" * 900)
    found = evaluate(Rule(When(words="missile*")), article=article, judgement=judged(), feed=FEED, entities=ENTITIES)
    assert found.fires and len(found.because) == 200


def test_rules_do_not_read_the_text_where_a_cheaper_condition_fails(monkeypatch):
    monkeypatch.setattr(rules, "weigh", None)
    assert verdict(When(topics=Topics(("diplomacy",)), words="shells")).because.startswith("topic below")


CRITICAL = Step("critical", When(entities=Entities(any=("kn-23",))))
HIGH = Step("high", When(words="pyongyang", tier=2))


@pytest.mark.parametrize(
    ("escalate", "names", "severity", "because"),
    [
        ((), (), "normal", 'words "Shells"'),
        ((CRITICAL,), (), "normal", 'words "Shells"'),
        ((CRITICAL,), ("kn-23",), "critical", 'words "Shells"; critical because of kn-23'),
        ((HIGH,), (), "high", 'words "Shells"; high because of feed of tier 2; words "Pyongyang"'),
        # The highest that holds, wherever it stands.
        ((HIGH, CRITICAL), ("kn-23",), "critical", 'words "Shells"; critical because of kn-23'),
        ((CRITICAL, HIGH), ("kn-23",), "critical", 'words "Shells"; critical because of kn-23'),
        # All its conditions must hold.
        ((Step("high", When(words="pyongyang", tier=1)),), (), "normal", 'words "Shells"'),
        ((Step("low", When(words="pyongyang")),), (), "normal", 'words "Shells"'),  # never down
    ],
)
def test_rules_escalation_raises_the_severity_and_says_why(escalate, names, severity, because):
    found = verdict(When(words="shells"), *names, escalate=escalate)
    assert (found.fires, found.severity, found.because) == (True, severity, because)


def test_rules_escalation_fires_no_rule():
    found = verdict(When(words="football"), "kn-23", escalate=(CRITICAL,))
    assert (found.fires, found.severity, found.because) == (False, "normal", "does not say football")


@pytest.mark.parametrize(
    ("condition", "selected"),
    [
        (None, ("rason", "putin", "kim")),  # no condition: all, by their mention
        (Entities(), ("rason", "putin", "kim")),
        (Entities(any=("kim", "rason")), ("rason", "kim")),
        (Entities(types=("person",)), ("putin", "kim")),
        (Entities(tags=("leader",), types=("place",)), ()),
        (Entities(all=("kim",)), ("kim",)),
        (Entities(all=("kim", "kn-23")), ("kim",)),  # one of them is not mentioned
        (Entities(all=("kim",), tags=("port",)), ("rason", "kim")),
        (Entities(all=("kim",), at_least=2), ("rason", "putin", "kim")),  # and any other
    ],
)
def test_rules_selected_entities_are_those_asked_for(condition, selected):
    rule = Rule(When(entities=condition))
    assert selected_entities(rule, judged("rason", "putin", "kim"), ENTITIES) == selected


def test_rules_fire_only_when_every_condition_holds():
    whole = dict(topics=Topics(("arms",)), entities=Entities(any=("kim",)), languages=("en",), tags=("korea",), tier=2)
    whole |= dict(words="shells")
    found = verdict(When(**whole), "kim")
    assert found.fires
    assert found.because == 'topic arms 0.62; kim; language en; feed tagged korea; feed of tier 2; words "Shells"'
    for name, broken in {
        "topics": Topics(("diplomacy",)),
        "entities": Entities(any=("putin",)),
        "languages": ("ko",),
        "tags": ("official",),
        "tier": 1,
        "words": "football",
    }.items():
        found = verdict(When(**whole | {name: broken}), "kim")
        assert not found.fires
        assert ";" not in found.because  # the first that failed, alone
