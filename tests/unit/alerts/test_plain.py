"""A rule in plain words: each condition, escalation and time."""

import pytest

from worker.alerts.plain import Names, rule_words, span_words, timing_words, when_words
from worker.config.rulespec import Conditions, RuleTiming
from worker.config.schema import RuleSpec

NAMES = Names(
    topics={"arms": "Arms trade"},
    entities={"kim": "Kim Jong Un", "putin": "Vladimir Putin", "rason": "Rason"},
    feeds={"wire": "Harbour Wire"},
)
KINDS = ["entity", "originals", "tier", "language", "severity", "headline"]


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({"topics": {"any": ["arms"]}}, "is about Arms trade"),
        ({"topics": {"any": ["arms", "x"], "min_score": 0.5}}, "is about Arms trade or x by a score of 0.5 or more"),
        ({"entities": {}}, "names anyone or anything that is watched"),
        ({"entities": {"any": ["kim", "putin", "nobody"]}}, "names Kim Jong Un, Vladimir Putin or nobody"),
        ({"entities": {"all": ["kim", "putin", "rason"]}}, "names Kim Jong Un, Vladimir Putin and Rason"),
        ({"entities": {"types": ["place", "vessel"]}}, "names a place or a vessel"),
        ({"entities": {"tags": ["dprk", "russia"]}}, "names someone or something tagged dprk or russia"),
        ({"entities": {"types": ["person"], "tags": ["dprk"]}}, "names a person tagged dprk"),
        ({"entities": {"any": ["kim", "rason"], "types": ["place"]}}, "names Kim Jong Un or Rason, as a place"),
        (
            {"entities": {"all": ["putin"], "tags": ["dprk"]}},
            "names Vladimir Putin, and names someone or something tagged dprk",
        ),
        ({"entities": {"at_least": 2}}, "names at least 2 of the watched names"),
        ({"entities": {"tags": ["dprk"], "at_least": 2}}, "names at least 2 of the watched names tagged dprk"),
        ({"entities": {"types": ["person"], "at_least": 3}}, "names at least 3 of the watched persons"),
        (
            {"entities": {"any": ["kim", "putin", "rason"], "at_least": 2}},
            "names at least 2 of the watched names among Kim Jong Un, Vladimir Putin and Rason",
        ),
        ({"entities": {"all": ["kim", "putin"], "at_least": 2}}, "names Kim Jong Un and Vladimir Putin"),
        (
            {"entities": {"all": ["kim"], "at_least": 2}},
            "names Kim Jong Un, and names at least 2 of the watched names",
        ),
        ({"languages": ["ko", "und"]}, "is in Korean or und"),
        ({"sources": ["wire", "gone"]}, "is from Harbour Wire or gone"),
        ({"tags": ["korea"]}, "is from a feed tagged korea"),
        ({"tier": 1}, "is from a feed of tier 1"),
        ({"tier": 2}, "is from a feed of tier 1 or 2"),
        ({"words": '"artillery shells" NOT football'}, 'says "artillery shells" but not football'),
        (
            {"topics": {"any": ["arms"]}, "entities": {"any": ["kim"]}, "words": "shells", "tier": 1},
            "is about Arms trade, and names Kim Jong Un, and is from a feed of tier 1, and says shells",
        ),
    ],
)  # fmt: skip
def test_when_words_says_every_condition(when, words):
    assert when_words(Conditions.model_validate(when), NAMES) == words


def test_rule_words_says_the_escalations_too():
    steps = [
        {"severity": "critical", "when": {"entities": {"any": ["kim"]}}},
        {"severity": "high", "when": {"tier": 1}},
    ]
    rule = {"id": "r", "name": "R", "when": {"words": "shells"}, "escalate": steps, "channels": ["inbox"]}
    assert rule_words(RuleSpec.model_validate(rule), NAMES) == (
        "when it says shells",
        "critical when it also names Kim Jong Un",
        "high when it also is from a feed of tier 1",
    )


@pytest.mark.parametrize(
    ("timing", "again", "words"),
    [
        (
            {},
            KINDS,
            "first message within 1 minute of the poll that sees it, updates at most every 30 minutes, no reminder",
        ),
        (
            {"wait": "5m", "updates": "never", "remind": "4h"},
            KINDS,
            "first message within 6 minutes of the poll that sees it, no updates, "
            "one reminder after 4 hours without an acknowledgement",
        ),
        (
            {"wait": "30s", "updates": "1d"},
            ["severity", "entity"],
            "first message within 1 minute 30 seconds of the poll that sees it, updates at most every 1 day "
            "and only for another name that it asks for or a higher severity, no reminder",
        ),
    ],
)
def test_timing_words_says_when_readers_are_told(timing, again, words):
    assert timing_words(RuleTiming.model_validate(timing), again) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 seconds"),
        (1, "1 second"),
        (59.6, "1 minute"),
        (3600, "1 hour"),
        (3661, "1 hour 1 minute"),
        (90_000, "1 day 1 hour"),
        (86_400 + 5, "1 day 5 seconds"),
    ],
)
def test_span_words(seconds, words):
    assert span_words(seconds) == words
