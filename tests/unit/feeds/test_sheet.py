"""Tables: any delimiter and order of columns; a cell never becomes a formula, and comes back as it was."""

import csv
import io

import pytest

from worker.config.schema import FeedSpec
from worker.feeds import sheet as module
from worker.feeds.listed import ListError
from worker.feeds.sheet import COLUMNS, read_sheet, write_sheet


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_sheet_reads_by_the_names_of_its_columns(delimiter):
    lines = [
        "Title,url,tags,Language",
        "The Gazette,https://a.example/f,North Korea|wire,ko",
        "",
        ",https://b.example/,,",
    ]
    a, b = read_sheet("\r\n".join(lines).replace(",", delimiter)).feeds
    assert (a.line, a.url, a.title, a.tags, a.language) == (
        2,
        "https://a.example/f",
        "The Gazette",
        ("north-korea", "wire"),
        "ko",
    )
    assert (b.line, b.url, b.title, b.tags) == (4, "https://b.example/", "", ())


def test_sheet_knows_what_others_call_its_columns():
    found = read_sheet("outlet;Feed URL;lang;Category;status\nA;https://a.example/;en;x;dead\n")
    (feed,) = found.feeds
    assert (feed.title, feed.url, feed.language, feed.tags) == ("A", "https://a.example/", "en", ("x",))
    assert found.notes == ("columns that are not read: status",)


def test_sheet_of_two_columns_that_mean_the_same_reads_the_first():
    (feed,) = read_sheet("url,title,xmlUrl\nhttps://a.example/,A,https://b.example/\n").feeds
    assert feed.url == "https://a.example/"


def test_sheet_lines_count_those_inside_cells():
    text = 'url,title\nhttps://a.example/,"one\ntwo"\nhttps://b.example/,B\n'
    assert [(feed.line, feed.title) for feed in read_sheet(text).feeds] == [(2, "one two"), (4, "B")]


@pytest.mark.parametrize(
    "text", ["hello", "title,language\nA,en\n", "https://a.example/\nhttps://b.example/\n", "\x00"]
)
def test_sheet_without_an_address_column_is_refused(text):
    with pytest.raises(ListError, match="`url` among them"):
        read_sheet(text)


def test_sheet_with_an_open_quote_tells_from_where_it_was_not_read():
    found = read_sheet('url,title\nhttps://a.example/,A\nhttps://b.example/,"B\n' + "x,y\n" * 50_000)
    assert [feed.title for feed in found.feeds] == ["A"]
    assert found.damage[0][0] == 3 and "was not read" in found.damage[0][1]


@pytest.mark.parametrize("line", ["x" * 100_001, "," * 100_001, '"' + "x" * 100_001])
def test_sheet_h16_what_would_take_too_long_is_not_read(line):
    with pytest.raises(ListError, match="more than 100,000 characters"):
        read_sheet(f"url\n{line}\n")


def test_sheet_h16_only_so_many_tags_are_kept():
    (feed,) = read_sheet("url,tags\nhttps://a.example/," + "|".join(f"t{n}" for n in range(60))).feeds
    assert feed.tags == tuple(f"t{n}" for n in range(50))
    assert feed.notes == ("only the first 50 of 60 tags are kept",)


def test_sheet_with_short_and_long_rows():
    found = read_sheet("title,url\nA\nB,https://b.example/,more,and more\n").feeds
    assert [(feed.title, feed.url) for feed in found] == [("A", ""), ("B", "https://b.example/")]


def test_sheet_h16_reading_stops_behind_the_cap(monkeypatch):
    monkeypatch.setattr(module, "MAX_LISTED", 10)
    assert len(read_sheet("url\n" + "https://a.example/\n" * 50).feeds) == 11


FORMULAS = ['=HYPERLINK("https://evil.example")', "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "＝1", "＠x", "'=1", "''+1"]


@pytest.mark.parametrize("title", FORMULAS)
def test_h11_a_cell_never_begins_a_formula(title):
    feed = FeedSpec(id="a", url="https://a.example/", title=title)
    rows = list(csv.DictReader(io.StringIO(write_sheet([feed]).decode("utf-8-sig"), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["title"] == f"'{title}"


@pytest.mark.parametrize("title", ["'quoted' first", "a=b", "김", ""])
def test_h11_a_harmless_cell_stays_as_it_is(title):
    feed = FeedSpec(id="a", url="https://a.example/", title=title)
    assert next(csv.DictReader(io.StringIO(write_sheet([feed]).decode("utf-8-sig"))))["title"] == title


@pytest.mark.parametrize("title", [one for one in FORMULAS if one.isprintable()])
def test_h11_reading_takes_the_quote_off_again(title):
    (feed,) = read_sheet(write_sheet([FeedSpec(id="a", url="https://a.example/", title=title)]).decode()).feeds
    assert feed.title == title
