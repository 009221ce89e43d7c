"""What the pages show of a real record, on both databases; hostile texts as text, and at a cost that does not grow."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from desk import BASELINE, entries
from lxml import html
from served import HOSTILE, Served, make_hostile
from sqlalchemy import event, insert, update
from steps import bring, change, poll_now

from worker.feeds.shown import MOST_COUNTED
from worker.model import News, NewsKind, SilenceKind
from worker.pipeline.deliver import deliver_due
from worker.store.alerts import acknowledge
from worker.store.engine import read_clock
from worker.store.latest import FEEDS_A_PAGE, NEWEST, read_latest
from worker.store.lease import new_token
from worker.store.schema import (
    EPOCH,
    alert,
    article,
    decision,
    delivery,
    feed,
    judgement,
    notification,
    revision,
    story,
)
from worker.store.silences import add_silence
from worker.store.tellings import save_news


def words(tree, path):
    """The visible words of what a CSS class or id names, with single spaces."""
    return [" ".join(one.text_content().split()) for one in tree.xpath(path)]


def parsed(answer):
    assert answer.status == 200, answer.text
    return html.fromstring(answer.text)


def test_an_empty_desk_says_what_to_do_next(desk, served):
    tree = parsed(served.ask())
    empty = words(tree, "//*[@class='empty']")
    assert len(empty) == 4, "alerts, articles, feeds, deliveries"
    assert "feeds.yaml" in " ".join(empty) and "rules.yaml" in " ".join(empty)
    assert words(tree, "//section[@id='alerts']//table | //details") == []
    assert served.ready == [True]


def test_the_page_shows_what_happened_and_why(told, served):
    tree = parsed(served.ask())
    (card,) = tree.xpath("//article")
    shown = " ".join(card.text_content().split())
    for expected in ("Normal", "Kim in the news", "Factory one visited", "Because Kim Jong Un", "mail", "UTC"):
        assert expected in shown
    assert words(card, ".//mark") == ["Kim Jong Un"]
    (link,) = card.xpath(".//h3/a")
    assert (link.get("href"), link.get("rel"), link.get("target")) == (
        "https://paper.example/g0",
        "noopener noreferrer",
        "_blank",
    )
    articles = words(tree, "//section[@id='articles']//li")
    assert len(articles) == 3
    assert "Kim in the news" in articles[0]
    ids = words(tree, "//section[@id='articles']//code")
    assert ids == [row.public_id for row in reversed(told.rows(article))], "for `wirewatch explain`"
    assert words(tree, "//section[@id='feeds']//code") == ["a", "b"]
    assert "there before we watched: never an alert" in articles[1]
    feeds = words(tree, "//section[@id='feeds']//tbody/tr")
    assert [row.split("working")[0].split() for row in feeds] == [["aa"], ["bb"]], "title and id, a line each"
    sent = words(tree, "//section[@id='deliveries']//tbody/tr")
    assert len(sent) == 2 and all("sent after" in row for row in sent)
    assert "ana@desk.example mail" in " ".join(sent)
    assert words(tree, "//*[contains(@class, 'health')]//b") == ["All is well."]


def test_a_copy_and_a_story_that_was_told_say_so(told, runtime, served):
    bring(told, runtime, "b", entries(1) + BASELINE)
    tree = parsed(served.ask())
    newest = words(tree, "//section[@id='articles']//li")[0]
    assert "copy of a" in newest and "its story was told already" in newest
    assert "2 articles from 2 feeds" in words(tree, "//article")[0]


def test_what_is_wrong_is_said_first_and_in_words(told, runtime, served):
    told.webhook.status = 500
    bring(told, runtime, "a", entries(2) + BASELINE)
    deliver_due(runtime)
    told.origin.documents["/b"] = b"<html>moved</html>"
    poll_now(told, runtime)
    tree = parsed(served.ask())
    assert words(tree, "//*[contains(@class, 'health')]//b") == ["Something needs a look."]
    assert any(
        "feeds that failed at their last poll: 1" in row for row in words(tree, "//*[@class='health degraded']//li")
    )
    first = words(tree, "//section[@id='feeds']//tbody/tr")[0]
    assert "failing what is at its address is no feed" in first and "feeds.yaml" in first
    (failed,) = words(tree, "//section[@id='deliveries']//table[caption='Not delivered']//tbody/tr")
    assert "failed; next try" in failed and "answered 500" in failed


def test_a_quiet_feed_says_so_with_a_sign_of_its_own(told, served):
    with told.store.writing() as connection:
        now = read_clock(connection)
        known = dict(gaps=90, usual_gap=10_800.0, longest_gap=50_400.0, baseline_at=now - timedelta(days=60))
        known |= dict(succeeded_at=now, news_at=now)
        connection.execute(update(feed).values(**known))
        connection.execute(update(feed).where(feed.c.id == "b").values(news_at=now - timedelta(days=3)))
    tree = parsed(served.ask())
    quiet, _ = words(tree, "//section[@id='feeds']//tbody/tr")
    assert "quiet it answers, but has brought nothing new for longer than ever before" in quiet
    assert "(for 3 days, usually every 3 h, longest 14 h)" in quiet
    signs = [html.tostring(sign) for sign in tree.xpath("//section[@id='feeds']//tbody//svg")]
    assert len(set(signs)) == 2, "not told apart by colour alone"


def test_times_are_the_desks_own_with_their_zone(told):
    change(told, alert, raised_at=datetime(2026, 11, 24, 20, 30, tzinfo=UTC))
    settings = told.config / "settings.yaml"
    settings.write_text(settings.read_text() + "time_zone: Asia/Seoul\n")
    with Served(told) as served:
        tree = parsed(served.ask())
    assert words(tree, "//*[@id='updated']")[0].endswith(" Asia/Seoul (UTC+09:00)")
    (raised,) = tree.xpath("//article//a[@class='when']")
    assert raised.get("title") == "25 Nov 2026, 05:30 Asia/Seoul (UTC+09:00)"
    assert raised.xpath("string(time)").endswith("05:30 Seoul time")
    assert raised.xpath("string(time/@datetime)") == "2026-11-24T20:30:00Z"


def test_the_alerts_page_tells_the_whole_story(told, runtime, served):
    bring(told, runtime, "b", entries(1) + BASELINE)
    (row,) = told.rows(alert)
    tree = parsed(served.ask(f"/alerts/{row.public_id}"))
    assert len(tree.xpath("//ol[@class='entries']/li")) == 2
    assert words(tree, "//tbody/tr")[0].endswith("sent")
    assert parsed(served.ask()).xpath(f"//a[@href='/alerts/{row.public_id}']")
    assert served.ask("/alerts/none").status == 404
    assert "What was told" not in tree.text_content() and "Acknowledged" not in tree.text_content()


def test_the_alerts_page_says_what_was_told_who_has_taken_it_and_what_was_kept_quiet(told, runtime, served):
    (row,) = told.rows(alert)
    with told.store.writing() as connection:
        now = read_clock(connection)
        news = [News(NewsKind.ENTITY, "Vladimir Putin is named\u202e"), News(NewsKind.TIER, "a wire has it")]
        save_news(connection, alert_id=row.id, article_id=row.article_id, found=news, now=now)
        acknowledge(connection, row.public_id, by="ana", now=now)
        silenced = dict(kind=SilenceKind.RULE, value="kim", because="a parade <b>we know", author="ana")
        add_silence(connection, **silenced, expires_at=now + timedelta(hours=1), now=now)
    bring(told, runtime, "b", [("b1", "Kim Jong Un opens a swimming pool", "Kim Jong Un."), *BASELINE])
    shown = words(parsed(served.ask(f"/alerts/{row.public_id}")), "//article")[0]
    assert "Acknowledged by ana, " in shown
    assert "First message, " in shown and "To be told Vladimir Putin is named a wire has it" in shown
    (kept,) = told.rows(decision, decision.c.silence_id.is_not(None))
    (quiet,) = told.rows(alert, alert.c.id == kept.alert_id)
    shown = words(parsed(served.ask(f"/alerts/{quiet.public_id}")), "//article")[0]
    assert "1 article, by ana's silence of this rule until " in shown and ": a parade <b>we know" in shown
    assert shown.endswith("Nobody was told.")


def test_an_alert_that_was_told_along_with_another_leads_to_it(told, runtime, served):
    (rule,) = runtime.config.rules
    leaders = rule.model_copy(update={"id": "leaders", "name": "Leaders", "channels": ("mail",)})
    bring(told, replace(runtime, config=replace(runtime.config, rules=(rule, leaders))), "a", entries(3))
    by_rule = {row.rule_id: row.public_id for row in sorted(told.rows(alert), key=lambda row: row.id)}
    for path in ("/", f"/alerts/{by_rule['leaders']}"):
        tree = parsed(served.ask(path))
        (link,) = tree.xpath(f"//a[@href='/alerts/{by_rule['kim']}' and text()='another alert on this story']")
        assert " ".join(link.getparent().text_content().split()) == "Told along with another alert on this story."
        assert "Nobody was told" not in tree.text_content()


def test_h08_hostile_texts_are_text_and_lead_nowhere(told, served):
    make_hostile(told)
    (row,) = told.rows(alert)
    for path in ("/", f"/alerts/{row.public_id}"):
        page = served.ask(path)
        tree = parsed(page)
        assert "document.title='owned'" in tree.text_content(), "it is shown, as text"
        assert "{{7*7}} %s {0.__class__}" in tree.text_content()
        assert {one.get("src") for one in tree.xpath("//script")} <= {"/static/console.js"}
        assert {one.get("src") for one in tree.xpath("//img")} == {"/static/icon.svg"}
        assert tree.xpath("//style | //iframe | //base | //form | //object | //embed | //meta[@http-equiv]") == []
        assert {name for one in tree.iter() for name in one.attrib if name.startswith("on") or name == "style"} == set()
        links = {one.get("href") for one in tree.xpath("//*[@href]")}
        assert all(link.startswith(("/", "#")) and not link.startswith("//") for link in links), links
        assert not [one for one in tree.xpath("//@dir") if one != "auto"]


def test_h08_titles_cannot_turn_the_line_or_the_terminal(told, served):
    with told.store.writing() as connection:
        connection.execute(revision.update().values(title="\u202eeno\x1b[2J\u2066 two\u200b"))
    tree = parsed(served.ask())
    assert words(tree, "//article//h3") == ["eno [2J two"]


@pytest.mark.parametrize("page", ["1", "2", "3", "99", "", "x", "-1"])
def test_feeds_come_in_pages_those_in_trouble_first(desk, served, page):
    count = 2 * FEEDS_A_PAGE + 5
    rows = [
        dict(id=f"f{n:03}", configured_url="https://x.example/", current_url="https://x.example/", state="active",
             title=f"Feed {n:03}", next_poll_at=EPOCH, polled_at=EPOCH, failures=int(n == 77), attempts=0)
        for n in range(count)
    ]  # fmt: skip
    with desk.store.writing() as connection:
        connection.execute(insert(feed), rows)
    tree = parsed(served.ask(f"/?feeds={page}"))
    shown = words(tree, "//section[@id='feeds']//tbody/tr")
    number = {"2": 2, "3": 3, "99": 3}.get(page, 1)
    assert len(shown) == (5 if number == 3 else FEEDS_A_PAGE)
    assert shown[0].startswith({1: "Feed 077", 2: "Feed 049", 3: "Feed 100"}[number])
    assert f"page {number} of 3" in words(tree, "//section[@id='feeds']//caption")[0]


def test_only_the_newest_fifty_are_read(desk, runtime):
    poll_now(desk, runtime)
    bring(desk, runtime, "a", entries(NEWEST + 5) + BASELINE)
    found = read_latest(desk.store)
    assert (len(found.alerts), len(found.articles), len(found.deliveries)) == (NEWEST, NEWEST, NEWEST)
    newest = sorted((row.id for row in desk.rows(article)), reverse=True)[:NEWEST]
    assert [one.row.id for one in found.articles] == newest
    raised = [one.row.raised_at for one in found.alerts]
    assert raised == sorted(raised, reverse=True)


def test_troubled_deliveries_stay_in_sight_however_many_are_sent(told, runtime, served):
    change(told, delivery, state="abandoned", reason="rejected", sent_at=None)
    bring(told, runtime, "a", entries(NEWEST) + BASELINE)
    tree = parsed(served.ask())
    assert len(words(tree, "//table[caption='Not delivered']//tbody/tr")) == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_a_page_costs_does_not_grow_with_the_record(desk, runtime):
    """Counted in steps of SQLite's machine, which no loaded computer can lengthen."""
    poll_now(desk, runtime)
    bring(desk, runtime, "a", entries(60) + BASELINE)
    small = steps_of(desk)
    fill(desk, articles=40 * MOST_COUNTED)
    assert len(desk.rows(article)) > 40 * MOST_COUNTED
    grown = steps_of(desk) - small
    assert grown < 20 * MOST_COUNTED, (small, grown)


