"""The real parser child: its limits, its death and replacement; hostile documents end, and the next one parses well."""

import contextlib
import itertools
import os
import pathlib
import signal
import threading
import time
from datetime import UTC, datetime

import psutil
import pytest

from worker.errors import FeedParseError, ParseReason
from worker.feeds.parse import Parser

NOW = datetime(2023, 11, 9, 12, 0, tzinfo=UTC)
CPU_SECONDS, MEMORY_MB = 2, 300  # the memory limit is the shipped one, the time is scaled


def rss(inner, pre="", attributes=""):
    return f'{pre}<rss version="2.0"{attributes}><channel><title>Desk</title>{inner}</channel></rss>'.encode()


def item(inner="", title="Envoys meet", attributes=""):
    return f"<item{attributes}><guid>1</guid><title>{title}</title>{inner}</item>"


PLAIN = rss(item())


@pytest.fixture
def parser():
    made = Parser(cpu_seconds=CPU_SECONDS, memory_mb=MEMORY_MB, deadline=15.0, children=1)
    yield made
    made.close()


def parse(parser, body, content_type="text/xml"):
    return parser.parse(body, content_type=content_type, url="https://example.com/feed", now=NOW)


def child_of(parser):
    """The process of the one warm child."""
    place = parser.children.places.get()
    parser.children.places.put(place)
    return psutil.Process(place.popen.pid)


def test_parser_child_reads_and_stays_warm(parser):
    assert parse(parser, PLAIN).entries[0].title == "Envoys meet"
    first = child_of(parser).pid
    assert parse(parser, PLAIN).entries[0].guid == "1"
    assert child_of(parser).pid == first


def test_h01_parser_child_has_its_limits(parser):
    parse(parser, PLAIN)
    child = child_of(parser)
    assert child.rlimit(psutil.RLIMIT_CPU)[0] <= child.cpu_times().user + child.cpu_times().system + CPU_SECONDS
    assert child.rlimit(psutil.RLIMIT_AS)[0] < child.memory_info().vms + (MEMORY_MB + 1) * 2**20
    assert child.rlimit(psutil.RLIMIT_CORE) == (0, 0)


LAUGHS = '<!DOCTYPE r [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {name} "' + f"&{before};" * 10 + '">' for before, name in itertools.pairwise("abcdefghij")
)
HOSTILE = {
    # H01: entities and declarations, each refused before any parser sees it
    "billion laughs": lambda: rss(item("&j;"), pre=LAUGHS + "]>"),
    "quadratic entities": lambda: rss(item("&a;" * 50_000), pre=f'<!DOCTYPE r [<!ENTITY a "{"a" * 50_000}">]>'),
    "external entity": lambda: rss(item("&a;"), pre='<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
    "parameter entity": lambda: rss(item(), pre='<!DOCTYPE r [<!ENTITY % a SYSTEM "http://example.com/"> %a;]>'),
    "100k attribute lists": lambda: rss(item(), pre="<!DOCTYPE r [" + "<!ATTLIST r a CDATA ''>" * 100_000 + "]>"),
    # H02: too much of something
    "200k nested tags": lambda: rss(item("<a>" * 200_000)),
    "200k nested tags in text": lambda: rss(item(f"<description><![CDATA[{'<b>' * 200_000}]]></description>")),
    "100k attributes": lambda: rss(item(), attributes="".join(f' a{n}="x"' for n in range(100_000))),
    "a million <": lambda: b"<" * 1_000_000,
    "a million < in a feed": lambda: rss(item("<" * 1_000_000)),
    "400 kB of comments": lambda: rss(item(f"<description><![CDATA[{'<!--' * 100_000}]]></description>")),
    "80 kB of author": lambda: rss(item(f"<author>{'a' * 80_000}</author>")),
    "50k items": lambda: rss(item() * 50_000),
    "2 MB malformed": lambda: rss('<item><title a="<>&]]>' * 90_000),
    "450 kB of open CDATA": lambda: rss(item("<![CDATA[" * 50_000)),
    "a million brackets in JSON": lambda: b'{"items": ' + b"[" * 1_000_000,
    "a hostile codec": lambda: b'<?xml version="1.0" encoding="punycode"?>' + PLAIN + b"-" + b"a" * 100_000,
    # H05: bodies that name a file or an address
    "a path": lambda: b"/etc/passwd",
    "an address": lambda: b"http://169.254.169.254/",
}
MUST_FAIL = {
    "billion laughs": ParseReason.FORBIDDEN_MARKUP,
    "quadratic entities": ParseReason.FORBIDDEN_MARKUP,
    "external entity": ParseReason.FORBIDDEN_MARKUP,
    "parameter entity": ParseReason.FORBIDDEN_MARKUP,
    "100k attribute lists": ParseReason.FORBIDDEN_MARKUP,
    "100k attributes": ParseReason.TOO_DEAR,
    "80 kB of author": ParseReason.TOO_DEAR,
    "a million <": ParseReason.NOT_A_FEED,
    "a million brackets in JSON": ParseReason.TOO_DEAR,
    "a path": ParseReason.NOT_A_FEED,
    "an address": ParseReason.NOT_A_FEED,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_h01_h02_h05_parser_child_ends_hostile_documents_and_reads_the_next(parser, name):
    parse(parser, PLAIN)
    body, began = HOSTILE[name](), time.monotonic()
    try:
        found = parse(parser, body)
    except FeedParseError as error:
        assert error.reason is MUST_FAIL.get(name, error.reason)
    else:
        assert name not in MUST_FAIL
        assert not any("root:" in entry.text + entry.title for entry in found.entries)
    assert time.monotonic() - began < 12  # the machine may be busy: the CPU limit is two seconds
    assert parse(parser, PLAIN).entries[0].title == "Envoys meet"


def test_h02_parser_child_out_of_memory_is_too_dear_and_replaced():
    small = Parser(cpu_seconds=20, memory_mb=20, deadline=30.0, children=1)
    try:
        with pytest.raises(FeedParseError) as raised:
            parse(small, rss(item(f"<description>{'x' * 20_000_000}</description>")))
        assert raised.value.reason is ParseReason.TOO_DEAR
        assert len(parse(small, PLAIN).entries) == 1
    finally:
        small.close()


def test_h02_parser_child_cpu_is_counted_for_each_document_anew(parser):
    """Many honest documents together may take longer than the limit for one."""
    many, spent = rss(item("<description>word</description>") * 1000), 0.0
    parse(parser, PLAIN)
    first = child_of(parser)
    while spent < CPU_SECONDS + 1:
        assert len(parse(parser, many).entries) == 1000
        assert child_of(parser).pid == first.pid
        spent = sum(first.cpu_times()[:2])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_parser_child_killed_between_documents_is_replaced(parser, number):
    parse(parser, PLAIN)
    child = child_of(parser)
    child.send_signal(number)
    child.wait(10)
    assert len(parse(parser, PLAIN).entries) == 1


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (signal.SIGKILL, ParseReason.TOO_DEAR),  # as the kernel does when memory is short
        (signal.SIGSEGV, ParseReason.CRASHED),  # as a bug in a C library would
    ],
)
def test_parser_child_killed_at_work_fails_one_document(parser, number, reason):
    parse(parser, PLAIN)
    child = child_of(parser)
    child.suspend()

    def kill():
        child.send_signal(number)
        with contextlib.suppress(psutil.NoSuchProcess):
            child.resume()  # any signal but SIGKILL waits for it

    timer = threading.Timer(0.3, kill)
    timer.start()
    with pytest.raises(FeedParseError) as raised:
        parse(parser, PLAIN)
    timer.join()
    assert raised.value.reason is reason
    assert len(parse(parser, PLAIN).entries) == 1


