"""Articles as JSON lines, judged or grouped outside any store: what `wirewatch judge` and `wirewatch stories` print."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from worker.alerts.notes import beginning, note_sentences
from worker.alerts.rules import FeedFacts, evaluate
from worker.app import load_judge
from worker.articles.prints import TEXT_LETTERS
from worker.articles.stories import Arrival, Stories, print_keys, story_keys
from worker.articles.terms import sketch_of
from worker.articles.text import canonical_url
from worker.articles.wording import Wording
from worker.config.schema import Config
from worker.model import ArticleText, Judgement, TopicScore
from worker.pipeline.runtime import Judges

BATCH = 64
BATCH_LETTERS = 2**20  # of all articles of a batch: a few of the longest are held at a time, not 64
MAX_LINE = 64 * 2**20  # bytes: an article of 10 MB, every character escaped
NO_FEED = FeedFacts(id="", tags=frozenset(), tier=3)
FIRST_ID = re.compile(r'\s*\{\s*"id"\s*:\s*("[^"\\]{0,200}"|-?\d{1,20})\s*[,}]')
HALF_CHARACTER = re.compile("[\ud800-\udfff]")


class BadLine(ValueError):
    """A line that is no article; the message says why. `id` is the article's, where it could be read."""

    def __init__(self, message: str, *, id: str | float | None = None) -> None:
        super().__init__(message)
        self.id = id


@dataclass(frozen=True)
class GivenArticle:
    """One line's article; `id` and `published` as they were given, None where they were not, or are no time."""

    id: str | float | None
    article: ArticleText
    published: datetime | None


def read_lines(handle: BinaryIO) -> Iterator[bytes]:
    """The lines, however long: of one over MAX_LINE only its beginning, which `read_line` refuses by its length."""
    while line := handle.readline(MAX_LINE + 1):
        yield line
        while len(line) > MAX_LINE and not line.endswith(b"\n"):
            line = handle.readline(MAX_LINE + 1)


def read_article(line: str) -> ArticleText:
    """The article of one JSON line. Raises BadLine."""
    return read_line(line.encode("utf-8", errors="replace")).article


def read_line(line: bytes) -> GivenArticle:
    """One JSON line as an article; only `title` is required. Bytes that are not UTF-8 become U+FFFD. Raises BadLine."""
    text = line[:MAX_LINE].decode("utf-8", errors="replace").removeprefix("\ufeff")
    if len(line) > MAX_LINE:
        raise BadLine(f"longer than {MAX_LINE // 2**20} MB", id=_find_id(text))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        words = str(error) if isinstance(error, json.JSONDecodeError) else "a number or a nesting beyond all measure"
        raise BadLine(f"not JSON: {words}", id=_find_id(text)) from error
    if not isinstance(value, dict):
        raise BadLine('not an object: write {"title": "…"}')
    identity = value.get("id")
    if not _is_id(identity):
        raise BadLine("id must be text or a number")
    fields = {name: value.get(name) for name in ("title", "text", "url", "source", "language")}
    for name, given in fields.items():
        if given is not None and not isinstance(given, str):
            raise BadLine(f"{name} must be text", id=identity)
    if not (fields["title"] or "").strip():
        raise BadLine("title is missing", id=identity)
    # Half a character has no UTF-8: the model would choke on it. Its stand-in keeps every offset.
    whole = {name: HALF_CHARACTER.sub("\ufffd", given or "") for name, given in fields.items()}
    article = ArticleText(id=str(identity), **whole | {"language": whole["language"] or None})  # type: ignore[arg-type]
    return GivenArticle(identity, article, read_time(value.get("published")))


