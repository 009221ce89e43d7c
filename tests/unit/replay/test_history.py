"""What a path holds: feeds, documents by their time, entry files; what is neither is said."""

import json
from datetime import UTC, datetime

import pytest

from worker.replay.entries import PER_DOCUMENT
from worker.replay.history import STEP, NoHistory
from worker.replay.history import read_history as read_until

LATEST = datetime(2026, 8, 15, tzinfo=UTC)
LOOK = datetime(2026, 8, 13, 5, tzinfo=UTC)


def read_history(path):
    return read_until(path, latest=LATEST)


def entry_file(path, *entries):
    path.write_text("".join(json.dumps({"first_seen": LOOK.isoformat()} | entry) + "\n" for entry in entries))


def served(path):
    """Feed, moment and titles of each document that is JSON, in order."""
    documents = read_history(path).documents
    return [(one.feed, one.at, [item["title"] for item in json.loads(one.read())["items"]]) for one in documents]


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


def test_documents_of_one_feed_that_meet_are_served_one_after_the_other(tmp_path):
    snapshot(tmp_path / "one" / "wire", "20260813T042436Z.xml", b"a")
    snapshot(tmp_path / "two" / "wire", "20260813T042436Z.xml", b"b")
    snapshot(tmp_path / "two" / "wire", "20260813T042436.000001Z.xml", b"c")  # makes room
    told = read_history(tmp_path).documents
    assert [one.read() for one in told] == [b"a", b"b", b"c"]
    assert [one.at - told[0].at for one in told] == [0 * STEP, STEP, 2 * STEP]
    assert [one.baseline for one in told] == [True, True, False]


def test_fraction_of_the_time_counts(tmp_path):
    for name in ("20260813T042436.900Z.xml", "20260813T042436.100Z.xml"):
        snapshot(tmp_path / "wire", name, name.encode())
    told = read_history(tmp_path).documents
    assert [one.at.microsecond for one in told] == [100_000, 900_000]
    assert [one.baseline for one in told] == [True, False]


def test_entries_of_two_files_that_meet_are_one_document(tmp_path):
    for name in "ab":
        entry_file(tmp_path / f"{name}.jsonl", *({"title": f"{name}{n}", "domain": "one.example"} for n in range(2)))
    assert served(tmp_path) == [("one-example", LOOK, ["b1", "b0", "a1", "a0"])]


def test_entries_and_a_document_that_meet_are_both_served(tmp_path):
    snapshot(tmp_path / "wire", "20260813T050000Z.json", b'{"items": [{"title": "S"}]}')
    entry_file(tmp_path / "wire.jsonl", {"title": "E"})
    assert sorted(titles for _, _, titles in served(tmp_path)) == [["E"], ["S"]]


def test_first_look_without_entries_stands_behind_what_was_served(tmp_path):
    later = "2026-08-13T06:00:00+00:00"
    outlets = [{"title": "A", "domain": "a"}, {"title": "B", "domain": "b", "first_seen": later}]
    entry_file(tmp_path / "x.jsonl", *outlets)
    snapshot(tmp_path / "b", "20260813T050000Z.json", b'{"items": [{"title": "S"}]}')
    entry_file(tmp_path / "z.jsonl", {"title": "A", "domain": "a"})
    found = [(feed, at.hour, titles) for feed, at, titles in served(tmp_path)]
    assert found == [("a", 5, ["A", "A"]), ("b", 5, ["S"]), ("b", 6, ["B"])]


def test_many_entries_of_one_moment_are_documents_that_the_parser_reads_whole(tmp_path):
    titles = [f"T{n}" for n in range(PER_DOCUMENT + 1)]
    entry_file(tmp_path / "wire.jsonl", *({"title": title} for title in titles))
    first, second = served(tmp_path)
    assert first == ("wire", LOOK, titles[:PER_DOCUMENT][::-1])
    assert second == ("wire", LOOK + STEP, titles[PER_DOCUMENT:])
    assert all(one.baseline for one in read_history(tmp_path).documents)  # nothing of a first look is news


def test_document_named_by_a_time_that_no_history_has_is_passed_over(tmp_path):
    snapshot(tmp_path / "wire", "20260813T042436Z.xml")
    for year in ("0001", "9999"):
        snapshot(tmp_path / "wire", f"{year}1231T235959Z.xml")
    history = read_history(tmp_path)
    assert len(history.documents) == 1
    assert [note.split(": passed over; ")[1] for note in history.notes] == [
        "its time is not from 1990-01-01 to 2026-08-15"
    ] * 2


def test_outlets_of_another_script_are_feeds_of_their_own(tmp_path):
    entry_file(tmp_path / "x.jsonl", *({"title": "T", "domain": name} for name in ("조선일보", "東亞日報")))
    snapshot(tmp_path / "연합뉴스", "20260813T042436Z.xml")
    assert len(read_history(tmp_path).feeds) == 3


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


def test_linked_folders_are_read_once_each(tmp_path):
    snapshot(tmp_path / "far" / "wire", "20260813T042436Z.xml")
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "wire").symlink_to(tmp_path / "far" / "wire")
    (tmp_path / "history" / "up").symlink_to(tmp_path / "history")
    history = read_history(tmp_path / "history")
    assert history.feeds == ("wire",)
    assert len(history.documents) == 1
