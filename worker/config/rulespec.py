"""What a rule may say: its conditions, severities, timing and examples, each key with its description.

Decides what a value may be, as schema.py does for the other files.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from worker.config.values import (
    Duration,
    Flag,
    Form,
    Interval,
    Language,
    Line,
    Names,
    Slug,
    Slugs,
    Whole,
    WordsQuery,
    titled,
)
from worker.model import NewsKind

NewsName = Literal["entity", "originals", "tier", "language", "severity", "headline"]
Severity = Literal["low", "normal", "high", "critical"]


class Model(BaseModel):
    """Each field's description is its line in docs/configuration.md (see reference.py)."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class TopicCondition(Model):
    """Any of these topics matches; `min_score` replaces the topic's own threshold."""

    any: Slugs = Field(description="the article is on at least one of these topics")
    min_score: float | None = Field(
        default=None, gt=0, le=1, description="by this score, instead of the topic's threshold"
    )


class EntityCondition(Model):
    """Every given condition must hold. `at_least` counts distinct mentioned entities among those the others select."""

    any: Slugs = Field(default=(), description="at least one of these is named")
    all: Slugs = Field(default=(), description="each of these is named")
    types: Names = Field(default=(), description="an entity of one of these types is named")
    tags: Slugs = Field(default=(), description="an entity with one of these tags is named")
    at_least: Whole = Field(
        default=1, ge=1, description="so many different ones of what `any`, `types` and `tags` choose together"
    )


class Conditions(Model):
    """All that are given must hold; at least `topics`, `entities` or `words` is."""

    topics: TopicCondition | None = Field(default=None, description="what the article is about")
    entities: EntityCondition | None = Field(default=None, description="whom and what it names")
    words: WordsQuery = Field(
        default="", description='what its title or text says: a query, such as `"missile launch" NOT football`'
    )
    languages: Names = Field(default=(), description="the article is in one of these languages")
    sources: Slugs = Field(default=(), description="it is from one of these feeds")
    tags: Slugs = Field(default=(), description="its feed has one of these tags")
    tier: Whole = Field(default=3, ge=1, le=3, description="its feed is of this tier or better; 1 is the best")


class Escalation(Model):
    """A higher severity for articles on which the rule fires and these conditions hold, too."""

    severity: Severity = Field(description="how urgent it is then")
    when: Conditions = Field(description="beside the rule's own conditions; all that are given must hold")


class RuleTiming(Model):
    """When a story's messages go out. 0 in `updates` and `remind` is 'never'."""

    wait: Duration = Field(
        default=0.0, le=86400, description="the first message waits so long for what else comes in on the story"
    )
    updates: Interval = Field(
        default=1800.0, description="something new about a story is told at most so often; or `never`"
    )
    remind: Interval = Field(
        default=0.0, description="who has not acknowledged an alert after so long is told once more; or `never`"
    )


class Example(Model):
    """An article as `judge` takes it, to hold a rule to."""

    title: Line = Field(description="its headline")
    text: str = Field(default="", description="its text")
    language: Language = Field(default="", description="what it is written in; left out, it is recognised")
    source: str = Field(default="", description="the id of a feed, for rules that ask for one")


ExampleForm = Annotated[Example, BeforeValidator(titled), Form("headline, or `title`, `text`, `language`, `source`")]


class RuleSpec(Model):
    id: Slug = Field(description="its name in alerts, logs and commands; never change it: alerts are kept under it")
    name: Line = Field(description="what an alert's reader sees")
    severity: Severity = Field(default="normal", description="how urgent: shown in the alert and its subject")
    escalate: tuple[Escalation, ...] = Field(
        default=(), description="higher severities, each with the conditions under which it applies"
    )
    when: Conditions = Field(description="the conditions: all that are given must hold")
    channels: Slugs = Field(description="who is told: ids from channels.yaml; disabled ones stay quiet")
    timing: RuleTiming = Field(default=RuleTiming(), description="when messages go out")
    tell_again: Annotated[tuple[NewsName, ...], Field(min_length=1)] = Field(
        default=tuple(kind.value for kind in NewsKind), description="what is new about a story that is worth an update"
    )
    full_text: Flag = Field(
        default=False, description="the articles' own pages are fetched, of the feeds that the rule's `when` chooses"
    )
    must_fire: tuple[ExampleForm, ...] = Field(
        default=(), description="headlines (or articles) on which it must fire; `check` tries them"
    )
    must_not_fire: tuple[ExampleForm, ...] = Field(
        default=(), description="headlines (or articles) on which it must not fire; `check` tries them"
    )
