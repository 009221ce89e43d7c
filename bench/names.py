"""A watchlist of 100,000 names: imported, built once, loaded from what was kept, and what it costs to read by it.

The list is made up, in the shape in which OpenSanctions publishes its own: FollowTheMoney entities as JSON lines, with
common given names and surnames, in several scripts. What is loaded is loaded by processes of its own.
"""

from __future__ import annotations

import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psutil
import yaml

from bench.desk import watchlist
from bench.figures import Figure
from bench.idle import pss
from bench.judge import timed
from bench.made_up import ENDINGS, SYLLABLES, WHOLE, Writer
from bench.progress import say
from worker.app import load_names
from worker.config.load import load_config
from worker.config.schema import Config
from worker.config.writer import editing
from worker.model import ArticleText
from worker.nlp.names import NameIndex, compile_watchlist, find_mentions
from worker.nlp.names.words import GIVEN, SURNAMES
from worker.watchlist.adopt import plan_import, read_names

SEED = 11
ONLY = frozenset({"watchlist"})
SCHEMAS = {"Person": 70, "Company": 12, "Organization": 8, "Vessel": 8, "Airplane": 2}
COUNTRIES = "ru kp ir sy by mm cn ve af iq".split()
NEWSWORTHY = 300  # entities that the articles name: of a list of sanctions the news name a few hundred
WEAK = 0.1  # of the entities have a weak name: one word, a nom de guerre
ROUNDS = 3
TOKENS = 600  # of the texts whose time is looked at one by one


@dataclass(frozen=True)
class Size:
    names: int
    articles: int


FULL, QUICK = Size(100_000, 600), Size(15_000, 8)


def measure(*, quick: bool) -> list[Figure]:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    size = QUICK if quick else FULL
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        say(f"names: importing a made-up list of {size.names:,}")
        imported, count = import_list(folder, size.names)
        say("names: building its index, then loading what was kept of it")
        built, loaded = load_apart(folder), load_apart(folder)
        config = load_config(folder, environ={}, only=ONLY)
        index = load_names(config, data=folder)
        return [
            Figure("names", count, ""),
            Figure("import, checks and all", imported, "s"),
            Figure("start with an index to build", built["config"] + built["index"], "s"),
            Figure("start with an index that was kept", loaded["config"] + loaded["index"], "s"),
            Figure("memory for it", loaded["memory"], "MB"),
            *read_by(config, index, size.articles),
        ]


def import_list(folder: pathlib.Path, names: int) -> tuple[float, int]:
    """Seconds of the core for `wirewatch watchlist import`, without its report; and how many names there are."""
    (folder / "watchlist.yaml").write_text(yaml.safe_dump({"entities": []}))
    body = "\n".join(json.dumps(one, ensure_ascii=False) for one in entities(names)).encode()
    began = time.process_time()
    with editing(folder, only=ONLY) as editor:
        plan = plan_import(read_names(body, file="names"), editor.config, name="names", apart=True, replace=True)
        config = editor.import_names(plan.entities, plan.lists, replace=True)
    took = time.process_time() - began
    if plan.wrong:
        raise RuntimeError(f"{plan.wrong} problems: {plan.problems[0]}")
    held = config.entities_by_id.values()
    return took, sum(1 + len(one.aliases) + len(one.weak) for one in held)


def entities(names: int) -> Iterator[dict[str, Any]]:
    """So many names of entities, two or three each: the same ones each time."""
    chance = random.Random(SEED)
    given, surnames = sorted(GIVEN), sorted(SURNAMES)
    seen: set[str] = set()
    made = 0
    while made < names:
        (schema,) = chance.choices(list(SCHEMAS), list(SCHEMAS.values()))
        name = person(chance, given, surnames) if schema == "Person" else body(chance, schema)
        if name in seen:
            continue
        seen.add(name)
        properties: dict[str, list[str]] = {"name": [name], "country": [chance.choice(COUNTRIES)]}
        properties["alias"] = [other(chance, name) for _ in range(chance.choice((1, 1, 2)))]
        properties["topics"] = [chance.choice(("sanction", "role.pep", "crime"))]
        if chance.random() < WEAK:
            properties["weakAlias"] = [invented(chance, "english")]
        made += sum(len(properties.get(key, ())) for key in ("name", "alias", "weakAlias"))
        yield {"id": f"NK-{made:x}", "schema": schema, "caption": name, "properties": properties}


