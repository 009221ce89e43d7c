"""Answers that attack their reader (H)."""

import time
import zlib

import pytest
from scripted import assert_failed, drip, fetch, flood, http

from worker import net
from worker.errors import FetchReason
from worker.model import FetchFailed


def test_h03_a_gzip_bomb_is_too_large(origin):
    bomb = zlib.compressobj(9, wbits=31)
    wire = b"".join(bomb.compress(bytes(net.MIB)) for _ in range(200)) + bomb.flush()
    origin.routes["/"] = http(200, b"Content-Encoding: gzip", body=wire)
    assert_failed(fetch(origin, "/", max_body=net.MIB), FetchReason.TOO_LARGE)


def _endless_headers(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X: y\r\n" * 100)


def _endless_1xx(connection):
    while True:
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")


@pytest.mark.parametrize(
    ("route", "reasons"),
    [
        (drip, {"timeout"}),
        (flood, {"too_large"}),
        (_endless_headers, {"status", "timeout"}),
        (_endless_1xx, {"timeout", "status"}),
    ],
)
def test_h04_endless_answers_end_at_the_deadline(origin, route, reasons):
    origin.routes["/"] = route
    started = time.monotonic()
    outcome = fetch(origin, "/", deadline=0.6, max_body=net.MIB)
    assert isinstance(outcome, FetchFailed) and outcome.reason in reasons, outcome
    assert time.monotonic() - started < 6
