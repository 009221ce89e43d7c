"""What is the same entry, through real polls: bumped guids, tracking, new titles, rebuilt feeds, held imports."""

from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from xml.sax.saxutils import escape

import pytest
from steps import LONG_AGO, change, later, now, operator_subjects, poll_now, settle

from worker.feeds.fetch import Fetcher
from worker.feeds.rounds import Round
from worker.health import look
from worker.pipeline.holding import KEPT_FOR
from worker.pipeline.poll import poll_due_feeds
from worker.pipeline.tick import tick
from worker.store.engine import read_clock
from worker.store.holds import Verdict, decide_hold, waiting_holds
from worker.store.schema import alert, article, article_key, decision, delivery, feed, hold, notification, revision

DAY = timedelta(days=1)


def item(n, *, guid="http://paper.example/?p={n}", link="http://paper.example/news/{n}", date=None, **words):
    """(guid, link, headline, text, date) of an entry that fires the rule; the guid, link or date may be None."""
    title = words.get("title", "Factory {n} is visited by the leader in the north")
    text = words.get("text", "Kim Jong Un visited plant {n} in the morning and left it in the afternoon.")
    return [part and part.format(n=n) for part in (guid, link, title, text)] + [date and format_datetime(date)]


def document(items):
    tags = ("guid", "link", "title", "description", "pubDate")
    body = "".join(
        "<item>"
        + "".join(f"<{tag}>{escape(part)}</{tag}>" for tag, part in zip(tags, one, strict=True) if part)
        + "</item>"
        for one in items
    )
    return f"<rss version='2.0'><channel><title>a</title>{body}</channel></rss>".encode()


@pytest.fixture
def bring(desk, runtime):
    """Feed `a` holds these items from now on, polled and settled. Answers how many articles it has brought so far."""

    def bring(*items, runtime=runtime):
        desk.origin.documents["/a"] = document(items)
        change(desk, feed, next_poll_at=LONG_AGO)
        while poll_due_feeds(runtime):
            pass
        settle(runtime)
        return len(of_a(desk))

    return bring


def of_a(desk, *conditions):
    return sorted(desk.rows(article, article.c.feed_id == "a", *conditions), key=lambda row: row.id)


def said(desk):
    """All that the operator is told."""
    return "\n".join(bytes(row.body).decode() for row in desk.rows(delivery, delivery.c.channel == "operator"))


# ---------------------------------------------------------------- one entry


def test_g01_entries_in_another_order_are_the_same_articles(desk, bring):
    items = [item(n) for n in range(8)]
    assert bring(*items) == 8
    assert bring(*reversed(items)) == 8
    assert {row.revision for row in of_a(desk)} == {1}


def test_g02_a_bumped_guid_and_tracking_are_the_same_article(desk, bring):
    bring(item(50))
    first = item(1, guid="https://paper.example/{n}#0")
    assert bring(first) == 2
    assert len(desk.rows(alert)) == 1
    bumped = item(
        1, guid="https://paper.example/{n}#1", link="http://paper.example/news/{n}?at_medium=RSS&utm_source=x"
    )
    assert bring(bumped, item(50)) == 2
    assert bring(bumped[:1] + item(1)[1:2] + ["Factory 1 is left by the leader"] + bumped[3:], item(50)) == 2
    (row,) = of_a(desk, article.c.revision == 2)
    kept = [one.title for one in desk.rows(revision, revision.c.article_id == row.id)]
    assert kept == ["Factory 1 is visited by the leader in the north", "Factory 1 is left by the leader"]
    assert len(desk.rows(alert)) == 1


def test_g03_every_distinct_entry_of_one_document_is_stored(desk, bring):
    items = [
        item(1, guid="same"),
        item(2, guid="same"),  # a repeated guid, another link and headline
        item(3, guid=None),
        item(4, link=None),
        item(5, guid=None, link=None),
        item(6, guid=None, link=None),
        item(7, guid="", link=""),
    ]
    assert bring(*items) == 7
    assert bring(*reversed(items)) == 7


