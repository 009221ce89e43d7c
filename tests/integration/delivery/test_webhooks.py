"""What HTTP receivers do to us."""

import base64
import contextlib
import dataclasses
import ipaddress
import time
from datetime import UTC, datetime

import pytest
from receivers import CANARIES, LOOPBACK, SECRET, Server, drip, failing, free_port, http, reset, send, status, webhook
from samples import NOW, alert
from sinks import WebhookSink
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from worker import __version__
from worker.config.values import Secret
from worker.errors import DeliveryReason
from worker.guard import Allow, NetworkPolicy


def test_e01_webhook_verifies_at_the_receiver():
    now = datetime.now(UTC)
    with WebhookSink() as sink:
        channel = webhook(sink.port)
        message = channel.render(alert(), recipient="127.0.0.1", now=now)
        assert send(channel, message, now=now) == "HTTP 200"
        ((headers, body),) = sink.received
    assert Verifier(SECRET).verify(body, headers)["type"] == "alert.raised"
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == f"Wirewatch/{__version__}"
    assert headers["webhook-id"] == message.message_id


def test_e07_a_receiver_takes_either_secret_while_one_is_changed():
    now, old = datetime.now(UTC), "whsec_" + base64.b64encode(b"the secret that is to go").decode()
    with WebhookSink() as sink:
        channel = webhook(sink.port)
        message = channel.render(alert(), recipient="127.0.0.1", now=now)
        for one in (dataclasses.replace(channel, previous_secret=Secret(old)), channel):
            send(one, message, now=now)
        (during, body), (afterwards, _) = sink.received
    for secret in (SECRET, old):
        assert Verifier(secret).verify(body, during)["type"] == "alert.raised"
    assert Verifier(SECRET).verify(body, afterwards)
    with pytest.raises(WebhookVerificationError):
        Verifier(old).verify(body, afterwards)


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
    "slow", [lambda _: time.sleep(8), lambda one: drip(one, b"HTTP/1.1 200 OK\r\nX: ")], ids=["silent", "dripping"]
)
def test_e02_webhook_that_never_answers_ends_at_the_deadline(slow):
    with http(slow) as server:
        began = time.monotonic()
        error = failing(webhook(server.port, deadline=0.3))
        assert time.monotonic() - began < 4
    assert (error.reason, error.permanent, error.unknown) == (DeliveryReason.TIMEOUT, False, True)


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


@pytest.mark.parametrize(
    ("answer", "unknown"),
    [(reset, True), (b"", True), (b"SSH-2.0-sorry\r\n", True), (status("500 Oops"), False), (None, False)],
    ids=["reset", "hangs up", "no HTTP", "500", "nobody there"],
)
def test_e02_webhook_whose_request_left_and_had_no_answer_may_have_arrived(answer, unknown):
    with http(answer) if answer is not None else contextlib.nullcontext() as server:
        error = failing(webhook(server.port if server else free_port()))
    assert (error.unknown, error.whole) == (unknown, True)


@pytest.mark.parametrize(("code", "whole"), [(400, False), (422, False), (404, True), (403, True), (503, True)])
def test_webhook_answer_is_about_the_message_or_about_the_receiver(code, whole):
    with http(status(f"{code} No")) as server:
        assert failing(webhook(server.port)).whole is whole


def test_webhooks_of_a_batch_are_lost_to_no_receiver_that_hangs_up_after_its_answer():
    def answer(server, connection):
        with connection.makefile("rb") as stream:
            head = b"".join(iter(stream.readline, b"\r\n")).lower()
            length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length"))
            server.heard.append(stream.read(int(length[16:])))
            connection.sendall(b"HTTP/1.1 204 Fine\r\n\r\n")  # as if more could come
            time.sleep(0.003)

    with Server(answer) as server:
        channel = webhook(server.port)
        send(channel, *(channel.render(alert(alert_id=f"a{n}"), recipient="127.0.0.1", now=NOW) for n in range(20)))
        assert (server.dialled, len(server.heard)) == (20, 20)
