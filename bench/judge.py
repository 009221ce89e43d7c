"""Articles judged a second on one core, after the start: `python bench/judge.py [FILE]`.

FILE holds articles as JSON lines, as `wirewatch judge` takes them; without one, lede-length articles are made up.
"""

import json
import os
import pathlib
import sys
import time

from worker.app import load_judge
from worker.config.load import load_config
from worker.judging import read_article
from worker.model import ArticleText

ROOT = pathlib.Path(__file__).parents[1]
LEDE = (
    "Officials in {place} said on Tuesday that {who} had met the delegation and would go on with the talks. "
    "A spokesman gave no date for the next meeting, and the other side did not answer questions sent by mail. {n}"
)
PLACES = ("Seoul", "Moscow", "Pyongyang", "Tehran", "Beirut", "Washington")
PEOPLE = ("the minister", "Kim Jong Un", "Sergei Lavrov", "the envoy", "Antony Blinken")


def made_up(count):
    for n in range(count):
        place, who = PLACES[n % len(PLACES)], PEOPLE[n % len(PEOPLE)]
        yield ArticleText(
            id=str(n), title=f"Talks in {place} go on, day {n}", text=LEDE.format(place=place, who=who, n=n)
        )


def main():
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    lines = pathlib.Path(sys.argv[1]).read_text().splitlines() if len(sys.argv) > 1 else []
    articles = [read_article(line) for line in lines if line.strip()] or list(made_up(6000))
    began = time.perf_counter()
    only = frozenset({"topics", "watchlist", "rules"})
    judge = load_judge(load_config(ROOT / "config", environ=os.environ, only=only))
    judge.judge_many(articles[:64])
    start = time.perf_counter() - began
    began = time.perf_counter()
    for at in range(0, len(articles), 64):
        judge.judge_many(articles[at : at + 64])
    seconds = time.perf_counter() - began
    letters = sum(len(article.title) + len(article.text) for article in articles) / len(articles)
    figures = {"articles": len(articles), "mean_letters": letters, "start_seconds": start}
    print(
        json.dumps(
            {name: round(value, 1) for name, value in figures.items()} | {"per_second": round(len(articles) / seconds)}
        )
    )


main()
