"""A round of requests: a thread with its own loop and session, to which feeds are added while others are under way.

Decides in which order and when its requests go out, so that a slow or hanging host holds up nobody else's feed.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from worker import net
from worker.errors import FetchReason
from worker.feeds.slots import SharedSlots
from worker.guard import host_of
from worker.model import FetchFailed, FetchOutcome, FetchRequest, FetchResult, Postponed

if TYPE_CHECKING:
    from worker.feeds.fetch import Fetcher

GROUP_SECONDS: Final = 0.25  # how long finished results wait for company
RESOLVER_THREADS: Final = 16  # getaddrinfo blocks; the default of six lets a few dead name servers stop everyone
SILENT: Final = frozenset({FetchReason.TIMEOUT, FetchReason.CONNECT, FetchReason.DNS, FetchReason.PROXY})
# Deadlines in a row that a silent host may cost a round; then its other feeds fail with the same reason, unasked.
# Without it a round on one dead host would outlive its lease, and its failures would never be recorded.
PATIENCE: Final = 2
SIBLING_HOLD: Final = 600.0  # seconds at most that one feed's 429 holds back the others of its host
HOLD_PIECE: Final = 1.0  # seconds after which a wait for a place looks again whether there is still time


@dataclass(frozen=True)
class _Waiting:
    """A request that must begin before `until`, or is postponed."""

    request: FetchRequest
    until: float


class Round:
    """Requests go in by `add`, results come out by `take`; one for each. Close it: its thread and connections end.

    The thread's own failure is raised by `take`.
    """

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._added: deque[_Waiting] = deque()
        self._done: queue.SimpleQueue[FetchResult | BaseException | None] = queue.SimpleQueue()
        self._left, self._patience = 0, 0.0
        self._hosts: dict[str, deque[_Waiting]] = {}
        self._visits: dict[str, int] = {}
        self._silent: dict[str, tuple[int, FetchReason]] = {}
        self._ready, self._stopped = threading.Event(), False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="fetch", daemon=True)
        self._thread.start()

    @property
    def under_way(self) -> int:
        """Requests whose result was not taken yet."""
        return self._left

    def add(self, requests: Iterable[FetchRequest], *, start_within: float) -> None:
        """One that cannot begin within `start_within` seconds (its host is slow, and others are before it) is
        Postponed."""
        until = time.monotonic() + start_within
        waiting = [_Waiting(request, until) for request in requests]
        self._left += len(waiting)
        self._added.extend(waiting)
        self._wake()

    def take(self, seconds: float | None = None) -> list[FetchResult]:
        """Those that are done: the first at once, later ones when a quarter of a second has brought them company. []
        where nothing came within `seconds`, or nothing is under way."""
        if not self._left:
            return []
        try:
            group = [self._next(seconds)]
        except queue.Empty:
            return []
        until = time.monotonic() + self._patience
        self._patience = GROUP_SECONDS
        while len(group) < self._left:
            try:
                group.append(self._next(max(until - time.monotonic(), 0.0)))
            except queue.Empty:
                break
        self._left -= len(group)
        return group

    def _next(self, seconds: float | None) -> FetchResult:
        found = self._done.get(timeout=seconds)
        if isinstance(found, FetchResult):
            return found
        raise RuntimeError("the fetch thread ended early") from found

    def close(self) -> None:
        """Cancels what still runs. A name server that hangs may outlive this by its own time-out, nothing else."""
        self._stopped = True
        self._wake()
        self._thread.join(timeout=2)

    def __enter__(self) -> Round:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- in the thread

    def _wake(self) -> None:
        self._ready.wait()
        if self._loop is not None and self._woken is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed already
                self._loop.call_soon_threadsafe(self._woken.set)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._done.put(error)
        else:
            self._done.put(None)
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._woken = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_default_executor(ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="resolve"))
        self._ready.set()
        fetcher = self._fetcher
        gate = asyncio.Semaphore(fetcher.concurrent)
        async with fetcher.open_slots() as slots, fetcher.open_session() as session, asyncio.TaskGroup() as visits:
            running: set[asyncio.Task[None]] = set()
            while not self._stopped:
                self._woken.clear()
                for host in self._sort_in():
                    task = visits.create_task(self._visit(session, slots, gate, host))
                    running.add(task)
                    task.add_done_callback(running.discard)
                await self._woken.wait()
            for task in running:
                task.cancel()

    def _sort_in(self) -> Sequence[str]:
        """What was added goes to its host; returns the hosts that want one more visit, each so often."""
        wanted = []
        while self._added:
            one = self._added.popleft()
            host = host_of(one.request.url)
            self._hosts.setdefault(host, deque()).append(one)
            if self._visits.get(host, 0) < self._pace(host).concurrent:
                self._visits[host] = self._visits.get(host, 0) + 1
                wanted.append(host)
        return wanted

    async def _visit(self, session: Any, slots: SharedSlots, gate: asyncio.Semaphore, host: str) -> None:
        """Works off one host's requests; several of these run beside each other when the policy allows."""
        waiting, policy = self._hosts[host], self._pace(host)
        try:
            while waiting:
                if refusal := self._refusal(host, waiting[0], slots, policy):
                    self._done.put(FetchResult(waiting.popleft().request, refusal, 0.0))
                    continue
                wait = 0.0
                async with gate:
                    if waiting and not (wait := await self._try(session, slots, host, policy)):
                        continue
                await asyncio.sleep(min(wait, HOLD_PIECE))
        finally:
            self._visits[host] -= 1

    async def _try(self, session: Any, slots: SharedSlots, host: str, policy: net.HostPolicy) -> float:
        """Asks the host for what waits first, if there is a place; else how long to wait for one."""
        waiting = self._hosts[host]
        look = await slots.take(host, policy)
        if look.wait or look.held:
            return look.wait
        try:
            if not waiting:
                return 0.0
            result = await self._fetcher.fetch_one(session, waiting.popleft().request)
        finally:
            await slots.give_back(host)
        await self._note(host, slots, policy, result.outcome)
        self._done.put(result)
        return 0.0

    def _pace(self, host: str) -> net.HostPolicy:
        return self._fetcher.policy.host(host) if host else net.HostPolicy(spacing=0.0)  # nobody to be polite to

    def _refusal(
        self, host: str, first: _Waiting, slots: SharedSlots, policy: net.HostPolicy
    ) -> FetchFailed | Postponed | None:
        """Why the host is not asked now, without asking it."""
        if time.monotonic() > first.until:
            return Postponed()
        count, reason = self._silent.get(host, (0, FetchReason.TIMEOUT))
        if count >= PATIENCE * policy.concurrent:
            return FetchFailed(reason, f"not asked: {count} feeds of this host failed so just before")
        if left := slots.held(host):
            return Postponed(held=left)
        return None

    async def _note(self, host: str, slots: SharedSlots, policy: net.HostPolicy, outcome: FetchOutcome) -> None:
        if not isinstance(outcome, FetchFailed) or outcome.reason not in SILENT:
            self._silent.pop(host, None)
        else:
            self._silent[host] = (self._silent.get(host, (0,))[0] + 1, FetchReason(outcome.reason))
        if isinstance(outcome, FetchFailed) and outcome.reason == FetchReason.RATE_LIMITED and not policy.ignore_hints:
            await slots.hold(host, seconds=hold_seconds(outcome))


def hold_seconds(limited: FetchFailed) -> float:
    """For how long one feed's 429 keeps the others of its host waiting."""
    return min(limited.hints.retry_after or SIBLING_HOLD, SIBLING_HOLD)
