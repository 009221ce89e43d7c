"""Which articles report one event: the keys by which they find each other. Pure: no I/O, no clock.

For now a story is one canonical link, or one normalised headline within a few days.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from worker.articles.text import headline_key

KEY_LENGTH: Final = 200
LINK: Final = "link"
HEADLINE: Final = "headline"
# How long after its last article a key still finds its story; a kind that is not listed finds it for good. A headline
# such as "Five killed in air strike on the capital" is another event in another week.
LASTS: Final = {HEADLINE: timedelta(days=3)}


@dataclass(frozen=True)
class StoryKey:
    """`value` is at most 200 characters; a longer one is hashed."""

    kind: str
    value: str

    def finds(self, *, last_seen: datetime | None, at: datetime | None) -> bool:
        """Whether an article first seen `at` belongs to the story whose last one with this key was seen at `last_seen`.

        Where a time is not known, it does.
        """
        lasts = LASTS.get(self.kind)
        return lasts is None or last_seen is None or at is None or at - last_seen <= lasts


def story_keys(*, title: str, canonical_url: str) -> tuple[StoryKey, ...]:
    """The keys of one article, strongest first; empty for one without a link whose headline is too short to tell."""
    found = ((LINK, canonical_url), (HEADLINE, headline_key(title)))
    return tuple(StoryKey(kind, _shortened(value)) for kind, value in found if value)


@dataclass(frozen=True)
class Holder:
    """Whose a key is: its story, the first article that brought it, and when the last one with it was first seen."""

    story: Any
    article: Any
    last_seen: datetime | None


class Stories:
    """Puts articles into stories, in arrival order; what it has placed counts as held for the articles after."""

    def __init__(self, held: Mapping[StoryKey, Holder]) -> None:
        self.held = dict(held)

    def place(self, article: Any, keys: Sequence[StoryKey], *, at: datetime | None, new: Any) -> Holder | None:
        """What it is found by, strongest key first; None when it opens the story `new`. Its keys are held from now on.

        A living key stays with its story; one that has lapsed goes to this article's.
        """
        living = {key: one for key in keys if (one := self.held.get(key)) and key.finds(last_seen=one.last_seen, at=at)}
        found = next(iter(living.values()), None)
        story = found.story if found else new
        for key in keys:
            one = living.get(key)
            last = max((moment for moment in (one and one.last_seen, at) if moment), default=None)
            self.held[key] = replace(one, last_seen=last) if one else Holder(story, article, at)
        return found


def _shortened(value: str) -> str:
    if len(value) <= KEY_LENGTH:
        return value
    return "sha256:" + hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
