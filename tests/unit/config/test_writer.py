"""The writer: an edit stands as a whole or not at all, by one writer at a time, in a file that stays what it was."""

import os
import pathlib
import re
import signal
import stat
import subprocess
import sys
import textwrap
import threading

import pytest

from worker.config import writer as module
from worker.config.example import write_example
from worker.config.schema import FeedSpec, WatchedEntity
from worker.config.writer import editing
from worker.errors import ConfigError, WirewatchError

NEW = FeedSpec(id="new", url="https://new.example/feed", title="김 \x1b[31m: # 'x'", tags=("korea",), interval="150s")


@pytest.fixture
def folder(tmp_path):
    """The example's, without its long lists but the feeds."""
    write_example(tmp_path / "config")
    (tmp_path / "config" / "rules.yaml").write_text("rules: []\n")
    (tmp_path / "config" / "watchlist.yaml").write_text("entities:\n  - {id: a, type: person, name: Ana Lee}\n")
    return tmp_path / "config"


def add(folder, *items, part="feeds"):
    with editing(folder) as editor:
        return editor.add(part, items)


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_writer_adds_at_the_end_and_keeps_every_byte_before(folder):
    before = files(folder)
    config = add(folder, NEW)
    assert config.feeds[-1] == NEW
    assert (folder / "feeds.yaml").read_bytes().startswith(before["feeds.yaml"])
    assert files(folder) == before | {"feeds.yaml": (folder / "feeds.yaml").read_bytes()}  # and nothing lies about
    assert b"    interval: 150s\n" in (folder / "feeds.yaml").read_bytes()
    assert b"tier" not in (folder / "feeds.yaml").read_bytes()[len(before["feeds.yaml"]) :]  # defaults are left out


CHANNELS = """channels:
  - {id: operator, kind: inbox}
  - {id: mail, kind: email, host: relay.example, password: "${NOT_HERE}", sender: d@desk.example, to: [a@desk.example]}
  - {id: hook, kind: webhook, url: "${file:secrets/not-ours}", secret: "${file:secrets/not-ours}"}
"""


def test_writer_needs_no_secret_of_the_channels(folder):
    """Where the desk runs, only its processes can read them."""
    (folder / "channels.yaml").write_text(CHANNELS)
    assert add(folder, NEW).feeds[-1] == NEW
    (folder / "channels.yaml").write_text(CHANNELS.replace("${NOT_HERE}", "written here"))
    with pytest.raises(ConfigError, match="never write a secret here"):
        add(folder, FeedSpec(id="newer", url="https://new.example/feed-2"))


def test_writer_removes_what_it_added(folder):
    before = files(folder)
    add(folder, NEW)
    with editing(folder) as editor:
        config = editor.remove("feeds", "new")
    assert files(folder) == before
    assert "new" not in {feed.id for feed in config.feeds}


def test_writer_removes_no_item_that_is_not_there(folder):
    before = files(folder)
    with editing(folder) as editor, pytest.raises(KeyError):
        editor.remove("feeds", "new")
    assert files(folder) == before


def test_writer_edits_other_lists_too(folder):
    entity = WatchedEntity(id="new-one", type="person", name="New One", aliases=("N. One-Two",))
    assert add(folder, entity, part="watchlist").watchlist[-1] == entity


@pytest.mark.parametrize("before", ["feeds: []\n", "feeds:", "\ufefffeeds: [ ]  # none yet\r\n", "feeds:\n# none\n"])
def test_writer_fills_an_empty_list(folder, before):
    (folder / "feeds.yaml").write_bytes(before.encode())
    assert add(folder, NEW).feeds == (NEW,)
    after = (folder / "feeds.yaml").read_bytes().decode()
    assert after.startswith("\ufeff") == before.startswith("\ufeff")
    assert after.count("\r\n") == after.count("\n") or "\r" not in before


@pytest.mark.parametrize(
    "item",
    [
        FeedSpec(id="yonhap-en", url="https://new.example/"),  # an id that is taken
        FeedSpec(id="new", url="https://en.yna.co.kr/RSS/news.xml"),  # an address that is taken
        FeedSpec(id="new", url="http://10.0.0.1/"),  # what the guard refuses
        FeedSpec(id="new", url="https://a:b@new.example/"),
    ],
)
def test_writer_writes_nothing_that_check_would_refuse(folder, item):
    before = files(folder)
    with pytest.raises(ConfigError) as refused:
        add(folder, NEW.model_copy(update={"id": "other"}), item)
    assert {problem.file for problem in refused.value.problems} == {"feeds.yaml"}
    assert files(folder) == before