def test_g04_an_edit_tells_nobody_and_is_kept(desk, bring):
    bring(item(50))
    bring(item(1), item(50))
    before = len(desk.rows(notification))
    assert bring(item(1, text="Kim Jong Un left plant {n} early."), item(50)) == 2
    assert len(desk.rows(notification)) == before
    (row,) = of_a(desk, article.c.revision == 2)
    assert [one.n for one in desk.rows(revision, revision.c.article_id == row.id)] == [1, 2]


def test_old_entries_without_a_date_resurface_one_by_one_and_are_not_held(desk, bring):
    bring(item(50))
    for n in range(1, 13):
        assert bring(item(n), item(50)) == n + 1
    assert desk.rows(hold) == []
    assert "held" not in {row.state for row in of_a(desk)}


# ---------------------------------------------------------------- a whole feed under new identities


@pytest.mark.parametrize(
    "renewed",
    [
        dict(guid="https://paper.example/?p={n}", link="https://paper.example/news/{n}"),
        dict(guid="https://news.example/?p={n}", link="https://news.example/news/{n}"),
        dict(guid="new-{n}", link="https://paper.example/2026/{n}.html"),
        dict(guid="new-{n}", title="FACTORY {n} is visited by the Leader in “the north”"),
        dict(guid="new-{n}", link="https://news.example/news/{n}", text="Kim Jong Un was at plant {n}, it is said."),
    ],
    ids=["https", "domain", "rebuilt", "headlines", "words"],
)
def test_g02_a_feed_that_changes_identities_tells_nobody_again(desk, bring, renewed):
    start = (now(desk) - DAY).replace(second=0)  # for a date on the full hour is taken for a rough one
    dates = {n: start + timedelta(minutes=7 * n, seconds=13) for n in range(30)}
    bring(item(50, date=start))
    assert bring(*(item(n, date=dates[n]) for n in range(30))) == 31
    alerts, heard = len(desk.rows(alert)), len(desk.rows(notification))
    assert bring(*(item(n, date=dates[n], **renewed) for n in range(30))) == 31
    assert bring(*(item(n, date=dates[n], **renewed) for n in reversed(range(30)))) == 31
    assert (len(desk.rows(alert)), desk.rows(hold)) == (alerts, [])
    subjects = operator_subjects(desk)
    assert subjects in ([], ["Feed changed identities: a"]), "at most one notice"
    assert len(desk.rows(notification)) == heard + len(subjects)
    assert desk.rows(feed, feed.c.id == "a")[0].reason is None, "no gap: it shows what it showed before"
    # ... and it may go back, or on to a third one: the notice was given
    assert bring(*(item(n, date=dates[n]) for n in range(30))) == 31
    third = dict(guid="third-{n}", link="https://third.example/{n}")
    assert bring(*(item(n, date=dates[n], **third) for n in range(30))) == 31
    assert operator_subjects(desk) == ["Feed changed identities: a"]
    keys = [(row.kind, row.value) for row in desk.rows(article_key, article_key.c.feed_id == "a")]
    assert len(keys) == len(set(keys))


def test_g02_news_among_new_identities_is_told(desk, bring):
    start = (now(desk) - DAY).replace(second=0)  # for a date on the full hour is taken for a rough one
    dates = {n: start + timedelta(minutes=7 * n, seconds=13) for n in range(40)}
    bring(item(50, date=start))
    bring(*(item(n, date=dates[n]) for n in range(20)))
    alerts = len(desk.rows(alert))
    renewed = dict(guid="new-{n}", link="https://paper.example/2026/{n}.html")
    assert bring(*(item(n, date=dates[n], **renewed) for n in range(22))) == 23
    assert len(desk.rows(alert)) == alerts + 2


def test_a_column_with_one_headline_is_a_new_article_every_day(desk, bring):
    """All of a document is new at once, its headlines are yesterday's: other dates, other texts."""

    def edition(day):
        date = now(desk) - (3 - day) * DAY
        values = dict(guid=f"b{{n}}-{day}", link=f"http://paper.example/{{n}}/{day}", title="Morning briefing {n}")
        text = f"What is new on day {day}: Kim Jong Un, item {{n}}."
        return [item(n, date=date + timedelta(minutes=n), text=text, **values) for n in range(12)]

    assert bring(*edition(0)) == 12
    assert bring(*edition(1)) == 24
    assert bring(*edition(2)) == 36
    assert operator_subjects(desk) == []


