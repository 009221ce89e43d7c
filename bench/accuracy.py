"""How well topics, names and stories are judged, by the commands that anybody measures them with, on files given.

The project ships no news: without a file its part is passed over, and said to be so. Of articles that the topic model
has learned from its own cross-validation speaks, as `topics evaluate` advises.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

from bench.figures import Figure
from bench.progress import say
from worker.config.example import write_example


def measure(
    *, quick: bool, topics: str = "", korean: str = "", entities: str = "", watchlist: str = "", stories: str = ""
) -> list[Figure]:
    """`quick` changes nothing: the files say how long it takes."""
    found: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        desk = pathlib.Path(name)
        write_example(desk / "config")
        if is_given("topics", topics=topics):
            found += of_topics("topics", wirewatch(desk, "topics", "evaluate", topics, "--json"))
        if is_given("Korean topics", korean=korean):
            found += of_topics("Korean topics", wirewatch(desk, "topics", "evaluate", korean, "--json"))
        if is_given("names", entities=entities, watchlist=watchlist):
            found += of_names(desk, entities, watchlist)
        if is_given("stories", stories=stories):
            found += of_stories(wirewatch(desk, "stories", stories, "--evaluate"))
    return found


def is_given(what: str, **files: str) -> bool:
    missing = [name for name, file in files.items() if not file]
    if missing:
        say(f"accuracy: {what} passed over; give {' and '.join(f'--{name} FILE' for name in missing)}")
    return not missing


def of_topics(what: str, said: Mapping[str, Any]) -> list[Figure]:
    learned = said["seen_in_training"] > said["articles"] / 2
    by_topic = (said["cross_validated"] if learned else said)["topics"]
    scores = [one["f1"] for one in by_topic.values() if one["positives"]]
    return [
        Figure(f"{what}: articles", said["articles"], ""),
        Figure(f"{what}: macro-F1", sum(scores) / len(scores), ""),
        Figure(f"{what}: F1 of the weakest topic", min(scores), ""),
    ]


def of_names(desk: pathlib.Path, entities: str, watchlist: str) -> list[Figure]:
    """By that watchlist alone."""
    (desk / "names").mkdir()
    (desk / "names" / "watchlist.yaml").write_text("entities: []\n")
    wirewatch(desk, "watchlist", "import", watchlist, "--json", config="names")
    said = wirewatch(desk, "watchlist", "evaluate", entities, "--json", config="names")
    return [
        Figure("names: articles", said["articles"], ""),
        Figure("names: precision", said["precision"], ""),
        Figure("names: recall", said["recall"], ""),
    ]


def of_stories(said: Mapping[str, Any]) -> list[Figure]:
    return [
        Figure("stories: articles", said["articles"], ""),
        Figure("stories: BCubed precision", said["precision"], ""),
        Figure("stories: BCubed recall", said["recall"], ""),
        Figure("stories: BCubed F1", said["f1"], ""),
    ]


def wirewatch(desk: pathlib.Path, *arguments: str, config: str = "config") -> Any:
    """What the command prints, as the JSON that it is."""
    say(f"accuracy: wirewatch {' '.join(arguments)}")
    places = ["--config", str(desk / config)] + ([] if "evaluate" in arguments else ["--data", str(desk / "var")])
    done = subprocess.run([sys.executable, "-m", "worker", *arguments, *places], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)
