"""Fetches feeds: many conditional GETs at once, as polite as the policy asks, each with its own outcome.

Decides what a status, a validator and a server's hint mean; not when a feed is polled next (schedule.py), not in which
order feeds are asked (rounds.py), not what may be dialled (net.py). Asyncio lives only in here and there.
"""

from __future__ import annotations

import hashlib
import math
import re
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from multidict import MultiMapping

from worker import net
from worker.errors import FetchError, FetchReason
from worker.feeds.rounds import Round
from worker.feeds.slots import HostSlots, SharedSlots
from worker.model import (
    Fetched,
    FetchFailed,
    FetchOutcome,
    FetchRequest,
    FetchResult,
    NotModified,
    ServerHints,
    Validators,
)

log = structlog.get_logger()

ACCEPT: Final = (
    "application/atom+xml, application/rss+xml, application/feed+json;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, */*;q=0.1"
)
HINT_CAP: Final = 86_400.0  # some servers ask for ten years
VALIDATOR_CAP: Final = 2048  # characters; a longer one could make our own request too large
# Control characters end or break a header line; lone surrogates stand for bytes that were not UTF-8.
UNSENDABLE: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
WHOLE: Final = frozenset({200, 226})
REASONS: Final = {
    401: FetchReason.FORBIDDEN,
    403: FetchReason.FORBIDDEN,
    404: FetchReason.NOT_FOUND,
    410: FetchReason.GONE,
    429: FetchReason.RATE_LIMITED,
    451: FetchReason.FORBIDDEN,
}

# ---------------------------------------------------------------- what an answer means (pure)


def conditional_headers(validators: Validators) -> dict[str, str]:
    """If-None-Match and If-Modified-Since, byte for byte as received (RFC 9110 §13.1).

    One that would break the request is left out: changed, it could not match, and matched, it could lie.
    """
    asked = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
    return {name: value for name, value in asked.items() if value and _is_sendable(value)}


def read_validators(headers: MultiMapping[str]) -> Validators:
    """The validators of this answer alone; what it does not carry, or what we could never send back, is None."""
    etag, modified = headers.get("ETag"), headers.get("Last-Modified")
    return Validators(
        etag=etag if etag and _is_sendable(etag) else None,
        last_modified=modified if modified and _is_sendable(modified) else None,
    )


def read_hints(headers: MultiMapping[str], *, now: datetime) -> ServerHints:
    """Retry-After (seconds or a date) and the freshness that is left (max-age less Age, else Expires), 0 to a day."""
    return ServerHints(
        retry_after=_capped(net.read_delay(headers.get("Retry-After", ""), now=now)), max_age=_freshness(headers, now)
    )


def reason_of(status: int, *, asked_to_wait: bool) -> FetchReason:
    """Why a status other than 200, 226 and 304 is a failure."""
    if status == 503 and asked_to_wait:
        return FetchReason.RATE_LIMITED
    return REASONS.get(status) or (FetchReason.SERVER if status >= 500 else FetchReason.STATUS)


def read_answer(request: FetchRequest, answer: net.Answer, *, now: datetime) -> FetchOutcome:
    """The outcome that an answer to `request` means."""
    hints = read_hints(answer.headers, now=now)
    if answer.status in WHOLE:
        return _whole(request, answer, hints)
    if answer.status == 304 and not answer.hops and conditional_headers(request.validators):
        kept, new = request.validators, read_validators(answer.headers)
        return NotModified(Validators(new.etag or kept.etag, new.last_modified or kept.last_modified), hints)
    reason = reason_of(answer.status, asked_to_wait=hints.retry_after is not None)
    if reason is FetchReason.GONE and answer.hops and not answer.permanent_url:
        reason = FetchReason.NOT_FOUND  # a detour is gone, not the feed
    return FetchFailed(reason, f"status {answer.status}", answer.status, hints)


