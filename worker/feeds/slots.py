"""Who may ask which host now: so many requests at once, so far apart, and none while the host asked us to wait.

The threads of one process agree in memory, the processes of a desk through Redis. Redis is asked only where somebody is
to be spared (a host without spacing is the operator's own). Where it cannot be used, each process keeps to one request
at a time and twice the spacing: two workers that do not know of each other are then no worse than one that does.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from dataclasses import dataclass, replace
from typing import Any, Final

import redis.asyncio
import structlog

from worker.guard import HostPolicy

log = structlog.get_logger()

PREFIX: Final = "wirewatch:host:"
AGAIN: Final = 0.05  # seconds before a host whose places are taken is looked at again
ANSWER_SECONDS: Final = 0.5  # a healthy Redis answers in a thousandth of it
AWAY_SECONDS: Final = 10.0  # so long a Redis that failed is left alone
# One look: 'held' and for how long, 'wait' and how long, or a place. Times are Redis's own, so that hosts whose clocks
# differ agree. A place that is never given back frees itself when its request must be over. What lies further ahead
# than anything is ever planned was written before its clock was set back.
TAKE: Final = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
local held = redis.call('PTTL', KEYS[3])
if held > 0 then return {'held', tostring(held / 1000)} end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + 600, '+inf')
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return {'wait', ARGV[5]} end
local due = tonumber(redis.call('GET', KEYS[2]) or '0')
if due > now and due - now <= tonumber(ARGV[2]) then return {'wait', tostring(due - now)} end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[4])
redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[3] * 1000))
redis.call('SET', KEYS[2], tostring(now + ARGV[2]), 'PX', math.ceil(ARGV[2] * 1000) + 1)
return {'taken', '0'}
"""


@dataclass(frozen=True)
class Look:
    """`wait` seconds before asking again for a place, 0: it is taken. `held`: the host asked us to stay away for so
    long."""

    wait: float = 0.0
    held: float = 0.0


class HostSlots:
    """Of one process, shared by its threads: how many requests each host has now and when it may get the next."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: dict[str, int] = {}
        self._next: dict[str, float] = {}
        self._held: dict[str, float] = {}

    def take(self, host: str, policy: HostPolicy, *, now: float) -> Look:
        """The place is yours until `give_back` where it says to wait for nothing."""
        with self._lock:
            if held := self._still_held(host, now):
                return Look(held=held)
            if self._busy.get(host, 0) >= policy.concurrent:
                return Look(wait=AGAIN)
            if (wait := self._next.get(host, 0.0) - now) > 0:
                return Look(wait=wait)
            self._busy[host] = self._busy.get(host, 0) + 1
            if policy.spacing:
                self._next[host] = now + policy.spacing
            return Look()

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
            return self._still_held(host, now)

    def _still_held(self, host: str, now: float) -> float:
        left = self._held.get(host, 0.0) - now
        if left <= 0:
            self._held.pop(host, None)
        return max(left, 0.0)

    def forget_past(self, *, now: float) -> None:
        """What no longer matters, so that a desk of many hosts does not grow."""
        with self._lock:
            self._next = {host: at for host, at in self._next.items() if at > now}
            self._held = {host: at for host, at in self._held.items() if at > now}


class SharedSlots:
    """One loop's view of both: this process's places, and those that all processes of the desk share.

    Use it in an `async with`, in the loop that asks.
    """

    _away_until = 0.0  # of this process: one loop's trouble with Redis spares the next ones the wait

    def __init__(self, own: HostSlots, redis_url: str, *, longest: float) -> None:
        """`longest`: seconds after which any request is over."""
        self._own, self._url, self._longest = own, redis_url, longest
        self._redis: Any = None
        self._places: dict[str, list[str]] = {}

    async def __aenter__(self) -> SharedSlots:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._own.forget_past(now=time.monotonic())
        if self._redis is not None:
            await self._redis.aclose()

    async def take(self, host: str, policy: HostPolicy) -> Look:
        shared = bool(self._url) and policy.spacing > 0
        if shared and time.monotonic() < SharedSlots._away_until:
            shared, policy = False, replace(policy, concurrent=1, spacing=2 * policy.spacing)
        look = self._own.take(host, policy, now=time.monotonic())
        if not shared or look.wait or look.held:
            return look
        place = secrets.token_hex(8)
        try:
            look = await self._ask(host, policy, place)
        except Exception as error:
            self._note_away(error)
            return Look()  # the place in this process is taken, and it was due
        except BaseException:
            self._own.give_back(host)
            raise
        if look.held:
            self._own.hold(host, until=time.monotonic() + look.held)  # the others here need not ask
        if look.wait or look.held:
            self._own.give_back(host)
        else:
            self._places.setdefault(host, []).append(place)
        return look

    async def give_back(self, host: str) -> None:
        self._own.give_back(host)
        places = self._places.get(host)
        if places:
            place = places.pop()
            if not places:
                del self._places[host]
            await self._tell("zrem", f"{PREFIX}{host}", place)

    async def hold(self, host: str, *, seconds: float) -> None:
        self._own.hold(host, until=time.monotonic() + seconds)
        if self._url and seconds > 0:
            await self._tell("set", f"{PREFIX}{host}:held", "1", px=max(1, round(seconds * 1000)))

    def held(self, host: str) -> float:
        """Seconds, as far as this process knows."""
        return self._own.held(host, now=time.monotonic())

    async def _ask(self, host: str, policy: HostPolicy, place: str) -> Look:
        key = f"{PREFIX}{host}"
        keys = (key, f"{key}:next", f"{key}:held")
        given = (policy.concurrent, policy.spacing, self._longest, place, AGAIN)
        async with asyncio.timeout(ANSWER_SECONDS):
            what, seconds = await self._connected().eval(TAKE, len(keys), *keys, *given)
        kind = what.decode()
        return Look(held=float(seconds)) if kind == "held" else Look(wait=float(seconds) if kind == "wait" else 0.0)

    async def _tell(self, command: str, *given: Any, **options: Any) -> None:
        """What Redis does not hear of ends by its time."""
        if time.monotonic() < SharedSlots._away_until:
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await getattr(self._connected(), command)(*given, **options)
        except Exception as error:
            self._note_away(error)

    def _connected(self) -> Any:
        if self._redis is None:
            self._redis = redis.asyncio.Redis.from_url(self._url, socket_connect_timeout=ANSWER_SECONDS)
        return self._redis

    def _note_away(self, error: Exception) -> None:
        SharedSlots._away_until = time.monotonic() + AWAY_SECONDS
        log.warning("host_slots_alone", error=type(error).__name__)
