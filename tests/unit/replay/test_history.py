"""What a path holds: feeds, documents by their time, entry files; what is neither is said."""

import json

import pytest

from worker.replay.history import NoHistory, read_history, slug


def snapshot(folder, name, body=b"<rss/>"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(body)


def test_history_of_feed_folders_in_order_of_time(tmp_path):
    snapshot(tmp_path / "b", "20260813T092737Z.xml", b"second")
    snapshot(tmp_path / "b", "20260813T042436Z.xml", b"first")
    snapshot(tmp_path / "A Feed", "20260813T042436Z.json", b"other")
    history = read_history(tmp_path)
    assert history.feeds == ("a-feed", "b")
    told = [(at.hour, [(one.feed, one.read()) for one in documents]) for at, documents in history.moments()]
    assert told == [(4, [("a-feed", b"other"), ("b", b"first")]), (9, [("b", b"second")])]


def test_history_of_one_feed_and_of_one_document(tmp_path):
    snapshot(tmp_path / "wire", "20260813T042436Z.xml")
    assert read_history(tmp_path / "wire").feeds == ("wire",)
    assert read_history(tmp_path / "wire" / "20260813T042436Z.xml").feeds == ("wire",)


def test_history_of_one_name_is_one_feed(tmp_path):
    snapshot(tmp_path / "raw" / "wire", "20260813T042436Z.xml")
    (tmp_path / "wire.jsonl").write_text(json.dumps({"title": "T", "first_seen": "2026-08-13T05:00:00Z"}))
    history = read_history(tmp_path)
    assert history.feeds == ("wire",)
    assert len(history.documents) == 2


def test_two_documents_of_one_feed_at_one_moment_are_one(tmp_path):
    snapshot(tmp_path / "one" / "wire", "20260813T042436Z.xml", b"a")
    snapshot(tmp_path / "two" / "wire", "20260813T042436Z.xml", b"b")
    [(_, documents)] = read_history(tmp_path).moments()
    assert [one.read() for one in documents] == [b"b"]


def test_history_says_what_it_passes_over(tmp_path):
    snapshot(tmp_path / "wire", "20260813T042436Z.xml")
    snapshot(tmp_path / "wire", "notes.txt")
    snapshot(tmp_path / "wire", "20261399T042436Z.xml")
    notes = read_history(tmp_path).notes
    assert len(notes) == 2
    assert all("passed over" in note for note in notes)


@pytest.mark.parametrize("made", ["nothing", "empty", "other"])
def test_path_without_a_history_says_what_one_is(tmp_path, made):
    path = tmp_path / "x"
    if made != "nothing":
        path.mkdir()
    if made == "other":
        (path / "pack.tar").write_bytes(b"")
    with pytest.raises(NoHistory) as raised:
        read_history(path)
    assert str(path) in str(raised.value)
    assert made == "nothing" or "named by their UTC time" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BBC World", "bbc-world"),
        ("a.b.example", "a-b-example"),
        ("Zürich", "zurich"),
        ("연합뉴스", "feed"),
        ("x" * 99, "x" * 80),
    ],
)
def test_slug(name, expected):
    assert slug(name) == expected
