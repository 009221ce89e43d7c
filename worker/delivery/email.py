"""Mail: renders for each recipient in their own time zone; the stored bytes go out by SMTP."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime

from worker.alerts.render import Audience, make_mail, operator_html, operator_subject, operator_text
from worker.alerts.render_mail import render_mail
from worker.delivery.channel import Line
from worker.delivery.smtp import DEADLINE, Relay, in_ascii, open_line
from worker.model import AlertContent, Message


@dataclass(frozen=True)
class Email:
    """`zones`: each recipient's address and time zone, in order."""

    id: str
    relay: Relay
    sender: str
    zones: Mapping[str, str]
    deadline: float = DEADLINE
    kind: str = "email"

    def recipients(self) -> tuple[str, ...]:
        return tuple(self.zones)

    def render(self, content: AlertContent, *, recipient: str, now: datetime) -> Message:
        name = f"{content.alert_id}.{content.revision}.{_digest(self.id, recipient)}@{self._domain}"
        zone = self.zones.get(recipient, "UTC")
        sender, to = in_ascii(self.sender), in_ascii(recipient)
        return render_mail(content, sender=sender, recipient=to, time_zone=zone, message_id=name, now=now)

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
        return make_mail(
            operator_subject(subject, audience),
            operator_text(lines, audience),
            operator_html(subject, lines, audience),
            sender=in_ascii(self.sender),
            recipient=in_ascii(recipient),
            message_id=f"{message_id}.{_digest(self.id, recipient)}@{self._domain}",
            now=now,
        )

    @property
    def _domain(self) -> str:
        return in_ascii(self.sender).rpartition("@")[2]

    def open(self) -> AbstractAsyncContextManager[Line]:
        return open_line(self.relay, sender=in_ascii(self.sender), deadline=self.deadline)


def _digest(channel: str, recipient: str) -> str:
    return hashlib.sha256(f"{channel}\n{recipient}".encode()).hexdigest()[:12]
