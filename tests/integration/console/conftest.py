"""The desk's console, as a browser comes to it, and a desk that has polled and told."""

import pytest
from desk import BASELINE, entries
from served import Served
from steps import bring, poll_now

from worker.pipeline.deliver import deliver_due


@pytest.fixture
def served(desk):
    with Served(desk) as made:
        yield made


@pytest.fixture
def told(desk, runtime):
    """One alert, delivered by mail and webhook."""
    poll_now(desk, runtime)
    bring(desk, runtime, "a", entries(1) + BASELINE)
    deliver_due(runtime)
    return desk
