"""Fetches feeds: many conditional GETs at once, as polite as the policy asks, each with its own outcome.

Decides what a status, a validator and a server's hint mean; not when a feed is polled next (schedule.py), not what
may be dialled (net.py). Asyncio lives only in here, in a thread of its own per call.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import math
import queue
import re
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from multidict import MultiMapping

from worker import net
from worker.errors import FetchError, FetchReason
from worker.model import (
    Fetched,
    FetchFailed,
    FetchOutcome,
    FetchRequest,
    FetchResult,
    NotModified,
    Postponed,
    ServerHints,
    Validators,
)

log = structlog.get_logger()

ACCEPT: Final = (
    "application/atom+xml, application/rss+xml, application/feed+json;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, */*;q=0.1"
)
HINT_CAP: Final = 86_400.0  # some servers ask for ten years
GROUP_SECONDS: Final = 0.25  # how long finished results wait for company
RESOLVER_THREADS: Final = 16  # getaddrinfo blocks; the default of six lets a few dead name servers stop everyone
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
SILENT: Final = frozenset({FetchReason.TIMEOUT, FetchReason.CONNECT, FetchReason.DNS})
# Deadlines in a row that a silent host may cost a call; then its other feeds fail with the same reason, unasked.
# Without it a batch on one dead host would outlive its lease, and its failures would never be recorded.
PATIENCE: Final = 2
SIBLING_HOLD: Final = 600.0  # seconds at most that one feed's 429 holds back the others of its host


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
        return None
    if found := re.search(r'(?i)(?:^|[\s,])max-age\s*=\s*"?([0-9]{1,18})', directives):
        age = re.fullmatch(r"\s*([0-9]{1,18})\s*", headers.get("Age", ""))
        return min(max(float(found[1]) - (float(age[1]) if age else 0.0), 0.0), HINT_CAP)
    expires = net.read_date(headers.get("Expires", ""))
    if expires is None:
        return None
    sent = net.read_date(headers.get("Date", "")) or now
    left = (expires - sent).total_seconds()
    return min(left, HINT_CAP) if left > 0 else None


# ---------------------------------------------------------------- politeness per host


class HostSlots:
    """How many requests each host has now and when it may get the next; shared by every thread of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: dict[str, int] = {}
        self._next: dict[str, float] = {}
        self._held: dict[str, float] = {}

    def try_take(self, host: str, policy: net.HostPolicy, *, now: float) -> float:
        """0 and the slot is yours until `give_back`; else how many seconds to wait before asking again."""
        with self._lock:
            if self._busy.get(host, 0) >= policy.concurrent:
                return 0.05
            if (wait := self._next.get(host, 0.0) - now) > 0:
                return wait
            self._busy[host] = self._busy.get(host, 0) + 1
            self._next[host] = now + policy.spacing
            return 0.0

    def give_back(self, host: str) -> None:
        with self._lock:
            self._busy[host] -= 1
            if not self._busy[host]:
                del self._busy[host]

    def hold(self, host: str, *, until: float) -> None:
        """Nobody of this process asks the host before `until`."""
        with self._lock:
            self._held[host] = max(until, self._held.get(host, 0.0))

    def held(self, host: str, *, now: float) -> float:
        """Seconds that the host is still held, 0 when it is not."""
        with self._lock:
            left = self._held.get(host, 0.0) - now
            if left <= 0:
                self._held.pop(host, None)
            return max(left, 0.0)


# ---------------------------------------------------------------- the fetcher


class Fetcher:
    """Fetches batches of feeds. Thread-safe; holds no socket between calls, so it survives a fork."""

    def __init__(
        self,
        policy: net.NetworkPolicy,
        *,
        user_agent: str,
        deadline: float = 30.0,
        max_body: int = 10 * net.MIB,
        concurrent: int = 50,
    ) -> None:
        self.policy = policy
        self._user_agent = user_agent
        self._limits = net.Limits(deadline=deadline, max_body=max_body)
        self._concurrent = concurrent
        self._slots = HostSlots()

    def fetch_all(
        self, requests: Sequence[FetchRequest], *, start_within: float = math.inf
    ) -> Iterator[list[FetchResult]]:
        """Groups of results as they finish, the first at once, then about every quarter of a second; one per request.

        A request that fails is a FetchFailed, never an exception; one that could not be started within `start_within`
        seconds (its host is slow, and others are before it) is Postponed. Closing the iterator early ends the thread
        and its connections.
        """
        if not requests:
            return
        batch = _Batch(self, requests, start_until=time.monotonic() + start_within)
        try:
            yield from batch.groups()
        finally:
            batch.stop()

    async def fetch_one(self, session: Any, request: FetchRequest) -> FetchResult:
        """One request within its deadline."""
        started = time.monotonic()
        headers = {"Accept": ACCEPT, **conditional_headers(request.validators)}
        outcome: FetchOutcome
        try:
            answer = await net.get(
                session, request.url, headers=headers, use="feed", policy=self.policy, limits=self._limits
            )
            outcome = read_answer(request, answer, now=datetime.now(UTC))
        except FetchError as error:
            outcome = FetchFailed(error.reason, error.detail)
        except Exception as error:
            log.exception("fetch_broke", feed_id=request.feed_id)
            outcome = FetchFailed(FetchReason.STATUS, f"unexpected {type(error).__name__}")
        return FetchResult(request, outcome, time.monotonic() - started)


