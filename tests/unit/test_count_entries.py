"""The count that a replay is held against: what is one entry by link and title, and how differences are shown."""

import json
import lzma
import sqlite3
from contextlib import closing

import pytest
from origin import rss

from bench.count_entries import Counted, compare, count, plain, stored

PAPER = "https://paper.example"


@pytest.mark.parametrize(
    ("link", "same"),
    [
        ("https://Paper.example/a/", "paper.example/a"),
        ("http://paper.example/a#top", "paper.example/a"),
        ("https://paper.example/a?at_medium=RSS&at_campaign=rss", "paper.example/a"),
        ("https://paper.example/a?id=5&utm_source=x", "paper.example/a?id=5"),  # a query may be the article
        (" https://paper.example/a ", "paper.example/a"),
        ("tag:paper.example,2023:5", ""),
        ("", ""),
    ],
)
def test_plain_says_which_page_a_link_leads_to(link, same):
    assert plain(link) == same


def test_counted_knows_entries_by_link_and_else_by_title():
    feed = Counted()
    for link, title in (
        (f"{PAPER}/1", "One"),
        (f"{PAPER}/1?utm_source=rss", "One, and more"),  # the same page under another title
        (f"{PAPER}/2", "Two"),
        (f"{PAPER}/3", "Two"),  # the same title on another page
        ("", "Four"),
        ("", "Four "),
        ("", "Two"),  # one with the two
        ("", ""),
    ):
        feed.add(link, title)
    assert feed.seen == 8
    assert list(feed.distinct) == ["paper.example/1", "paper.example/2", "paper.example/3", "Four"]


def test_count_reads_documents_and_lines(tmp_path):
    folder = tmp_path / "history" / "Some Paper"
    folder.mkdir(parents=True)
    for stamp, guids in (("20260813T040000Z", "ab"), ("20260813T050000Z", "bc")):
        (folder / f"{stamp}.xml").write_bytes(rss("Paper", [(guid, guid.upper(), "Text.") for guid in guids]))
    lines = [
        {"link": f"{PAPER}/x", "title": "X", "domain": "one.example"},
        {"link": f"{PAPER}/x", "title": "X again", "domain": "one.example"},
        {"url": f"{PAPER}/y", "title": "Y"},
    ]
    with lzma.open(tmp_path / "history" / "merged.jsonl.xz", "wt") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    found = {feed: (one.seen, len(one.distinct)) for feed, one in count(tmp_path / "history").items()}
    assert found == {"some-paper": (4, 3), "one-example": (2, 1), "merged": (1, 1)}


def test_compare_shows_what_was_merged_and_what_was_split(tmp_path):
    feed = Counted()
    for n in (1, 2, 3):
        feed.add(f"{PAPER}/{n}", f"Report {n}")
    with closing(sqlite3.connect(tmp_path / "wirewatch.sqlite3")) as record:
        record.execute("CREATE TABLE article (id INTEGER PRIMARY KEY, feed_id TEXT, url TEXT, title TEXT)")
        kept = [
            ("a", f"{PAPER}/1#x", "Report 1"),
            ("a", f"{PAPER}/1", "Report 1 anew"),
            ("a", f"{PAPER}/3", "Report 3"),
        ]
        record.executemany("INSERT INTO article (feed_id, url, title) VALUES (?, ?, ?)", kept)
        record.commit()
    (found,) = compare({"a": feed}, stored(tmp_path))
    assert (found.seen, found.distinct, found.stored) == (3, 3, 3)
    assert found.merged == ["Report 2 <paper.example/2>"]
    assert found.split == ["Report 1 anew <paper.example/1>"]
