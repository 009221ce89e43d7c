"""Every channel against real receivers on loopback: one contract for all, then what SMTP and HTTP servers do to us."""

import asyncio
import base64
import contextlib
import dataclasses
import ipaddress
import logging
import socket
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from samples import NOW, alert, article
from sinks import MailSink, WebhookSink
from standardwebhooks import Webhook as Verifier

from worker.config.schema import Secret
from worker.delivery.email import Email, Relay
from worker.delivery.inbox import Inbox
from worker.delivery.webhook import Webhook
from worker.errors import DeliveryError, DeliveryReason
from worker.net import Allow, NetworkPolicy

PASSWORD = "canary-password"
SECRET = "whsec_" + base64.b64encode(b"canary of the tests only").decode()
TOKEN = "canary-token"
CANARIES = (PASSWORD, base64.b64encode(f"\0desk\0{PASSWORD}".encode()).decode(), SECRET.removeprefix("whsec_"), TOKEN)
ONE, OTHER = "ana@desk.example", "bo@desk.example"
LOOPBACK = NetworkPolicy((Allow(ipaddress.ip_network("127.0.0.0/8")),))


def send(channel, message, now=NOW):
    return asyncio.run(channel.send(message, now=now))


def failing(channel, message=None):
    """The DeliveryError of one attempt."""
    with pytest.raises(DeliveryError) as raised:
        send(channel, message or channel.render(alert(), recipient=channel.recipients()[0], now=NOW))
    return raised.value


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


# ---------------------------------------------------------------- servers that do as they are told


class Server:
    """A TCP server on loopback; `talk(connection)` is one conversation, in a thread of its own."""

    def __init__(self, talk):
        self.talk, self.dialled, self.heard = talk, 0, []
        self.closed = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.closed.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.dialled += 1
                threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.settimeout(5)
            self.talk(self, connection)


def reset(connection):
    """RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    socket.close(connection.detach())


def smtp(tls=None, features=(), **replies):
    """A script for Server: each verb's reply ('greeting' and 'body' too), or a function of the connection.

    `heard` gets every line and body. A mail is taken where the script says nothing else.
    """
    standard = {
        "greeting": "220 mx.example ESMTP",
        "EHLO": "\r\n".join(["250-mx.example", *(f"250-{name}" for name in features), "250 SIZE 1000000"]),
        "STARTTLS": "220 go ahead",
        "AUTH": "235 welcome",
        "DATA": "354 go on",
        "body": "250 taken",
        "QUIT": "221 bye",
    } | replies

    def answer(connection, name):
        reply = standard.get(name, "250 fine")
        if callable(reply):
            return reply(connection)
        connection.sendall(reply.encode("utf-8", "surrogateescape") + b"\r\n")

    def talk(server, connection):
        with contextlib.ExitStack() as stack:
            stream = stack.enter_context(connection.makefile("rb"))
            answer(connection, "greeting")
            while line := stream.readline():
                server.heard.append(line.strip())
                verb = line.split()[0].decode().upper() if line.strip() else ""
                answer(connection, verb)
                if verb == "STARTTLS" and tls:
                    connection = stack.enter_context(tls.wrap_socket(connection, server_side=True))
                    stream = stack.enter_context(connection.makefile("rb"))
                elif verb == "DATA" and str(standard["DATA"]).startswith("354"):
                    server.heard.append(b"".join(iter(stream.readline, b".\r\n")))
                    answer(connection, "body")
                elif verb == "QUIT":
                    return

    return Server(talk)


def http(answer):
    """A script for Server: reads one request, then sends `answer`, or calls it with the connection."""

    def talk(server, connection):
        with connection.makefile("rb") as stream:
            head = b"".join(iter(stream.readline, b"\r\n")).lower().split(b"\r\n")
            server.heard.append(
                stream.read(next(int(line[16:]) for line in head if line.startswith(b"content-length")))
            )
        if callable(answer):
            answer(connection)
        else:
            connection.sendall(answer)

    return Server(talk)


def status(line, *headers):
    return "\r\n".join([f"HTTP/1.1 {line}", *headers, "Content-Length: 0", "Connection: close", "", ""]).encode()


def drip(connection, begin=b"2"):
    """One byte now and then, for longer than any test may take."""
    connection.sendall(begin)
    for _ in range(50):
        connection.sendall(b" ")
        time.sleep(0.05)


def email(port, *, security="none", username="", deadline=5.0, to=(ONE,)):
    relay = Relay("127.0.0.1", port, security, username, Secret(PASSWORD))
    return Email(
        id="mail",
        relay=relay,
        sender="desk@wirewatch.example",
        zones=dict.fromkeys(to, "Asia/Seoul"),
        deadline=deadline,
    )


def webhook(port, *, host="127.0.0.1", scheme="http", policy=LOOPBACK, deadline=5.0):
    url = f"{scheme}://{host}:{port}/hook?token={TOKEN}"
    return Webhook(id="hook", url=url, secret=Secret(SECRET), policy=policy, deadline=deadline)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that signs itself, as (path, server context)."""
    folder = tmp_path_factory.mktemp("tls")
    path, key = folder / "cert.pem", folder / "key.pem"
    argv = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", str(key), "-out", str(path)]
    subprocess.run([*argv.split(), *names], check=True, capture_output=True, timeout=30)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key)
    return path, context


