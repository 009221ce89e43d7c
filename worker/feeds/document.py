"""A fetched document against what is known: what of it is news, by as little parsing as tells it for certain.

Pure: no I/O, no clock; whoever calls brings the parser and the look into the record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from worker.errors import FeedParseError
from worker.feeds.items import Items, find_items, read_remembered
from worker.feeds.update import decide_update
from worker.model import ArticleKey, FeedUpdate, KnownArticle, ParsedEntry, ParsedFeed

Parse = Callable[[bytes], ParsedFeed]  # raises FeedParseError
FindKnown = Callable[[Sequence[ParsedEntry]], Mapping[ArticleKey, KnownArticle]]


@dataclass(frozen=True)
class Document:
    """`parsed` is None where not all of it needed to be: what the last document said of itself, this one does too.
    `items`, if they can be told apart, are remembered for the next one."""

    update: FeedUpdate
    parsed: ParsedFeed | None
    items: Items | None


def decide_document(
    body: bytes, *, around: Sequence[str], remembered: bytes | None, parse: Parse, find_known: FindKnown
) -> Document:
    """What the document changes. `remembered`: what was kept of the feed's last one. Raises what `parse` does."""
    items = find_items(body, around=around)
    seen = read_remembered(remembered, items)
    if items is not None and seen:
        found = _decide_rest(items, seen, parse=parse, find_known=find_known)
        if found is not None:
            return found
    parsed = parse(body)
    update = decide_update(parsed, find_known(parsed.entries))
    told_apart = items is not None and _is_sure(parsed, len(items.hashes))
    return Document(update, parsed, items if told_apart else None)


def _is_sure(parsed: ParsedFeed, items: int) -> bool:
    """Whether the parser told apart what we did. In a loose document where one item ends is a guess, and its neighbours
    change the guess; and what one of us takes for an item may be none for the other."""
    return not parsed.loose and not parsed.cut and len(parsed.entries) + parsed.skipped == items


def _decide_rest(items: Items, seen: Mapping[int, int], *, parse: Parse, find_known: FindKnown) -> Document | None:
    """From the items that were not `seen` in the last document; None where only the whole of it tells."""
    fresh = [n for n in range(len(items.hashes)) if n not in seen]
    if not fresh:
        return Document(FeedUpdate(seen=len(seen), placed=seen), None, items)
    try:
        parsed = parse(items.only(set(fresh)))
    except FeedParseError:
        return None  # a document of nothing but what cannot be read
    if not _is_sure(parsed, len(fresh)):
        return None
    known = find_known(parsed.entries)
    if not {one.article_id for one in known.values()}.isdisjoint(seen.values()):
        return None  # one entry twice in a document: which stands is decided by their order
    update = decide_update(parsed, known)
    placed = {fresh[n]: number for n, number in update.placed.items()} | dict(seen)
    return Document(replace(update, seen=update.seen + len(seen), placed=placed), None, items)
