"""What of an article is compared with another's, and whether two agree in it. Pure: no I/O, no clock.

Between outlets, what is worded alike is copied. Within a feed it may as well be standing: a column's headline, a teaser
under every part of a series, the caption of a picture that is used again. So a feed's own articles must agree in more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

from worker.articles.prints import TITLE_LEAST, Print, is_comparable, read_text, read_words, texts_alike, titles_alike
from worker.articles.text import without_outlet

LONG_TEXT: Final = 25  # words: of what outlets repeat under their articles, seven in ten are shorter
LONG_HEADLINE: Final = 6  # telling words: enough for one event, whatever follows
LEAST_HEADLINE: Final = 3  # telling words; "Here's the latest" is every day's


@dataclass(frozen=True)
class Wording:
    """An empty `feed` or `canonical_url` is not known. Of `text` the beginning is enough."""

    feed: str
    canonical_url: str
    title: str
    text: str

    @cached_property
    def whole_title(self) -> Print:
        return read_words(self.title)

    @cached_property
    def title_print(self) -> Print:
        """Without the outlet's name at its end."""
        head = without_outlet(self.title)
        return self.whole_title if head == self.title else read_words(head)

    @cached_property
    def text_print(self) -> Print:
        """Empty for a text that says little but its headline, as some feeds have it: that is none."""
        text = read_text(self.text)
        return text if len(text.telling - self.whole_title.telling) >= TITLE_LEAST else Print(())

    @cached_property
    def host(self) -> str:
        return urlsplit(self.canonical_url).netloc


def pages_agree(one: Wording, other: Wording, *, soon: bool) -> bool:
    """Of two articles under one address: unless one feed gives it under unlike headlines, as it does a live page."""
    return not _are_of_one_feed(one, other) or are_worded_alike(one, other)


def are_worded_alike(one: Wording, other: Wording) -> bool:
    return _is_one_title(one, other) or _are_texts_alike(one, other)


def texts_agree(one: Wording, other: Wording, *, soon: bool) -> bool:
    """`soon`: whether the other was seen so lately that a daily column would not have come again."""
    if not _are_texts_alike(one, other):
        return False
    is_long = min(len(each.text_print.words) for each in (one, other)) >= LONG_TEXT
    if _are_of_one_feed(one, other) or (not is_long and one.host and one.host == other.host):
        return _is_one_title(one, other) and (is_long or soon)
    return True


def headlines_agree(one: Wording, other: Wording, *, soon: bool) -> bool:
    if len(one.title_print.telling) < LEAST_HEADLINE and not one.title_print.unspaced:
        return False
    if _are_of_one_feed(one, other):
        return soon and one.whole_title.words == other.whole_title.words and not texts_differ(one, other)
    return _are_ends_outlets(one, other)


def titles_agree(one: Wording, other: Wording, *, soon: bool) -> bool:
    if _are_of_one_feed(one, other):
        return soon and titles_alike(one.whole_title, other.whole_title) and not texts_differ(one, other)
    return titles_alike(one.title_print, other.title_print) and _are_ends_outlets(one, other)


def texts_differ(one: Wording, other: Wording) -> bool:
    """False where one of them has no text that could be compared."""
    return all(is_comparable(each.text_print) for each in (one, other)) and not _are_texts_alike(one, other)


def _are_texts_alike(one: Wording, other: Wording) -> bool:
    return texts_alike(one.text_print, other.text_print)


def _are_of_one_feed(one: Wording, other: Wording) -> bool:
    return bool(one.feed) and one.feed == other.feed


def _is_one_title(one: Wording, other: Wording) -> bool:
    """With the ends, which name no outlet within one: "Elections 2024 - Ohio Guide" is not "… - Iowa Guide"."""
    return one.whole_title.words == other.whole_title.words or titles_alike(one.whole_title, other.whole_title)


def _are_ends_outlets(one: Wording, other: Wording) -> bool:
    """Whether what was taken for outlets' names is: where two short headlines end in two ways, the ends may tell."""
    ends = {each.whole_title.words[len(each.title_print.words) :] for each in (one, other)}
    return len(ends) < 2 or () in ends or len(one.title_print.telling) >= LONG_HEADLINE
