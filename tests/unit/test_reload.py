"""A changed watchlist is noticed once it lies still, checked against the rules in force, and taken or told of."""

import os
import types
from dataclasses import replace

import pytest
import yaml

from worker import reload
from worker.config.load import load_config
from worker.config.schema import Config, RuleSpec
from worker.errors import StoreError
from worker.reload import NotTaken, Reloader, find_stamp, read_watchlist

RULE = {"id": "r", "name": "R", "when": {"entities": {"any": ["a"], "tags": ["north"]}}, "channels": ["inbox"]}
ONE = {"id": "a", "type": "person", "name": "Ana Lee", "tags": ["north"]}
TWO = {"id": "b", "type": "person", "name": "Ben Lee"}


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, [ONE])
    return tmp_path


@pytest.fixture
def now(folder):
    config = load_config(folder, environ={}, only=frozenset({"watchlist"}))
    return replace(config, rules=(RuleSpec.model_validate(RULE),))


def write(folder, entities, **beside):
    (folder / "watchlist.yaml").write_text(yaml.safe_dump(beside | {"entities": entities}))


def test_read_watchlist_takes_the_names_and_nothing_else(folder, now):
    write(folder, [ONE, TWO])
    (folder / "rules.yaml").write_text("rules: []")
    config = read_watchlist(now, folder)
    assert list(config.entities_by_id) == ["a", "b"]
    assert (config.rules, config.settings) == (now.rules, now.settings)


@pytest.mark.parametrize(
    ("entities", "beside", "says"),
    [
        ([ONE | {"type": "persona"}], {}, "watchlist.yaml:6: entities[0].type: 'persona' is none of"),
        ([ONE, TWO | {"aliases": ["?"]}], {}, "watchlist.yaml:8: entities[1].aliases[0]: '?' can never match"),
        ([TWO], {}, "rules.yaml: rules[0].when.entities.any[0]: there is no entity 'a'"),
        ([ONE], {"files": ["watchlist/none.csv"]}, "watchlist/none.csv:1: cannot be read"),
    ],
)
def test_read_watchlist_refuses_what_is_broken_or_what_rules_ask_for(folder, now, entities, beside, says):
    write(folder, entities, **beside)
    with pytest.raises(NotTaken) as refused:
        read_watchlist(now, folder)
    assert refused.value.problems[0].startswith(says)


def test_stamp_tells_of_every_file_of_the_watchlist(folder):
    stamps = [find_stamp(folder)]
    (folder / "rules.yaml").write_text("rules: []")
    assert find_stamp(folder) == stamps[0]
    write(folder, [ONE, TWO])
    stamps.append(find_stamp(folder))
    (folder / "watchlist").mkdir()
    (folder / "watchlist" / "more.csv").write_text("id,type,name\n")
    stamps.append(find_stamp(folder))
    os.utime(folder / "watchlist" / "more.csv", (1, 1))
    stamps.append(find_stamp(folder))
    (folder / "watchlist.yaml").unlink()
    stamps.append(find_stamp(folder))
    assert len(set(stamps)) == 5


@pytest.fixture
def desk(monkeypatch, now):
    """What the process has, and what became of each look."""

    found = types.SimpleNamespace(runtime=types.SimpleNamespace(config=now), taken=[], told=[])
    monkeypatch.setattr(reload.app, "runtime", lambda: found.runtime)
    monkeypatch.setattr(reload.app, "install", found.taken.append)
    monkeypatch.setattr(reload, "tell_of_broken", lambda _, problems: found.told.append(problems))
    monkeypatch.setattr(Reloader, "_made", lambda self, runtime, config: [*config.entities_by_id])
    return found


def looks(reloader, count=3):
    for _ in range(count):
        reloader.look()


def test_reloader_takes_what_lies_still_once(folder, desk):
    reloader = Reloader(folder, judges=False)
    looks(reloader)
    assert (desk.taken, desk.told) == ([], [])  # it is what we have
    write(folder, [ONE, TWO])
    reloader.look()
    assert desk.taken == []  # somebody may still be writing
    looks(reloader)
    assert desk.taken == [["a", "b"]]


def test_reloader_waits_for_who_writes(folder, desk):
    reloader = Reloader(folder, judges=False)
    for count in range(1, 5):
        write(folder, [ONE, *(TWO | {"id": f"b-{n}", "name": f"Ben Lee{n}x"} for n in range(count))])
        reloader.look()
    assert (desk.taken, desk.told) == ([], [])


def test_reloader_tells_of_what_is_broken_once_and_takes_what_is_mended(folder, desk):
    reloader = Reloader(folder, judges=False)
    (folder / "watchlist.yaml").write_text("entities: [")
    looks(reloader, 5)
    assert (desk.taken, len(desk.told)) == ([], 1)
    write(folder, [ONE, TWO])
    looks(reloader)
    assert desk.taken == [["a", "b"]]


def test_reloader_that_finds_the_same_names_changes_nothing(folder, desk):
    reloader = Reloader(folder, judges=False)
    looks(reloader)
    (folder / "watchlist.yaml").write_text("# a comment\n" + (folder / "watchlist.yaml").read_text())
    looks(reloader)
    assert (desk.taken, desk.told) == ([], [])
    assert Config().names_hash != desk.runtime.config.names_hash


def test_reloader_tries_again_what_the_store_could_not_take(folder, desk, monkeypatch):
    made, away = Reloader._made, [StoreError("away")]

    def make(self, runtime, config):
        if away:
            raise away.pop()
        return made(self, runtime, config)

    monkeypatch.setattr(Reloader, "_made", make)
    reloader = Reloader(folder, judges=False)
    looks(reloader)
    write(folder, [ONE, TWO])
    reloader.look()
    with pytest.raises(StoreError):
        reloader.look()
    looks(reloader)
    assert desk.taken == [["a", "b"]]
