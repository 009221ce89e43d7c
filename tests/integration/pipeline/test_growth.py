"""A feed that writes something else of the same articles at each poll does not fill the record."""

import pytest
from steps import poll_now

from worker.store.polls import KEPT_TEXTS
from worker.store.schema import article, article_key, revision


def changing(n, *, guid="g", link="1", date="", text="Text."):
    return (
        f"<?xml version='1.0'?><rss version='2.0'><channel><title>x</title><item><guid>{guid}</guid>"
        f"<link>https://paper.example/{link}</link><title>A headline of some words</title>"
        f"<description>{text}</description>{date}</item></channel></rss><!-- {n} -->"
    ).encode()


@pytest.mark.parametrize("what", ["guid", "link", "date"])
def test_what_changes_at_each_poll_adds_no_keys_for_ever(desk, runtime, monkeypatch, what):
    monkeypatch.setattr("worker.feeds.update.MOST_ADDED", 3)
    for n in range(8):
        said = {"guid": f"g{n}", "link": f"1?sid={n}", "date": f"<pubDate>Mon, 01 Jan 2024 00:0{n}:00 GMT</pubDate>"}
        desk.origin.documents["/a"] = changing(n, **{what: said[what]})
        poll_now(desk, runtime)
    assert len(desk.rows(article, article.c.feed_id == "a")) == 1
    assert len(desk.rows(article_key, article_key.c.feed_id == "a")) == 3 + 3


def test_of_an_article_that_is_edited_at_each_poll_the_first_text_and_the_last_are_kept(desk, runtime):
    for n in range(KEPT_TEXTS + 4):
        desk.origin.documents["/a"] = changing(n, text=f"Viewed {n} times.")
        poll_now(desk, runtime)
    (known,) = desk.rows(article, article.c.feed_id == "a")
    rows = sorted(desk.rows(revision, revision.c.article_id == known.id), key=lambda row: row.n)
    assert [row.n for row in rows if row.text is None] == [2, 3, 4]
    assert rows[0].text == "Viewed 0 times." and rows[-1].text == known.text == f"Viewed {KEPT_TEXTS + 3} times."
