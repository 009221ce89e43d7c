"""Answers that attack their reader (H)."""

import gzip
import time
import tracemalloc
import zlib

import pytest
from scripted import assert_failed, drip, fetch, flood, http

from worker import net
from worker.errors import FetchReason
from worker.model import FetchFailed


def bomb(wbits):
    """A MB that unpacks to a GB. Each block begins anew, so that one is enough to make them all."""
    packer = zlib.compressobj(9, wbits=wbits)
    head = packer.compress(bytes(net.MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + (packer.compress(bytes(net.MIB)) + packer.flush(zlib.Z_FULL_FLUSH)) * 1023


@pytest.mark.parametrize(
    ("coding", "body", "reason"),
    [
        (b"gzip", bomb(31), FetchReason.TOO_LARGE),
        (b"identity", bomb(31), FetchReason.TOO_LARGE),
        (b"deflate", bomb(15), FetchReason.TOO_LARGE),
        (b"deflate", bomb(-15), FetchReason.TOO_LARGE),
        (b"gzip", gzip.compress(bomb(31), mtime=0), FetchReason.TOO_LARGE),  # a few KB
        (b"gzip, gzip", gzip.compress(bomb(31), mtime=0), FetchReason.ENCODING),
        (b"br", b"\x8b\x05\x80" * 400, FetchReason.ENCODING),  # never unpacked, so no bomb
        (b"zstd", b"\x28\xb5\x2f\xfd" * 400, FetchReason.ENCODING),
    ],
    ids="gzip unannounced deflate bare-deflate double stacked br zstd".split(),
)
def test_h03_a_bomb_takes_little_memory(origin, coding, body, reason):
    origin.routes["/"] = http(200, b"Content-Encoding: " + coding, body=body)
    tracemalloc.start()
    try:
        outcome = fetch(origin, "/")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert_failed(outcome, reason)
    assert peak < 50 * net.MIB


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
