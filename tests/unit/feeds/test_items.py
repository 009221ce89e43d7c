"""Items told apart in the worker itself: what a hostile document costs there, where no limit holds."""

import time
import tracemalloc

import pytest

from worker.feeds.items import find_items

MB = 1_000_000
ITEM = b"<item>a</item>"


@pytest.mark.parametrize(
    "body",
    [
        b"<rss " * (2 * MB // 5) + ITEM,  # each tag unclosed: looked through for its end 20,000 letters far
        b"<channel>" * (2 * MB // 9) + ITEM,  # the whole head looked through for each
        b"<channel>" * (90_000 // 9) + ITEM,  # the same within the longest head
        b"<rss " * (90_000 // 5) + ITEM,
        b"<rss>" + b"<" * (10 * MB) + ITEM,
        b"<rss>" + ITEM * (10 * MB // len(ITEM)),  # 700,000 items
        b'{"items":[[' + b"{}," * (10 * MB // 3) + b"1]]}",
    ],
    ids=["unclosed", "channels", "few channels", "few unclosed", "brackets", "items", "json"],
)
def test_h02_a_hostile_document_costs_the_worker_little(body):
    began = time.process_time()
    find_items(body, around=())
    assert time.process_time() - began < 1.0


def test_h03_a_json_document_of_nothing_but_brackets_is_not_built_in_the_worker():
    body = b'{"items":[[' + b"{}," * (10 * MB // 3) + b"1]]}"
    tracemalloc.start()
    try:
        assert find_items(body, around=()) is None
        assert tracemalloc.get_traced_memory()[1] < 50 * MB
    finally:
        tracemalloc.stop()
