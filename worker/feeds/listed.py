"""Feeds as a list from elsewhere names them, before anybody decides about them. Pure: no I/O."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from worker.errors import WirewatchError

MAX_LISTED: Final = 100_000  # feeds: more than any desk polls; a longer list is an accident or an attack
MAX_PIECE: Final = 100_000  # characters of one outline or one line of a table
MAX_TAGS: Final = 50  # of one feed
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


def as_tags(words: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words as tags, each once and in order; and a note for what makes none."""
    given = list(dict.fromkeys(word.strip() for word in words if word.strip()))
    found = {word: slug(word) for word in given[:MAX_TAGS]}
    notes = [f"{word!r} makes no tag: a tag has small Latin letters" for word, tag in found.items() if not tag]
    if len(given) > MAX_TAGS:
        notes.append(f"only the first {MAX_TAGS} of {len(given)} tags are kept")
    return tuple(dict.fromkeys(tag for tag in found.values() if tag)), tuple(notes)
