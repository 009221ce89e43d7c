"""Articles' own pages: asked politely, judged instead of the feed's few words, and never waited for long."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from desk import BASELINE, entries, wait_for
from pagedesk import (
    LONG,
    Site,
    allow,
    answer,
    article_rows,
    fetch_pages,
    page_of,
    page_rows,
    set_articles,
)
from scripted import drip, flood, http, moved
from sqlalchemy import select
from steps import change, later, now, poll_now, settle

from worker.cli.trace import trace_lines
from worker.explain import explain
from worker.health import look
from worker.metrics import PAGES
from worker.model import ArticleState
from worker.pipeline.pages import fetch_due_pages
from worker.pipeline.tick import look_around
from worker.replay.run import _spec
from worker.store import pages
from worker.store.due import due_queues
from worker.store.schema import alert, article, page, revision, robots
from worker.store.tallies import read_tallies

SECOND = timedelta(seconds=1)


@pytest.fixture
def site():
    made = Site()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def runtime(desk, site):
    """Its baseline is stored; the next poll brings news."""
    allow(desk, site)
    set_articles(desk, site, BASELINE)
    made = desk.runtime()
    poll_now(desk, made)
    yield made
    made.page_reader.close()
    made.store.close()


def bring(desk, site, runtime, items):
    set_articles(desk, site, [*items, *BASELINE])
    poll_now(desk, runtime)


SAID = "The plant was shown to guests from abroad on Monday, and the ministry said that it has no more to say."


def brief(count):
    """Of whom the feed says nothing."""
    return [(guid, headline, SAID) for guid, headline, _ in entries(count)]


def test_page_text_is_judged_and_raises_what_the_feed_does_not_say(desk, site, runtime):
    site.routes["/g0"] = answer(page_of(*LONG, "Among the guests was Kim Jong Un, who left at noon."))
    bring(desk, site, runtime, brief(1))
    assert look(desk.store).articles["awaiting"] == 1, "not settled, and not to be judged yet"
    settle(runtime)
    assert desk.rows(alert) == []
    assert due_queues(desk.store).count("poll") == 1
    fetch_pages(runtime)
    settle(runtime)
    (raised,) = desk.rows(alert)
    row, fetched = article_rows(desk)["g0"], page_rows(desk)["g0"]
    assert (
        raised.article_id == row.id and "\nAmong the guests was Kim Jong Un" in row.text and "Section" not in row.text
    )
    assert (fetched.state, fetched.status, fetched.reason) == ("fetched", 200, None)
    assert fetched.characters == len(row.text) and len(fetched.hash) == 64 and fetched.bytes > fetched.characters
    (kept,) = desk.rows(revision, revision.c.article_id == row.id)
    assert (kept.text, kept.feed_text) == (row.text, SAID)
    trace = explain(desk.store, runtime.config, row.public_id).traces[0]
    assert (trace["page"]["state"], trace["page"]["characters"]) == ("fetched", len(row.text))
    (line,) = [one for one in trace_lines(trace, zone="UTC") if one.startswith("  page  ")]
    assert line.startswith("  page        its page was fetched at ") and line.endswith(
        f", {len(row.text):,} characters"
    )
    assert read_tallies(desk.store)[PAGES.of("fetched", "")] == 1


def test_the_next_poll_sees_no_edit_where_a_page_was_read(desk, site, runtime):
    site.routes["/g0"] = answer(page_of(*LONG))
    bring(desk, site, runtime, brief(1))
    fetch_pages(runtime)
    bring(desk, site, runtime, [*brief(1), ("other", "Another thing altogether happened here", "Short.")])
    row = article_rows(desk)["g0"]
    assert row.revision == 1 and LONG[3] in row.text


def test_an_edit_of_the_feed_keeps_the_page_and_the_words_of_both(desk, site, runtime):
    site.routes["/g0"] = answer(page_of(*LONG))
    bring(desk, site, runtime, brief(1))
    fetch_pages(runtime)
    read = article_rows(desk)["g0"].text
    bring(desk, site, runtime, [("g0", "A new headline for the factory visited", "It was shown again.")])
    row = article_rows(desk)["g0"]
    assert (row.title, row.text, row.revision) == ("A new headline for the factory visited", read, 2)
    with desk.store.reading() as connection:
        kept = connection.execute(select(revision).where(revision.c.article_id == row.id).order_by(revision.c.n)).all()
    assert [one.feed_text for one in kept] == [SAID, "It was shown again."]
    assert [one.text for one in kept] == [read, read]
    fuller = "The feed has it all now. " * 60
    bring(desk, site, runtime, [("g0", row.title, fuller)])
    assert article_rows(desk)["g0"].text == fuller.strip(), "of the two the fuller stands"


def test_an_edit_while_the_page_is_waited_for_keeps_both(desk, site, runtime):
    site.routes["/g0"] = answer(page_of(*LONG))
    bring(desk, site, runtime, brief(1))
    bring(desk, site, runtime, [("g0", "A new headline for the factory visited", "It was shown again.")])
    fetch_pages(runtime)
    row = article_rows(desk)["g0"]
    kept = {
        one.n: (one.text == row.text, one.feed_text) for one in desk.rows(revision, revision.c.article_id == row.id)
    }
    assert kept == {1: (False, None), 2: (True, "It was shown again.")}


def test_f28_robots_keep_us_from_the_page_and_not_from_the_feed(desk, site, runtime):
    site.routes["/robots.txt"] = answer(b"User-agent: Wirewatch\nDisallow: /g0\n", b"text/plain")
    site.routes["/g1"] = answer(page_of(*LONG))
    bring(desk, site, runtime, brief(2))
    fetch_pages(runtime)
    assert site.asked("/g0") == 0 and site.asked("/g1") == 1
    rows = article_rows(desk)
    assert {guid: rows[guid].state for guid in ("g0", "g1")} == dict.fromkeys(("g0", "g1"), ArticleState.NEW)
    assert rows["g0"].text == SAID
    trace = explain(desk.store, runtime.config, rows["g0"].public_id).traces[0]
    assert trace["page"]["words"] == "its page was not used: the publisher's robots.txt keeps robots out"
    assert f"  page        {trace['page']['words']}" in trace_lines(trace, zone="UTC")
    polls = len(desk.origin.requests)
    poll_now(desk, runtime)
    assert len(desk.origin.requests) > polls, "the feed is asked all the same"


def test_robots_are_asked_once_for_ten_pages_and_again_after_a_day(desk, site, runtime):
    site.routes |= {f"/g{n}": answer(page_of(*LONG)) for n in range(11)}
    bring(desk, site, runtime, brief(10))
    fetch_pages(runtime)
    assert {row.state for row in page_rows(desk).values()} == {"fetched"}
    bring(desk, site, runtime, brief(11))
    fetch_pages(runtime)
    assert site.asked("/robots.txt") == 1 and site.asked("/g10") == 1
    (row,) = desk.rows(robots)
    assert (row.verdict, row.good_until - row.fetched_at) == ("allow", timedelta(days=1))
    assert site.headers(0)["user-agent"].startswith(b"Wirewatch/")
    change(desk, page, state="waiting", tries=0, since=now(desk) + timedelta(days=1), due_at=now(desk))
    fetch_pages(later(runtime, now(desk) + timedelta(days=1, seconds=1)))
    assert site.asked("/robots.txt") == 2


@pytest.mark.parametrize(
    ("robots_answer", "asked", "reason", "good_for"),
    [
        (http(503), 0, "robots_away", timedelta(hours=1)),
        (http(429), 0, "robots_away", timedelta(hours=1)),
        (lambda connection: None, 0, "robots_away", timedelta(hours=1)),  # hangs up
        (http(403), 1, None, timedelta(days=1)),
        (answer(b"User-agent: *\nAllow: /\n", b"text/plain"), 1, None, timedelta(days=1)),
        # More than 500 KiB, without an end: the first part counts.
        (flood, 1, None, timedelta(days=1)),
        # A file that would cost its reader minutes and gigabytes keeps robots out.
        (
            answer(b"".join(b"User-agent: %d\n" % n for n in range(9000)) + b"Disallow: /1\n" * 25_000, b"text/plain"),
            0, "robots", timedelta(days=1),
        ),
    ],
    ids=["503", "429", "no answer", "403", "allowed", "endless", "hostile"],
)  # fmt: skip
def test_robots_as_rfc_9309_has_them(desk, site, runtime, robots_answer, asked, reason, good_for):
    site.routes |= {"/robots.txt": robots_answer, "/g0": answer(page_of(*LONG))}
    bring(desk, site, runtime, brief(1))
    fetch_pages(runtime)
    assert (site.asked("/g0"), page_rows(desk)["g0"].reason) == (asked, reason)
    (row,) = desk.rows(robots)
    assert row.good_until - row.fetched_at == good_for
    assert article_rows(desk)["g0"].state == ArticleState.NEW


def test_robots_crawl_delay_is_obeyed_and_nobody_waits_longer_than_a_minute(desk, site, runtime):
    site.routes["/robots.txt"] = answer(b"User-agent: *\nCrawl-delay: 25\n", b"text/plain")
    site.routes |= {f"/g{n}": answer(page_of(*LONG)) for n in range(5)}
    bring(desk, site, runtime, brief(4))
    began = now(desk)
    asked = []
    for seconds in (0, 5, 26, 52, 70):
        fetch_pages(later(runtime, began + seconds * SECOND))
        asked.append(len(site.asked()) - 1)
        if seconds == 0:
            bring(desk, site, runtime, brief(5))  # one more comes in meanwhile
    assert asked == [1, 1, 2, 3, 3]
    reasons = [row.reason for row in page_rows(desk).values()]
    assert sorted(reasons, key=str) == [None, None, None, "out_of_time", "out_of_time"]
    assert {row.state for row in desk.rows(article)} == {ArticleState.NEW}


def test_i05_a_page_that_leads_to_a_private_address_is_not_followed(desk, site, runtime):
    site.routes |= {"/g0": moved(302, "http://10.1.2.3/secret"), "/g1": moved(302, "http://169.254.169.254/meta")}
    bring(desk, site, runtime, brief(2))
    fetch_pages(runtime)
    assert {guid: row.reason for guid, row in page_rows(desk).items()} == {"g0": "refused", "g1": "refused"}
    assert article_rows(desk)["g0"].state == ArticleState.NEW


def test_i05_a_page_at_a_private_address_is_not_asked(desk, site, runtime):
    document = desk.origin.documents["/a"].replace(site.url.encode() + b"/old", b"http://10.1.2.3/new")
    desk.origin.documents["/a"] = document.replace(b">old<", b">new<").replace(b"A day like", b"No day like")
    poll_now(desk, runtime)
    fetch_pages(runtime)
    assert page_rows(desk)["new"].reason == "refused" and desk.rows(robots) == []


def test_i08_a_range_that_is_open_to_feeds_is_not_to_pages(desk, site, runtime):
    network = desk.config / "network.yaml"
    network.write_text(network.read_text().replace("  - page\n", ""))
    made = replace(desk.runtime(), page_reader=runtime.page_reader)
    try:
        bring(desk, site, made, [("shut", "A day like no other", "It was.")])
        fetch_pages(made)
        assert page_rows(desk)["shut"].reason == "refused" and site.asked() == []
        assert len(desk.rows(article)) == 3, "the feed is read all the same"
    finally:
        made.store.close()


def test_robots_of_each_address_on_the_way_are_asked(desk, site, runtime):
    other = Site()
    allow(desk, other)
    made = replace(desk.runtime(), page_reader=runtime.page_reader)
    try:
        site.routes |= {"/g0": moved(302, f"{other.url}/kept-out"), "/g1": moved(301, f"{other.url}/let-in")}
        other.routes["/robots.txt"] = answer(b"User-agent: *\nDisallow: /kept-out\n", b"text/plain")
        other.routes["/let-in"] = answer(page_of(*LONG))
        bring(desk, site, made, brief(2))
        fetch_pages(made)
        assert sorted(other.asked()) == ["/let-in", "/robots.txt"]
        rows = page_rows(desk)
        assert (rows["g0"].reason, rows["g1"].reason) == ("robots", None)
        assert rows["g1"].final_url == f"{other.url}/let-in"
    finally:
        made.store.close()
        other.shutdown()
        other.server_close()


@pytest.mark.parametrize(
    ("route", "reason"),
    [
        (http(403), "forbidden"),
        (http(402), "forbidden"),
        (http(451), "forbidden"),
        (http(404), "not_found"),
        (http(410), "not_found"),
        (http(200, b"Content-Type: application/pdf", body=b"%PDF-1.7"), "not_html"),
        (answer(b'{"not": "a page"}', b"application/octet-stream"), "not_html"),
        (answer(page_of("Short.")), "no_text"),
        (answer(page_of("Please sign in to read on. " * 3)), "shorter"),
        (answer(b"<html><body></body></html>"), "no_text"),
        (answer(b""), "no_text"),
        (moved(302, "/g0"), "redirect"),
        (flood, "too_large"),
        (answer(b"<html><body>" + b"<div>" * 200_000), "no_text"),  # too deep for its parser
        (answer(b"<html><body><p>" + b"<span>a</span><br>" * 200_000), "too_dear"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_page_that_gives_nothing_leaves_the_feeds_text_and_its_neighbour(desk, site, runtime, route, reason):
    site.routes |= {"/g0": route, "/g1": answer(page_of(*LONG))}
    bring(desk, site, runtime, brief(2))
    fetch_pages(runtime)
    rows, found = article_rows(desk), page_rows(desk)
    assert (found["g0"].state, found["g0"].reason) == ("failed", reason)
    assert (rows["g0"].state, rows["g0"].text) == (ArticleState.NEW, SAID)
    assert LONG[3] in rows["g1"].text
    assert read_tallies(desk.store)[PAGES.of("failed", reason)] == 1


@pytest.mark.parametrize(
    ("route", "waits"),
    [
        (http(503), 10),
        (lambda connection: None, 10),  # hangs up
        (http(429, b"Retry-After: 20"), 20),
        (http(429, b"Retry-After: 300"), None),  # does not fit into a minute
        (http(501), 10),
    ],
)
def test_what_will_pass_is_tried_once_more(desk, site, runtime, route, waits):
    site.routes["/g0"] = route
    bring(desk, site, runtime, brief(1))
    began = now(desk)
    fetch_pages(runtime)
    assert article_rows(desk)["g0"].state == (ArticleState.AWAITING if waits else ArticleState.NEW)
    once = site.asked("/g0")  # of one that hangs up, aiohttp asks twice by itself
    fetch_pages(later(runtime, began + timedelta(seconds=(waits or 10) - 2)))
    assert site.asked("/g0") == once
    fetch_pages(later(runtime, began + timedelta(seconds=(waits or 10) + 5)))
    assert site.asked("/g0") == (2 * once if waits else once)
    fetch_pages(later(runtime, began + 50 * SECOND))
    assert site.asked("/g0") == (2 * once if waits else once) and article_rows(desk)["g0"].state == ArticleState.NEW


def test_a_slow_site_holds_no_other_back(desk, site, runtime):
    slow, release = Site("127.0.0.2"), threading.Event()
    allow(desk, slow)
    made = replace(desk.runtime(), page_reader=runtime.page_reader)
    try:
        slow.routes |= {f"/g{n}": lambda connection: release.wait(20) for n in range(30)}
        slow.routes["/robots.txt"] = lambda connection: release.wait(20)
        bring(desk, slow, made, brief(30))
        set_articles(desk, site, [("fast", "Quick news of another kind altogether", "Short."), *BASELINE], name="a")
        site.routes["/fast"] = answer(page_of(*LONG))
        poll_now(desk, made)
        fetching = threading.Thread(target=fetch_due_pages, args=(made,))
        fetching.start()
        wait_for(lambda: page_rows(desk)["fast"].state == "fetched")
        assert fetching.is_alive()
        # Nobody else asks that host meanwhile: its pages wait for who does.
        claimed = pages.claim_due_pages(desk.store, limit=32, lease=pages.LEASE)
        assert claimed.rows == []
        release.set()
        fetching.join()
    finally:
        release.set()
        made.store.close()
        slow.shutdown()
        slow.server_close()


def test_a_worker_that_dies_leaves_its_pages_to_the_next(desk, site, runtime):
    site.routes |= {"/g0": answer(page_of(*LONG)), "/g1": answer(page_of(*LONG))}
    bring(desk, site, runtime, brief(2))
    claim = pages.claim_due_pages(desk.store, limit=32, lease=pages.LEASE)
    fetch_pages(runtime)
    assert site.asked() == [], "they are another's"
    fetch_pages(later(runtime, now(desk) + pages.LEASE + SECOND))
    assert [row.state for row in page_rows(desk).values()] == ["fetched"] * 2
    with desk.store.writing() as connection:
        late = dict(token=claim.token, now=now(desk), text="x" * 9999, record={})
        assert pages.save_text(connection, claim.rows[0], **late) == "out_of_time", "it comes too late"
    assert LONG[3] in article_rows(desk)["g0"].text


def test_nothing_is_stuck_in_awaiting(desk, site, runtime):
    bring(desk, site, runtime, brief(2))
    pages.claim_due_pages(desk.store, limit=1, lease=timedelta(hours=1))
    began = now(desk)
    look_around(later(runtime, began + 55 * SECOND))
    assert {row.state for row in page_rows(desk).values()} == {"waiting"}
    look_around(later(runtime, began + 65 * SECOND))
    assert {row.reason for row in page_rows(desk).values()} == {"out_of_time"}
    assert {row.state for row in desk.rows(article)} == {ArticleState.NEW}


def test_a_page_that_ends_its_worker_three_times_is_given_up(desk, site, runtime):
    bring(desk, site, runtime, brief(1))
    for _ in range(3):
        pages.claim_due_pages(desk.store, limit=1, lease=timedelta(seconds=-1))
    fetch_pages(runtime)
    assert site.asked() == [] and article_rows(desk)["g0"].state == ArticleState.NEW


def test_a_page_that_nobody_fetches_is_seen(desk, site, runtime):
    bring(desk, site, runtime, brief(1))
    moment = now(desk) + timedelta(minutes=5, seconds=1)
    reasons = look(desk.store.with_clock(lambda: moment)).reasons
    assert "articles that have waited five minutes for their own page: 1" in reasons


def test_baseline_and_articles_without_an_address_ask_for_no_page(desk, site, runtime):
    assert desk.rows(page) == []
    desk.origin.documents["/a"] = (
        b"<rss version='2.0'><channel><title>a</title><item><guid isPermaLink='false'>n</guid>"
        b"<title>News without an address of its own</title></item></channel></rss>"
    )
    poll_now(desk, runtime)
    assert desk.rows(page) == [] and {row.state for row in desk.rows(article)} == {ArticleState.NEW}


def test_a_page_that_drips_is_given_up_in_time(desk, site, runtime, monkeypatch):
    from worker.feeds import pages as module
    from worker.net import Limits

    monkeypatch.setattr(module, "PAGE", Limits(deadline=0.3, max_body=100_000, follow=False))
    site.routes["/g0"] = drip
    bring(desk, site, runtime, brief(1))
    began = now(desk)
    fetch_pages(runtime)
    fetch_pages(later(runtime, began + 15 * SECOND))
    assert page_rows(desk)["g0"].reason == "timeout" and article_rows(desk)["g0"].state == ArticleState.NEW


def test_a_history_never_waits_for_a_page(desk, runtime):
    assert runtime.config.feed("a").full_text
    assert not _spec(runtime.config, "a").full_text
