"""`python -m bench`: the benchmarks one after the other, each in a process of its own, and one table of them all."""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from bench import figures, machine
from bench.progress import say
from worker.cli import GARBAGE

# Seconds that each may take before it is ended: several times what it needs where nothing else runs.
BENCHMARKS = {
    "judge": 300,
    "accuracy": 300,
    "vocabulary": 300,
    "names": 300,
    "stories": 900,
    "poll": 420,
    "memory": 300,
    "end-to-end": 480,
    "idle": 180,
}
ENDLESS = ("memory", "vocabulary")  # with --long as long as they need
# Files that benchmarks take, with what each is for: the project ships no news.
GIVEN = {
    "judge": {"articles": "judge these (JSON lines) instead of made-up ones"},
    "accuracy": {
        "topics": "articles labelled with topics (JSON lines), as `topics evaluate` takes them",
        "korean": "the same in Korean",
        "entities": "articles with the `entities` that each names (JSON lines), as `watchlist evaluate` takes them",
        "watchlist": "the names to look for in those (CSV)",
        "stories": "articles with the `story` of each (JSON lines), as `stories --evaluate` takes them",
    },
}
LONG = 3_600
GRACE = 15  # seconds to put things away after being told to end


def main() -> None:
    asked = read_arguments()
    if asked.alone:
        return run_alone(asked)
    names = asked.names or list(BENCHMARKS)
    where = machine.describe()
    results = {name: run_apart(name, asked) for name in names}
    figures.print_table(results, where)
    if asked.json:
        pathlib.Path(asked.json).write_text(json.dumps(figures.as_json(results, where), indent=1, ensure_ascii=False))
    failed = [name for name, found in results.items() if isinstance(found, str)]
    if asked.write and not failed:
        page = figures.PAGE.read_text(encoding="utf-8")
        figures.PAGE.write_text(figures.put_into_page(page, results, where), encoding="utf-8")
    if failed:
        sys.exit(f"Not measured: {', '.join(failed)}.")


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all without one")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: that everything runs, not how fast")
    long = "memory over 100,000 polls, and over 1,000,000 articles of new words, however long they take"
    parser.add_argument("--long", action="store_true", help=long)
    parser.add_argument("--json", metavar="FILE", help="the figures as JSON, too")
    parser.add_argument("--write", action="store_true", help="the table into docs/performance.md, too")
    for name, files in GIVEN.items():
        group = parser.add_argument_group(f"files for {name}")
        for file, words in files.items():
            group.add_argument(f"--{file}", metavar="FILE", default="", help=words)
    parser.add_argument("--alone", metavar="FILE", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    given = [file for file in GIVEN["judge"] if getattr(asked, file)]  # others than those that the page explains
    if asked.write and (asked.quick or asked.names or given):
        parser.error("--write takes a whole run, at full size")
    return asked


def run_apart(name: str, asked: argparse.Namespace) -> Sequence[figures.Figure] | str:
    """One benchmark's figures, or why there are none."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "figures.json")
        command = [sys.executable, "-m", "bench", name, "--alone", str(out)]
        command += ["--quick"] if asked.quick else []
        for file in GIVEN.get(name, {}):
            command += [f"--{file}", given] if (given := getattr(asked, file)) else []
        command += ["--long"] if asked.long else []
        seconds = LONG if asked.long and name in ENDLESS else BENCHMARKS[name]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        try:
            code = child.wait(seconds)
        except subprocess.TimeoutExpired:
            say(f"{name}: not done after {seconds} s")
            code = -1
        finally:
            end(child)
        if code != 0:
            return "failed; see above"
        return [figures.Figure(**one) for one in json.loads(out.read_text())]


def end(child: subprocess.Popen[bytes]) -> None:
    """Also when we are interrupted: it puts its servers away, and is killed with all that is left of it."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(GRACE)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def run_alone(asked: argparse.Namespace) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # as an exception, so that everything is put away
    gc.set_threshold(GARBAGE, 10, 10)  # as the command that runs the roles
    (name,) = asked.names
    benchmark = importlib.import_module(f"bench.{name.replace('-', '_')}")
    options = {file: getattr(asked, file) for file in GIVEN.get(name, {})}
    options |= {"long": asked.long} if name in ENDLESS else {}
    found = benchmark.measure(quick=asked.quick, **options)
    pathlib.Path(asked.alone).write_text(json.dumps(figures.as_json({name: found}, {})["figures"][name]))


if __name__ == "__main__":
    main()
