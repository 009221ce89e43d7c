"""Unit tests reach nothing: a socket to anywhere is an error (a unix socket pair is how asyncio talks to itself)."""

import pytest
from pytest_socket import disable_socket, enable_socket


@pytest.fixture(autouse=True)
def no_network():
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
