"""The protocol of a channel: who is told, how a notification reads there, and one attempt to send it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from worker.model import AlertContent, Message


class Channel(Protocol):
    """Rendering is pure and happens once; `send` may be called again with the same bytes, from any process."""

    id: str
    kind: str

    def recipients(self) -> tuple[str, ...]:
        """Each gets a delivery of its own. Safe to show: no token, no password."""
        ...

    def render(self, content: AlertContent, *, recipient: str, now: datetime) -> Message: ...

    def render_operator(
        self, subject: str, lines: Sequence[str], *, recipient: str, message_id: str, now: datetime
    ) -> Message: ...

    async def send(self, message: Message, *, now: datetime) -> str:
        """One attempt; the receiver's receipt. Raises DeliveryError."""
        ...