def steps_of(desk):
    """In hundreds of steps taken, times a hundred, of one reading of the page."""
    counted = [0]

    def count():
        counted[0] += 100

    def listen(raw, _record, _proxy):
        raw.set_progress_handler(count, 100)

    event.listen(desk.store.engine, "checkout", listen)
    try:
        read_latest(desk.store)
    finally:
        event.remove(desk.store.engine, "checkout", listen)
        with desk.store.reading() as connection:
            connection.connection.driver_connection.set_progress_handler(None, 0)
    return counted[0]


def fill(desk, *, articles):
    """Settled articles of one feed, judged; each tenth with an alert, told by two channels."""
    (version,) = {row.config_version for row in desk.rows(judgement)}
    base = dict(feed_id="b", state="settled", baseline=False, revision=1, content_hash="x", title="t", text=None)
    base |= dict(url="", canonical_url="", author="", published_raw="", first_seen_at=EPOCH, attempts=0)
    judged = dict(revision=1, language="en", topics=[], mentions=[], model_id="m", config_version=version)
    with desk.store.writing() as connection:
        first = 1 + max(row.id for table in (article, story, alert, notification) for row in desk.rows(table))
        ids = range(first, first + articles)
        tenth = ids[::10]
        connection.execute(
            insert(story), [dict(id=n, public_id=new_token(), title="t", first_seen_at=EPOCH) for n in tenth]
        )
        connection.execute(insert(article), [base | dict(id=n, public_id=new_token()) for n in ids])
        connection.execute(
            insert(revision),
            [dict(article_id=n, n=1, title="t", text=None, content_hash="x", seen_at=EPOCH) for n in ids],
        )
        connection.execute(insert(judgement), [judged | dict(article_id=n, judged_at=EPOCH) for n in ids])
        raised = dict(rule_id="kim", severity="low", because="", config_version=version, raised_at=EPOCH)
        connection.execute(
            insert(alert), [raised | dict(id=n, public_id=new_token(), story_id=n, article_id=n) for n in tenth]
        )
        told = dict(n=1, kind="alert.raised", subject="s", created_at=EPOCH)
        connection.execute(insert(notification), [told | dict(id=n, public_id=new_token(), alert_id=n) for n in tenth])
        sent = dict(state="sent", message_id="m", subject="s", body=b"b", created_at=EPOCH, due_at=EPOCH, sent_at=EPOCH)
        sent |= dict(maybe_duplicate=0, attempts=1)
        channels = [(n, channel) for n in tenth for channel in ("mail", "hook")]
        connection.execute(
            insert(delivery),
            [sent | dict(public_id=new_token(), notification_id=n, channel=one, recipient=one) for n, one in channels],
        )


def test_hostile_sample_attacks_in_every_way_that_we_know():
    for attack in (
        "<script",
        "onerror",
        "<style",
        "<svg",
        "<iframe",
        "<base",
        "<form",
        "http-equiv",
        "javascript:",
        "{{",
    ):
        assert attack in HOSTILE


def test_the_alerts_page_shows_what_was_edited_in_its_articles(told, runtime, served):
    (guid, headline, _) = entries(1)[0]
    edited = (guid, f"{headline} today", "Kim Jong Un <b>left</b> the plant.")
    bring(told, runtime, "a", [edited, *BASELINE])
    (row,) = told.rows(alert)
    tree = parsed(served.ask(f"/alerts/{row.public_id}"))
    assert words(tree, "//details[@class='edits']/summary") == ["edited once"]
    assert words(tree, "//details[@class='edits']//del") == ["taken out: visited"]
    assert words(tree, "//details[@class='edits']//ins") == ["put in: today", "put in: left"]
    assert "the text of that time" not in tree.text_content()
    change(told, revision, text=None)
    tree = parsed(served.ask(f"/alerts/{row.public_id}"))
    assert "the text of that time is no longer kept" in tree.text_content()
    assert words(tree, "//details[@class='edits']//ins") == ["put in: today"]
