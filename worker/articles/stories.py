"""Which articles report one event: the keys by which they find each other. Pure: no I/O, no clock.

For now a story is one canonical link, or one normalised headline within a few days.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

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


def _shortened(value: str) -> str:
    if len(value) <= KEY_LENGTH:
        return value
    return "sha256:" + hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
