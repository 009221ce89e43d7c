"""Sending: one claim's deliveries over their channels' lines, a few at a time. Nothing is recorded here."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from worker.delivery.channel import Channel, Line, NotTried
from worker.errors import DeliveryError, DeliveryReason
from worker.model import Message
from worker.store.deliveries import DeliveryClaim

log = structlog.get_logger()
STARTING = 0.5  # of the time: what begins later would have too little for itself


@dataclass(frozen=True)
class Sent:
    """One attempt's end: a receipt, or the error."""

    row: Any
    receipt: str = ""
    error: DeliveryError | None = None


@dataclass(frozen=True)
class Undialled:
    """Claimed, and then not sent: the channel failed, or others took the time."""

    rows: Sequence[Any]


Outcome = Sent | Undialled


def send_all(channels: Mapping[str, Channel], claim: DeliveryClaim, *, deadline: float) -> Iterator[Outcome]:
    """Yields each outcome the moment it is known, so that a slow receiver never delays another's record.

    `deadline`: seconds in which all come to their end.
    """
    done: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()
    by_channel = defaultdict(list)
    for row in claim.rows:
        by_channel[row.channel].append(row)

    async def every() -> None:
        loop = asyncio.get_running_loop()
        # A name server that does not answer keeps a thread for half a minute: nobody else's look-up or file waits.
        loop.set_default_executor(ThreadPoolExecutor(2 * len(claim.rows), thread_name_prefix="deliver"))
        end = loop.time() + deadline
        batches = (
            Batch(channels[name], deque(rows), end - deadline * (1 - STARTING), end, done.put)
            for name, rows in by_channel.items()
        )
        await asyncio.gather(*(batch.send(lanes=claim.lanes[batch.channel.id]) for batch in batches))
        done.put(None)  # such a look-up may still keep the loop from its end

    def run() -> None:
        try:
            asyncio.run(every())
        except Exception:
            log.exception("deliver_thread_broke")  # the rows without an outcome are claimed again after their lease
        finally:
            done.put(None)

    threading.Thread(target=run, name="deliver", daemon=True).start()
    while (outcome := done.get()) is not None:
        yield outcome


@dataclass(frozen=True)
class Batch:
    """One channel's deliveries on their way, until all are sent, the channel fails, or it is time for no more.

    `last_start`, `end`: by the loop's clock.
    """

    channel: Channel
    waiting: deque[Any]
    last_start: float
    end: float
    tell: Callable[[Outcome], None]

    async def send(self, *, lanes: int) -> None:
        try:
            async with self.channel.open() as line:
                await asyncio.gather(*(self._lane(line) for _ in range(lanes)))
        except Exception:
            log.exception("channel_broke", channel=self.channel.id)
        self._hold()

    async def _lane(self, line: Line) -> None:
        """One after another; the first one in any case."""
        may_start = True
        while self.waiting and may_start:
            row = self.waiting.popleft()
            try:
                sent = await self._attempt(line, row)
            except NotTried:
                self.waiting.appendleft(row)
                return self._hold()
            self.tell(sent)
            if sent.error is not None and sent.error.whole:
                self._hold()
            may_start = asyncio.get_running_loop().time() < self.last_start

    async def _attempt(self, line: Line, row: Any) -> Sent:
        if row.kind not in (None, self.channel.kind):
            detail = f"it was written for {row.kind}, and the channel is {self.channel.kind} now"
            return Sent(row, error=DeliveryError(DeliveryReason.NO_CHANNEL, detail, permanent=True))
        message = Message(message_id=row.message_id, body=bytes(row.body), recipient=row.recipient, subject=row.subject)
        try:
            async with asyncio.timeout_at(self.end):
                return Sent(row, receipt=await line.send(message, now=datetime.now(UTC)))
        except TimeoutError:
            return Sent(row, error=DeliveryError(DeliveryReason.TIMEOUT, "no answer in time", unknown=True))
        except NotTried:
            raise
        except DeliveryError as error:
            return Sent(row, error=error)
        except Exception as error:
            log.exception("delivery_attempt_broke", delivery=row.public_id, channel=row.channel)
            return Sent(row, error=DeliveryError(DeliveryReason.INTERNAL, type(error).__name__))

    def _hold(self) -> None:
        """Nothing more is dialled. What other lanes are at comes to its end."""
        if self.waiting:
            self.tell(Undialled(tuple(self.waiting)))
            self.waiting.clear()