def _whole(request: FetchRequest, answer: net.Answer, hints: ServerHints) -> Fetched:
    # Validators belong to the URL that sent them. After a detour the next request goes to another one: keep none.
    ours = not answer.hops or answer.permanent_url is not None
    return Fetched(
        status=answer.status,
        body=answer.body,
        content_type=_plain(answer.headers.get("Content-Type", "")),
        validators=read_validators(answer.headers) if ours else Validators(),
        hints=hints,
        final_url=answer.url,
        permanent_url=answer.permanent_url if answer.permanent_url != request.url else None,
        body_hash=hashlib.sha256(answer.body).hexdigest(),
    )


def _is_sendable(value: str) -> bool:
    return len(value) <= VALIDATOR_CAP and not UNSENDABLE.search(value)


def _plain(value: str) -> str:
    return UNSENDABLE.sub("", value)[:200]


def _capped(seconds: float | None) -> float | None:
    return None if seconds is None else min(seconds, HINT_CAP)


def _freshness(headers: MultiMapping[str], now: datetime) -> float | None:
    directives = ",".join(headers.getall("Cache-Control", []))
    if re.search(r"(?i)(^|[\s,])no-(cache|store)($|[\s,])", directives):
        return 0.0
    if found := re.search(r'(?i)(?:^|[\s,])max-age\s*=\s*"?([0-9]{1,18})', directives):
        age = re.fullmatch(r"\s*([0-9]{1,18})\s*", headers.get("Age", ""))
        return min(max(float(found[1]) - (float(age[1]) if age else 0.0), 0.0), HINT_CAP)
    expires = net.read_date(headers.get("Expires", ""))
    if expires is None:
        return None
    sent = net.read_date(headers.get("Date", "")) or now
    left = (expires - sent).total_seconds()
    return min(left, HINT_CAP) if left > 0 else None


# ---------------------------------------------------------------- the fetcher


class Fetcher:
    """Fetches batches of feeds. Thread-safe; holds no socket between calls, so it survives a fork."""

    use = "feed"  # for which the guard lets it dial

    def __init__(
        self,
        policy: net.NetworkPolicy,
        *,
        user_agent: str,
        deadline: float = 30.0,
        max_body: int = 10 * net.MIB,
        concurrent: int = 50,
        redis_url: str = "",
    ) -> None:
        """Seconds, bytes; `concurrent` requests in all. `redis_url`: where other processes of the desk are met."""
        self.policy = policy
        self.concurrent = concurrent
        self._user_agent = user_agent
        self._limits = net.Limits(deadline=deadline, max_body=max_body)
        self._slots, self._redis_url = HostSlots(), redis_url

    def fetch_all(
        self, requests: Sequence[FetchRequest], *, start_within: float = math.inf
    ) -> Iterator[list[FetchResult]]:
        """Groups of results as they finish, the first at once, then about every quarter of a second; one per request.

        A request that fails is a FetchFailed, never an exception; one that could not be started within `start_within`
        seconds (its host is slow, and others are before it) is Postponed. Closing the iterator early ends the thread
        and its connections.
        """
        with self.open() as visits:
            visits.add(requests, start_within=start_within)
            while visits.under_way:
                yield visits.take()

    def open(self) -> Round:
        """A round of requests, to be closed by the caller; feeds may be added to it while others are under way."""
        return Round(self)

    def open_slots(self) -> SharedSlots:
        return SharedSlots(self._slots, self._redis_url, longest=self._limits.deadline + 5)

    def open_session(self) -> Any:
        """Inside a running loop."""
        return net.open_session(self.policy, use=self.use, user_agent=self._user_agent)

    async def fetch_one(self, session: Any, request: FetchRequest) -> FetchResult:
        """One request within its deadline."""
        started = time.monotonic()
        headers = {"Accept": ACCEPT, **conditional_headers(request.validators)}
        outcome: FetchOutcome
        try:
            answer = await net.get(
                session,
                request.url,
                headers=headers,
                use=self.use,
                policy=self.policy,
                limits=self._limits,
                access=request.access,
            )
            outcome = read_answer(request, answer, now=datetime.now(UTC))
        except FetchError as error:
            outcome = FetchFailed(error.reason, error.detail)
        except Exception as error:
            log.exception("fetch_broke", feed_id=request.feed_id)
            outcome = FetchFailed(FetchReason.STATUS, f"unexpected {type(error).__name__}")
        return FetchResult(request, outcome, time.monotonic() - started)
