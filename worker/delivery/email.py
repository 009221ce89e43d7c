"""Mail: renders for each recipient in their own time zone; the stored bytes go out by SMTP."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime

from worker.alerts.headers import id_part
from worker.alerts.render import Audience, make_mail, operator_html, operator_subject, operator_text
from worker.alerts.render_digest import DigestLine, digest_html, digest_subject, digest_text
from worker.alerts.render_mail import render_mail
from worker.delivery.channel import Line
from worker.delivery.smtp import DEADLINE, Relay, in_ascii, open_line
from worker.links import NO_LINKS, Deed, Links
from worker.model import AlertContent, Message


@dataclass(frozen=True)
class Email:
    """`zones`: each recipient's address and time zone, in order; `names`: under which they act, where they have one."""

    id: str
    relay: Relay
    sender: str
    zones: Mapping[str, str]
    names: Mapping[str, str] = field(default_factory=dict)
    links: Links = NO_LINKS
    deadline: float = DEADLINE
    kind: str = "email"

    def recipients(self) -> tuple[str, ...]:
        return tuple(self.zones)

    def render(self, content: AlertContent, *, recipient: str, now: datetime) -> Message:
        name = f"{id_part(content.alert_id)}.{content.revision}.{_digest(self.id, recipient)}@{self._domain}"
        zone = self.zones.get(recipient, "UTC")
        who = self.names.get(recipient, recipient)
        return render_mail(
            replace(content, url=self.links.address(Deed.VIEW, content, who, now=now)),
            sender=in_ascii(self.sender),
            recipient=in_ascii(recipient),
            time_zone=zone,
            message_id=name,
            now=now,
            actions=self.links.actions_for(content, who, now=now),
        )

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

    def render_digest(self, alerts: Sequence[DigestLine], *, recipient: str, message_id: str, now: datetime) -> Message:
        """`recipient` is as the deliveries have it."""
        zone = next((zone for address, zone in self.zones.items() if in_ascii(address) == recipient), "UTC")
        return make_mail(
            digest_subject(alerts),
            digest_text(alerts, zone),
            digest_html(alerts, zone),
            sender=in_ascii(self.sender),
            recipient=recipient,
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
