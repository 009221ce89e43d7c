"""Whose articles get their own pages fetched."""

import pytest

from worker.config.pages import wants_page
from worker.config.rulespec import RuleSpec
from worker.config.schema import Config, FeedSpec


def feed(**values):
    return FeedSpec(**{"id": "a", "url": "https://a.example/feed", "tags": ("korea",), "tier": 2} | values)


def rule(full_text=True, **when):
    return RuleSpec(id="r", name="R", when={"words": "missile"} | when, channels=("c",), full_text=full_text)


@pytest.mark.parametrize(
    ("spec", "rules", "wanted"),
    [
        (feed(), [], False),
        (feed(full_text=True), [], True),
        (feed(), [rule(full_text=False)], False),
        (feed(), [rule()], True),  # chooses nothing: all feeds
        (feed(), [rule(sources=("a",))], True),
        (feed(), [rule(sources=("b",))], False),
        (feed(), [rule(tags=("korea", "japan"))], True),
        (feed(), [rule(tags=("japan",))], False),
        (feed(), [rule(tier=1)], False),
        (feed(tier=1), [rule(tier=1)], True),
        (feed(), [rule(languages=("ko",))], True),  # it may be Korean for all we know
        (feed(language="ko"), [rule(languages=("ko",))], True),
        (feed(language="en"), [rule(languages=("ko",))], False),
        (feed(), [rule(sources=("a",), tags=("japan",))], False),  # all that are given must hold
        (feed(full_text=True), [rule(sources=("b",))], True),
        (feed(), [rule(sources=("b",)), rule(tags=("korea",))], True),  # any rule
    ],
)
def test_wants_page(spec, rules, wanted):
    assert wants_page(Config(feeds=(spec,), rules=tuple(rules)), spec) is wanted
