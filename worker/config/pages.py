"""Which feeds' articles get their own pages fetched: those that ask for it, and those that a rule chooses. Pure."""

from __future__ import annotations

from worker.config.rulespec import Conditions
from worker.config.schema import Config, FeedSpec


def wants_page(config: Config, spec: FeedSpec) -> bool:
    """Whether each new article of the feed is to be read on its own page, too, before it is judged."""
    return spec.full_text or any(rule.full_text and _chooses(rule.when, spec) for rule in config.rules)


def _chooses(when: Conditions, spec: FeedSpec) -> bool:
    """By what is known before an article is read. A feed without a configured language may be in any."""
    return (
        (not when.sources or spec.id in when.sources)
        and (not when.tags or not set(when.tags).isdisjoint(spec.tags))
        and spec.tier <= when.tier
        and (not when.languages or not spec.language or spec.language in when.languages)
    )