def person(chance: random.Random, given: list[str], surnames: list[str]) -> str:
    middle = [chance.choice(given)] if chance.random() < 0.4 else []
    return " ".join(word.title() for word in (chance.choice(given), *middle, chance.choice(surnames)))


def body(chance: random.Random, schema: str) -> str:
    kinds = {"Company": ("Holding", "Trading Company", "Bank"), "Organization": ("Foundation", "Front", "Institute")}
    words = [invented(chance, "english"), chance.choice(kinds.get(schema, (invented(chance, "english"),)))]
    return f"{words[0]} {words[1]}" if schema in kinds else f"{' '.join(words)} {chance.randint(1, 99)}"


def other(chance: random.Random, name: str) -> str:
    """The same with an initial, or a name in another script."""
    language = chance.choice(("english", "russian", "arabic", "korean"))
    if language == "english":
        first, *rest = name.split()
        return f"{first} {invented(chance, 'english')[0]}. {' '.join(rest)}"
    return f"{invented(chance, language)} {invented(chance, language)}"


def invented(chance: random.Random, language: str) -> str:
    return ("".join(chance.choices(SYLLABLES[language], k=3)) + chance.choice(ENDINGS[language])).capitalize()


# ---------------------------------------------------------------- in a process of its own


def load_apart(folder: pathlib.Path) -> dict[str, float]:
    """Seconds of the core, and MB, of a process that starts by this watchlist."""
    command = [sys.executable, "-m", "bench.names", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=200)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def load_here(folder: pathlib.Path) -> dict[str, float]:
    find_mentions(load_names(Config(), data=None), ArticleText(id="a", title="What is lazy is loaded."))
    here = psutil.Process()
    before, began = pss(here), time.process_time()
    config = load_config(folder, environ={}, only=ONLY)
    read = time.process_time()
    index = load_names(config, data=folder)
    done = time.process_time()
    held = pss(here) - before
    if not index.count:
        raise RuntimeError("no name was loaded")
    return {"config": read - began, "index": done - read, "memory": held / 2**20}


# ---------------------------------------------------------------- read by it


def read_by(config: Config, index: NameIndex, articles: int) -> list[Figure]:
    """Full articles a second by these names alone, and the time of a text of 600 words; each mention stands there.

    As many other articles are read beforehand, for what the news repeat is worked out once; of three rounds the best.
    """
    named = tuple(config.entities_by_id.values())[:NEWSWORTHY]
    writer = Writer(named, seed=SEED)  # type: ignore[arg-type]
    first, wholes = ([writer.article(WHOLE) for _ in range(articles)] for _ in range(2))
    say(f"names: {len(wholes)} full texts of about {WHOLE:,} letters")
    few = compile_watchlist(watchlist())
    for one in (index, few):
        timed_reading(one, first)
    many, least = (min(timed_reading(one, wholes) for _ in range(ROUNDS)) for one in (index, few))
    times = sorted(check_offsets(index, cut(article)) for article in wholes)
    reading = Figure(f"full texts, about {WHOLE:,} letters, read for names", len(wholes) / many, "articles/s")
    return [
        replace(reading, ratio=many / least, to=f"the time with the example's {len(watchlist())} entities"),
        Figure(f"a text of {TOKENS} words, the slowest of a hundred", 1_000 * times[len(times) * 99 // 100], "ms"),
    ]


def timed_reading(index: NameIndex, articles: Sequence[ArticleText]) -> float:
    return timed(lambda batch: [find_mentions(index, article) for article in batch], articles)


def cut(article: ArticleText) -> ArticleText:
    return ArticleText(id=article.id, title=article.title, text=" ".join(article.text.split()[:TOKENS]))


def check_offsets(index: NameIndex, article: ArticleText) -> float:
    """Seconds of reading it. Raises RuntimeError where a mention is not what stands at its offsets."""
    began = time.process_time()
    mentions = find_mentions(index, article)
    took = time.process_time() - began
    for one in mentions:
        field = article.title if one.field == "title" else article.text
        if field[one.start : one.end] != one.text:
            raise RuntimeError(f"{one} does not stand there")
    return took


if __name__ == "__main__":
    print(json.dumps(load_here(pathlib.Path(sys.argv[1]))))
