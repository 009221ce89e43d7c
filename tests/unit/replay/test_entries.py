"""Entry files as documents: when each was seen, what it becomes, what is passed over and said."""

import gzip
import json
import lzma
from datetime import UTC, datetime

import pytest

from worker.replay.entries import NOTED, read_entries, read_moment


def lines(path, *entries, pack=None):
    text = "".join(entry if isinstance(entry, str) else json.dumps(entry) + "\n" for entry in entries).encode()
    path.write_bytes(pack(text) if pack else text)
    return path


def items(served):
    return [(feed, at, json.loads(read())["items"]) for feed, at, read in sorted(served, key=lambda one: one[:2])]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2025-10-24T02:14:13Z", datetime(2025, 10, 24, 2, 14, 13, tzinfo=UTC)),
        ("2023-01-01 01:42:24+00:00", datetime(2023, 1, 1, 1, 42, 24, tzinfo=UTC)),
        ("2023-01-01T09:42:24+09:00", datetime(2023, 1, 1, 0, 42, 24, tzinfo=UTC)),
        ("Mon, 20 Apr 2020 21:37:00 GMT", datetime(2020, 4, 20, 21, 37, tzinfo=UTC)),
        ("Tue, 16 Sep 2025 06:00:00 -0400", datetime(2025, 9, 16, 10, tzinfo=UTC)),
        ("2023-12-24", datetime(2023, 12, 24, tzinfo=UTC)),
        (1703376000000, datetime(2023, 12, 24, tzinfo=UTC)),
        ("", None),
        (None, None),
        (True, None),
        ("yesterday", None),
        (10**30, None),
        ("0001-01-01T00:00:00+14:00", None),  # before the calendar begins
        ("1970-01-01T00:00:00Z", None),  # nobody's publication: an empty field
    ],
)
def test_moment_of_what_collectors_write(value, expected):
    assert read_moment(value) == expected


def test_entries_are_documents_by_their_first_sight_the_newest_first(tmp_path):
    early, late = "2025-10-24T02:00:00Z", "2025-10-24T03:00:00Z"
    path = lines(
        tmp_path / "wire.jsonl",
        {"title": "One", "first_seen": early},
        {"title": "Two", "first_seen": early},
        {"title": "Three", "first_seen": late},
    )
    found, notes = read_entries(path, name="wire")
    assert notes == []
    assert [(feed, at.hour, [item["title"] for item in seen]) for feed, at, seen in items(found)] == [
        ("wire", 2, ["Two", "One"]),
        ("wire", 3, ["Three"]),
    ]


def test_entry_without_a_first_sight_is_seen_by_the_next_look_after_its_publication(tmp_path):
    path = lines(
        tmp_path / "wire.jsonl",
        {"title": "A", "published": "2023-01-01 01:42:24+00:00"},
        {"title": "B", "published": "2023-01-01 01:45:00+00:00"},
        {"title": "C", "published": "soon", "day": "2023-01-01"},
    )
    found, _ = read_entries(path, name="wire")
    assert [(at.isoformat(), [item["title"] for item in seen]) for _, at, seen in items(found)] == [
        ("2023-01-01T01:45:00+00:00", ["B", "A"]),
        ("2023-01-02T00:00:00+00:00", ["C"]),
    ]


def test_entries_of_an_outlet_are_a_feed_of_its_own_looked_at_from_the_beginning(tmp_path):
    path = lines(
        tmp_path / "merged.jsonl",
        {"title": "One", "domain": "a.example", "first_seen": "2025-10-24T02:00:00Z"},
        {"title": "Two", "domain": "b.example", "first_seen": "2025-10-24T05:00:00Z"},
    )
    found, _ = read_entries(path, name="merged")
    assert [(feed, at.hour, len(seen)) for feed, at, seen in items(found)] == [
        ("a.example", 2, 1),
        ("b.example", 2, 0),  # its baseline was empty: what it says later is news
        ("b.example", 5, 1),
    ]


def test_entry_fields_become_those_of_a_json_feed(tmp_path):
    entry = {
        "id": "g1",
        "link": "https://paper.example/1",
        "title": "T",
        "summary": "<p>It&#039;s</p>",
        "published": "Mon, 20 Apr 2020 21:37:00 GMT",
        "first_seen": "2020-04-20T22:00:00Z",
    }
    found, _ = read_entries(lines(tmp_path / "wire.jsonl", entry), name="wire")
    [(_, _, [item])] = items(found)
    assert item == {
        "id": "g1",
        "url": "https://paper.example/1",
        "title": "T",
        "content_html": "<p>It&#039;s</p>",
        "date_published": "2020-04-20T21:37:00+00:00",
    }
    plain, _ = read_entries(
        lines(tmp_path / "text.jsonl", {"title": "T", "text": "a < b", "date": 1587418620000}), name="t"
    )
    [(_, _, [item])] = items(plain)
    assert item == {"title": "T", "content_text": "a < b", "date_published": "2020-04-20T21:37:00+00:00"}


@pytest.mark.parametrize(("name", "pack"), [("w.jsonl.xz", lzma.compress), ("w.jsonl.gz", gzip.compress)])
def test_entries_are_unpacked(tmp_path, name, pack):
    found, notes = read_entries(lines(tmp_path / name, {"title": "T", "date": "2020-01-01"}, pack=pack), name="w")
    assert len(found) == 1 and notes == []


def test_broken_lines_are_passed_over_and_named(tmp_path):
    path = lines(
        tmp_path / "wire.jsonl",
        "{broken\n",
        "[1, 2]\n",
        {"title": "T"},
        {"title": 7, "first_seen": "2020-01-01"},
        "\n",
        {"title": "Good", "first_seen": "2020-01-01T00:00:00Z"},
    )
    found, notes = read_entries(path, name="wire")
    assert len(found) == 1
    assert [note.split(": passed over: ")[0].rsplit(":", 1)[1] for note in notes] == ["1", "2", "3", "4"]
    assert "first_seen" in notes[2]


def test_many_broken_lines_are_counted(tmp_path):
    _, notes = read_entries(lines(tmp_path / "wire.jsonl", *["{\n"] * (NOTED + 7)), name="wire")
    assert len(notes) == NOTED + 1
    assert notes[-1].endswith("7 more lines passed over")


def test_cut_pack_gives_what_it_holds_and_a_note(tmp_path):
    whole = b"".join(json.dumps({"title": f"T{n}", "date": "2020-01-01"}).encode() + b"\n" for n in range(20_000))
    path = tmp_path / "w.jsonl.gz"
    path.write_bytes(gzip.compress(whole)[:-2000])
    found, notes = read_entries(path, name="w")
    [(_, _, seen)] = items(found)
    assert 0 < len(seen) < 20_000
    assert notes and "cannot be unpacked" in notes[-1]