# ---------------------------------------------------------------- an import of old entries


@pytest.fixture
def imported(desk, bring):
    """Feed `a` brought 12 old entries at once, and with them two that are news."""
    moment = now(desk)
    bring(item(50, date=moment))
    old = [item(n, date=moment - 40 * DAY + timedelta(minutes=n)) for n in range(100, 112)]
    news = [item(n, date=moment) for n in (1, 2)]
    assert bring(*news, item(50, date=moment), *old) == 15
    return desk


def states(desk):
    return sorted(row.state for row in of_a(desk, article.c.hold_id.is_not(None)))


def the_hold(desk):
    (row,) = desk.rows(hold)
    return row


def decide(desk, verdict, by="ana"):
    with desk.store.writing() as connection:
        return decide_hold(connection, the_hold(desk).id, verdict, by=by, now=read_clock(connection))


def test_g05_an_import_of_old_entries_is_stored_and_held_and_told_once(imported, runtime, bring):
    row = the_hold(imported)
    assert (row.feed_id, row.kind, row.count, row.decision) == ("a", "backdated", 12, None)
    assert states(imported) == ["held"] * 12
    assert len(imported.rows(alert)) == 2, "the others of its document are news"
    assert operator_subjects(imported) == ["12 old entries held: a"]
    words = said(imported)
    assert "12 old entries from a (a) are held: release or ignore." in words
    assert f"wirewatch feeds release {row.public_id[:12]}" in words and "7 days" in words
    change(imported, feed, body_hash=None, etag=None, last_modified=None)
    poll_now(imported, runtime)
    assert (len(imported.rows(hold)), len(operator_subjects(imported)), len(of_a(imported))) == (1, 1, 15)


def test_an_import_that_comes_in_parts_is_held_in_parts(imported, bring):
    moment = now(imported)
    more = [item(n, date=moment - 40 * DAY) for n in range(200, 215)]
    assert bring(item(50), *more) == 30
    assert [row.count for row in imported.rows(hold)] == [12, 15]


def test_a_feed_that_always_brings_old_entries_is_let_be(desk, bring):
    moment = now(desk)
    bring(item(50, date=moment))
    for start in (100, 200, 300):  # never so many that they would be held
        bring(*(item(n, date=moment - 40 * DAY) for n in range(start, start + 9)))
    bring(*(item(n, date=moment - 40 * DAY) for n in range(400, 417)))
    assert desk.rows(hold) == []
    bring(*(item(n, date=moment - 40 * DAY) for n in range(500, 518)))
    assert [row.count for row in desk.rows(hold)] == [18]


def test_released_entries_are_news(imported, runtime):
    assert decide(imported, Verdict.RELEASED)
    assert {(row.state, row.old, row.baseline) for row in of_a(imported, article.c.hold_id.is_not(None))} == {
        ("new", False, False)
    }
    settle(runtime)
    assert states(imported) == ["settled"] * 12
    assert len(imported.rows(alert)) == 14
    assert not decide(imported, Verdict.IGNORED, by="ben"), "who is second changes nothing"
    row = the_hold(imported)
    assert (row.decision, row.decided_by, row.decided_at is not None) == ("released", "ana", True)


def test_ignored_entries_are_judged_and_raise_nothing(imported, runtime):
    assert decide(imported, Verdict.IGNORED)
    settle(runtime)
    assert states(imported) == ["settled"] * 12
    assert len(imported.rows(alert)) == 2
    ids = [row.id for row in of_a(imported, article.c.hold_id.is_not(None))]
    assert {row.reason for row in imported.rows(decision, decision.c.article_id.in_(ids))} <= {"baseline"}
    assert all(row.story_id for row in of_a(imported))


