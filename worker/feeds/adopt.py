"""Which feeds of a list the desk takes up, under which id, and why not the others. Pure: no I/O."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from worker.articles.text import canonical_url
from worker.config.schema import Config, FeedSpec
from worker.config.source import Source
from worker.config.typed import typed_item
from worker.config.values import read_duration, write_duration
from worker.errors import FetchError
from worker.feeds.decode import XML_CHARSET, settle_charset
from worker.feeds.listed import MAX_LISTED, FeedList, ListedFeed, ListError, slug
from worker.feeds.opml import read_opml
from worker.feeds.sheet import read_sheet
from worker.guard import NetworkPolicy, check_url

MAX_LIST: Final = 50 * 2**20  # bytes
WORD_VALUES: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Fate(enum.StrEnum):
    ADDED = "added"
    THERE = "there"  # its address is configured already
    REFUSED = "refused"


@dataclass(frozen=True)
class Adoption:
    """What becomes of one listed feed. `id` is its own or, of one that is there, the configured one's.

    `why`: of one refused, the reason; else what could not be kept. `spec` is there for one added.
    """

    line: int
    fate: Fate
    url: str
    title: str = ""
    id: str = ""
    why: str = ""
    spec: FeedSpec | None = None


def read_list(body: bytes) -> FeedList:
    """OPML or a table (CSV), told apart by the first character. Raises ListError."""
    if len(body) > MAX_LIST:
        raise ListError(f"The list is larger than {MAX_LIST // 2**20} MB: split it. Nothing was read.")
    text = _decoded(body).removeprefix("\ufeff")
    if not text.strip():
        raise ListError("The list is empty.")
    return read_opml(text) if text.lstrip().startswith("<") else read_sheet(text)


def _decoded(body: bytes) -> str:
    body, charset = settle_charset(body, "")
    declared = XML_CHARSET.search(body[:400])
    charset = charset or (declared[1].decode("ascii") if declared else "cp1252")  # what spreadsheets write otherwise
    try:
        return body.decode(charset, "replace")
    except LookupError:
        return body.decode("utf-8", "replace")


def decide_adoptions(listed: Iterable[ListedFeed], config: Config, *, tags: tuple[str, ...] = ()) -> list[Adoption]:
    """One for each listed feed, in order, but a single refusal for all that are over the cap.

    Two addresses are one feed where `canonical_url` says so. `tags` are given to every feed that is added.
    """
    return list(_Desk(config, tags).adopt(listed))


class _Desk:
    """The feeds that are there, growing while the list is gone through."""

    def __init__(self, config: Config, tags: tuple[str, ...]) -> None:
        self.policy: NetworkPolicy = config.to_policy()
        self.tags = tags
        self.there = {_same(feed.url): feed.id for feed in config.feeds}
        self.ids = {feed.id for feed in config.feeds}
        self.twins: dict[str, int] = {}

    def adopt(self, listed: Iterable[ListedFeed]) -> Iterator[Adoption]:
        for n, one in enumerate(listed):
            if n == MAX_LISTED:
                why = f"over the cap of {MAX_LISTED:,} feeds, as is all that follows; split the list"
                yield Adoption(one.line, Fate.REFUSED, one.url, one.title, why=why)
                return
            yield self._adopt(one)

    def _adopt(self, one: ListedFeed) -> Adoption:
        url = plain_address(one.url)
        known = dict(line=one.line, url=url, title=one.title)
        why = self._refusal(url)
        if why:
            return Adoption(**known, fate=Fate.REFUSED, why=why)
        same = _same(url)
        if same in self.there:
            return Adoption(**known, fate=Fate.THERE, id=self.there[same])
        if one.id and one.id in self.ids:
            return Adoption(**known, fate=Fate.REFUSED, why=f"id: {one.id} is taken by another feed")
        one = self._polite(one, url)
        spec, why = _typed(one, url=url, feed_id=one.id or self._free_id(one.title, url), tags=self.tags)
        if spec is None:
            return Adoption(**known, fate=Fate.REFUSED, why=why)
        self.there[same] = spec.id
        self.ids.add(spec.id)
        return Adoption(**known, fate=Fate.ADDED, id=spec.id, why=why, spec=spec)

    def _polite(self, one: ListedFeed, url: str) -> ListedFeed:
        """Without an interval that would be no feed's on its host; one that cannot be read is said elsewhere."""
        floor = self.policy.host(urlsplit(url).hostname or "").interval_floor
        try:
            hurried = bool(one.interval) and read_duration(one.interval) < floor
        except ValueError:
            return one
        every = write_duration(floor)
        note = f"interval {one.interval} left out: no feed of its host is asked more often than every {every}"
        return replace(one, interval="", notes=(*one.notes, note)) if hurried else one

    def _refusal(self, url: str) -> str:
        """What the guard refuses without a look-up; what a name leads to is seen only when it is asked."""
        if not url:
            return "has no address"
        if "://" not in url:  # as tables often have them; the guard would only say what is fetched, not what to write
            _, problems = _validated({"id": "any", "url": url})
            return f"url: {problems['url']}"
        try:
            check_url(url, use="feed", policy=self.policy)
        except FetchError as refusal:
            return f"will not be fetched: {refusal.detail}"
        return ""

    def _free_id(self, title: str, url: str) -> str:
        host = (urlsplit(url).hostname or "").removeprefix("www.")
        wanted = slug(title) or slug(host) or slug(f"feed-{host}")
        n = self.twins.get(wanted, 1)
        feed_id = wanted
        while feed_id in self.ids:
            n += 1
            feed_id = f"{wanted}-{n}"
        self.twins[wanted] = n
        return feed_id


def plain_address(url: str) -> str:
    """feed:https://x and feed://x are how some lists say that an address is a feed's."""
    found = re.match(r"feed:(//)?(?=(https?:)?)", url, re.I)
    if not found:
        return url
    return ("" if found[2] else "http://") + url[found.end() :]


def _same(url: str) -> str:
    return canonical_url(url) or url


def _typed(one: ListedFeed, *, url: str, feed_id: str, tags: tuple[str, ...]) -> tuple[FeedSpec | None, str]:
    """The feed as the configuration would have it, with a word on what was left out; or None with the reason."""
    raw: dict[str, Any] = {"id": feed_id, "url": url, "title": one.title, "language": one.language}
    raw["tags"] = list(dict.fromkeys([*one.tags, *tags]))
    if one.tier:
        raw["tier"] = int(one.tier) if one.tier.isascii() and one.tier.isdigit() else one.tier
    if one.interval:
        raw["interval"] = one.interval
    if one.enabled:
        raw["enabled"] = WORD_VALUES.get(one.enabled.lower(), one.enabled)
    notes = list(one.notes)
    spec, problems = _validated(raw)
    if "language" in problems:  # lists are careless about it, and it only helps
        notes.append(f"language {one.language!r} left out: {problems.pop('language')}")
        raw["language"] = ""
        spec, problems = _validated(raw)
    if spec is None:
        return None, "; ".join(f"{key}: {message}" for key, message in problems.items())
    return spec, "; ".join(notes)


def _validated(raw: dict[str, Any]) -> tuple[FeedSpec | None, dict[str, str]]:
    source = Source("list")
    spec = typed_item(source, (), raw, FeedSpec)
    return spec, {problem.key: problem.message for problem in source.problems}
