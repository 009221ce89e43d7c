"""Whose an article is, in words."""

import pytest

from worker.articles.shown import source_words


@pytest.mark.parametrize(
    ("outlet", "feed", "words"),
    [
        ("", "Google News: world", "Google News: world"),
        ("Reuters", "Google News: world", "Reuters, by Google News: world"),
        ("The Ledger", "the ledger", "the ledger"),  # a feed that names itself
        ("Reuters", "", "Reuters"),
    ],
)
def test_source_words_name_the_outlet_before_the_feed(outlet, feed, words):
    assert source_words(outlet, feed) == words
