"""Feeds asked once, to see whether they answer and how: what `wirewatch feeds test` tells. Stores nothing.

What publishers asked of the desk binds this, too: it is read from the record's rows, where there are any.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from worker.alerts.wording import local_time
from worker.config.access import access_of
from worker.config.schema import Config, FeedSpec
from worker.errors import FeedParseError, FetchReason
from worker.feeds.fetch import Fetcher
from worker.feeds.parse import Parser
from worker.feeds.reasons import explain, wording
from worker.guard import has_same_origin
from worker.model import Fetched, FetchFailed, FetchRequest, FetchResult, NotModified, ParsedFeed, Postponed, Validators
from worker.polling import new_fetcher

QUIET: Final = timedelta(days=90)  # no entry for so long: most feeds that are kept up bring one a month at least
FORMATS: Final[Mapping[str, str]] = {
    "rss090": "RSS 0.90", "rss091n": "RSS 0.91", "rss091u": "RSS 0.91", "rss092": "RSS 0.92", "rss093": "RSS 0.93",
    "rss094": "RSS 0.94", "rss10": "RSS 1.0", "rss20": "RSS 2.0", "rss": "RSS", "atom01": "Atom 0.1",
    "atom02": "Atom 0.2", "atom03": "Atom 0.3", "atom10": "Atom 1.0", "atom": "Atom", "json": "JSON Feed",
}  # fmt: skip


@dataclass(frozen=True)
class FeedCheck:
    """What one request to `url` brought. `name` is the feed's id, or the address where it was asked by that.

    `notes` are what is odd about a feed that answers; `wrong` and `advice` stand for one that does not. What comes from
    the publisher (`language`, addresses) is as it came. One that is `unchanged` since the desk's last poll answers
    without a document, so there is nothing to tell of it; one that is told to wait is not asked before `waits_until`.
    """

    name: str
    url: str
    answers: bool
    seconds: float = 0.0
    format: str = ""
    entries: int = 0
    newest: datetime | None = None
    language: str = ""
    validators: tuple[str, ...] = ()
    redirected_to: str = ""
    set_address: str = ""
    notes: tuple[str, ...] = ()
    reason: str = ""
    wrong: str = ""
    advice: str = ""
    unchanged: bool = False
    waits_until: datetime | None = None


@dataclass(frozen=True)
class Asking:
    """What feeds are asked with: one for all that one command asks, so that no host is hurried."""

    fetcher: Fetcher
    parser: Parser

    @classmethod
    @contextlib.contextmanager
    def by(cls, config: Config) -> Iterator[Asking]:
        asking = cls(new_fetcher(config), Parser())
        try:
            yield asking
        finally:
            asking.parser.close()


def check_feeds(config: Config, feeds: Sequence[tuple[str, str]], *, rows: Iterable[Any] = ()) -> Iterator[FeedCheck]:
    """One for each (name, url), as the answers come; as polite as any poll.

    `rows` are the record's feeds: an address that asked us to wait is not asked, one that gave validators gets them.
    """
    with Asking.by(config) as asking:
        yield from check_with(asking, config, feeds, rows=list(rows))


def check_with(
    asking: Asking, config: Config, feeds: Sequence[tuple[str, str]], *, rows: Sequence[Any]
) -> Iterator[FeedCheck]:
    """`check_feeds`, with what is there already."""
    now = datetime.now(UTC)
    specs = {spec.id: spec for spec in config.feeds} | {spec.url: spec for spec in config.feeds}
    waits = _waits(rows, now)
    given = {row.current_url: Validators(row.etag, row.last_modified) for row in rows}
    requests = []
    for name, url in feeds:
        if url in waits:
            yield _waiting(name, url, until=waits[url], zone=config.settings.time_zone)
        else:
            access = access_of(config, specs.get(name), url)
            requests.append(FetchRequest(name, url, given.get(url, Validators()), access))
    for group in asking.fetcher.fetch_all(requests):
        for result in group:
            yield check_answer(asking.parser, result, specs.get(result.request.feed_id), now=datetime.now(UTC))


def wait_for(config: Config, url: str, rows: Sequence[Any]) -> FeedCheck | None:
    """What is said of an address that asked us to wait; None where it did not."""
    until = _waits(rows, datetime.now(UTC)).get(url)
    return _waiting(url, url, until=until, zone=config.settings.time_zone) if until else None


def _waits(rows: Iterable[Any], now: datetime) -> dict[str, datetime]:
    """Until when each address is not asked, by the 429 that it, or what it moved to, answered a poll with."""
    asked = [row for row in rows if row.reason == FetchReason.RATE_LIMITED and row.next_poll_at > now]
    return {url: row.next_poll_at for row in asked for url in (row.configured_url, row.current_url)}


def _waiting(name: str, url: str, *, until: datetime, zone: str) -> FeedCheck:
    detail = f"it asked us to wait until {local_time(until, zone)}, so it was not asked now"
    return replace(_failed(FeedCheck(name, url, answers=False), FetchReason.RATE_LIMITED, detail), waits_until=until)


def check_answer(parser: Parser, result: FetchResult, spec: FeedSpec | None = None, *, now: datetime) -> FeedCheck:
    request, outcome = result.request, result.outcome
    base = FeedCheck(request.feed_id, request.url, answers=False, seconds=round(result.seconds, 2))
    if isinstance(outcome, FetchFailed):
        failed = _failed(base, outcome.reason, outcome.detail)
        return replace(failed, advice=access_advice(spec, outcome) or failed.advice)
    if isinstance(outcome, NotModified) and request.validators != Validators():
        named = _named(outcome.validators)
        return replace(base, answers=True, unchanged=True, validators=named, notes=("unchanged since the last poll",))
    if isinstance(outcome, Postponed):
        return _failed(base, FetchReason.RATE_LIMITED, "not asked: its host asked us to wait")
    if not isinstance(outcome, Fetched):
        return _failed(base, FetchReason.STATUS, "304 to a request that asked for no such thing")
    try:
        parsed = parser.parse(outcome.body, content_type=outcome.content_type, url=outcome.final_url, now=now)
    except FeedParseError as error:
        return _failed(base, error.reason, error.detail)
    moved = outcome.permanent_url or ""
    newest = max((entry.published for entry in parsed.entries if entry.published), default=None)
    return replace(
        base,
        answers=True,
        format=FORMATS.get(parsed.version, parsed.version),
        entries=len(parsed.entries),
        newest=newest,
        language=parsed.language,
        validators=_named(outcome.validators),
        redirected_to=outcome.final_url if outcome.final_url != request.url else "",
        set_address=moved,
        notes=(*_notes(parsed, outcome, newest=newest, now=now), *_access_notes(request, outcome)),
    )


def access_advice(spec: FeedSpec | None, failed: FetchFailed) -> str:
    """What to do where it is the feed's own keys in feeds.yaml that may be wrong; '' where it is not."""
    used = _keys(spec) if spec else ()
    keys = " and ".join([", ".join(used[:-1]), used[-1]] if len(used) > 1 else used)
    if failed.status == 401 and keys:
        return f"Its server refuses what we say who we are: check {keys} of this feed in feeds.yaml."
    if failed.status == 401:
        return "It wants to know who asks: set `username` and `password`, or a header, for this feed in feeds.yaml."
    if failed.status in (403, 404) and keys:
        return f"Some servers answer so to a wrong password or key: check {keys} of this feed in feeds.yaml."
    if failed.reason == FetchReason.TLS and spec and spec.ca_file:
        return "Check `ca_file` of this feed in feeds.yaml: it must hold the certificate that signed its server's."
    if failed.reason == FetchReason.TLS:
        return f"{wording(failed.reason).advice} A server of your own? Name its certificates as `ca_file`."
    return ""


