"""The bench runs: every benchmark at a tiny size, with the rows that docs/performance.md explains. Nothing is timed."""

import json
import pathlib
import re
import subprocess
import sys

import pytest
from postgres import find_postgres

from bench.__main__ import BENCHMARKS
from bench.beside import MISSING, reader_version

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]
ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "performance.md").read_text()
STORES = ("SQLite", "PostgreSQL")


def explained(name):
    """The rows of one benchmark's table in the page."""
    part = PAGE.split(f"\n**{name}**:")[1].split("\n**")[0]
    return [row for row in re.findall(r"^\| (.+?) \|", part, re.M) if row not in ("row", "---")]


ARMS = {"title": "Pyongyang ships shells to Russia", "text": "Ammunition went to Russian depots by rail."}
ROSES = {"title": "Roses bloom early in the palace gardens", "text": "The gardeners opened the lawn to visitors."}
KOREAN = {"title": "북, 러시아에 포탄 보내", "text": "국정원은 컨테이너로 보냈다고 밝혔다."}
GATES = {"title": "Palace gardens open early for the roses", "text": "Visitors may see the blooms from Monday."}
FILES = {
    "topics": [ARMS | {"id": "a", "labels": ["nk-russia-arms"]}, ROSES | {"id": "b", "labels": []}],
    "korean": [KOREAN | {"id": "a", "labels": ["nk-russia-arms"]}],
    "entities": [
        {"id": "a", "title": "Ada Ahlberg visits the mill", "entities": ["ada"]},
        ROSES | {"id": "b", "entities": []},
    ],
    "stories": [
        one | {"id": str(n), "published": f"2024-05-0{n + 1}T08:00:00Z", "story": story}
        for n, (one, story) in enumerate([(ARMS, "arms"), (ROSES, "roses"), (GATES, "roses")])
    ],
}


def given(folder):
    """Files for the benchmark that takes some: a few lines of each kind."""
    (folder / "watchlist.csv").write_text("id,type,name,aliases\nada,person,Ada Ahlberg,Ada M. Ahlberg\n")
    for name, lines in FILES.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    places = {name: folder / f"{name}.jsonl" for name in FILES} | {"watchlist": folder / "watchlist.csv"}
    return [part for name, place in places.items() for part in (f"--{name}", str(place))]


def test_bench_accuracy_says_which_files_it_would_need(tmp_path):
    command = [sys.executable, "-m", "bench", "accuracy", "--json", str(tmp_path / "figures.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "figures.json").read_text())["figures"] == {"accuracy": []}
    assert "names passed over; give --entities FILE and --watchlist FILE" in done.stderr


@pytest.mark.parametrize("name", BENCHMARKS)
def test_bench_runs_and_its_rows_are_those_of_the_page(name, tmp_path):
    command = [sys.executable, "-m", "bench", name, "--quick", "--json", str(tmp_path / "figures.json")]
    command += given(tmp_path) if name == "accuracy" else []
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "figures.json").read_text())["figures"][name]
    idle = ("processor", "growth in 10,000 polls", "growth, at the most")  # may be nothing, or less
    assert all(figure["value"] > 0 for figure in found if figure["what"] not in idle)
    rows = [figure["what"] for figure in found]
    beside = reader_version() != MISSING
    if name == "end-to-end":
        stores = STORES if find_postgres() else STORES[:1]
        assert rows == [f"{store}: {row}" for store in stores for row in explained(name)]
    else:
        assert rows == [row for row in explained(name) if beside or not row.startswith("reader: ")]
        assert beside or name != "poll" or MISSING in done.stderr
    for row in rows:
        assert row in done.stdout


def test_bench_says_which_it_has_and_refuses_to_write_a_part():
    for arguments, words in ((["polls"], "there is no benchmark polls"), (["poll", "--write"], "takes a whole run")):
        done = subprocess.run([sys.executable, "-m", "bench", *arguments], cwd=ROOT, capture_output=True, text=True)
        assert (done.returncode, words in done.stderr) == (2, True), done.stderr
