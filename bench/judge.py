"""Articles judged a second on one core, after the start: ledes, as most feeds give them, and full texts.

Beside it spaCy's tokenizer alone on the same texts, on the same core. With a file of articles as JSON lines, as
`wirewatch judge` takes them, those are judged instead.
"""

from __future__ import annotations

import os
import pathlib
import time
from collections.abc import Sequence
from typing import Any

from bench.desk import EXAMPLE, watchlist
from bench.figures import Figure
from bench.made_up import LEDE, WHOLE, Writer
from bench.progress import say
from worker.app import load_judge
from worker.config.load import load_config
from worker.judging import read_article
from worker.model import ArticleText
from worker.pipeline.runtime import Judges

BATCH = 64  # as the worker judges them (settings.analyse_batch)
SEED = 7
FULL, QUICK = (3_000, 500), (64, 8)  # how many ledes and full texts


def measure(*, quick: bool, articles: str = "") -> list[Figure]:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    say("judge: loading the model and the watchlist")
    judge, start = load()
    if articles:
        lines = pathlib.Path(articles).read_text(encoding="utf-8").splitlines()
        read = [read_article(line) for line in lines if line.strip()]
        return [start, *figures("of the file", judge, read)]
    writer, counts = Writer(watchlist(), seed=SEED), QUICK if quick else FULL
    ledes, wholes = (
        [writer.article(letters) for _ in range(n)] for letters, n in zip((LEDE, WHOLE), counts, strict=True)
    )
    lede = figures(f"ledes, about {LEDE} letters", judge, ledes)
    whole = figures(f"full texts, about {WHOLE:,} letters", judge, wholes)
    costs = Figure("a full text costs as much as", lede[0].value / whole[0].value, "ledes")
    return [start, *lede, *whole, *parts(judge, wholes), costs]


def load() -> tuple[Judges, Figure]:
    began = time.perf_counter()
    config = load_config(EXAMPLE, environ={}, only=frozenset({"topics", "watchlist", "rules"}))
    judge = load_judge(config)
    judge.judge_many([ArticleText(id="a", title="Talks go on", text="The first article pays for what is lazy.")])
    return judge, Figure("start", time.perf_counter() - began, "s")


def figures(what: str, judge: Judges, articles: Sequence[ArticleText]) -> list[Figure]:
    say(f"judge: {len(articles)} {what}")
    ours = timed(judge.judge_many, articles)
    least = timed(tokenizer(), [f"{article.title}\n{article.text}" for article in articles])
    return [Figure(what, len(articles) / ours, "articles/s", ours / least, "the time of spaCy's tokenizer alone")]


def parts(judge: Any, articles: Sequence[ArticleText]) -> list[Figure]:
    """What of the judge's time is whose. Topics are of those in English alone: the others have rules, not the model."""
    from worker.nlp.names import find_mentions
    from worker.nlp.topics import features

    english = [article for article in articles if article.language == "en"]
    model, index = judge.model, judge.index
    topics = timed(lambda some: [*model.scores([features(one.title, one.text) for one in some])], english)
    names = timed(lambda some: [find_mentions(index, one) for one in some], articles)
    return [
        Figure("of these, topics alone", len(english) / topics, "articles/s"),
        Figure("of these, names alone", len(articles) / names, "articles/s"),
    ]


def timed(do, items: Sequence[object]) -> float:
    """Seconds of the core: what others do on it meanwhile is not counted."""
    began = time.process_time()
    for at in range(0, len(items), BATCH):
        do(items[at : at + BATCH])
    return time.process_time() - began


def tokenizer():
    import spacy

    nlp = spacy.blank("en")
    return lambda texts: [nlp.make_doc(text) for text in texts]
