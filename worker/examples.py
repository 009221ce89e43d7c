"""A rule's own examples through the real judge: it must fire on some, and on others it must not. Stores nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from worker.alerts.notes import unjudged_words
from worker.alerts.rules import FeedFacts, evaluate
from worker.app import load_judge
from worker.config.rulespec import Example
from worker.config.schema import Config, RuleSpec
from worker.config.source import Path_
from worker.display import one_line
from worker.judging import BATCH, NO_FEED
from worker.model import ArticleText, Judgement, RuleVerdict

SHOWN = 80  # letters of a headline in a problem
LIKELY = 0.05  # a score below this tells nothing of why a rule stayed quiet


@dataclass(frozen=True)
class Tried:
    """One example and what came of it. `path`: where it stands in rules.yaml."""

    rule: str
    path: Path_
    title: str
    must_fire: bool
    verdict: RuleVerdict
    judgement: Judgement

    @property
    def holds(self) -> bool:
        return self.verdict.fires == self.must_fire

    def complaint(self) -> str:
        """What is wrong where it does not hold: which condition it comes from, and what was found in the article."""
        must = "must fire, and does not" if self.must_fire else "must not fire, and does"
        found = _found(self.judgement)
        return f"“{one_line(self.title, SHOWN)}”: {must}: {self.verdict.because} (found: {found})"


def try_examples(config: Config, *, data: Path | None = None) -> list[Tried]:
    """Every example, in the order of the file. Loads the model; `data`: where a long watchlist's index is kept."""
    given = list(_examples(config))
    judge = load_judge(config, data=data)
    articles = [_article(config, example) for _, _, _, example in given]
    batches = (articles[at : at + BATCH] for at in range(0, len(articles), BATCH))
    judged = itertools.chain.from_iterable(map(judge.judge_many, batches))
    return [
        Tried(
            rule=rule.id,
            path=path,
            title=example.title,
            must_fire=must_fire,
            verdict=_verdict(config, rule, article, judgement),
            judgement=judgement,
        )
        for (rule, path, must_fire, example), article, judgement in zip(given, articles, judged, strict=True)
    ]


def _examples(config: Config) -> Iterator[tuple[RuleSpec, Path_, bool, Example]]:
    for n, rule in enumerate(config.rules):
        for key, must_fire in (("must_fire", True), ("must_not_fire", False)):
            for at, example in enumerate(getattr(rule, key)):
                yield rule, ("rules", n, key, at), must_fire, example


def _article(config: Config, example: Example) -> ArticleText:
    """As the article of a feed is judged: the feed's language is a hint."""
    feed = config.find_feed(example.source)
    language = example.language or (feed.language if feed else "")
    return ArticleText(
        id="example", title=example.title, text=example.text, language=language or None, source=example.source
    )


def _verdict(config: Config, rule: RuleSpec, article: ArticleText, judgement: Judgement) -> RuleVerdict:
    spec = config.find_feed(article.source)
    feed = FeedFacts(id=spec.id, tags=frozenset(spec.tags), tier=spec.tier) if spec else NO_FEED
    return evaluate(rule, article=article, judgement=judgement, feed=feed, entities=config.entities_by_id)


def _found(judgement: Judgement) -> str:
    """'language en; nk-russia-arms 0.97; kim-jong-un, russia'."""
    topics = [f"{topic.id} {topic.score:.2f}" for topic in judgement.topics if topic.score >= LIKELY]
    named = dict.fromkeys(mention.entity for mention in judgement.mentions)
    language = f"language {judgement.language or 'unknown'}"
    none = unjudged_words(judgement.notes, judgement.language) or "no topic"
    return "; ".join([language, ", ".join(topics) or none, ", ".join(named) or "no watched name"])
