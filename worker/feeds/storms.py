"""What a document that brings unusually much at once really is: the same articles under new identities, an import of
old entries, or news. Pure: no I/O, no clock.

In doubt it is news: a story told twice is grouped later, a lost one is lost. So an entry is known again only by its
headline and more, and only when many are; held is only what its own date makes old, which would raise no alert anyway.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

from worker.alerts.decide import FIRST_YEAR, is_old
from worker.articles.text import folded_words
from worker.model import ChangedArticle, FeedUpdate, NewArticle

LEAST_RENAMED: Final = 5  # fewer are retitled and moved one by one
LEAST_HELD: Final = 10  # fewer old entries resurface by themselves
UNUSUAL: Final = 2  # times as many old ones as a poll of this feed usually brings in all
TEXT_LETTERS: Final = 300  # of a text are compared: enough to tell two apart
TEXT_WORDS: Final = 40  # feeds cut one text at different lengths
TEXT_SHARE: Final = 0.8  # of the words of the shorter beginning
LONG_TEXT: Final = 12  # words: a shorter one may be a standing line
WHOLE_TEXT: Final = 25  # words: equal, under an equal headline and path, there is nothing new to tell
SOON: Final = timedelta(hours=18)  # what comes again after that may be a daily column


@dataclass(frozen=True)
class RecentArticle:
    """An article that the feed brought lately; of `text` the beginning is enough, '' where it is not kept."""

    article_id: int
    title: str
    text: str
    canonical_url: str
    content_hash: str
    revision: int
    published: datetime | None
    published_raw: str
    outlet: str = ""  # who wrote it, where the feed is another's


def is_suspicious(update: FeedUpdate, *, old_before: datetime) -> bool:
    """Whether the document may be a storm: most of it is new, or much of what is new is old. Cheap: for every poll."""
    return _is_mostly_new(update) or sum(_is_back_dated(new, old_before) for new in update.new) >= LEAST_HELD


def decide_storm(
    update: FeedUpdate,
    *,
    recent: Sequence[RecentArticle],
    last_read: datetime | None,
    baseline: bool,
    usual: float | None,
    now: datetime,
    old_after: timedelta,
) -> FeedUpdate:
    """The update as it is to be stored: what is known again is new no more, and an import of old entries is held.

    `recent`: the newest first. `last_read`: when the feed was last read before; `usual`: how many new entries a poll
    that brings any usually brings, None where that is not known. `baseline`: this is the feed's first poll.
    """
    if baseline or not update.new:
        return update
    old_before = (now if last_read is None else min(now, last_read)) - old_after
    update = _known_again(update, recent, old_before)
    held = _held(update.new, old_before, least=max(LEAST_HELD, UNUSUAL * (usual or 0.0)))
    new = tuple(replace(one, held=True) if number in held else one for number, one in enumerate(update.new))
    return replace(update, new=new) if held else update


def _is_mostly_new(update: FeedUpdate) -> bool:
    return len(update.new) >= LEAST_RENAMED and 2 * len(update.new) > update.seen


def _is_back_dated(new: NewArticle, old_before: datetime) -> bool:
    return is_old(new.entry.published, before=old_before)


# ---------------------------------------------------------------- changed identities


def _known_again(update: FeedUpdate, recent: Sequence[RecentArticle], old_before: datetime) -> FeedUpdate:
    """Without the new articles that are recent ones under another identity, if enough are; their keys are added, and
    where the words differ that is an edit."""
    mostly = _is_mostly_new(update)
    asked = [new for new in update.new if mostly or _is_back_dated(new, old_before)]
    shown = {one.article_id for one in update.changed} | {number for number in update.placed.values() if number >= 0}
    pairs = _pairs(asked, recent, taken=shown)
    # Some of many may be copies that two outlets of one collection dated alike; most of many are not.
    if len(pairs) < LEAST_RENAMED or 2 * len(pairs) < len(asked):
        return update
    edited = (
        ChangedArticle(old.article_id, old.revision + 1, new.entry, new.content_hash)
        for new, old in pairs
        if new.content_hash != old.content_hash
    )
    found = {id(new) for new, _ in pairs}
    return replace(
        update,
        new=tuple(new for new in update.new if id(new) not in found),
        changed=(*update.changed, *edited),
        new_keys=(*update.new_keys, *((old.article_id, key) for new, old in pairs for key in new.keys)),
        placed=_placed_anew(update, found),
        renamed=len(pairs),
    )


def _placed_anew(update: FeedUpdate, found: Container[int]) -> dict[int, int]:
    """Where the others are, counted anew. What is known again (`found`: by the objects' identities) is left to the next
    look, when its keys tell it."""
    numbers, left = {}, 0
    for number, new in enumerate(update.new, start=1):
        if id(new) not in found:
            left += 1
            numbers[-number] = -left
    return {
        place: numbers.get(number, number)
        for place, number in update.placed.items()
        if number >= 0 or number in numbers
    }


def _pairs(
    asked: Sequence[NewArticle], recent: Sequence[RecentArticle], *, taken: set[int]
) -> list[tuple[NewArticle, RecentArticle]]:
    """Each new article with the recent one that it is; none is two."""
    by_head: dict[str, list[_Look]] = defaultdict(list)
    for one in recent:
        look = _look_of(one)
        by_head[look.head].append(look)
    looks = [(new, _Look(new.entry.title, new.entry.text, new.canonical_url)) for new in asked]
    heads = Counter(look.head for _, look in looks)
    pairs = []
    for new, look in looks:
        alone = heads[look.head] == 1 and len(by_head[look.head]) == 1
        for other in by_head[look.head] if look.head else ():
            old = other.article
            if old and old.article_id not in taken and _is_same(new, look, old, other, alone=alone):
                taken.add(old.article_id)
                pairs.append((new, old))
                break
    return pairs


@dataclass(frozen=True)
class _Look:
    """What two identities of one article share, folded."""

    title: str
    text: str
    canonical_url: str
    article: RecentArticle | None = None

    @cached_property
    def head(self) -> str:
        """By which it is found: its headline, or how its text begins."""
        return " ".join(folded_words(self.title) or self.words)

    @cached_property
    def words(self) -> list[str]:
        return folded_words(self.text[:TEXT_LETTERS])[:TEXT_WORDS]

    @cached_property
    def path(self) -> str:
        """Its place within its site; '' for the front page, where everything may be."""
        parts = urlsplit(self.canonical_url)
        return f"{parts.path}?{parts.query}" if parts.path.strip("/") or parts.query else ""


def _look_of(one: RecentArticle) -> _Look:
    return _Look(one.title, one.text, one.canonical_url, one)


def _is_same(new: NewArticle, look: _Look, old: RecentArticle, other: _Look, *, alone: bool) -> bool:
    """Of two with one headline; `alone`: nothing else has it, neither there nor here. A column has it every day: then
    dates and texts differ, whatever the link says."""
    entry = new.entry
    if entry.outlet and old.outlet and entry.outlet != old.outlet:
        return False
    texts, paths = _texts_agree(look.words, other.words), bool(look.path) and look.path == other.path
    if _is_one_date(new, old):
        # To the second it is one's own. Where only days or hours are given, others have the same.
        exact = entry.published is not None and bool(entry.published.minute or entry.published.second)
        return exact or texts is True or (paths and texts is not False)
    if entry.published is None or old.published is None:
        return (paths and texts is not False) or (alone and texts is True and len(look.words) >= LONG_TEXT)
    if alone and paths and look.canonical_url == other.canonical_url:
        return texts is not False  # a collector that gives new ids, and its own dates
    near, whole = abs(entry.published - old.published) < SOON, len(look.words) >= WHOLE_TEXT
    return paths and texts is True and (alone or near or whole)


def _is_one_date(new: NewArticle, old: RecentArticle) -> bool:
    """As it was written, too: what lies in the future is no date to us, and yet the same."""
    entry = new.entry
    written = bool(entry.published_raw) and entry.published_raw == old.published_raw
    return written or (entry.published is not None and entry.published == old.published)


def _texts_agree(one: Sequence[str], other: Sequence[str]) -> bool | None:
    """As far as both go; None where one of them has none."""
    length = min(len(one), len(other))
    if not length:
        return None
    common = sum((Counter(one[:length]) & Counter(other[:length])).values())
    return common >= TEXT_SHARE * length


# ---------------------------------------------------------------- imports of old entries


def _held(new: Sequence[NewArticle], old_before: datetime, *, least: float) -> frozenset[int]:
    """The numbers of those that are held: the old ones, and what stands undated between two of them.

    Other undated ones are news: a publisher whose dates break must not fall silent.
    """
    old = {number for number, one in enumerate(new) if _is_back_dated(one, old_before)}
    if len(old) < least:
        return frozenset()
    dated = [number for number, one in enumerate(new) if _is_dated(one)]
    between = {
        number
        for first, last in itertools.pairwise(dated)
        if first in old and last in old
        for number in range(first + 1, last)
    }
    return frozenset(old | between)


def _is_dated(new: NewArticle) -> bool:
    published = new.entry.published
    return published is not None and published.year >= FIRST_YEAR