def _keys(spec: FeedSpec) -> tuple[str, ...]:
    """The keys by which the feed's server is told who asks."""
    keys = ("username", "password", "headers")
    return tuple(f"`{key}`" for key in keys if getattr(spec, key))


def _access_notes(request: FetchRequest, outcome: Fetched) -> Iterator[str]:
    if request.access and request.access.headers and not has_same_origin(request.url, outcome.final_url):
        yield "its headers and password were not sent on to the server that it leads to"


def _named(validators: Validators) -> tuple[str, ...]:
    given = {"ETag": validators.etag, "Last-Modified": validators.last_modified}
    return tuple(name for name, value in given.items() if value)


def _failed(base: FeedCheck, reason: str, detail: str) -> FeedCheck:
    return replace(base, reason=str(reason), wrong=explain(reason, detail), advice=wording(reason).advice)


def _notes(parsed: ParsedFeed, outcome: Fetched, *, newest: datetime | None, now: datetime) -> Iterator[str]:
    if outcome.permanent_url:
        yield f"moved for good; set this address in feeds.yaml: {outcome.permanent_url}"
    if not parsed.entries:
        yield "it has no entry: a quiet day, or a feed that is no longer filled"
    elif newest is None:
        yield "no entry has a date that can be read"
    elif now - newest > QUIET:
        yield f"nothing new for {(now - newest).days} days: perhaps it is no longer kept up"
    if parsed.cut:
        yield "it ends inside an entry"
    if parsed.skipped:
        yield f"entries left out, as empty, unreadable or over the cap: {parsed.skipped}"
