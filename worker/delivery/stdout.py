"""The standard output of the process that delivers: each alert as text to be read, or as one JSON line."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from worker.alerts.render import Audience, make_files, operator_html, operator_text, operator_webhook
from worker.alerts.render_mail import render_inbox
from worker.alerts.render_webhook import render_webhook
from worker.delivery.channel import Line
from worker.display import escaped
from worker.errors import DeliveryError, DeliveryReason
from worker.model import AlertContent, Message

DEADLINE: Final = 20.0  # seconds for whoever reads the pipe
RECIPIENT: Final = "standard output"
RULER: Final = "-" * 72  # between two alerts as text
_LOCK: Final = threading.Lock()  # lines of two batches of one process never mix
_TORN: Final[set[int]] = set()  # descriptors whose last line broke off


@dataclass(frozen=True)
class Stdout:
    """`form`: 'text' or 'json'. `descriptor` is the open file; 1 is the standard output."""

    id: str
    form: str
    time_zone: str
    descriptor: int = 1
    deadline: float = DEADLINE
    kind: str = "stdout"

    def recipients(self) -> tuple[str, ...]:
        return (RECIPIENT,)

    def render(self, content: AlertContent, *, recipient: str, now: datetime) -> Message:
        name = f"{content.alert_id}.{content.revision}.{self.id}"
        if self.form == "json":
            return _as_line(render_webhook(content, recipient=recipient, message_id=name))
        written = render_inbox(content, recipient=recipient, time_zone=self.time_zone, message_id=name, now=now)
        return _as_text(written)

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
        name = f"{message_id}.{self.id}"
        if self.form == "json":
            told = operator_webhook(subject, lines, recipient=recipient, message_id=name, now=now, audience=audience)
            return _as_line(told)
        text, html = operator_text(lines, audience), operator_html(subject, lines, audience)
        return _as_text(make_files(subject, text, html, recipient=recipient, message_id=name, now=now))

    def open(self) -> AbstractAsyncContextManager[Line]:
        return contextlib.nullcontext(self)

    async def send(self, message: Message, *, now: datetime) -> str:
        """Raises DeliveryError: nobody reads any more, or not for now; that is tried again."""
        await asyncio.to_thread(self._write, message.body)
        return "written"

    def _write(self, body: bytes) -> None:
        """In pieces that a pipe with room takes at once: who reads no more cannot hold up the other channels."""
        until = time.monotonic() + self.deadline
        try:
            with _LOCK:
                left = memoryview(b"\n" * (self.descriptor in _TORN) + body)
                while left:
                    if not select.select([], [self.descriptor], [], max(0.0, until - time.monotonic()))[1]:
                        raise DeliveryError(DeliveryReason.TIMEOUT, f"nobody read on for {self.deadline:g} s")
                    left = left[os.write(self.descriptor, left[: select.PIPE_BUF]) :]
                    _TORN.add(self.descriptor)
                _TORN.discard(self.descriptor)
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", None) or type(error).__name__
            raise DeliveryError(DeliveryReason.CONNECT, f"the standard output: {words}") from error


def _as_line(message: Message) -> Message:
    """What a webhook is sent, in ASCII: no character can move a terminal's cursor or end the line."""
    line = json.dumps(json.loads(message.body), separators=(",", ":")) + "\n"
    return Message(message.message_id, line.encode(), message.recipient, message.subject)


def _as_text(message: Message) -> Message:
    """The mail's text below its subject, what is hostile in it shown."""
    written = json.loads(message.body)
    lines = [written["subject"], "", *written["text"].rstrip("\n").split("\n"), RULER]
    text = "".join(f"{escaped(line)}\n" for line in lines)
    return Message(message.message_id, text.encode("utf-8", "replace"), message.recipient, message.subject)