@pytest.mark.parametrize("size", [10, 3_000_000])  # one that fits into the pipe, and one that does not
def test_parser_child_that_stands_still_is_over_its_time(size):
    hasty = Parser(deadline=1.0, children=1)
    try:
        parse(hasty, PLAIN)
        stuck = child_of(hasty)
        stuck.suspend()
        began = time.monotonic()
        with pytest.raises(FeedParseError) as raised:
            parse(hasty, rss(item(f"<description>{'x' * size}</description>")))
        assert raised.value.reason is ParseReason.TOO_DEAR and time.monotonic() - began < 5
        assert not stuck.is_running()
        assert len(parse(hasty, PLAIN).entries) == 1
    finally:
        hasty.close()


class Interrupted(BaseException):
    """As a task's time limit raises it, in the middle of anything."""


def test_parser_child_is_ended_when_the_wait_for_it_is_interrupted(parser, monkeypatch):
    """It would answer the next document with this one's entries."""
    from worker.feeds import child as module

    parse(parser, PLAIN)
    first, real, calls = child_of(parser), module.os.read, []

    def read(*arguments):
        calls.append(arguments)
        raise Interrupted

    monkeypatch.setattr(module.os, "read", read)
    with pytest.raises(Interrupted):
        parse(parser, rss(item(title="Another feed's story")))
    monkeypatch.setattr(module.os, "read", real)
    assert calls and not first.is_running()
    assert parse(parser, PLAIN).entries[0].title == "Envoys meet"


def test_parser_child_ends_when_its_parent_closes_and_leaves_no_file_open(parser):
    open_before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        parse(parser, PLAIN)
        child = child_of(parser)
        parser.close()
        assert not child.is_running()
    assert len(os.listdir("/proc/self/fd")) == open_before


def test_parser_child_that_cannot_start_is_a_feed_parse_error(parser, monkeypatch, tmp_path):
    for program, says in ((tmp_path / "nowhere", "did not start"), (pathlib.Path("/bin/true"), "did not start")):
        monkeypatch.setattr("worker.feeds.child.sys.executable", str(program))
        with pytest.raises(FeedParseError, match=says) as raised:
            parse(parser, PLAIN)
        assert raised.value.reason is ParseReason.CRASHED
    monkeypatch.undo()
    assert len(parse(parser, PLAIN).entries) == 1


def test_parser_serves_several_threads_each_its_own_document():
    shared = Parser(children=2)
    try:
        wrong = []

        def work(n):
            for turn in range(5):
                found = parse(shared, rss(item(title=f"Story {n} {turn}") * 50))
                if {entry.title for entry in found.entries} != {f"Story {n} {turn}"}:
                    wrong.append((n, turn))

        threads = [threading.Thread(target=work, args=[n]) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not wrong
    finally:
        shared.close()
