"""Which articles report one event: the keys by which copies find each other, and what must agree.

What is no copy is looked for by what it is about, in worker/articles/event_index.py. Pure: no I/O, no clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from worker.articles.event_index import Entry, EventIndex, Found
from worker.articles.events import MERGES
from worker.articles.prints import text_bands, title_bands
from worker.articles.terms import Sketch, shared_words
from worker.articles.text import headline_key
from worker.articles.wording import Wording, headlines_agree, pages_agree, texts_agree, texts_differ, titles_agree

KEY_LENGTH: Final = 200
LINK: Final = "link"
TEXT: Final = "text"
HEADLINE: Final = "headline"
TITLE: Final = "title"  # a headline but for its wording
EVENT: Final = "event"  # in words of its own
SHARED: Final = "shared"  # an address that tells articles of one feed apart no more, and finds nothing
STRONG: Final = (LINK, TEXT)  # only these make one of two stories
KINDS: Final = (*STRONG, HEADLINE, TITLE)  # the strongest first
PRINTS: Final = (TEXT, TITLE)  # whose values are bands, kept as long as the text
# How long after its last article a key still finds its story; a kind that is not listed finds it for as long as its row
# is kept. A headline such as "Five killed in air strike on the capital" is another event in another week.
LASTS: Final = {HEADLINE: timedelta(days=3), TITLE: timedelta(days=3)}
SOON: Final = timedelta(hours=18)  # what a feed brings again after that may be a daily column
MERGED: Final = "merge"
SPLIT: Final = "split"
WHOSE: Final = {LINK: "address", TEXT: "text"}
OVER: Final = {"dense": "many had told of it for a day", "long": "it had gone on for five days"}
AGREES: Final = {LINK: pages_agree, TEXT: texts_agree, HEADLINE: headlines_agree, TITLE: titles_agree}


class StoryKey(NamedTuple):
    """`value` is at most 200 characters, a longer one is hashed; of a text and a title, a band: 63 bits."""

    kind: str
    value: str | int

    def finds(self, *, last_seen: datetime | None, at: datetime | None) -> bool:
        """Whether an article first seen `at` belongs to the story whose last one with this key was seen at `last_seen`.

        Where a time is not known, it does.
        """
        lasts = LASTS.get(self.kind)
        return lasts is None or last_seen is None or at is None or at - last_seen <= lasts


def story_keys(*, title: str, canonical_url: str) -> tuple[StoryKey, ...]:
    """The address and the headline of one article; empty for one without either that tells a page or an event."""
    found = ((LINK, _page(canonical_url)), (HEADLINE, headline_key(title)))
    return tuple(StoryKey(kind, _shortened(value)) for kind, value in found if value)


def _page(canonical_url: str) -> str:
    """'' for a site's front page, which feeds give when an entry has no page of its own."""
    parts = urlsplit(canonical_url)
    return canonical_url if parts.path.strip("/") or parts.query else ""


def _shortened(value: str) -> str:
    if len(value) <= KEY_LENGTH:
        return value
    return "sha256:" + hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def print_keys(wording: Wording) -> tuple[StoryKey, ...]:
    """Those by which an article meets others of nearly the same text or headline."""
    texts = (StoryKey(TEXT, band) for band in text_bands(wording.text_print))
    return (*texts, *(StoryKey(TITLE, band) for band in title_bands(wording.title_print)))


@dataclass(frozen=True)
class Arrival:
    """An article on its way to its story: `at` is when it was first seen, `keys` all that its copies find it by, and
    `sketch` what it is about."""

    article: int
    at: datetime | None
    keys: tuple[StoryKey, ...]
    wording: Wording
    sketch: Sketch

    def asked(self) -> tuple[StoryKey, ...]:
        """The keys to look up: also whether its address is one that finds nothing."""
        return (*self.keys, *(key._replace(kind=SHARED) for key in self.keys if key.kind == LINK))


@dataclass(frozen=True)
class Holder:
    """Whose a key is: its story, the first article that brought it, and when the last one with it was first seen."""

    story: int
    article: int
    last_seen: datetime | None
    wording: Wording


@dataclass(frozen=True)
class Place:
    """The story that an article joins, or opens where `by` is None; `copy_of` is the article whose copy it is, `why`
    what it has in common with the event's."""

    story: int
    by: str | None = None
    copy_of: int | None = None
    why: str | None = None


@dataclass(frozen=True)
class Change:
    """What became of two stories by an article: `story` is part of `other` from now on (MERGED), or goes on where that
    was told to its end (SPLIT)."""

    kind: str
    story: int
    other: int
    article: int
    why: str


