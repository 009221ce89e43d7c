"""SMTP: mails handed over to a relay, many over few connections. Renders nothing; DKIM is the relay's to add.

A connection that has served is kept for the next mail; one that broke, or whose fate is unclear, never is.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import aiosmtplib
import idna

from worker.alerts.wording import header_text
from worker.delivery.channel import NotTried
from worker.errors import DeliveryError, DeliveryReason
from worker.model import Message

DEADLINE: Final = 30.0  # seconds for one mail, with its connection where it needs a new one
FAREWELL: Final = 2.0  # seconds for QUIT: the mails are handed over, whatever comes of it
WAYS: Final = ("plain", "login", "cram-md5")  # to log in; the line is encrypted
UNKNOWN_WAY: Final = 504  # the reply where a way is offered and not known after all (RFC 4954 §4)
CLOSING: Final = 421  # the reply of a server that goes, at any stage (RFC 5321 §3.8)


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


@contextlib.asynccontextmanager
async def open_line(relay: Relay, *, sender: str, deadline: float = DEADLINE) -> AsyncIterator[SmtpLine]:
    """`deadline` seconds for each mail. At the end says goodbye on every connection."""
    line = SmtpLine(relay, sender, deadline)
    try:
        yield line
    finally:
        await asyncio.gather(*(_say_goodbye(client) for client in line.idle))


@dataclass
class SmtpLine:
    """`idle`: connections that have served and wait for another mail. `accepted`: whether the first login that came to
    its end was; until then there is one at a time, and after a refused one none: many at once lock an account."""

    relay: Relay
    sender: str
    deadline: float
    idle: list[aiosmtplib.SMTP] = field(default_factory=list)
    login: asyncio.Lock = field(default_factory=asyncio.Lock)
    accepted: bool | None = None

    async def send(self, message: Message, *, now: datetime) -> str:
        """Raises NotTried once a login was refused, or DeliveryError: permanent for a 5xx to RCPT or DATA alone. One
        to a greeting, to a sender or to a login is about the relay or our settings, which somebody will mend."""
        handover = _Handover(self.sender, message)
        with _in_our_words(self.relay, handover, self.deadline):
            async with asyncio.timeout(self.deadline):
                return await self._hand_over(handover)

    async def _hand_over(self, handover: _Handover) -> str:
        while self.idle:
            try:
                return await self._by(self.idle.pop(), handover)
            except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPSenderRefused) as error:
                # It hung up since the last mail, or has had enough of us: that is no word about this one.
                if handover.begun or getattr(error, "code", CLOSING) != CLOSING:
                    raise
        return await self._by(None, handover)

    async def _by(self, client: aiosmtplib.SMTP | None, handover: _Handover) -> str:
        kept = False
        try:
            client = client or _client(self.relay, self.deadline)
            if not client.is_connected:
                await self._greet(client)
            receipt = await handover.run(client)
            kept = True
            return receipt
        except (aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPDataError) as error:
            kept = error.code != CLOSING and await _is_reset(client)
            raise
        finally:
            if kept and client is not None:
                self.idle.append(client)
            elif client is not None:
                client.close()

    async def _greet(self, client: aiosmtplib.SMTP) -> None:
        await client.connect()
        if not self.relay.username or self.relay.security == "none":
            return
        async with self.login:
            if self.accepted is None:
                return await self._try_login(client)
        if not self.accepted:
            raise NotTried
        await _log_in(client, self.relay)

    async def _try_login(self, client: aiosmtplib.SMTP) -> None:
        try:
            await _log_in(client, self.relay)
            self.accepted = True
        except aiosmtplib.SMTPAuthenticationError:
            self.accepted = False
            raise


@dataclass
class _Handover:
    """One mail's. `begun`: its body may be on its way, so that only the server's answer tells whether it has it."""

    sender: str
    message: Message
    begun: bool = False

    async def run(self, client: aiosmtplib.SMTP) -> str:
        await client.mail(self.sender)
        await client.rcpt(in_ascii(self.message.recipient))
        self.begun = True
        try:
            return header_text((await client.data(self.message.body)).message)
        except aiosmtplib.SMTPResponseException as error:
            self.begun = not 400 <= error.code < 600  # a 'no' leaves no doubt; what is no answer does
            raise


class _Client(aiosmtplib.SMTP):
    def close(self) -> None:
        """At once, and so does the library, which closes wherever something fails: by itself it would leave the
        connection open until a server that reads no more has taken what is unsent, or has said goodbye in TLS."""
        if self.transport is not None:
            self.transport.abort()  # type: ignore[attr-defined]
        super().close()


def _client(relay: Relay, deadline: float) -> aiosmtplib.SMTP:
    secure = relay.security != "none"
    return _Client(
        hostname=relay.host,
        port=relay.port,
        timeout=deadline,
        local_hostname=socket.gethostname(),  # the library's default asks the name server, which may be slow
        use_tls=relay.security == "tls",
        start_tls=relay.security == "starttls",  # refuses to go on where the server offers none
        tls_context=ssl.create_default_context() if secure else None,
    )


async def _log_in(client: aiosmtplib.SMTP, relay: Relay) -> None:
    """By the first way that both know. The library's own login goes on with a refused password to the next way."""
    await client.ehlo()
    for way in (one for one in WAYS if one in client.supported_auth_methods):
        try:
            await getattr(client, f"auth_{way.replace('-', '')}")(relay.username, relay.reveal_password())
            return
        except aiosmtplib.SMTPAuthenticationError as error:
            if error.code != UNKNOWN_WAY:
                raise
    raise aiosmtplib.SMTPException("it offers no way to log in that is known here")


