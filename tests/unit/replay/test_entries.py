"""Entry files as documents: when each was seen, what it becomes, what is passed over and said."""

import gzip
import hashlib
import json
import lzma
import zlib
from datetime import UTC, datetime

import pytest

from worker.feeds.parse_child import MAX_ENTRIES
from worker.replay.entries import NOTED, PER_DOCUMENT, read_entries, read_moment, to_document

LATEST = datetime(2026, 8, 15, tzinfo=UTC)


def lines(path, *entries, pack=None):
    text = "".join(entry if isinstance(entry, str) else json.dumps(entry) + "\n" for entry in entries).encode()
    path.write_bytes(pack(text) if pack else text)
    return path


def items(seen):
    return [(feed, at, json.loads(to_document(feed, seen[feed, at]))["items"]) for feed, at in sorted(seen)]


def read(path, *, name="wire"):
    return read_entries(path, name=name, latest=LATEST)


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
        ("9999-12-31T23:59:00Z", None),  # a placeholder: the calendar ends before the next look
        ("9999-01-01T00:00:00Z", None),
        ("Mon, 20 Apr 99999999999999999999 21:37:00 GMT", None),
        ("2026-08-15T00:00:00Z", LATEST),
    ],
)
def test_moment_of_what_collectors_write(value, expected):
    assert read_moment(value, latest=LATEST) == expected


def test_entries_are_documents_by_their_first_sight_the_newest_first(tmp_path):
    early, late = "2025-10-24T02:00:00Z", "2025-10-24T03:00:00Z"
    path = lines(
        tmp_path / "wire.jsonl",
        {"title": "One", "first_seen": early},
        {"title": "Two", "first_seen": early},
        {"title": "Three", "first_seen": late},
    )
    found, notes = read(path, name="wire")
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
    found, _ = read(path, name="wire")
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
    found, _ = read(path, name="merged")
    assert [(feed, at.hour, len(seen)) for feed, at, seen in items(found)] == [
        ("a-example", 2, 1),
        ("b-example", 2, 0),  # its baseline was empty: what it says later is news
        ("b-example", 5, 1),
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
    found, _ = read(lines(tmp_path / "wire.jsonl", entry), name="wire")
    [(_, _, [item])] = items(found)
    assert item == {
        "id": "g1",
        "url": "https://paper.example/1",
        "title": "T",
        "content_html": "<p>It&#039;s</p>",
        "date_published": "2020-04-20T21:37:00+00:00",
    }
    plain, _ = read(lines(tmp_path / "text.jsonl", {"title": "T", "text": "a < b", "date": 1587418620000}))
    [(_, _, [item])] = items(plain)
    assert item == {"title": "T", "content_text": "a < b", "date_published": "2020-04-20T21:37:00+00:00"}


@pytest.mark.parametrize(("name", "pack"), [("w.jsonl.xz", lzma.compress), ("w.jsonl.gz", gzip.compress)])
def test_entries_are_unpacked(tmp_path, name, pack):
    found, notes = read(lines(tmp_path / name, {"title": "T", "date": "2020-01-01"}, pack=pack), name="w")
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
    found, notes = read(path, name="wire")
    assert len(found) == 1
    assert [note.split(": passed over: ")[0].rsplit(":", 1)[1] for note in notes] == ["1", "2", "3", "4"]
    assert "first_seen" in notes[2]


def test_many_broken_lines_are_counted(tmp_path):
    _, notes = read(lines(tmp_path / "wire.jsonl", *["{\n"] * (NOTED + 7)), name="wire")
    assert len(notes) == NOTED + 1
    assert notes[-1].endswith("7 more lines passed over")


def damaged(how):
    """Of titles that pack badly: what is unpacked before the damage is more than one buffer."""
    titles = (hashlib.sha256(str(n).encode()).hexdigest() for n in range(20_000))
    whole = b"".join(json.dumps({"title": one, "date": "2020-01-01"}).encode() + b"\n" for one in titles)
    if how == "cut":
        return gzip.compress(whole)[:-2000]
    pack = zlib.compressobj(wbits=31)
    middle = len(whole) // 2
    return pack.compress(whole[:middle]) + pack.flush(zlib.Z_FULL_FLUSH) + b"\x07"  # there is no block of that type


@pytest.mark.parametrize("how", ["cut", "overwritten"])
def test_damaged_pack_gives_what_it_holds_and_a_note_of_its_own(tmp_path, how):
    path = tmp_path / "w.jsonl.gz"
    path.write_bytes(damaged(how))
    found, notes = read(path)
    [(_, _, seen)] = items(found)
    assert 0 < len(seen) < 20_000
    [note] = [note for note in notes if ": cannot be read from here on, it is damaged or cut short: " in note]
    place, _, _ = note.partition(": ")
    assert int(place.removeprefix(f"{path}:")) > len(seen)


def test_file_that_is_no_pack_is_a_note(tmp_path):
    path = tmp_path / "w.jsonl.gz"
    path.write_bytes(b"<html>")
    found, [note] = read(path)
    assert not found
    assert note.startswith(f"{path}:1: cannot be read from here on")


def test_byte_order_mark_costs_no_entry(tmp_path):
    path = lines(tmp_path / "w.jsonl", "\ufeff", {"title": "One", "date": "2020-01-01"})
    found, notes = read(path)
    assert [item["title"] for _, _, seen in items(found) for item in seen] == ["One"]
    assert notes == []


@pytest.mark.parametrize(
    "when", [{"published": "9999-12-31T23:59:00Z"}, {"day": "9999-12-31"}, {"first_seen": "9999-01-01T00:00:00Z"}]
)
def test_date_that_lies_ahead_tells_nothing_and_is_named(tmp_path, when):
    path = lines(tmp_path / "w.jsonl", {"title": "One", "date": "2020-01-01"} | when, {"title": "Two"} | when)
    found, notes = read(path)
    assert [at.year for _, at, seen in items(found) if seen] == [2020]
    assert len(notes) == 1
    assert notes[0].startswith(f"{path}:2: passed over: nothing tells when it was seen")
    assert notes[0].endswith("to 2026-08-15")


def test_outlet_written_in_two_ways_is_one_feed(tmp_path):
    seen = {"first_seen": "2020-01-01T00:00:00Z"}
    path = lines(
        tmp_path / "w.jsonl", *({"title": f"T{n}", "domain": "BBC.com bbc.com".split()[n % 2]} | seen for n in range(4))
    )
    found, _ = read(path)
    assert [(feed, len(told)) for feed, _, told in items(found)] == [("bbc-com", 4)]


def test_document_has_no_more_entries_than_the_parser_reads():
    assert PER_DOCUMENT <= MAX_ENTRIES