def test_writer_does_not_take_away_what_a_rule_names(folder):
    rule = "{id: r, name: r, when: {topics: {any: [middle-east]}, sources: [yonhap-en]}, channels: [inbox]}"
    (folder / "rules.yaml").write_text(f"rules:\n  - {rule}\n")
    before = files(folder)
    with editing(folder) as editor, pytest.raises(ConfigError, match="no feed 'yonhap-en'"):
        editor.remove("feeds", "yonhap-en")
    assert files(folder) == before


def test_writer_edits_nothing_that_is_broken(folder):
    (folder / "people.yaml").write_text("people: [")
    before = files(folder)
    with pytest.raises(ConfigError):
        add(folder, NEW)
    assert files(folder) == before


def test_writer_says_where_there_is_no_configuration(tmp_path):
    with pytest.raises(WirewatchError, match="no configuration can be read there: No such file"):
        add(tmp_path / "none", NEW)


def test_writer_keeps_the_files_mode_and_the_link(folder, tmp_path):
    path = folder / "feeds.yaml"
    path.rename(tmp_path / "real.yaml")
    path.symlink_to(tmp_path / "real.yaml")
    (tmp_path / "real.yaml").chmod(0o640)
    add(folder, NEW)
    assert path.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert b"new.example" in (tmp_path / "real.yaml").read_bytes()


def test_writer_gives_way_to_a_change_by_hand(folder):
    path = folder / "feeds.yaml"
    with editing(folder) as editor:
        changed = path.read_bytes().replace(b"interval: 10m", b"interval: 11m", 1)
        path.write_bytes(changed)
        with pytest.raises(WirewatchError, match="changed meanwhile"):
            editor.add("feeds", [NEW])
    assert path.read_bytes() == changed


@pytest.mark.parametrize("broken", [b"feeds: [", b"\xff", b"", b"feeds: 3\n"])
def test_writer_gives_way_to_a_file_that_broke_meanwhile(folder, broken):
    with editing(folder) as editor:
        (folder / "feeds.yaml").write_bytes(broken)
        with pytest.raises(WirewatchError, match="changed meanwhile"):
            editor.add("feeds", [NEW])
    assert (folder / "feeds.yaml").read_bytes() == broken


def test_writer_that_cannot_replace_the_file_leaves_it(folder, monkeypatch):
    before = files(folder)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(WirewatchError, match="Permission denied"):
        add(folder, NEW)
    assert files(folder) == before


@pytest.mark.parametrize("write", [True, False])
def test_writer_refuses_before_it_writes_what_would_be_too_long(folder, monkeypatch, write):
    before = files(folder)
    items = [FeedSpec(id=f"a-{n}", url=f"https://a.example/{n}?{'x' * 2_000}") for n in range(5_200)]
    with editing(folder) as editor:
        monkeypatch.setattr(module, "_written_beside", None)  # nothing is even tried
        with pytest.raises(WirewatchError) as refused:
            editor.add("feeds", items, write=write)
    words = r"feeds\.yaml would become 10\.\d MB, 10 at most: import fewer; nothing was written\."
    assert re.fullmatch(words, str(refused.value))
    assert files(folder) == before


def test_writer_fills_a_file_up_to_what_is_read(folder, monkeypatch):
    add(folder, NEW)
    size = (folder / "feeds.yaml").stat().st_size
    with editing(folder) as editor:
        editor.remove("feeds", "new")
    monkeypatch.setattr(module, "MAX_BYTES", size - 1)
    with pytest.raises(WirewatchError, match="would become"):
        add(folder, NEW)
    monkeypatch.setattr(module, "MAX_BYTES", size)
    add(folder, NEW)


def test_writer_that_only_tries_writes_nothing(folder):
    before = files(folder)
    with editing(folder) as editor:
        assert editor.add("feeds", [NEW], write=False) == editor.config
    assert files(folder) == before