async def _is_reset(client: aiosmtplib.SMTP | None) -> bool:
    """Whether the server has put the refused mail behind it."""
    with contextlib.suppress(aiosmtplib.SMTPException, OSError):
        await client.rset()  # type: ignore[union-attr]
        return True
    return False


async def _say_goodbye(client: aiosmtplib.SMTP) -> None:
    """The mails are theirs now: a quarrel over the goodbye must not send any twice."""
    with contextlib.suppress(aiosmtplib.SMTPException, OSError):
        await client.quit(timeout=FAREWELL)
    client.close()


@contextlib.contextmanager
def _in_our_words(relay: Relay, handover: _Handover, deadline: float) -> Iterator[None]:
    """Whatever is raised inside as a DeliveryError."""
    server = f"{relay.host}:{relay.port}"
    try:
        yield
    except TimeoutError as error:
        detail = f"{server} did not finish in {deadline:g} s"
        raise DeliveryError(DeliveryReason.TIMEOUT, detail, unknown=handover.begun) from error
    except aiosmtplib.SMTPAuthenticationError as error:  # in our words: a server may echo what we sent
        if 400 <= error.code < 500:  # its own trouble (454, RFC 4954 §4.7.3): no login was refused
            detail = f"{server} could not check the login now ({error.code})"
            raise DeliveryError(DeliveryReason.TEMPORARY, detail, whole=True) from error
        raise DeliveryError(DeliveryReason.AUTH, f"{server} refused the user name or password") from error
    except aiosmtplib.SMTPResponseException as error:
        raise _refused(error, unknown=handover.begun) from error
    except ssl.SSLError as error:
        detail = f"{server}: {error.reason or 'TLS failed'}"
        raise DeliveryError(DeliveryReason.TLS, detail, unknown=handover.begun) from error
    except aiosmtplib.SMTPException as error:
        secure = isinstance(error.__cause__, ssl.SSLError) or "STARTTLS" in error.message
        reason = DeliveryReason.TLS if secure else DeliveryReason.CONNECT
        raise DeliveryError(reason, f"{server}: {header_text(error.message)}", unknown=handover.begun) from error
    except OSError as error:
        detail = f"{server}: {error.strerror or type(error).__name__}"
        raise DeliveryError(DeliveryReason.CONNECT, detail, unknown=handover.begun) from error
    except UnicodeEncodeError as error:
        detail = "an address with letters beyond ASCII before its @ cannot be sent to"
        raise DeliveryError(DeliveryReason.REJECTED, detail, permanent=True) from error


def _refused(error: aiosmtplib.SMTPResponseException, *, unknown: bool) -> DeliveryError:
    """4yz is a 'not now', 5yz a 'no' (RFC 5321 §4.2.1), which is final only about this recipient or this mail."""
    of_this = isinstance(error, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError)
    no = 500 <= error.code < 600
    reason = DeliveryReason.REJECTED if no else DeliveryReason.TEMPORARY
    return DeliveryError(
        reason,
        header_text(f"{error.code} {error.message}"),
        permanent=no and of_this,
        whole=not of_this or error.code == CLOSING,
        unknown=unknown,
    )


def in_ascii(address: str) -> str:
    """The domain as DNS has it (IDNA 2008: by Python's own, of 2003, straße.de is strasse.de, somebody else's); an
    address that has no such form is left to the server to refuse."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except UnicodeError:
        return address
