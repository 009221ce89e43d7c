"""Feed histories of our own; the origin goes on only when our validator proves that we stored the last snapshot."""

from datetime import UTC, datetime

import pytest
from desk import Desk, entries, wait_for
from origin import rss

from worker.store.schema import alert, article, feed, poll

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

WINDOW, STEP, SNAPSHOTS = 12, 5, 6
NOW = datetime.now(UTC).isoformat()  # what is dated long ago is old news, and told to nobody


def without_guids(title, items):
    """The same as RSS 2.0 whose entries have no guid: their links tell them apart."""
    document = rss(title, items).decode()
    while "<guid" in document:
        start, end = document.index("<guid"), document.index("</guid>") + len("</guid>")
        document = document[:start] + document[end:]
    return document.encode()


def atom(title, items):
    body = "".join(
        f"<entry><id>tag:paper.example,2026:{guid}</id><link href='https://paper.example/{guid}'/>"
        f"<title>{headline}</title><updated>{NOW}</updated><summary>{text}</summary></entry>"
        for guid, headline, text in items
    )
    return f"<feed xmlns='http://www.w3.org/2005/Atom'><id>x</id><title>{title}</title>{body}</feed>".encode()


FORMATS = {"a": rss, "b": without_guids, "c": atom}


class History:
    """One feed's snapshots: a window that slides over a long list, newest first."""

    def __init__(self, name, number):
        self.items = entries(WINDOW + STEP * (SNAPSHOTS - 1), start=1000 * (number + 1))
        self.name, self.at = name, 0

    @property
    def document(self):
        start = self.at * STEP
        return FORMATS[self.name](self.name, self.items[start : start + WINDOW][::-1])

    @property
    def through(self):
        return self.at == SNAPSHOTS - 1


@pytest.fixture
def desk(tmp_path, database_url):
    with Desk(tmp_path, database_url=database_url, feeds=tuple(FORMATS)) as made:
        yield made


def test_every_distinct_entry_of_every_snapshot_is_stored_once_and_told_on_both_channels(desk):
    histories = {f"/{name}": History(name, number) for number, name in enumerate(FORMATS)}
    for path, history in histories.items():
        desk.origin.documents[path] = history.document

    def before_answer(path, changed):
        history = histories[path]
        if not changed and not history.through:  # its validator proves that the last snapshot is stored
            history.at += 1
            desk.origin.documents[path] = history.document

    desk.origin.before_answer = before_answer
    desk.start()
    wait_for(lambda: all(history.through for history in histories.values()), seconds=60, what="the last snapshots")
    everything = sorted(guid for history in histories.values() for guid, _, _ in history.items)
    wait_for(lambda: len(desk.guids()) >= len(everything), what="the last entries")
    assert desk.guids() == everything
    told = len(everything) - WINDOW * len(FORMATS)  # a feed's first poll is its baseline
    wait_for(lambda: desk.sent() == 2 * told, seconds=60, what="every delivery")
    assert len(desk.rows(alert)) == told
    assert len({message["Message-ID"] for message in desk.mail.received}) == len(desk.mail.received) == told
    assert len({headers["webhook-id"] for headers, _ in desk.webhook.received}) == len(desk.webhook.received) == told


BAD = {
    "html": b"<!doctype html><html><body><h1>We have moved</h1></body></html>",
    "empty": b"",
    "truncated": rss("t", entries(5))[:400],
    "binary": bytes(range(256)) * 40,
    "entities": b"<?xml version='1.0'?><!DOCTYPE r [<!ENTITY b 'bb'>]><rss><channel>&b;</channel></rss>",
    "oversized": b"<rss version='2.0'><channel>" + b"<!-- filling -->" * 800_000,
}


@pytest.fixture
def bad_desk(tmp_path):
    with Desk(tmp_path, feeds=("good", *BAD)) as made:
        yield made


def test_a_bad_document_is_an_error_on_its_own_row_and_disturbs_nobody(bad_desk):
    for name, body in BAD.items():
        bad_desk.origin.documents[f"/{name}"] = body
    bad_desk.start()
    wait_for(lambda: len({row.feed_id for row in bad_desk.rows(poll)}) == len(BAD) + 1, seconds=60, what="every poll")
    bad_desk.set_feed("good", entries(2))
    wait_for(lambda: bad_desk.sent() == 4, what="the good feed's alerts")
    rows = {row.id: row for row in bad_desk.rows(feed)}
    for name in set(BAD) - {"truncated"}:  # what can be read of a truncated document is read
        assert rows[name].reason, name
        assert rows[name].failures >= 1
        assert rows[name].etag is None
    assert (rows["good"].reason, rows["good"].failures) == (None, 0)
    assert {row.feed_id for row in bad_desk.rows(article)} <= {"good", "truncated"}
