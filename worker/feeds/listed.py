"""Feeds as a list from elsewhere names them, before anybody decides about them. Pure: no I/O."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from worker.errors import WirewatchError

MAX_LISTED: Final = 50_000  # feeds: more than any desk polls, and about what a feeds.yaml of 10 MB holds
MAX_PIECE: Final = 100_000  # characters of one outline or one line of a table
MAX_TAGS: Final = 50  # of one feed
MAX_TOLD: Final = 60  # characters of a word in a note
TOLD_WORDS: Final = 3  # of one note; the rest is counted
MAX_SLUG: Final = 60  # characters; the configuration allows 80, and twins get a number behind


@dataclass(frozen=True)
class ListedFeed:
    """One feed, at `line` of its list. All as written but for spaces, '' where nothing is; `tags` are slugs.

    `notes`: what the list says of it and cannot be kept, in words.
    """

    line: int
    url: str
    title: str = ""
    language: str = ""
    tags: tuple[str, ...] = ()
    id: str = ""
    tier: str = ""
    interval: str = ""
    enabled: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class FeedList:
    """`damage`: (line, words) of what could not be read: something may be missing; `notes`: what is left out."""

    feeds: tuple[ListedFeed, ...]
    damage: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()


class ListError(WirewatchError):
    """No list of feeds, or one that is not read; in words for who has it."""


def refuse_long(pieces: Iterable[str], *, what: str) -> None:
    """Raises ListError: one piece of that length would cost more than all of an honest list."""
    if any(len(piece) > MAX_PIECE for piece in pieces):
        raise ListError(f"The list holds {what} of more than {MAX_PIECE:,} characters: it is not read.")


def slug(text: str) -> str:
    """Small Latin letters, digits and single hyphens, cut between words; '' when no such letter is in the text."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower().replace("'", "")
    whole = "-".join(re.findall(r"[a-z0-9]+", plain))
    if len(whole) > MAX_SLUG:
        whole = whole[: MAX_SLUG + 1].rpartition("-")[0] or whole[:MAX_SLUG]
    return whole if re.search(r"[a-z]", whole) else ""


def as_tags(words: Iterable[str], *, above: tuple[str, ...] = ()) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The tags `above` and the words as tags, each once and in order; and notes on what makes none.

    `above` itself where the words add nothing: a long list has many feeds of the same tags.
    """
    given = list(dict.fromkeys(word.strip() for word in words if word.strip()))
    if not given:
        return above, ()
    found = {word: slug(word) for word in given[:MAX_TAGS]}
    notes = _no_tags([word for word, tag in found.items() if not tag])
    tags = tuple(dict.fromkeys([*above, *filter(None, found.values())]))
    wanted = len(tags) + len(given) - len(found)
    if wanted > MAX_TAGS:
        notes += (f"only the first {MAX_TAGS} of {wanted} tags are kept",)
    return above if tags == above else tags[:MAX_TAGS], notes


def _no_tags(words: Sequence[str]) -> tuple[str, ...]:
    """In one note: with a note for each word, a list of long words in another script would fill the memory."""
    if not words:
        return ()
    shown = [word if len(word) <= MAX_TOLD else f"{word[: MAX_TOLD - 1]}…" for word in words[:TOLD_WORDS]]
    more = f" and {len(words) - len(shown)} more" if len(words) > len(shown) else ""
    makes = "makes" if len(words) == 1 else "make"
    return (f"{', '.join(map(repr, shown))}{more} {makes} no tag: a tag has small Latin letters",)
