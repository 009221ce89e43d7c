"""What the bench decides without measuring: made-up articles, figures in words, the page's table, what runs when."""

import re

import pytest

from bench import __main__ as command
from bench import figures
from bench.desk import watchlist
from bench.figures import Figure, markdown, put_into_page, written
from bench.made_up import CODES, LEDE, WHOLE, Writer
from bench.publisher import ENTRIES, Feed
from worker.nlp.names import compile_watchlist, find_mentions

RESULTS = {"poll": [Figure("304", 342.4, "polls/s"), Figure("304: processor", 2.431, "ms", 13.31, "a bare GET")]}
MACHINE = {"machine": "2 cores", "PostgreSQL": "not installed, skipped"}
PAGE = "# Page\n\n<!-- bench:begin -->\nold\n<!-- bench:end -->\n\nEnd.\n"


@pytest.fixture(scope="module")
def entities():
    return watchlist()


def written_by(entities, seed, count=400, letters=LEDE):
    writer = Writer(entities, seed=seed)
    return [writer.article(letters) for _ in range(count)]


def test_made_up_articles_are_the_same_for_the_same_seed(entities):
    assert written_by(entities, 1, 20) == written_by(entities, 1, 20)
    assert written_by(entities, 1, 20) != written_by(entities, 2, 20)


@pytest.mark.parametrize("letters", [LEDE, WHOLE])
def test_made_up_articles_are_as_long_as_asked_for(entities, letters):
    articles = written_by(entities, 1, 100, letters)
    mean = sum(len(article.text) for article in articles) / len(articles)
    assert 0.85 * letters < mean < 1.15 * letters
    assert any("\n" in article.text for article in articles) == (letters == WHOLE)


def test_made_up_articles_name_the_watched_about_as_often_as_the_news_does(entities):
    articles, index = written_by(entities, 1), compile_watchlist(entities)
    named = [bool(find_mentions(index, article)) for article in articles]
    assert 0.2 < sum(named) / len(named) < 0.6
    assert {article.language for article in articles} == set(CODES.values())
    assert sum(article.language == "en" for article in articles) > 0.7 * len(articles)
    for article in articles:
        assert not re.search(r"[{}]|\bNone\b", article.title + article.text)


@pytest.mark.parametrize(
    ("kind", "known", "changes"),
    [
        ("quiet", True, False),
        ("same", False, False),
        ("moving", False, True),
        ("live", True, False),
    ],
)
def test_publisher_answers_by_the_kind_of_its_feed(entities, kind, known, changes):
    feed = Feed(f"/{kind}/a", Writer(entities, seed=1))
    first = feed.answer(b"GET / HTTP/1.1")
    tag = re.search(rb'ETag: ("[0-9a-f]+")', first)
    assert (tag is None) == (kind == "same")
    again = feed.answer(b"If-None-Match: " + (tag[1] if tag else b""))
    assert again.startswith(b"HTTP/1.1 304") == known
    assert len(re.findall(rb"<item>", first)) == (1 if kind == "live" else ENTRIES)
    guids = [set(re.findall(rb"<guid[^>]*>([^<]+)", answer)) for answer in (first, feed.answer(b""))]
    assert len(guids[1] - guids[0]) == (2 if changes else 0)  # it answered twice since


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.8123, "0.812"), (3.14159, "3.14"), (27.94, "27.9"), (1429.6, "1,430"), (7, "7"), (100.0, "100"), (1.0, "1.00")],
)
def test_written_has_three_digits_that_mean_something(value, words):
    assert written(value) == words


def test_markdown_has_every_figure_and_its_machine():
    text = markdown(RESULTS | {"idle": "failed; see above"}, MACHINE)
    assert text.startswith("- machine: 2 cores\n- PostgreSQL: not installed, skipped\n\n| benchmark |")
    assert "| poll | 304: processor | 2.43 ms | 13.3 × a bare GET |" in text
    assert "| idle | failed; see above |" in text


def test_put_into_page_replaces_what_stands_between_the_marks_and_nothing_else():
    page = put_into_page(PAGE, RESULTS, MACHINE)
    assert page.startswith("# Page\n\n<!-- bench:begin -->\n")
    assert page.endswith("<!-- bench:end -->\n\nEnd.\n")
    assert "old" not in page
    assert put_into_page(page, RESULTS, MACHINE) == page
    with pytest.raises(ValueError, match="no place"):
        put_into_page("# Page", RESULTS, MACHINE)


def test_the_docs_have_a_place_for_the_table():
    assert figures.MARKED.search(figures.PAGE.read_text())


def test_command_tells_of_a_benchmark_that_failed_and_measures_the_others(monkeypatch, capsys):
    def run_apart(name, asked):
        return "failed; see above" if name == "poll" else [Figure("start", 1.5, "s")]

    monkeypatch.setattr(command, "run_apart", run_apart)
    monkeypatch.setattr(command.machine, "describe", lambda: MACHINE)
    monkeypatch.setattr("sys.argv", ["bench", "poll", "judge"])
    with pytest.raises(SystemExit, match=r"Not measured: poll\."):
        command.main()
    assert "| judge | start | 1.50 s |" in capsys.readouterr().out