class _Batch:
    """One call of `fetch_all`: a thread with its own loop and session, and the queue that brings results over."""

    def __init__(self, fetcher: Fetcher, requests: Sequence[FetchRequest], *, start_until: float) -> None:
        self._fetcher, self._left, self._start_until = fetcher, len(requests), start_until
        self._hosts: dict[str, deque[FetchRequest]] = {}
        for request in requests:
            self._hosts.setdefault(_host(request.url), deque()).append(request)
        self._done: queue.SimpleQueue[FetchResult | BaseException | None] = queue.SimpleQueue()
        self._silent: dict[str, tuple[int, FetchReason]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fetch", daemon=True)
        self._thread.start()

    def groups(self) -> Iterator[list[FetchResult]]:
        """Yields until every request has its result; the thread's own failure is raised here."""
        wait = 0.0
        while self._left:
            group = self._collect(wait)
            self._left -= len(group)
            yield group
            wait = GROUP_SECONDS

    def stop(self) -> None:
        """Cancels what still runs. A name server that hangs may outlive this by its own time-out, nothing else."""
        self._stopped.set()
        if self._left and self._loop is not None and self._task is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed already
                self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(timeout=2)

    def _collect(self, wait: float) -> list[FetchResult]:
        group = [self._take(None)]
        until = time.monotonic() + wait
        while len(group) < self._left:
            try:
                group.append(self._take(max(until - time.monotonic(), 0.0)))
            except queue.Empty:
                break
        return group

    def _take(self, wait: float | None) -> FetchResult:
        found = self._done.get(timeout=wait)
        if isinstance(found, FetchResult):
            return found
        raise RuntimeError("the fetch thread ended early") from found

    def _run(self) -> None:
        try:
            asyncio.run(self._fetch())
        except asyncio.CancelledError:
            self._done.put(None)
        except BaseException as error:
            self._done.put(error)
        else:
            self._done.put(None)

    async def _fetch(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._loop.set_default_executor(ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="resolve"))
        if self._stopped.is_set():
            return
        gate = asyncio.Semaphore(self._fetcher._concurrent)
        fetcher = self._fetcher
        async with (
            net.open_session(fetcher.policy, use="feed", user_agent=fetcher._user_agent) as session,
            asyncio.TaskGroup() as visits,
        ):
            for host, waiting in self._hosts.items():
                for _ in range(min(self._pace(host).concurrent, len(waiting))):
                    visits.create_task(self._visit(session, gate, host))

    async def _visit(self, session: Any, gate: asyncio.Semaphore, host: str) -> None:
        """Works off one host's requests; several of these run beside each other when the policy allows."""
        fetcher, waiting = self._fetcher, self._hosts[host]
        policy, slots = self._pace(host), fetcher._slots
        while waiting:
            if refusal := self._refusal(host, policy):
                self._done.put(FetchResult(waiting.popleft(), refusal, 0.0))
                continue
            async with gate:
                if not waiting:
                    return
                wait = slots.try_take(host, policy, now=time.monotonic())
                if not wait:
                    try:
                        result = await fetcher.fetch_one(session, waiting.popleft())
                    finally:
                        slots.give_back(host)
                    self._note(host, policy, result.outcome)
                    self._done.put(result)
                    continue
            await asyncio.sleep(wait)

    def _pace(self, host: str) -> net.HostPolicy:
        return self._fetcher.policy.host(host) if host else net.HostPolicy(spacing=0.0)  # nobody to be polite to

    def _refusal(self, host: str, policy: net.HostPolicy) -> FetchFailed | Postponed | None:
        """Why the host is not asked now, without asking it."""
        if time.monotonic() > self._start_until:
            return Postponed()
        count, reason = self._silent.get(host, (0, FetchReason.TIMEOUT))
        if count >= PATIENCE * policy.concurrent:
            return FetchFailed(reason, f"not asked: {count} feeds of this host failed so just before")
        if left := self._fetcher._slots.held(host, now=time.monotonic()):
            return FetchFailed(
                FetchReason.RATE_LIMITED, "not asked: the host asked us to wait", hints=ServerHints(retry_after=left)
            )
        return None

    def _note(self, host: str, policy: net.HostPolicy, outcome: FetchOutcome) -> None:
        if not isinstance(outcome, FetchFailed) or outcome.reason not in SILENT:
            self._silent.pop(host, None)
        else:
            self._silent[host] = (self._silent.get(host, (0,))[0] + 1, FetchReason(outcome.reason))
        if isinstance(outcome, FetchFailed) and outcome.reason == FetchReason.RATE_LIMITED and not policy.ignore_hints:
            pause = min(outcome.hints.retry_after or policy.spacing, SIBLING_HOLD)
            self._fetcher._slots.hold(host, until=time.monotonic() + pause)


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""  # no URL: `check_url` will refuse it
