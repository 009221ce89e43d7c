"""The command run in this process, over a small desk."""

import io
import sys
import types

import pytest

from worker import cli
from worker.config.example import write_example

FEEDS = """\
# ours
feeds:
  - id: gazette
    url: "https://gazette.example/feed"
    title: "The Gazette"
    tags: [world, wire]

  # old ones
  - {id: courier, url: "https://courier.example/feed", enabled: false}
# the end
"""


@pytest.fixture
def desk(tmp_path):
    """A configuration with two feeds and a contact of ours."""
    folder = tmp_path / "config"
    write_example(folder)
    (folder / "feeds.yaml").write_text(FEEDS)
    (folder / "rules.yaml").write_text("rules: []\n")
    (folder / "watchlist.yaml").write_text("entities:\n  - {id: a, type: person, name: Ana Lee}\n")
    (folder / "settings.yaml").write_text('contact: "https://desk.example"\ntime_zone: Asia/Seoul\n')
    return folder


@pytest.fixture
def run(monkeypatch, capfdbinary):
    """Runs the command. Gives its exit code, and what it wrote to each stream."""

    def run(*argv, stdin=b""):
        monkeypatch.setattr(sys, "argv", ["wirewatch", *(str(word) for word in argv)])
        monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capfdbinary.readouterr()
        return end.value.code or 0, out.decode(), err.decode()

    return run
