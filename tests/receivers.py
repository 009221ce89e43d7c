"""Receivers on loopback that do as they are told, channels that lead to them, and one attempt at a time."""

import asyncio
import base64
import contextlib
import ipaddress
import socket
import threading
import time

import pytest
from samples import NOW, alert

from worker.config.values import Secret
from worker.delivery.email import Email, Relay
from worker.delivery.webhook import Webhook
from worker.errors import DeliveryError
from worker.guard import Allow, NetworkPolicy

PASSWORD = "canary-password"
SECRET = "whsec_" + base64.b64encode(b"canary of the tests only").decode()
TOKEN = "canary-token"
CANARIES = (PASSWORD, base64.b64encode(f"\0desk\0{PASSWORD}".encode()).decode(), SECRET.removeprefix("whsec_"), TOKEN)
ONE, OTHER = "ana@desk.example", "bo@desk.example"
LOOPBACK = NetworkPolicy((Allow(ipaddress.ip_network("127.0.0.0/8")),))


def send(channel, *messages, now=NOW):
    """Each over the same line, one after another; what the last one gives."""

    async def each():
        async with channel.open() as line:
            return [await line.send(message, now=now) for message in messages][-1]

    return asyncio.run(each())


def failing(channel, message=None):
    """The DeliveryError of one attempt."""
    with pytest.raises(DeliveryError) as raised:
        send(channel, message or channel.render(alert(), recipient=channel.recipients()[0], now=NOW))
    return raised.value


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


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
    for _ in range(200):
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