@pytest.fixture
def trusted(certificate, monkeypatch):
    """The certificate's server context, and the certificate trusted for this test."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    return certificate[1]


# ---------------------------------------------------------------- the contract of every channel


@dataclass
class Case:
    """A channel with its receiver: `got()` lists what arrived, `broken()` the same channel with no receiver."""

    channel: object
    got: object
    broken: object


@pytest.fixture(params=["email", "webhook", "inbox"])
def case(request, tmp_path):
    with contextlib.ExitStack() as stack:
        if request.param == "email":
            sink = stack.enter_context(MailSink())
            yield Case(email(sink.port), lambda: [message.raw for message in sink.received], email(free_port()))
        elif request.param == "webhook":
            sink = stack.enter_context(WebhookSink())
            yield Case(webhook(sink.port), lambda: [body for _, body in sink.received], webhook(free_port()))
        else:
            blocked = tmp_path / "a-file"
            blocked.write_text("no folder")
            inbox = Inbox("inbox", tmp_path, "desk", "Asia/Seoul")
            files = lambda: [path.read_bytes() for path in (tmp_path / "desk").glob("*.txt")]  # noqa: E731
            yield Case(inbox, files, dataclasses.replace(inbox, root=blocked))


def test_contract_an_alert_is_rendered_sent_and_acknowledged(case):
    recipients = case.channel.recipients()
    assert len(recipients) == 1
    message = case.channel.render(alert(), recipient=recipients[0], now=NOW)
    assert message.recipient == recipients[0]
    assert message.subject
    receipt = send(case.channel, message)
    assert receipt.isprintable()
    (arrived,) = case.got()
    assert b"Harbour Wire" in arrived


def test_contract_rendering_is_stable_and_every_attempt_sends_the_stored_bytes(case):
    recipient = case.channel.recipients()[0]
    message = case.channel.render(alert(article(title="북한 김정은 " * 20)), recipient=recipient, now=NOW)
    again = case.channel.render(alert(article(title="북한 김정은 " * 20)), recipient=recipient, now=NOW)
    assert message.message_id == again.message_id
    for n in range(2):
        send(case.channel, message, now=NOW + timedelta(hours=n))
    arrived = case.got()
    assert len(set(arrived)) == 1
    assert case.channel.kind == "inbox" or set(arrived) == {message.body}


def test_contract_an_operator_message_is_sent_too(case):
    message = case.channel.render_operator(
        "Feed stopped", ["The feed answered 410."], recipient=case.channel.recipients()[0], message_id="m1", now=NOW
    )
    send(case.channel, message)
    assert b"The feed answered 410." in case.got()[0]


def test_contract_a_failure_is_a_delivery_error_that_will_be_tried_again(case):
    error = failing(case.broken)
    assert error.permanent is False
    assert error.detail
    assert error.detail.isprintable()


def test_j06_contract_leaks_no_secret(case, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    error = failing(case.broken)
    message = case.channel.render(alert(), recipient=case.channel.recipients()[0], now=NOW)
    receipt = send(case.channel, message)
    shown = f"{case.channel!r} {case.broken} {error} {error!r} {error.detail} {error.args} {receipt} {message!r}"
    shown += caplog.text + "".join(capfd.readouterr())
    assert not [canary for canary in CANARIES if canary in shown]


# ---------------------------------------------------------------- mail


@pytest.mark.parametrize(
    ("replies", "reason", "permanent"),
    [
        ({"RCPT": "550 no such user"}, DeliveryReason.REJECTED, True),
        ({"RCPT": "553 bad name"}, DeliveryReason.REJECTED, True),
        ({"RCPT": "554 policy"}, DeliveryReason.REJECTED, True),
        ({"DATA": "554 no"}, DeliveryReason.REJECTED, True),
        ({"body": "554 looks like spam"}, DeliveryReason.REJECTED, True),
        ({"RCPT": "450 greylisted"}, DeliveryReason.TEMPORARY, False),
        ({"RCPT": "451 later"}, DeliveryReason.TEMPORARY, False),
        ({"DATA": "421 closing"}, DeliveryReason.TEMPORARY, False),
        ({"body": "452 disk full"}, DeliveryReason.TEMPORARY, False),
        ({"MAIL": "451 later"}, DeliveryReason.TEMPORARY, False),
        ({"greeting": "421 too busy"}, DeliveryReason.TEMPORARY, False),
        # A 5xx that is not about this recipient or mail says nothing against trying again once it is mended.
        ({"greeting": "554 blocked"}, DeliveryReason.REJECTED, False),
        ({"EHLO": "550 who", "HELO": "550 who"}, DeliveryReason.REJECTED, False),
        ({"MAIL": "550 sender unknown here"}, DeliveryReason.REJECTED, False),
    ],
)
def test_d02_smtp_reply_decides(replies, reason, permanent):
    with smtp(**replies) as server:
        error = failing(email(server.port))
    assert (error.reason, error.permanent) == (reason, permanent)
    assert next(iter(replies.values())) in error.detail  # the server's own words


def test_d02_smtp_reply_in_strange_bytes_is_shown_as_text():
    with smtp(RCPT="550-no\r\n550 caf\udce9 \x1b[31m\u2028x") as server:
        error = failing(email(server.port))
    error.detail.encode()
    assert error.detail.isprintable()
    with smtp(body="250 taken \udce9\udcff") as server:
        receipt = send(email(server.port), email(0).render(alert(), recipient=ONE, now=NOW))
    receipt.encode()
    assert receipt == "taken"


def test_d03_one_refused_recipient_leaves_the_others_theirs():
    with MailSink() as sink:

        async def handle_RCPT(server, session, envelope, address, options):
            if address == ONE:
                return "550 no such user"
            envelope.rcpt_tos.append(address)
            return "250 OK"

        sink.handle_RCPT = handle_RCPT
        channel = email(sink.port, to=(ONE, OTHER))
        messages = [channel.render(alert(), recipient=to, now=NOW) for to in channel.recipients()]
        assert failing(channel, messages[0]).permanent
        send(channel, messages[1])
    assert [message["To"] for message in sink.received] == [OTHER]
    assert messages[0].message_id != messages[1].message_id


def test_d04_reset_after_data_keeps_the_message_id():
    with smtp(body=reset) as server:
        channel = email(server.port)
        message = channel.render(alert(), recipient=ONE, now=NOW)
        error = failing(channel, message)
        assert (error.reason, error.permanent) == (DeliveryReason.CONNECT, False)
        first = next(body for body in server.heard if body.startswith(b"Subject:"))
    with smtp() as server:
        send(email(server.port), message)
        assert first in server.heard
    assert f"\nMessage-ID: {message.message_id}\r\n".encode() in first


@pytest.mark.parametrize("farewell", [reset, drip, "500 what?", lambda _: None], ids=["reset", "drip", "500", "none"])
def test_d04_trouble_after_the_250_is_no_failure(farewell, monkeypatch):
    monkeypatch.setattr("worker.delivery.email.FAREWELL", 0.2)
    with smtp(QUIT=farewell) as server:
        channel = email(server.port)
        assert send(channel, channel.render(alert(), recipient=ONE, now=NOW)) == "taken"


@pytest.mark.parametrize("stage", ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "body"])
@pytest.mark.parametrize("slow", [lambda _: time.sleep(2), drip], ids=["silent", "dripping"])
def test_d05_tarpit_ends_at_the_deadline(stage, slow):
    with smtp(**{stage: slow}) as server:
        began = time.monotonic()
        error = failing(email(server.port, deadline=0.3))
        assert time.monotonic() - began < 1.0
    assert (error.reason, error.permanent) == (DeliveryReason.TIMEOUT, False)
    assert "0.3 s" in error.detail


def test_d05_tarpit_that_answers_each_line_in_time_ends_at_the_deadline_too():
    def slowly(connection):
        time.sleep(0.2)
        connection.sendall(b"250 fine\r\n")

    with smtp(EHLO=slowly, MAIL=slowly, RCPT=slowly) as server:
        error = failing(email(server.port, deadline=0.3))
        assert not [line for line in server.heard if line.startswith(b"DATA")]
    assert error.reason is DeliveryReason.TIMEOUT


@pytest.mark.parametrize("username", ["", "desk"])
def test_d06_starttls_stripped_sends_nothing(username):
    with smtp() as server:  # offers no STARTTLS
        error = failing(email(server.port, security="starttls", username=username))
        assert [line.split()[0] for line in server.heard] in ([b"EHLO"], [b"EHLO", b"QUIT"])
    assert (error.reason, error.permanent) == (DeliveryReason.TLS, False)
    assert "STARTTLS" in error.detail


@pytest.mark.parametrize("reply", ["454 not now", "502 what is that"])
def test_d06_starttls_refused_sends_nothing(reply):
    with smtp(features=("STARTTLS", "AUTH PLAIN"), STARTTLS=reply) as server:
        error = failing(email(server.port, security="starttls", username="desk"))
        assert not [line for line in server.heard if line.split()[0] in (b"AUTH", b"MAIL")]
    assert not error.permanent


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_d06_certificate_that_is_not_trusted_sends_nothing(security, certificate):
    def talk(server, connection):
        with certificate[1].wrap_socket(connection, server_side=True) as secure:
            server.heard.append(secure.recv(100))

    with smtp(tls=certificate[1], features=("STARTTLS",)) if security == "starttls" else Server(talk) as server:
        error = failing(email(server.port, security=security, username="desk"))
        assert not [line for line in server.heard if line.startswith((b"AUTH", b"MAIL"))]
    assert (error.reason, error.permanent) == (DeliveryReason.TLS, False)


def test_d06_starttls_then_login_then_mail(trusted):
    with smtp(tls=trusted, features=("STARTTLS", "AUTH PLAIN")) as server:
        channel = email(server.port, security="starttls", username="desk")
        send(channel, channel.render(alert(), recipient=ONE, now=NOW))
        verbs = [line.split()[0] for line in server.heard]
    assert verbs[:6] == [b"EHLO", b"STARTTLS", b"EHLO", b"AUTH", b"MAIL", b"RCPT"]


def test_d06_a_relay_without_tls_gets_no_password():
    with smtp(features=("AUTH PLAIN LOGIN",)) as server:
        channel = email(server.port, username="desk")
        send(channel, channel.render(alert(), recipient=ONE, now=NOW))
        assert not [line for line in server.heard if line.startswith(b"AUTH")]


def test_d09_refused_login_is_said_without_the_password(trusted):
    def echo(connection):
        connection.sendall(f"535 no: {PASSWORD} {CANARIES[1]}\r\n".encode())  # a server that echoes what it was sent

    with smtp(tls=trusted, features=("STARTTLS", "AUTH PLAIN"), AUTH=echo) as server:
        error = failing(email(server.port, security="starttls", username="desk"))
        assert not [line for line in server.heard if line.startswith(b"MAIL")]
    assert (error.reason, error.permanent) == (DeliveryReason.AUTH, False)
    assert not [canary for canary in CANARIES if canary in f"{error} {error!r}"]


def test_d01_no_server_and_no_such_host_are_tried_again():
    for channel in (email(free_port()), dataclasses.replace(email(25), relay=Relay("no.invalid", 25, "none"))):
        error = failing(channel)
        assert (error.reason, error.permanent) == (DeliveryReason.CONNECT, False)


def test_email_to_a_name_beyond_ascii():
    with smtp() as server:
        channel = email(server.port, to=("ana@büro.example",))
        message = channel.render(alert(), recipient="ana@büro.example", now=NOW)
        send(channel, message)
        assert [line for line in server.heard if line.startswith(b"RCPT")] == [b"RCPT TO:<ana@xn--bro-hoa.example>"]
        assert failing(channel, dataclasses.replace(message, recipient="änne@desk.example")).permanent


def test_email_body_with_lines_of_dots_arrives_unchanged():
    with MailSink() as sink:
        channel = email(sink.port)
        message = channel.render(alert(article(quote=".\n..\n.hidden\n" + "x" * 200)), recipient=ONE, now=NOW)
        send(channel, message)
        assert sink.received[0].raw == message.body


# ---------------------------------------------------------------- webhooks


def test_e01_webhook_verifies_at_the_receiver():
    now = datetime.now(UTC)
    with WebhookSink() as sink:
        channel = webhook(sink.port)
        message = channel.render(alert(), recipient="127.0.0.1", now=now)
        assert send(channel, message, now=now) == "HTTP 200"
        ((headers, body),) = sink.received
    assert Verifier(SECRET).verify(body, headers)["type"] == "alert.raised"
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == message.message_id


@pytest.mark.parametrize(
    ("answer", "reason", "permanent", "wait"),
    [
        (status("500 Oops"), DeliveryReason.TEMPORARY, False, None),
        (status("502 Bad"), DeliveryReason.TEMPORARY, False, None),
        (status("504 Slow"), DeliveryReason.TEMPORARY, False, None),
        (status("404 Gone fishing"), DeliveryReason.REJECTED, False, None),
        (status("410 Gone"), DeliveryReason.GONE, True, None),
        (status("429 Later", "Retry-After: 120"), DeliveryReason.TEMPORARY, False, 120),
        (status("503 Later", "Retry-After: Wed, 08 Nov 2023 05:07:00 GMT"), DeliveryReason.TEMPORARY, False, 120),
        (reset, DeliveryReason.CONNECT, False, None),
        (b"", DeliveryReason.CONNECT, False, None),  # hangs up
        (b"SSH-2.0-sorry\r\n", DeliveryReason.CONNECT, False, None),
    ],
)
def test_e02_e03_e05_webhook_answer_decides(answer, reason, permanent, wait):
    with http(answer) as server:
        error = failing(webhook(server.port))
    assert (error.reason, error.permanent, error.retry_after) == (reason, permanent, wait)
    assert not [canary for canary in CANARIES if canary in f"{error} {error!r}"]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_e04_a_redirect_is_a_failure_and_never_followed(code):
    with http(status("200 OK")) as target:
        with http(status(f"{code} There", f"Location: http://127.0.0.1:{target.port}/")) as server:
            error = failing(webhook(server.port))
            assert server.dialled == 1
        assert target.dialled == 0
    assert (error.reason, error.permanent) == (DeliveryReason.REDIRECTED, False)


def test_e02_webhook_without_tls_behind_https_is_a_tls_failure():
    with Server(lambda server, connection: connection.sendall(b"plain text, no TLS\r\n" * 20)) as server:
        assert failing(webhook(server.port, scheme="https")).reason is DeliveryReason.TLS


@pytest.mark.parametrize(
    "slow", [lambda _: time.sleep(2), lambda one: drip(one, b"HTTP/1.1 200 OK\r\nX: ")], ids=["silent", "dripping"]
)
def test_e02_webhook_that_never_answers_ends_at_the_deadline(slow):
    with http(slow) as server:
        began = time.monotonic()
        error = failing(webhook(server.port, deadline=0.3))
        assert time.monotonic() - began < 1.0
    assert (error.reason, error.permanent) == (DeliveryReason.TIMEOUT, False)


def test_e08_webhook_with_an_endless_answer_is_a_yes_and_read_no_further():
    sent = 0

    def endless(connection):
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        with contextlib.suppress(OSError):
            while sent < 100_000_000:
                sent += connection.send(b"x" * 65536)

    with http(endless) as server:
        channel = webhook(server.port)
        assert send(channel, channel.render(alert(), recipient="127.0.0.1", now=NOW)) == "HTTP 200"
    assert sent < 20_000_000  # what the sockets' buffers took, not the gigabyte


@pytest.mark.parametrize(
    ("host", "policy"),
    [
        ("127.0.0.1", NetworkPolicy()),  # nothing private is allowed unless the operator says so
        ("localhost", NetworkPolicy()),
        ("127.0.0.1", NetworkPolicy((Allow(ipaddress.ip_network("127.0.0.0/8"), uses=frozenset({"feed"})),))),
        ("2130706433", LOOPBACK),
    ],
)
def test_i01_i08_webhook_address_guard_applies(host, policy):
    with http(status("200 OK")) as server:
        error = failing(webhook(server.port, host=host, policy=policy))
        assert server.dialled == 0
    assert (error.reason, error.permanent) == (DeliveryReason.REFUSED_ADDRESS, False)


def test_i07_webhook_takes_nothing_from_proxy_variables(monkeypatch):
    with http(status("200 OK")) as proxy, http(status("204 Fine")) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        channel = webhook(server.port)
        assert send(channel, channel.render(alert(), recipient="127.0.0.1", now=NOW)) == "HTTP 204"
        assert proxy.dialled == 0
