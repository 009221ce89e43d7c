"""The inbox: an alert as two files below the data folder, text and HTML. Needs no account, no secret, no network."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from worker.alerts.render import Audience, make_files, operator_html, operator_text
from worker.alerts.render_digest import DigestLine, digest_html, digest_subject, digest_text
from worker.alerts.render_mail import render_inbox
from worker.delivery.channel import Line
from worker.errors import DeliveryError, DeliveryReason
from worker.model import AlertContent, Message


@dataclass(frozen=True)
class Inbox:
    """Writes whole files only, under names that a second attempt finds again."""

    id: str
    root: Path
    folder: str
    time_zone: str
    kind: str = "inbox"

    def recipients(self) -> tuple[str, ...]:
        return (self.folder,)

    def render(self, content: AlertContent, *, recipient: str, now: datetime) -> Message:
        name = f"{content.alert_id}.{content.revision}.{self.id}"
        return render_inbox(content, recipient=recipient, time_zone=self.time_zone, message_id=name, now=now)

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
        text, html = operator_text(lines, audience), operator_html(subject, lines, audience)
        return make_files(subject, text, html, recipient=recipient, message_id=f"{message_id}.{self.id}", now=now)

    def render_digest(self, alerts: Sequence[DigestLine], *, recipient: str, message_id: str, now: datetime) -> Message:
        text, html = digest_text(alerts, self.time_zone), digest_html(alerts, self.time_zone)
        name = f"{message_id}.{self.id}"
        return make_files(digest_subject(alerts), text, html, recipient=recipient, message_id=name, now=now)

    def open(self) -> AbstractAsyncContextManager[Line]:
        return contextlib.nullcontext(self)

    async def send(self, message: Message, *, now: datetime) -> str:
        """Raises DeliveryError; a disk that is full is tried again."""
        try:
            return str(await asyncio.to_thread(self._write, message))
        except OSError as error:
            detail = f"{self.folder}: {error.strerror or type(error).__name__}"
            raise DeliveryError(DeliveryReason.INTERNAL, detail, whole=True) from error

    def _write(self, message: Message) -> Path:
        content = json.loads(message.body)
        folder = self.root / self.folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        moment = re.sub(r"[^0-9T]", "", content["at"][:19])
        stem = f"{moment}Z-{slug(content['subject'])}-{hashlib.sha256(message.message_id.encode()).hexdigest()[:8]}"
        for suffix, text in ((".txt", content["text"]), (".html", content["html"])):
            write_whole(folder / f"{stem}{suffix}", text)
        return folder / f"{stem}.txt"


def slug(text: str) -> str:
    """Letters and digits of any script, joined by hyphens, at most 60: safe as a part of a file's name."""
    plain = unicodedata.normalize("NFC", text).casefold()
    words = re.sub(r"[^\w]+", "-", plain.replace("_", "-")).strip("-")
    while len(words.encode()) > 120:  # file systems count bytes, and allow 255
        words = words[:-1]
    return words[:60].strip("-") or "alert"


def write_whole(path: Path, text: str) -> None:
    """The file is there whole or not at all, also when the power fails; nothing is left of a write that failed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8", errors="replace") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """The name too must outlast the power: the record will say `sent`."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
