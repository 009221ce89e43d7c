"""The scripted server, and who is dialled meanwhile."""

import sys

import pytest
from scripted import Origin

DIALLED = None


def _note_connects(event, arguments):
    if event == "socket.connect" and DIALLED is not None:
        DIALLED.append(arguments[1])


sys.addaudithook(_note_connects)


@pytest.fixture
def dialled():
    """Every address that this process tries to connect to during the test."""
    global DIALLED
    DIALLED = []
    yield DIALLED
    DIALLED = None


@pytest.fixture
def origin():
    server = Origin()
    yield server
    server.shutdown()
    server.server_close()
