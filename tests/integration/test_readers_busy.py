"""Few readers and many dear pages: whoever waits for one is not kept for longer than it has time."""

import threading
import time

import pytest

from worker.feeds.child import NoneFree
from worker.feeds.pages import PageReader
from worker.feeds.robots import Robots


@pytest.fixture
def busy():
    reader = PageReader(children=1)
    place = reader.children.places.get()
    yield reader
    reader.children.places.put(place)
    reader.close()


def test_a_page_waits_no_longer_for_a_reader_than_it_is_told(busy):
    began = time.monotonic()
    with pytest.raises(NoneFree):
        busy.read(b"<html>", content_type="text/html", patience=0.2)
    with pytest.raises(NoneFree):
        busy.rule(Robots("rules", "User-agent: *"), ["https://a.example/"], patience=-1.0)
    assert time.monotonic() - began < 2.0


def test_a_reader_that_gets_free_in_time_reads(busy):
    timer = threading.Timer(0.2, lambda: busy.children.places.put(None))
    timer.start()
    assert busy.rule(Robots("rules", "User-agent: *"), ["https://a.example/"], patience=10.0).allowed
    timer.join()
    busy.close()
    busy.children.places.get()
