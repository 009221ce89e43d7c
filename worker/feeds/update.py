"""What a parsed feed changes: which entries are new, which changed, which keys are added. Pure: no I/O, no clock.

An entry is recognised by several keys. The guid decides where the feed uses it as one; a feed that repeats or reuses
guids is seen through by link and headline. In doubt an entry is new: a story told twice is grouped later, a lost one
is lost.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from worker.articles.text import canonical_url, folded_words
from worker.model import (
    ArticleKey,
    ChangedArticle,
    FeedUpdate,
    KeyKind,
    KnownArticle,
    NewArticle,
    ParsedEntry,
    ParsedFeed,
)

KEY_LENGTH: Final = 200
# Some feeds write another date, link or guid at each poll. What an entry is known by then is what does not change, and
# that is among its first keys: more would be added for ever, at each poll one an entry.
MOST_ADDED: Final = 50
GUID_TAIL: Final = re.compile(r"#\d{1,4}$")  # an outlet's count of its own edits: …/news/123#0, …#1
FEW_WORDS: Final = 4  # of a shorter headline a change of one word may be all that it says
TOUCHED_UP: Final = 0.8  # of the shorter headline's words are also in the other
Keys = Mapping[KeyKind, ArticleKey]


def entry_keys(entry: ParsedEntry) -> tuple[ArticleKey, ...]:
    """Every way to recognise this entry again, strongest first; empty when it has nothing to be known by.

    Source: the guid is the feed's own identity (RSS 2.0 `guid`, RFC 4287 §4.2.6); link, title and date stand in for it.
    """
    link = canonical_url(entry.link)
    stem = GUID_TAIL.sub("", entry.guid)
    found = []
    if entry.guid:
        found.append(_key(KeyKind.GUID, entry.guid))
    if stem != entry.guid:
        found.append(_key(KeyKind.GUID_STEM, stem))
    if link:
        found.append(link_key(link))
    if entry.title or entry.text:
        found.append(_key(KeyKind.TITLE_DATE, f"{entry.title or entry.text[:KEY_LENGTH]}\n{entry.published_raw}"))
    return tuple(found)


def link_key(canonical: str) -> ArticleKey:
    """The key of a canonical address."""
    return _key(KeyKind.LINK, canonical)


def content_hash(entry: ParsedEntry) -> str:
    """Changes exactly when the title or the text does."""
    return hashlib.sha256(f"{entry.title}\0{entry.text}".encode("utf-8", "surrogatepass")).hexdigest()


def decide_update(parsed: ParsedFeed, known: Mapping[ArticleKey, KnownArticle]) -> FeedUpdate:
    """The intents for one document, in arrival order (feeds list the newest first). Updating twice adds nothing."""
    entries = [(entry, {key.kind: key for key in entry_keys(entry)}) for entry in parsed.entries]
    readable = [(entry, keys) for entry, keys in entries if keys]
    decider = _Decider(known, doubtful=doubtful_keys(readable), shared=_shared_links(readable))
    placed: dict[int, int] = {}
    shared: set[int] = set()
    for entry, keys in reversed(readable):
        number = decider.decide(entry, keys)
        if number is not None and decider.is_alone(number, keys):
            placed[entry.item] = number
        elif number is not None:
            shared.add(number)
    return FeedUpdate(
        new=tuple(decider.new.values()),
        changed=tuple(decider.changed.values()),
        new_keys=tuple(decider.new_keys),
        seen=len(parsed.entries),
        skipped=parsed.skipped + len(entries) - len(readable) + decider.unknowable,
        placed={item: number for item, number in placed.items() if number not in shared},
    )


def doubtful_keys(entries: Sequence[tuple[ParsedEntry, Keys]]) -> frozenset[ArticleKey]:
    """The keys that entries of this document share although they are not one: a guid under two links and two titles, a
    link (of entries without a guid) under two titles."""
    bearers: dict[ArticleKey, set[tuple[str, str]]] = {}
    for entry, keys in entries:
        link = keys[KeyKind.LINK].value if KeyKind.LINK in keys else ""
        for kind in (KeyKind.GUID, KeyKind.GUID_STEM):
            if kind in keys:
                bearers.setdefault(keys[kind], set()).add((link, entry.title))
        if link and KeyKind.GUID not in keys:
            bearers.setdefault(keys[KeyKind.LINK], set()).add((entry.title, entry.title))
    return frozenset(
        key
        for key, pairs in bearers.items()
        if len({link for link, _ in pairs}) > 1 and len({title for _, title in pairs}) > 1
    )


def _shared_links(entries: Sequence[tuple[ParsedEntry, Keys]]) -> frozenset[ArticleKey]:
    """The links that several entries of this document have: a live page's posts, or a column's only address."""
    counts = Counter(keys[KeyKind.LINK] for _, keys in entries if KeyKind.LINK in keys)
    return frozenset(key for key, count in counts.items() if count > 1)


def is_touched_up(title: str, before: str) -> bool:
    """Whether two headlines are one but for a word or a bracket. Another one, at an old address and under a new id, is
    what a live page says now: news."""
    words, old = set(folded_words(title)), set(folded_words(before))
    fewer = min(len(words), len(old))
    return (bool(words) and words == old) or (fewer >= FEW_WORDS and len(words & old) >= TOUCHED_UP * fewer)


class _Decider:
    """Goes through one document; what it has decided counts as known for the entries after."""

    def __init__(
        self,
        known: Mapping[ArticleKey, KnownArticle],
        *,
        doubtful: frozenset[ArticleKey],
        shared: frozenset[ArticleKey] = frozenset(),
    ) -> None:
        self.known, self.doubtful, self.shared = known, doubtful, shared
        self.fresh: dict[ArticleKey, KnownArticle] = {}  # the keys that this document adds
        self.new: dict[int, NewArticle] = {}  # by ids of our own, below zero
        self.changed: dict[int, ChangedArticle] = {}
        self.new_keys: list[tuple[int, ArticleKey]] = []
        self.unknowable = 0

    def decide(self, entry: ParsedEntry, keys: Keys) -> int | None:
        """The id of its article, one of our own for a new one; None where nothing tells which it is."""
        digest = content_hash(entry)
        found = self._find(keys, digest, entry=entry)
        free = tuple(k for k in keys.values() if k not in self.known and k not in self.fresh and k not in self.doubtful)
        if found is not None and found.added_keys >= MOST_ADDED:
            free = ()
        if found is None and not free:
            self.unknowable += 1  # nothing to know it by again: it would be stored anew at every poll
            return None
        if found is None or found.article_id in self.new:
            return self._put_new(entry, found, free, digest)
        self._put_change(entry, found, digest)
        self.new_keys += [(found.article_id, key) for key in free]
        self.fresh.update(dict.fromkeys(free, found))
        return found.article_id

    def is_alone(self, number: int, keys: Keys) -> bool:
        """Whether every key of an entry is its article's, and nobody else's."""
        owners = [self.known.get(key) or self.fresh.get(key) for key in keys.values() if key not in self.doubtful]
        return len(owners) == len(keys) and all(one is None or one.article_id == number for one in owners)

    def _put_new(
        self, entry: ParsedEntry, found: KnownArticle | None, free: tuple[ArticleKey, ...], digest: str
    ) -> int:
        """A new article, or a newer version of one that this document has brought already."""
        number = found.article_id if found else -1 - len(self.new)
        keys = self.new[number].keys + free if found else free
        self.new[number] = NewArticle(entry, keys, canonical_url(entry.link), digest)
        self.fresh.update(dict.fromkeys(keys, KnownArticle(number, digest, 1, entry.title, entry.published_raw)))
        return number

    def _put_change(self, entry: ParsedEntry, found: KnownArticle, digest: str) -> None:
        """Of two versions in one document the newest, which is decided last, stands."""
        if found.content_hash != digest:
            self.changed[found.article_id] = ChangedArticle(found.article_id, found.revision + 1, entry, digest)
        else:
            self.changed.pop(found.article_id, None)

    def _find(self, keys: Keys, digest: str, *, entry: ParsedEntry) -> KnownArticle | None:
        """The article that this entry is, stored or of this document; None for a new one."""
        guid = self._known(keys, KeyKind.GUID) or self._known(keys, KeyKind.GUID_STEM)
        link, title = self._known(keys, KeyKind.LINK), self._known(keys, KeyKind.TITLE_DATE)
        if guid is not None:
            return self._by_guid(keys, digest, guid=guid, link=link, title=title)
        same = link is not None and title is not None and link.article_id == title.article_id
        if KeyKind.GUID in keys and keys[KeyKind.GUID] not in self.doubtful:
            # A rebuilt feed gives old entries new guids, some publishers give one to each edit.
            if link is None or (same and link.content_hash == digest):
                return link
            # At one address and of one date, but for a column that is anew there each day.
            alone = keys[KeyKind.LINK] not in self.shared
            dated = bool(entry.published_raw) and entry.published_raw == link.published_raw
            return link if alone and dated and is_touched_up(entry.title, link.title) else None
        if link is not None:
            return link
        # Under another link a headline alone is nothing: a column has the same one every day.
        has_link = KeyKind.LINK in keys and keys[KeyKind.LINK] not in self.doubtful
        dated = bool(entry.published_raw)
        return title if title is not None and (not has_link or (dated and title.content_hash == digest)) else None

    def _by_guid(
        self, keys: Keys, digest: str, *, guid: KnownArticle, link: KnownArticle | None, title: KnownArticle | None
    ) -> KnownArticle | None:
        """The guid is known; a feed that reuses guids for other articles is seen through by link and headline."""
        if guid.content_hash == digest:
            return guid
        if link is not None and link.content_hash == digest:
            return link  # the guid was another's first, and this page came under it later
        other = title is not None and title.article_id != guid.article_id
        if other and title and (title.content_hash == digest or (link and link.article_id == title.article_id)):
            return title
        reused = KeyKind.LINK in keys and link is None and title is None and KeyKind.GUID_STEM not in keys
        return None if reused else guid

    def _known(self, keys: Keys, kind: KeyKind) -> KnownArticle | None:
        key = keys.get(kind)
        return None if key is None or key in self.doubtful else self.known.get(key) or self.fresh.get(key)


def _key(kind: KeyKind, value: str) -> ArticleKey:
    if len(value) > KEY_LENGTH or not value.isprintable():
        value = "sha256:" + hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
    return ArticleKey(kind, value)