@dataclass
class Stories:
    """Puts articles into stories, in arrival order; what it has placed counts as held for the articles after.

    A story is known by a number, a new one by one below zero, counted down. `merged` tells what became one with which.
    """

    held: dict[StoryKey, Holder]
    events: EventIndex = field(default_factory=EventIndex)
    merged: dict[int, int] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    def place(self, arrival: Arrival, *, new: int) -> Place:
        """Its story is the oldest that it is found by with a strong key, and the others become part of that one; else
        that of its strongest key; else `new`. Its keys are held from now on."""
        found = dict(self._found(arrival))
        if found:
            place = self._choose(arrival, sorted(found.items(), key=lambda pair: KINDS.index(pair[0].kind)))
        else:
            place = self._choose_event(arrival, new)
        own = Holder(place.story, arrival.article, arrival.at, arrival.wording)
        for key in arrival.keys:
            self._hold(key, found.get(key), own)
        entry = Entry(place.story, arrival.wording.feed, arrival.at, arrival.sketch.to_bytes())
        self.events.add(entry)
        return place

    def root(self, story: int) -> int:
        """The story that this one is part of by now."""
        return self.merged.get(story, story)

    def _found(self, arrival: Arrival) -> Iterator[tuple[StoryKey, Holder]]:
        """The keys that find a story, with whom they find."""
        shared = {key.value for key in arrival.asked() if key.kind == SHARED and key in self.held}
        verdicts: dict[tuple[str, int], bool] = {}
        for key in arrival.keys:
            one = self.held.get(key)
            if one is None or not key.finds(last_seen=one.last_seen, at=arrival.at):
                continue
            if key.kind == LINK and key.value in shared:
                continue
            asked = (key.kind, one.article)
            if asked not in verdicts:
                verdicts[asked] = AGREES[key.kind](arrival.wording, one.wording, soon=_is_soon(one, arrival))
            if verdicts[asked]:
                yield key, one

    def _choose(self, arrival: Arrival, found: Sequence[tuple[StoryKey, Holder]]) -> Place:
        strong = {self.root(one.story) for key, one in found if key.kind in STRONG}
        (key, one) = found[0]
        story = min(strong, key=_age) if strong else self.root(one.story)
        for younger in strong - {story}:
            self._merge(younger, story, arrival, why=f"one article has the {WHOSE[key.kind]} of both")
        copied = key.kind in STRONG or (key.kind == HEADLINE and not texts_differ(arrival.wording, one.wording))
        return Place(story, key.kind, one.article if copied else None)

    def _choose_event(self, arrival: Arrival, new: int) -> Place:
        """The likeliest story that is not told to its end. Others that are as clearly its own become one with it."""
        found = self.events.find(arrival.sketch, feed=arrival.wording.feed, at=arrival.at)
        going = [one for one in found if one.over is None]
        if not going:
            if found:
                self.changes.append(Change(SPLIT, new, found[0].story, arrival.article, OVER[found[0].over or ""]))
            return Place(new)
        why = self._why(arrival, going[0])
        same = {going[0].story} | {one.story for one in going[1:] if min(one.score, going[0].score) > MERGES}
        story = min(same, key=_age)
        for younger in sorted(same - {story}, key=_age):
            self._merge(younger, story, arrival, why=f"one article reports the event of both: {why}")
        return Place(story, EVENT, why=why)

    def _why(self, arrival: Arrival, found: Found) -> str:
        return ", ".join(shared_words(arrival.wording.title, arrival.wording.text, self.events.terms_of(found.nearest)))

    def _merge(self, younger: int, older: int, arrival: Arrival, *, why: str) -> None:
        for story, root in self.merged.items():
            if root == younger:
                self.merged[story] = older
        self.merged[younger] = older
        self.events.merge(younger, older)
        self.changes.append(Change(MERGED, younger, older, arrival.article, why))

    def _hold(self, key: StoryKey, found: Holder | None, own: Holder) -> None:
        """A key that has found its story stays with it; any other goes to this article's."""
        if found is not None:
            last = max((moment for moment in (found.last_seen, own.last_seen) if moment), default=None)
            self.held[key] = replace(found, last_seen=last)
        elif key.kind == LINK and key in self.held:
            self.held[key._replace(kind=SHARED)] = own
        else:
            self.held[key] = own


def _is_soon(one: Holder, arrival: Arrival) -> bool:
    return one.last_seen is None or arrival.at is None or arrival.at - one.last_seen <= SOON


def _age(story: int) -> tuple[bool, int]:
    """Sorts the oldest first: those that have their row, then the new ones as they were counted down."""
    return story < 0, abs(story)
