"""Evidence leads back to the article's own letters, whatever reading did to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.model import ArticleText, Span
from worker.nlp.evidence import evidence_words, model_spans
from worker.nlp.topics import features


def read_at(article, word):
    """Where the model finds a word in what it reads."""
    at = features(article.title, article.text).index(word)
    return at, at + len(word)


@pytest.mark.parametrize(
    ("title", "text", "word", "span"),
    [
        ("Shells for Moscow", "They left.", "shells", Span("title", 0, 6)),
        ("Shells for Moscow", "They left Moscow.", "left", Span("text", 5, 9)),
        ("İskender İ shells", "İİ They left.", "shells", Span("title", 11, 17)),  # İ is two letters, made small
        ("İskender İ shells", "İİ They left.", "left", Span("text", 8, 12)),
        ("STRASSE ẞ", "ΑΣ left", "left", Span("text", 3, 7)),
        ("", "left", "left", Span("text", 0, 4)),
        ("\ud83d left", "", "left", Span("title", 2, 6)),  # half a character
    ],
)
def test_model_spans_are_the_articles_own(title, text, word, span):
    article = ArticleText("x", title, text)
    [[found]] = model_spans(article, [read_at(article, word)])
    assert found == span
    assert getattr(article, span.field)[span.start : span.end].lower() == word


def test_model_spans_of_a_phrase_over_the_titles_end_are_two():
    article = ArticleText("x", "to Moscow", "Shells left")
    assert model_spans(article, [(3, 16)]) == [(Span("title", 3, 9), Span("text", 0, 6))]
    assert evidence_words(article, model_spans(article, [(3, 16)])) == ("Moscow … Shells",)


def test_evidence_words_are_on_one_line_and_each_once():
    article = ArticleText("x", "Shells", "two\nlines Shells")
    groups = [(Span("text", 0, 9),), (Span("title", 0, 6),), (Span("text", 10, 16),)]
    assert evidence_words(article, groups) == ("two lines", "Shells")


@given(st.text(alphabet="aİẞΣ \n", max_size=20), st.text(alphabet="bİẞΣ \n", max_size=30), st.data())
def test_model_spans_slice_back_to_what_was_read(title, text, data):
    article = ArticleText("x", title, text)
    whole = f"{title}\n{text}"
    start = data.draw(st.integers(0, len(whole) - 1))
    end = data.draw(st.integers(start + 1, len(whole)))
    lowered = len(whole[:start].lower()), len(whole[:end].lower())
    [spans] = model_spans(article, [lowered])
    shown = "".join(getattr(article, span.field)[span.start : span.end] for span in spans)
    expected = whole[start:end]
    if start <= len(title) < end:  # the line break between the two is no field's
        expected = whole[start : len(title)] + whole[len(title) + 1 : end]
    assert shown == expected
