"""What is wrong with the feeds of a configuration: addresses, pace, and secrets that would go where they must not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from worker.config.schema import Config, FeedSpec
from worker.config.source import Path_, Source
from worker.config.values import Secret, names_a_credential, write_duration
from worker.errors import FetchError
from worker.guard import NetworkPolicy, check_url, is_allow_listed

Found = Iterator[tuple[str, str]]  # (key, words)


def check_feeds(config: Config, sources: Mapping[str, Source]) -> None:
    """Notes each problem in its source."""
    source, policy = sources["feeds"], policy_of(config, sources)
    held: dict[str, str] = {}
    for n, feed in zip(source.kept, config.feeds, strict=True):
        if feed.url in held:
            source.add(("feeds", n, "url"), f"the feed {held[feed.url]} has the same address; keep one")
        held.setdefault(feed.url, feed.id)
        check_reach(policy, source, ("feeds", n, "url"), feed.url, use="feed")
        for key, words in (*_pace(feed, policy), *_access(feed, policy)):
            source.add(("feeds", n, key), words)


def check_reach(policy: NetworkPolicy | None, source: Source, path: Path_, url: str, *, use: str) -> None:
    """What the guard refuses without a look-up will not be fetched; what a name leads to is seen only then."""
    if policy is not None:
        try:
            check_url(url, use=use, policy=policy)
        except FetchError as refusal:
            why = refusal.detail
            source.add(path, f"will not be fetched: {why}" if use == "feed" else f"nothing will be sent there: {why}")


def policy_of(config: Config, sources: Mapping[str, Source]) -> NetworkPolicy | None:
    """None where network.yaml was not read, or could not be: then there is no telling."""
    sound = "network" in sources and not sources["network"].problems
    return config.to_policy() if sound else None


def _pace(feed: FeedSpec, policy: NetworkPolicy | None) -> Found:
    """What the schedule would pass over in silence."""
    written = feed.model_fields_set
    floor = policy.host(urlsplit(feed.url).hostname or "").interval_floor if policy else 0.0
    if "interval" in written and feed.interval < floor:
        at_least = write_duration(floor)
        yield "interval", f"no feed of this host is asked more often than every {at_least}; write that, or more"
    if {"interval", "slowest"} <= written and feed.slowest < feed.interval:
        yield "slowest", "shorter than `interval`; it is how rarely the feed is asked while it brings nothing"


def _access(feed: FeedSpec, policy: NetworkPolicy | None) -> Found:
    names = [name.lower() for name in feed.headers]
    if feed.username and not feed.password:
        yield "username", "a user name without a password; set `password`, or remove it"
    if feed.password and not feed.username:
        yield "password", "a password without a user name; set `username`, or remove it"
    if not feed.username.isprintable() or ":" in feed.username:
        yield "username", "holds a colon or an invisible character, which no user name may"
    if len(set(names)) < len(names):
        yield "headers", "names one header twice, in capitals and small letters; keep one"
    if feed.username and "authorization" in names:
        yield "headers", "names Authorization, and so do `username` and `password`; keep one"
    if not feed.url.lower().startswith("https:"):
        if feed.ca_file:
            yield "ca_file", "nothing is checked by it without TLS; write an https address, or remove it"
        if policy and _is_secret(feed) and not is_allow_listed(feed.url, use="feed", policy=policy):
            words = "secrets go without TLS only to a private address that network.yaml allows; write an https address"
            yield "url", words


def _is_secret(feed: FeedSpec) -> bool:
    """Whether what goes along must not be overheard."""
    secret = any(isinstance(value, Secret) or names_a_credential(name) for name, value in feed.headers.items())
    return bool(secret or feed.username or feed.password)