def test_a_hold_that_nobody_decides_is_ignored_and_told_once(imported, runtime):
    soon = later(runtime, now(imported) + KEPT_FOR - timedelta(hours=1))
    tick(soon)
    assert states(imported) == ["held"] * 12
    over = later(runtime, now(imported) + KEPT_FOR + timedelta(hours=1))
    tick(over)
    row = the_hold(imported)
    assert (row.decision, row.decided_by) == ("ignored", None)
    assert operator_subjects(imported) == ["12 old entries held: a", "Held entries ignored: 12"]
    settle(over)
    assert states(imported) == ["settled"] * 12
    tick(later(runtime, now(imported) + KEPT_FOR + timedelta(hours=2)))
    assert len(imported.rows(alert)) == 2
    assert len(operator_subjects(imported)) == 2


def test_an_edit_of_a_held_entry_is_a_revision_and_does_not_let_it_go(imported, bring):
    row = of_a(imported, article.c.hold_id.is_not(None))[0]
    number = int(row.url.rsplit("/", 1)[-1])
    edited = item(number, date=row.published_at, text="Kim Jong Un was never at plant {n}.")
    assert bring(edited) == 15
    (again,) = of_a(imported, article.c.id == row.id)
    assert (again.state, again.revision) == ("held", 2)
    decide(imported, Verdict.RELEASED)
    assert states(imported) == ["new"] * 12


class Together(Round):
    """Both feeds are done at the same time."""

    def take(self, seconds=None):
        group = list(super().take(seconds))
        while len(group) < 2:
            group += super().take(seconds)
        return group


class Both(Fetcher):
    def open(self):
        return Together(self)


def test_holds_of_one_batch_are_told_in_one_message(desk, runtime):
    moment = now(desk)
    for path in ("/a", "/b"):
        desk.origin.documents[path] = document([item(50, link=f"http://paper.example{path}", date=moment)])
    poll_now(desk, runtime)
    old = [item(n, date=moment - 40 * DAY) for n in range(100, 112)]
    for path in ("/a", "/b"):
        desk.origin.documents[path] = document(old)
    change(desk, feed, next_poll_at=LONG_AGO)
    poll_due_feeds(replace(runtime, fetcher=Both(runtime.fetcher.policy, user_agent="Test/1")))
    with desk.store.reading() as connection:
        assert [row.count for row in waiting_holds(connection)] == [12, 12]
    assert operator_subjects(desk) == ["24 old entries held: 2 feeds"]


def test_an_archive_that_comes_in_pieces_is_told_once_until_it_is_decided(imported, bring):
    moment = now(imported)

    def piece(first):
        return [item(n, date=moment - 90 * DAY + timedelta(minutes=n)) for n in range(first, first + 12)]

    for first in (200, 300, 400):
        bring(item(50, date=moment), *piece(first))
    assert [row.count for row in imported.rows(hold)] == [12] * 4
    assert operator_subjects(imported) == ["12 old entries held: a"]
    with imported.store.writing() as connection:
        for row in waiting_holds(connection):
            decide_hold(connection, row.id, Verdict.IGNORED, by="ana", now=read_clock(connection))
    bring(item(50, date=moment), *piece(500))
    assert operator_subjects(imported) == ["12 old entries held: a"] * 2


def test_g05_a_first_look_holds_nothing(desk, bring):
    moment = now(desk)
    assert bring(*(item(n, date=moment - 40 * DAY) for n in range(500))) == 500
    assert (desk.rows(hold), desk.rows(alert)) == ([], [])


def test_what_a_released_entry_waits_for_counts_from_its_release(imported, runtime):
    """Else the desk would be late, and an alert slow, for as long as nobody decided."""
    week = timedelta(days=6)
    there = later(runtime, now(imported) + week)
    with there.store.writing() as connection:
        decide_hold(connection, the_hold(imported).id, Verdict.RELEASED, by="ana", now=read_clock(connection))
    found = look(there.store, runtime.config)
    assert not any("waited five minutes to be judged" in reason for reason in found.reasons)
    assert found.queues["analyse"] == {"depth": 12, "age": 0.0}