def _is_id(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


def _find_id(text: str) -> str | int | None:
    """The id of a line that is not JSON as a whole, when it begins with one."""
    found = FIRST_ID.match(text)
    try:
        return json.loads(found[1]) if found else None
    except ValueError:
        return None


def read_time(value: Any) -> datetime | None:
    """An ISO 8601 time, UTC where it names no zone; None for anything else."""
    try:
        moment = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def judge_lines(config: Config, lines: Iterable[bytes], *, data: Path | None = None) -> Iterator[dict[str, Any]]:
    """One output per non-empty line, in order; an unreadable line gives {"id", "error"} and the run goes on.

    `data`: where the index of a long watchlist may be kept.
    """
    judge = load_judge(config, data=data)
    for batch in _batched(lines):
        judged = iter(_judge_all(judge, [item.article for item in batch if isinstance(item, GivenArticle)]))
        for item in batch:
            judgement = item if isinstance(item, BadLine) else next(judged)
            if isinstance(judgement, BadLine):
                yield {"id": item.id, "error": str(judgement)}
            else:
                yield {"id": item.id, **judgement_line(config, item.article, judgement)}


def _judge_all(judge: Judges, articles: list[ArticleText]) -> list[Judgement | BadLine]:
    """In order. What the judge chokes on is judged by itself, so that it takes no other article along."""
    try:
        return [*judge.judge_many(articles)]
    except Exception as error:
        if len(articles) == 1:
            return [BadLine(f"cannot be judged: {type(error).__name__}")]
    return [judged for article in articles for judged in _judge_all(judge, [article])]


def _articles(lines: Iterable[bytes]) -> Iterator[GivenArticle | BadLine]:
    for line in lines:
        if line.strip():
            try:
                yield read_line(line)
            except BadLine as error:
                yield error


def _batched(lines: Iterable[bytes]) -> Iterator[tuple[GivenArticle | BadLine, ...]]:
    batch: list[GivenArticle | BadLine] = []
    letters = 0
    for item in _articles(lines):
        batch.append(item)
        letters += len(item.article.text) if isinstance(item, GivenArticle) else 0
        if len(batch) == BATCH or letters >= BATCH_LETTERS:
            yield tuple(batch)
            batch, letters = [], 0
    if batch:
        yield tuple(batch)


def judgement_line(config: Config, article: ArticleText, judgement: Judgement) -> dict[str, Any]:
    """The documented output object, but for its id. Its rules are asked of what was judged of the article."""
    read = beginning(article)
    verdicts = (
        evaluate(rule, article=read, judgement=judgement, feed=NO_FEED, entities=config.entities_by_id)
        for rule in config.rules
    )
    return {
        "language": judgement.language,
        "topics": [_topic_line(topic) for topic in judgement.topics],
        "mentions": [asdict(mention) for mention in judgement.mentions],
        "rules": [asdict(verdict) for verdict in verdicts],
        "model": judgement.model_id,
        "notes": note_sentences(judgement, article),
    }


def _topic_line(topic: TopicScore) -> dict[str, Any]:
    return asdict(topic) | {"spans": [span._asdict() for span in topic.spans]}


def story_lines(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """{"id", "story"} a line, in arrival order, once all are read: a story is named by its first article, and where two
    became one by the older's.

    An article without a time counts as published when the one before it was; one without a source is of its own feed.
    """
    stories = Stories({})
    names: dict[int, str | float] = {}
    placed: list[tuple[str | float | None, int | str]] = []
    now: datetime | None = None
    for number, item in enumerate(_articles(lines), start=1):
        if isinstance(item, BadLine):
            placed.append((item.id, str(item)))
            continue
        now = item.published or now
        names[-number] = item.id if item.id is not None else f"line-{number}"
        placed.append((item.id, stories.place(_arrival(number, now, item.article), new=-number).story))
    for name, story in placed:
        if isinstance(story, str):
            yield {"id": name, "error": story}
        else:
            yield {"id": name, "story": names[stories.root(story)]}


def _arrival(number: int, at: datetime | None, article: ArticleText) -> Arrival:
    link = canonical_url(article.url)
    wording = Wording(article.source, link, article.title, article.text[:TEXT_LETTERS])
    keys = story_keys(title=article.title, canonical_url=link) + print_keys(wording)
    return Arrival(number, at, keys, wording, sketch_of(article.title, article.text))
