"""Articles as JSON lines, judged or grouped outside any store: what `wirewatch judge` and `wirewatch stories` print."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from worker.alerts.rules import FeedFacts, evaluate
from worker.app import load_judge
from worker.articles.text import canonical_url
from worker.config.schema import Config
from worker.model import ArticleText, Judgement
from worker.pipeline.raising import story_keys

BATCH = 64
NO_FEED = FeedFacts(id="", tags=frozenset(), tier=3)


class BadLine(ValueError):
    """A line that is no article; the message says why. `id` is the article's, where it could be read."""

    def __init__(self, message: str, *, id: str | None = None) -> None:
        super().__init__(message)
        self.id = id


def read_article(line: str) -> ArticleText:
    """One JSON line as an article; only `title` is required. Raises BadLine."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadLine(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadLine('not an object: write {"title": "…"}')
    identity = value.get("id")
    identity = identity if isinstance(identity, str | int) else None
    fields = {}
    for name in ("title", "text", "url", "source", "language"):
        given = value.get(name)
        if given is not None and not isinstance(given, str):
            raise BadLine(f"{name} must be text", id=identity)  # type: ignore[arg-type]
        fields[name] = given or ""
    if not fields["title"]:
        raise BadLine("title is missing", id=identity)  # type: ignore[arg-type]
    return ArticleText(id=identity, **fields | {"language": fields["language"] or None})  # type: ignore[arg-type]


def judge_lines(config: Config, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """One output per non-empty line, in order; an unreadable line gives {"id", "error"} and the run goes on."""
    judge = load_judge(config)
    for batch in _batched(lines):
        readable = [item for item in batch if isinstance(item, ArticleText)]
        judged = iter(judge.judge_many(readable))
        for item in batch:
            if isinstance(item, BadLine):
                yield {"id": item.id, "error": str(item)}
            else:
                yield judgement_line(config, item, next(judged))


def _articles(lines: Iterable[str]) -> Iterator[ArticleText | BadLine]:
    for line in lines:
        if line.strip():
            try:
                yield read_article(line)
            except BadLine as error:
                yield error


def _batched(lines: Iterable[str]) -> Iterator[tuple[ArticleText | BadLine, ...]]:
    articles = _articles(lines)
    while batch := tuple(itertools.islice(articles, BATCH)):
        yield batch


def judgement_line(config: Config, article: ArticleText, judgement: Judgement) -> dict[str, Any]:
    """The documented output object."""
    verdicts = (
        evaluate(rule, judgement=judgement, feed=NO_FEED, entities=config.entities_by_id) for rule in config.rules
    )
    return {
        "id": article.id,
        "language": judgement.language,
        "topics": [asdict(topic) for topic in judgement.topics],
        "mentions": [asdict(mention) for mention in judgement.mentions],
        "rules": [asdict(verdict) for verdict in verdicts],
    }


def story_lines(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """{"id", "story"} a line, in arrival order: the same link or headline makes a story, named by its first article."""
    held: dict[tuple[str, str], Any] = {}
    for number, item in enumerate(_articles(lines), start=1):
        if isinstance(item, BadLine):
            yield {"id": item.id, "error": str(item)}
            continue
        keys = story_keys(title=item.title, canonical_url=canonical_url(item.url))
        identity = item.id if item.id is not None else f"line-{number}"
        story = next((held[key] for key in keys if key in held), identity)
        for key in keys:
            held.setdefault(key, story)
        yield {"id": item.id, "story": story}
