"""The scripted server, and who is dialled meanwhile."""

import sys

import pytest
from certificates import make_authority
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
def serve():
    """Opens such servers, and closes them at the end."""
    opened = []

    def serve(*arguments, **options):
        opened.append(Origin(*arguments, **options))
        return opened[-1]

    yield serve
    for server in opened:
        server.shutdown()
        server.server_close()


@pytest.fixture
def origin(serve):
    return serve()


@pytest.fixture
def authority(tmp_path):
    return make_authority(tmp_path)