def test_writer_says_that_the_edit_stands_where_the_folder_cannot_be_synced(folder, monkeypatch):
    sync = os.fsync

    def refuse(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(5, "Input/output error")
        sync(handle)

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(WirewatchError, match=r"is written, but .* cannot be synced: Input/output error") as refused:
        add(folder, NEW)
    assert "Nothing was changed" not in str(refused.value)
    assert b"- id: new\n" in (folder / "feeds.yaml").read_bytes()


def test_writer_sweeps_what_a_killed_one_left(folder):
    kept = [folder / ".feeds.yaml.swp", folder / ".feeds.yaml", folder / "mine.draft"]  # an editor's, and a person's
    for path in kept:
        path.write_text("mine")
    before = files(folder)
    script = """
        import os, pathlib, signal, sys
        from worker.config import writer
        from worker.config.schema import FeedSpec
        writer.os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        with writer.editing(pathlib.Path(sys.argv[1])) as editor:
            editor.add("feeds", [FeedSpec(id="new", url="https://new.example/")])
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(folder)], timeout=60)
    assert killed.returncode == -signal.SIGKILL
    (draft,) = files(folder).keys() - before.keys()
    assert draft.startswith(".feeds.yaml.")
    with editing(folder):
        assert files(folder) == before


def test_writer_lets_one_write_at_a_time(folder):
    """Each sees what the one before wrote: nothing is lost."""
    ids = [f"new-{n}" for n in range(4)]
    items = [FeedSpec(id=name, url=f"https://{name}.example/") for name in ids]
    threads = [threading.Thread(target=add, args=(folder, item)) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = pathlib.Path(folder / "feeds.yaml").read_text(encoding="utf-8")
    assert all(f"- id: {name}\n" in text for name in ids)


LIST = b"id,type,name\nb,person,Ben Lee\n"
NARROW = frozenset({"watchlist", "rules"})


def import_names(folder, *entities, lists=None, replace=False):
    with editing(folder, only=NARROW) as editor:
        return editor.import_names(entities, lists or {}, replace=replace)


def test_writer_imports_entities_and_lists_at_once(folder):
    before = files(folder)
    entity = WatchedEntity(id="c", type="person", name="Cho Lee")
    config = import_names(folder, entity, lists={"watchlist/more.csv": LIST})
    assert list(config.entities_by_id) == ["a", "c", "b"]
    assert (folder / "watchlist" / "more.csv").read_bytes() == LIST
    assert stat.S_IMODE((folder / "watchlist" / "more.csv").stat().st_mode) == stat.S_IMODE(
        (folder / "watchlist.yaml").stat().st_mode
    )
    (folder / "watchlist" / "more.csv").unlink()
    (folder / "watchlist").rmdir()
    assert files(folder) == before | {"watchlist.yaml": (folder / "watchlist.yaml").read_bytes()}


def test_writer_that_may_not_import_a_list_writes_neither(folder):
    before = files(folder)
    with pytest.raises(ConfigError, match=r"watchlist/more\.csv:2: id: a is already used in watchlist\.yaml"):
        import_names(folder, lists={"watchlist/more.csv": b"id,type,name\na,person,Ana Kim\n"})
    assert list((folder / "watchlist").iterdir()) == []
    (folder / "watchlist").rmdir()
    assert files(folder) == before


def test_writer_imports_names_whatever_the_rules_name(folder):
    """What a rule misses is told by whoever imports; of another file's trouble nothing is even read."""
    (folder / "rules.yaml").write_text(
        "rules:\n  - {id: r, name: r, when: {entities: {any: [a]}}, channels: [inbox]}\n"
    )
    (folder / "people.yaml").write_text("people: [")
    config = import_names(folder, WatchedEntity(id="c", type="person", name="Cho Lee"), replace=True)
    [missed] = map(str, config.warnings)
    assert missed.startswith("rules.yaml:2: rules[0].when.entities.any[0]: there is no entity 'a'")
    (folder / "watchlist.yaml").write_text("entities: [")
    with pytest.raises(ConfigError, match="not valid YAML"):
        import_names(folder, replace=True)


def test_writer_sweeps_the_drafts_of_lists(folder):
    (folder / "watchlist").mkdir()
    for name in (".more.csv.abc.draft", "more.csv", ".more.csv.swp"):
        (folder / "watchlist" / name).write_bytes(LIST)
    import_names(folder, replace=True)
    assert sorted(path.name for path in (folder / "watchlist").iterdir()) == [".more.csv.swp", "more.csv"]


def test_writer_says_where_lists_cannot_be_written(folder):
    (folder / "watchlist").write_text("no folder")
    with pytest.raises(WirewatchError, match="cannot be written: File exists"):
        import_names(folder, lists={"watchlist/more.csv": LIST})
