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
    with Desk(tmp_path, database_url=database_url, feeds=(*FORMATS, *BAD)) as made:
        yield made


BAD = {
    "html": b"<!doctype html><html><body><h1>We have moved</h1></body></html>",
    "empty": b"",
    "truncated": rss("t", entries(5))[:400],
    "binary": bytes(range(256)) * 40,
    "entities": b"<?xml version='1.0'?><!DOCTYPE r [<!ENTITY b 'bb'>]><rss><channel>&b;</channel></rss>",
    "oversized": b"<rss version='2.0'><channel>" + b"<!-- filling -->" * 800_000,
}


def stored(desk):
    return sorted(row.url.rsplit("/", 1)[-1] for row in desk.rows(article, article.c.feed_id.in_(FORMATS)))


def test_every_entry_of_every_snapshot_is_stored_and_told_once_among_documents_that_cannot_be_read(desk):
    histories = {f"/{name}": History(name, number) for number, name in enumerate(FORMATS)}
    for path, history in histories.items():
        desk.origin.documents[path] = history.document
    for name, body in BAD.items():
        desk.origin.documents[f"/{name}"] = body

    def before_answer(path, changed):
        history = histories.get(path)
        if history and not changed and not history.through:  # its validator proves that the last snapshot is stored
            history.at += 1
            desk.origin.documents[path] = history.document

    desk.origin.before_answer = before_answer
    desk.start()
    wait_for(lambda: all(history.through for history in histories.values()), seconds=60, what="the last snapshots")
    everything = sorted(guid for history in histories.values() for guid, _, _ in history.items)
    wait_for(lambda: len(stored(desk)) >= len(everything), what="the last entries")
    assert stored(desk) == everything
    told = len(everything) - WINDOW * len(FORMATS)  # a feed's first poll is its baseline
    wait_for(lambda: desk.sent() == 2 * told, seconds=60, what="every delivery")
    assert len(desk.rows(alert)) == told
    assert len({message["Message-ID"] for message in desk.mail.received}) == len(desk.mail.received) == told
    assert len({headers["webhook-id"] for headers, _ in desk.webhook.received}) == len(desk.webhook.received) == told
    check_bad_documents(desk)


def check_bad_documents(desk):
    """Each is an error on its own row, and disturbs nobody."""
    wait_for(lambda: {row.feed_id for row in desk.rows(poll)} >= set(BAD), seconds=60, what="every poll")
    rows = {row.id: row for row in desk.rows(feed)}
    for name in set(BAD) - {"truncated"}:  # what can be read of a truncated document is read
        assert rows[name].reason, name
        assert rows[name].failures >= 1
        assert rows[name].etag is None
    for name in FORMATS:
        assert (rows[name].reason, rows[name].failures) == (None, 0)
    assert {row.feed_id for row in desk.rows(article)} <= {*FORMATS, "truncated"}
