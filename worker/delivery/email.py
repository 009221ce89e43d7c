"""Mail: renders for each recipient in their own time zone, and sends the stored bytes by SMTP."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import aiosmtplib

from worker.alerts.render import make_mail, operator_html, operator_text, render_mail
from worker.alerts.wording import header_text
from worker.errors import DeliveryError, DeliveryReason
from worker.model import AlertContent, Message

DEADLINE: Final = 30.0  # seconds for the whole conversation
FAREWELL: Final = 2.0  # seconds for QUIT: the mail is handed over, whatever comes of it


@dataclass(frozen=True)
class Relay:
    """Where mail is handed over. `security`: 'starttls' and 'tls' check the certificate; 'none' sends no password."""

    host: str
    port: int
    security: str
    username: str = field(default="", repr=False)
    password: object = field(default="", repr=False)

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
        self, subject: str, lines: Sequence[str], *, recipient: str, message_id: str, now: datetime
    ) -> Message:
        return make_mail(
            f"[Wirewatch operator] {subject}",
            operator_text(lines),
            operator_html(subject, lines),
            sender=in_ascii(self.sender),
            recipient=in_ascii(recipient),
            message_id=f"{message_id}.{_digest(self.id, recipient)}@{self._domain}",
            now=now,
        )

    @property
    def _domain(self) -> str:
        return in_ascii(self.sender).rpartition("@")[2]

    async def send(self, message: Message, *, now: datetime) -> str:
        """Raises DeliveryError: permanent for a 5xx to RCPT or DATA alone. One to a greeting, to a sender or to a
        login is about the relay or our settings, which somebody will mend."""
        server = f"{self.relay.host}:{self.relay.port}"
        try:
            return await self._hand_over(message)
        except TimeoutError as error:
            raise DeliveryError(DeliveryReason.TIMEOUT, f"{server} did not finish in {self.deadline:g} s") from error
        except aiosmtplib.SMTPAuthenticationError as error:  # in our words: a server may echo what we sent
            raise DeliveryError(DeliveryReason.AUTH, f"{server} refused the user name or password") from error
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _refused(error.recipients[0].code, error.recipients[0].message, final=True) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(error.code, error.message, final=isinstance(error, aiosmtplib.SMTPDataError)) from error
        except ssl.SSLError as error:
            raise DeliveryError(DeliveryReason.TLS, f"{server}: {error.reason or 'TLS failed'}") from error
        except aiosmtplib.SMTPException as error:
            secure = isinstance(error.__cause__, ssl.SSLError) or "STARTTLS" in error.message
            reason = DeliveryReason.TLS if secure else DeliveryReason.CONNECT
            raise DeliveryError(reason, f"{server}: {header_text(error.message)}") from error
        except OSError as error:
            detail = f"{server}: {error.strerror or type(error).__name__}"
            raise DeliveryError(DeliveryReason.CONNECT, detail) from error
        except UnicodeEncodeError as error:
            detail = "an address with letters beyond ASCII before its @ cannot be sent to"
            raise DeliveryError(DeliveryReason.REJECTED, detail, permanent=True) from error

    async def _hand_over(self, message: Message) -> str:
        relay = self.relay
        secure = relay.security != "none"
        client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            timeout=self.deadline,
            local_hostname=socket.gethostname(),  # the library's default asks the name server, which may be slow
            use_tls=relay.security == "tls",
            start_tls=relay.security == "starttls",  # refuses to go on where the server offers none
            tls_context=ssl.create_default_context() if secure else None,
        )
        try:
            async with asyncio.timeout(self.deadline):
                await client.connect()
                if relay.username and secure:
                    await client.login(relay.username, relay.reveal_password())
                _, reply = await client.sendmail(in_ascii(self.sender), [in_ascii(message.recipient)], message.body)
            # It is theirs now: a quarrel over the goodbye must not send it twice.
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=FAREWELL)
            return header_text(reply)
        finally:
            # Not the library's own `async with`: it says goodbye after the deadline too. Nor close() alone: it leaves
            # a connection open until a server that reads no more has taken what is still unsent.
            if client.transport is not None:
                client.transport.abort()  # type: ignore[attr-defined]
            client.close()


def _refused(code: int, words: str, *, final: bool) -> DeliveryError:
    """4yz is a 'not now', 5yz a 'no' (RFC 5321 §4.2.1), which is final only about this recipient or this mail."""
    no = 500 <= code < 600
    reason = DeliveryReason.REJECTED if no else DeliveryReason.TEMPORARY
    return DeliveryError(reason, header_text(f"{code} {words}"), permanent=no and final)


def in_ascii(address: str) -> str:
    """The domain as DNS has it (IDNA); an address that has no such form is left to the server to refuse."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        return address


def _digest(channel: str, recipient: str) -> str:
    return hashlib.sha256(f"{channel}\n{recipient}".encode()).hexdigest()[:12]
