"""Mail: renders for each recipient in their own time zone, and sends the stored bytes by SMTP."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import aiosmtplib

from worker.alerts.render import make_mail, operator_html, operator_text, render_mail
from worker.errors import DeliveryError, DeliveryReason
from worker.model import AlertContent, Message

DEADLINE: Final = 30.0  # seconds for the whole conversation


@dataclass(frozen=True)
class Relay:
    """Where mail is handed over. `security`: 'starttls' and 'tls' check the certificate; 'none' sends no password."""

    host: str
    port: int
    security: str
    username: str = ""
    password: object = ""

    def reveal_password(self) -> str:
        reveal = getattr(self.password, "reveal", None)
        return reveal() if reveal else ""


@dataclass(frozen=True)
class Email:
    """`zones`: each recipient's address and time zone, in order."""

    id: str
    relay: Relay
    sender: str
    zones: Mapping[str, str]
    kind: str = "email"

    def recipients(self) -> tuple[str, ...]:
        return tuple(self.zones)

    def render(self, content: AlertContent, *, recipient: str, now: datetime) -> Message:
        name = f"{content.alert_id}.{content.revision}.{_digest(self.id, recipient)}@{self._domain}"
        zone = self.zones.get(recipient, "UTC")
        return render_mail(content, sender=self.sender, recipient=recipient, time_zone=zone, message_id=name, now=now)

    def render_operator(
        self, subject: str, lines: Sequence[str], *, recipient: str, message_id: str, now: datetime
    ) -> Message:
        return make_mail(
            f"[Wirewatch operator] {subject}",
            operator_text(lines),
            operator_html(subject, lines),
            sender=self.sender,
            recipient=recipient,
            message_id=f"{message_id}.{_digest(self.id, recipient)}@{self._domain}",
            now=now,
        )

    @property
    def _domain(self) -> str:
        return self.sender.rpartition("@")[2]

    async def send(self, message: Message, *, now: datetime) -> str:
        """Raises DeliveryError: permanent for a 5xx about this recipient or this message (RFC 5321 §4.2.1)."""
        try:
            async with asyncio.timeout(DEADLINE):
                return await self._hand_over(message)
        except TimeoutError as error:
            raise DeliveryError(
                DeliveryReason.TIMEOUT, f"{self.relay.host} did not finish in {DEADLINE:g} s"
            ) from error
        except aiosmtplib.SMTPAuthenticationError as error:
            raise DeliveryError(DeliveryReason.AUTH, f"{self.relay.host} refused the user name or password") from error
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _refused(error.recipients[0].code, error.recipients[0].message) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(error.code, error.message) from error
        except ssl.SSLError as error:
            raise DeliveryError(DeliveryReason.TLS, f"{self.relay.host}: {error.reason or 'TLS failed'}") from error
        except aiosmtplib.SMTPException as error:
            reason = DeliveryReason.TLS if isinstance(error.__cause__, ssl.SSLError) else DeliveryReason.CONNECT
            raise DeliveryError(reason, f"{self.relay.host}:{self.relay.port}: {type(error).__name__}") from error
        except OSError as error:
            detail = f"{self.relay.host}:{self.relay.port}: {error.strerror or type(error).__name__}"
            raise DeliveryError(DeliveryReason.CONNECT, detail) from error

    async def _hand_over(self, message: Message) -> str:
        relay = self.relay
        secure = relay.security != "none"
        client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            timeout=DEADLINE,
            local_hostname=socket.gethostname(),  # the library's default asks the name server, which may be slow
            use_tls=relay.security == "tls",
            start_tls=relay.security == "starttls",  # refuses to go on where the server offers none
            tls_context=ssl.create_default_context() if secure else None,
        )
        async with client:
            if relay.username and secure:
                await client.login(relay.username, relay.reveal_password())
            refused, reply = await client.sendmail(self.sender, [message.recipient], message.body)
            for code, words in refused.values():
                raise _refused(code, words)
            return reply[:200]


def _refused(code: int, words: str) -> DeliveryError:
    """4yz is a 'not now', 5yz a 'no' (RFC 5321 §4.2.1)."""
    permanent = 500 <= code < 600
    reason = DeliveryReason.REJECTED if permanent else DeliveryReason.TEMPORARY
    return DeliveryError(reason, f"{code} {words}"[:300], permanent=permanent)


def _digest(channel: str, recipient: str) -> str:
    return hashlib.sha256(f"{channel}\n{recipient}".encode()).hexdigest()[:12]
