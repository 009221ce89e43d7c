"""The stories of the last days, to find those whose event an article may report: few candidates, however many stories.

What it answers depends only on what was added, and in which order, so that one made again from its rows answers as the
one that lived. It is bounded: an article is looked for under its most telling words, among the latest that had each.
Pure: no I/O, no clock.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict, deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple

from worker.articles.events import (
    JOINS,
    Sums,
    contradicts,
    has_enough,
    is_astray,
    is_over,
    measures,
    score,
    sums_of_one,
)
from worker.articles.terms import UNIT, Sketch, read_sketch

KEPT: Final = timedelta(days=8)  # longer than any story lives, with the two days after which it is over
POSTED: Final = 20  # words of an article that it is found under, the most telling first
ASKED: Final = 16  # words of an article by which others are looked for
LATEST: Final = 96  # articles under one word that are looked at
LOOKED_AT: Final = 64  # articles that share the most
FAINT: Final = 0.06  # of an article's own weight: what shares less is of no event with it
CANDIDATES: Final = 8  # stories of those that are measured
NEAREST: Final = 3  # articles of each that are compared with the new one
MEMBERS: Final = 40  # of a story are summed up: its latest
SUMMED: Final = 2_000  # stories whose sums are kept: those that were asked for last

_sketch = lru_cache(maxsize=4096)(read_sketch)


class Entry(NamedTuple):
    """An article in the index. `sketch`: packed."""

    story: int
    feed: str
    at: datetime | None
    sketch: bytes


@dataclass(slots=True)
class Grown:
    """A story in the index: `members` are its latest articles, the earlier first."""

    first: datetime | None
    last: datetime | None
    size: int = 0
    members: list[int] = field(default_factory=list)


class Found(NamedTuple):
    """A story whose event an article may report. `over`: why it takes no more; `nearest`: its article that is most like
    the new one."""

    story: int
    score: float
    over: str | None
    nearest: int


@dataclass
class EventIndex:
    """It numbers the articles as they come; a story is known by any number."""

    entries: dict[int, Entry] = field(default_factory=dict)
    postings: dict[int, array[int]] = field(default_factory=dict)
    stories: dict[int, Grown] = field(default_factory=dict)
    merged: dict[int, int] = field(default_factory=dict)
    summed: OrderedDict[int, Sums] = field(default_factory=OrderedDict)  # what was summed up last, by story
    arrived: deque[int] = field(default_factory=deque)
    count: int = 0
    latest: datetime | None = None

    def add(self, entry: Entry, *, first: datetime | None = None) -> None:
        """Puts an article into its story; `first`: when that one's first article was first seen, if it is not this."""
        self.count += 1
        article = self.count
        story = self.root(entry.story)
        entry = entry._replace(story=story)
        grown = self.stories.get(story)
        if grown is None:
            grown = self.stories[story] = Grown(first or entry.at, entry.at)
        grown.size += 1
        grown.last = max((moment for moment in (grown.last, entry.at) if moment), default=None)
        self.entries[article] = entry
        self.arrived.append(article)
        self._join(story, grown, article)
        for term in _most_telling(_sketch(entry.sketch), POSTED):
            posted = self.postings.get(term)
            if posted is None:
                posted = self.postings[term] = array("q")
            posted.append(article)
            if len(posted) > 2 * LATEST:
                del posted[:-LATEST]
        self._forget(entry.at)

    def root(self, story: int) -> int:
        return self.merged.get(story, story)

    def merge(self, younger: int, older: int) -> None:
        """What the younger has is the older's from now on."""
        self.merged |= {story: older for story, root in self.merged.items() if root == younger} | {younger: older}
        taken, grown = self.stories.pop(younger, None), self.stories.get(older)
        if taken is None:
            return
        if grown is None:
            grown = self.stories[older] = Grown(taken.first, taken.last)
        grown.size += taken.size
        grown.last = max((moment for moment in (grown.last, taken.last) if moment), default=None)
        grown.members = sorted(grown.members + taken.members)[-MEMBERS:]
        self.summed.pop(older, None)
        self.summed.pop(younger, None)

    def rename(self, names: Mapping[int, int], *, latest: int) -> None:
        """Stories by new numbers: those of their rows, once they have them. Only the `latest` articles are in them."""
        for old, new in names.items():
            if old in self.stories:
                self.stories[new] = self.stories.pop(old)
            self.summed.pop(old, None)
        self.merged = {names.get(one, one): names.get(other, other) for one, other in self.merged.items()}
        for article in islice(reversed(self.arrived), latest):
            entry = self.entries[article]
            self.entries[article] = entry._replace(story=names.get(entry.story, entry.story))

    def terms_of(self, article: int) -> Collection[int]:
        """By their hashes, the words of an article that it has."""
        return _sketch(self.entries[article].sketch).terms

    def find(self, sketch: Sketch, *, feed: str, at: datetime | None) -> list[Found]:
        """The stories whose event it reports as far as the score and the guards tell, the likeliest first."""
        if not sketch.known:
            return []
        found = [one for one in self._measured(sketch, feed, at) if one.score > JOINS]
        return sorted(found, key=lambda one: -one.score)

    def _measured(self, sketch: Sketch, feed: str, at: datetime | None) -> Iterator[Found]:
        for story, nearest in self._candidates(sketch, at).items():
            grown = self.stories[story]
            over = is_over(grown, at)
            if over == "silent":
                continue
            members = [(article, _sketch(self.entries[article].sketch)) for article in nearest]
            compared = [one for _, one in members]
            if not any(has_enough(sketch, one) for one in compared):
                continue
            if any(contradicts(sketch, one, same_feed=self._is_of(feed, article)) for article, one in members):
                continue
            gap = (at - grown.last).total_seconds() / 3600 if at and grown.last else 0.0
            sums = self._sums(story)
            measured = measures(sketch, sums, compared, hours=gap)
            if is_astray(measured, sums):
                continue
            yield Found(story, score(measured), over, nearest[0])

    def _is_of(self, feed: str, article: int) -> bool:
        return bool(feed) and self.entries[article].feed == feed

    def _candidates(self, sketch: Sketch, at: datetime | None) -> dict[int, list[int]]:
        """The stories with the articles that share the most, and those, the nearest first."""
        found: dict[int, list[int]] = {}
        for article in self._nearest(sketch):
            story = self.root(self.entries[article].story)
            if story in found:
                if len(found[story]) < NEAREST:
                    found[story].append(article)
            elif len(found) < CANDIDATES:
                found[story] = [article]
        return found

    def _nearest(self, sketch: Sketch) -> list[int]:
        """The articles that share the most with it, the nearest first, of equal ones the latest; LOOKED_AT at most."""
        import numpy as np  # by who groups articles, and not by every process that could

        asked = [term for term in _most_telling(sketch, ASKED) if term in self.postings]
        if not asked:
            return []
        posted = [np.frombuffer(self.postings[term], dtype=np.int64)[-LATEST:] for term in asked]
        weights = np.repeat([sketch.terms[term] ** 2 for term in asked], [len(one) for one in posted])
        articles, places = np.unique(np.concatenate(posted), return_inverse=True)
        shared = np.bincount(places, weights=weights)
        order = np.lexsort((articles, shared))[: -LOOKED_AT - 1 : -1]
        found: list[int] = articles[order[shared[order] >= FAINT * UNIT**2]].tolist()
        return found

    def _sums(self, story: int) -> Sums:
        members = self.stories[story].members
        if len(members) == 1:
            return sums_of_one(_sketch(self.entries[members[0]].sketch))
        found = self.summed.pop(story, None)
        if found is None:
            found = Sums()
            for article in members:
                found.add(_sketch(self.entries[article].sketch))
        self.summed[story] = found
        if len(self.summed) > SUMMED:
            self.summed.popitem(last=False)
        return found

    def _join(self, story: int, grown: Grown, article: int) -> None:
        """What is summed up already is kept so."""
        grown.members.append(article)
        dropped = grown.members.pop(0) if len(grown.members) > MEMBERS else None
        sums = self.summed.get(story)
        if sums is not None:
            sums.add(_sketch(self.entries[article].sketch))
            if dropped is not None:
                sums.add(_sketch(self.entries[dropped].sketch), times=-1)

    def _forget(self, at: datetime | None) -> None:
        """Lets go of what is long over."""
        self.latest = max((moment for moment in (self.latest, at) if moment), default=None)
        while self.latest and self.arrived:
            when = self.entries[self.arrived[0]].at
            if when is None or self.latest - when <= KEPT:
                return
            self._drop(self.arrived.popleft())

    def _drop(self, article: int) -> None:
        entry = self.entries[article]
        for term in _most_telling(_sketch(entry.sketch), POSTED):
            posted = self.postings.get(term)
            if posted and posted[0] == article:
                del posted[0]
            if not posted:
                self.postings.pop(term, None)
        story = self.root(entry.story)
        grown = self.stories[story]
        if article in grown.members:
            grown.members.remove(article)
            self.summed.pop(story, None)
        if not grown.members:
            del self.stories[story]
        del self.entries[article]


def _most_telling(sketch: Sketch, count: int) -> list[int]:
    return sorted(sketch.terms, key=lambda term: (-sketch.terms[term], term))[:count]
