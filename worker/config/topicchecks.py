"""What is wrong with topics: unknown to the model and nothing to go by, too few examples, terms that never match.

Also reads the file of examples that a topic names. Decides nothing about any article.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from worker.config.schema import CALIBRATION, Config
from worker.config.source import MAX_BYTES, Path_, Source
from worker.config.topicspec import TopicExample, TopicSpec, read_example
from worker.errors import Problem, QueryError
from worker.query.terms import parse_term

SHIPPED_MODEL = Path(__file__).parents[1] / "nlp" / "model"
FEWEST = 10  # examples: with fewer, nothing can be said about how good a topic is
FEWEST_YES, FEWEST_NO = 5, 3  # of them: each part of a cross-validation has a yes; and what is none must be shown


def check_topics(config: Config, sources: Mapping[str, Source]) -> None:
    """The judge refuses to start with a topic that neither its model knows nor the desk has told it of."""
    source = sources["topics"]
    if config.topic_model is None and "model" in (source.value or {}):
        return  # it could not be read, so there is no telling
    try:
        known = list(json.loads(((config.topic_model or SHIPPED_MODEL) / CALIBRATION).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        words = (
            f"the shipped topic model cannot be read ({type(error).__name__}); install Wirewatch again, or train one"
        )
        source.add((), words)
        return
    for n, topic in zip(source.kept, config.topics, strict=True):
        path: Path_ = ("topics", n)
        if topic.id in known:
            for key in {"terms", "examples"} & topic.model_fields_set:
                words = "never asked, for the topic model knows this topic; give your own another id, or remove it"
                source.add((*path, key), words)
        elif not topic.terms and not topic.examples:
            words = (
                f"the topic model does not know {topic.id!r}, only {', '.join(known)}; correct it, remove it, or give "
                "it `terms` or `examples`"
            )
            source.add((*path, "id"), words)
        else:
            _check_terms(source, (*path, "terms"), topic)
            _check_examples(source, (*path, "examples"), topic)


def _check_terms(source: Source, path: Path_, topic: TopicSpec) -> None:
    for at, term in enumerate(topic.terms):
        try:
            parse_term(term)
        except QueryError as error:
            listed = (*path, term) not in source.lines
            source.add((*path, at if listed else term), f"{term!r} can never match: {error}")


def _check_examples(source: Source, path: Path_, topic: TopicSpec) -> None:
    if not topic.examples:
        return
    yes = sum(one.label for one in topic.examples)
    no = len(topic.examples) - yes
    if len(topic.examples) < FEWEST:
        words = f"{_examples(len(topic.examples))} can teach nothing; write 10 to 50, about half of them labelled yes"
        source.add(path, words)
    elif yes < FEWEST_YES or no < FEWEST_NO:
        words = f"{yes} labelled yes and {no} labelled no; write at least {FEWEST_YES} of yes and {FEWEST_NO} of no"
        source.add(path, words)
    for words in _twins(topic.examples):
        source.add(path, words)


def _examples(count: int) -> str:
    return f"{count} example{'s' if count > 1 else ''}"


def _twins(examples: tuple[TopicExample, ...]) -> Iterator[str]:
    first: dict[tuple[str, str], TopicExample] = {}
    for one in examples:
        other = first.setdefault((one.title, one.text), one)
        if other is not one:
            labels = "both yes and no" if one.label is not other.label else "twice"
            yield f"{one.title[:60]!r} is given {labels}; keep one"


def read_example_file(source: Source, path: Path_, file: Path, *, name: str) -> list[dict[str, Any]] | None:
    """The examples of a file, one a line as JSON. None where anything is wrong with it: noted in `source`, by line."""
    try:
        with file.open("rb") as handle:
            # By line feeds alone: a headline may hold what else Python takes for the end of a line.
            lines = handle.read(MAX_BYTES).decode("utf-8-sig").split("\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        source.refuse(path, f"{name} cannot be read: {reason}; write a file's path, relative to this folder")
        return None
    found, bad = [], 0
    for number, line in enumerate(lines, start=1):
        try:
            found += [read_example(line).model_dump()] if line.strip() else []
        except (ValueError, RecursionError) as error:
            words = f"not JSON: {error.msg}" if isinstance(error, json.JSONDecodeError) else str(error)
            source.problems.append(Problem(name, number, "", words))
            bad += 1
    if bad or not found:
        words = (
            f"{bad} of its lines cannot be used" if bad else 'holds no example; write {"title": "…", "label": "yes"}'
        )
        source.refuse(path, f"{name}: {words}")
    return None if bad or not found else found
