"""The protocol of a channel: who is told, how a notification reads there, and the line by which it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from worker.alerts.render import Audience
from worker.model import AlertContent, Message


class NotTried(Exception):
    """Nothing was sent: another message on its way has just found that the channel takes none."""


class Line(Protocol):
    """What sends a channel's messages. Many may be on their way at a time; each by itself, whatever befalls another."""

    async def send(self, message: Message, *, now: datetime) -> str:
        """One attempt; the receiver's receipt. Raises DeliveryError, or NotTried."""
        ...


class Channel(Protocol):
    """Rendering is pure and happens once; the same bytes may be sent again, from any process."""

    id: str
    kind: str

    def recipients(self) -> tuple[str, ...]:
        """Each gets a delivery of its own. Safe to show: no token, no password."""
        ...

    def render(self, content: AlertContent, *, recipient: str, now: datetime) -> Message: ...

    def render_operator(
        self,
        subject: str,
        lines: Sequence[str],
        *,
        recipient: str,
        message_id: str,
        now: datetime,
        audience: Audience = Audience.OPERATOR,
    ) -> Message:
        """What Wirewatch itself has to say: to who runs it, or a notice to a channel's readers."""
        ...

    def open(self) -> AbstractAsyncContextManager[Line]:
        """For the messages of one batch, which share its connections; no more of them than are sent at a time.

        A channel without connections is its own line: `contextlib.nullcontext(self)`.
        """
        ...
