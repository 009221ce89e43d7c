"""In what two articles must agree, between outlets and within one feed."""

import pytest

from worker.articles.wording import (
    Wording,
    headlines_agree,
    pages_agree,
    texts_agree,
    texts_differ,
    titles_agree,
)

LONG = "Envoys of both Koreas met on the shore of the lake for talks over the launch, and agreed to meet again before "
LONG += "winter comes, a spokesman for the hosts told reporters."
TEASER = "Here is where things stand along the front line as the war goes on, in brief."
TALKS, OTHER = "Envoys meet in Geneva over the launch", "A bridge falls into the river at Basel"


def worded(feed="a", title=TALKS, text="", host=""):
    return Wording(feed, f"https://{host}/x" if host else "", title, text)


@pytest.mark.parametrize(
    ("agree", "one", "other", "soon", "expected"),
    [
        # A page.
        (pages_agree, worded("a"), worded("b", OTHER), False, True),
        (pages_agree, worded("a"), worded("a", OTHER), True, False),  # a live page, or a collection
        (pages_agree, worded("a"), worded("a", TALKS + ", hosts say"), False, True),
        (pages_agree, worded("a", text=LONG), worded("a", OTHER, LONG), False, True),  # retitled
        (pages_agree, worded(""), worded("", OTHER), False, True),  # of unknown feeds
        # A text.
        (texts_agree, worded("a", text=LONG), worded("b", OTHER, LONG), False, True),
        (texts_agree, worded("a", text=TEASER), worded("b", OTHER, TEASER), False, True),
        (texts_agree, worded("a", text=LONG), worded("a", OTHER, LONG), True, False),  # a caption used again
        (texts_agree, worded("a", text=LONG), worded("a", text=LONG), False, True),  # it has come again
        (texts_agree, worded("a", text=TEASER), worded("a", text=TEASER), True, True),
        (texts_agree, worded("a", text=TEASER), worded("a", text=TEASER), False, False),  # a daily column
        (texts_agree, worded("a", text=TEASER, host="x.example"), worded("b", OTHER, TEASER, "x.example"), True, False),
        (texts_agree, worded("a", text=LONG, host="x.example"), worded("b", OTHER, LONG, "x.example"), False, True),
        (texts_agree, worded("a", TEASER, TEASER), worded("b", TEASER, TEASER), True, False),  # its headline again
        # A headline.
        (headlines_agree, worded("a", text=LONG), worded("b", text=TEASER), False, True),
        (headlines_agree, worded("a", text=LONG), worded("a", text=TEASER), True, False),  # a standing headline
        (headlines_agree, worded("a", text=LONG), worded("a"), True, True),
        (headlines_agree, worded("a"), worded("a"), False, False),
        (headlines_agree, worded("a", "Here's the latest."), worded("b", "Here's the latest."), True, False),
        (headlines_agree, worded("a", f"{TALKS} - Paper"), worded("a", f"{TALKS} - Ohio Guide"), True, False),
        (headlines_agree, worded("a", f"{TALKS} - Paper"), worded("b", TALKS), True, True),
        (
            headlines_agree,
            worded("a", "Elections of the year - Ohio"),
            worded("b", "Elections of the year - Iowa"),
            True,
            False,
        ),
        # A headline but for its wording.
        (titles_agree, worded("a", text=LONG), worded("b", f"{TALKS}: hosts", TEASER), False, True),
        (titles_agree, worded("a", text=LONG), worded("a", f"{TALKS}: hosts", TEASER), True, False),
        (titles_agree, worded("a"), worded("a", f"{TALKS}: hosts"), True, True),
        (titles_agree, worded("a"), worded("a", f"{TALKS}: hosts"), False, False),
    ],
)
def test_wordings_agree(agree, one, other, soon, expected):
    assert agree(one, other, soon=soon) is agree(other, one, soon=soon) is expected


def test_texts_differ_only_where_there_are_two():
    assert texts_differ(worded(text=LONG), worded(text=TEASER))
    assert not texts_differ(worded(text=LONG), worded(text="Short."))
    assert not texts_differ(worded(text=LONG), worded(text=LONG))
