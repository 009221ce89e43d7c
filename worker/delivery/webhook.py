"""Webhooks by the Standard Webhooks convention: the stored bytes, freshly signed and timed, to one address."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from standardwebhooks import Webhook as Signer

from worker import __version__, net
from worker.alerts.render import Audience, operator_webhook
from worker.alerts.render_webhook import render_webhook
from worker.errors import DeliveryError, DeliveryReason, FetchError, FetchReason
from worker.model import AlertContent, Message

DEADLINE: Final = 20.0  # seconds in all; Standard Webhooks recommends 15 to 30
REFUSED: Final = frozenset({FetchReason.REFUSED_ADDRESS, FetchReason.REFUSED_URL})
OF_ONE: Final = frozenset({400, 409, 413, 415, 422})  # what a receiver says of one message; all else is about itself
REASONS: Final = {FetchReason.TIMEOUT: DeliveryReason.TIMEOUT, FetchReason.TLS: DeliveryReason.TLS}


@dataclass(frozen=True)
class Webhook:
    """`secret` reveals the signing key only when signing; neither it nor the address (it may hold a token) is shown."""

    id: str
    url: str = field(repr=False)
    secret: object = field(repr=False)
    policy: net.NetworkPolicy = field(repr=False)
    previous_secret: object = field(default="", repr=False)
    deadline: float = DEADLINE
    kind: str = "webhook"

    def recipients(self) -> tuple[str, ...]:
        try:
            return (urlsplit(self.url).hostname or self.id,)
        except ValueError:  # a broken address fails its own deliveries, and no other channel's
            return (self.id,)

    def render(self, content: AlertContent, *, recipient: str, now: datetime) -> Message:
        name = hashlib.sha256(f"{self.id}\n{recipient}".encode()).hexdigest()[:12]
        message_id = f"msg_{content.alert_id}_{content.revision}_{name}"
        return render_webhook(content, recipient=recipient, message_id=message_id)

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
        name = f"msg_{message_id}_{self.id}"
        return operator_webhook(subject, lines, recipient=recipient, message_id=name, now=now, audience=audience)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[HttpLine]:
        async with net.open_session(self.policy, use="webhook", user_agent=f"Wirewatch/{__version__}") as session:
            yield HttpLine(self, session)

    def sign(self, message: Message, *, now: datetime) -> dict[str, str]:
        """The three headers of Standard Webhooks; the id never changes, the timestamp and signatures are of now.

        While a secret is changed, both sign, the new one first: a receiver takes either. Raises DeliveryError for a
        secret that is none.
        """
        secrets = [self.secret, self.previous_secret] if self.previous_secret else [self.secret]
        try:
            signers = [Signer(secret.reveal()) for secret in secrets]  # type: ignore[attr-defined]
        except Exception as error:
            raise DeliveryError(DeliveryReason.AUTH, "the channel's secret is not whsec_ and base64") from error
        signed = (signer.sign(message.message_id, now.astimezone(UTC), message.body.decode()) for signer in signers)
        return {
            "webhook-id": message.message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signed),
        }

    def _judge(self, status: int, headers: Mapping[str, str], recipient: str, *, now: datetime) -> str:
        if 200 <= status < 300:
            return f"HTTP {status}"
        if status == 410:
            raise DeliveryError(DeliveryReason.GONE, f"{recipient} answered 410: gone for good", permanent=True)
        if 300 <= status < 400:
            raise DeliveryError(DeliveryReason.REDIRECTED, f"{recipient} answered {status}; set its final address")
        reason = DeliveryReason.TEMPORARY if status >= 500 or status in (408, 425, 429) else DeliveryReason.REJECTED
        wait = net.read_delay(headers.get("Retry-After", ""), now=now) if status in (429, 503) else None
        whole = status not in OF_ONE
        raise DeliveryError(reason, f"{recipient} answered {status}", retry_after=wait, whole=whole)


@dataclass(frozen=True)
class HttpLine:
    """A channel's requests over one session, each by a connection of its own."""

    channel: Webhook
    session: net.Session = field(repr=False)

    async def send(self, message: Message, *, now: datetime) -> str:
        """Raises DeliveryError: 410 is for good, a redirect is never followed, all else is tried again."""
        channel = self.channel
        headers = {"Content-Type": "application/json", **channel.sign(message, now=now)}
        wanted = dict(body=message.body, headers=headers, policy=channel.policy, deadline=channel.deadline)
        try:
            answer = await net.post(self.session, channel.url, **wanted)
        except FetchError as error:
            refused = error.reason in REFUSED
            reason = DeliveryReason.REFUSED_ADDRESS if refused else REASONS.get(error.reason, DeliveryReason.CONNECT)
            raise DeliveryError(reason, f"{message.recipient}: {error.reason}", unknown=error.sent) from error
        return channel._judge(answer.status, answer.headers, message.recipient, now=now)
