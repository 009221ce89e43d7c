"""What a page shows of rows: hostile ones, half ones, ones whose rule or feed is gone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from worker.articles.shown import WAITING
from worker.config.schema import FeedSpec
from worker.console.pages import TEMPLATES
from worker.console.views.alerts import alert_view
from worker.console.views.articles import article_view
from worker.console.views.deliveries import delivery_view
from worker.console.views.feeds import feed_view, feeds_view
from worker.console.views.names import Names
from worker.feeds.reasons import wording
from worker.feeds.shown import Trouble
from worker.store.latest import AlertFound, ArticleFound, FeedsFound

NOW = datetime(2026, 11, 24, 5, 5, tzinfo=UTC)
NAMES = Names(
    rules={"arms": "Arms between two states"},
    topics={"nk-russia-arms": "North Korea–Russia arms", "middle-east": "Middle East"},
    entities={"kim-jong-un": "Kim Jong Un"},
    channels={"mail": "email", "hook": "webhook", "inbox": "inbox"},
    feeds={"wire": FeedSpec(id="wire", url="https://wire.example/")},
    zone="UTC",
)
MENTION = dict(entity="kim-jong-un", text="Kim", field="title", start=0, end=3, alias="Kim Jong Un", how="surname")
LATER_TOLD = "no rule was met; its story was told by another article"
ARMS = dict(id="nk-russia-arms", score=0.97, match=True, review=False, evidence=["shells"])


def judged(**changes):
    made = dict(
        title="Kim sees shells", text="Kim saw shells.", language="en", topics=[ARMS], mentions=[MENTION], notes=[]
    )
    return SimpleNamespace(**made | dict(judged_at=NOW, again_at=None) | changes)


def alert_row(**changes):
    made = dict(
        public_id="a1", rule_id="arms", severity="high", because="topic nk-russia-arms 0.97; kim-jong-un",
        raised_at=NOW, acknowledged_at=None, acknowledged_by=None, told_with=None,
        story_public_id="s1", story_title="Kim sees shells", story_first_seen_at=NOW, title="Kim sees shells",
        url="https://news.example/1", feed_id="wire", source="Harbour Wire", outlet="",
        published_at=None, first_seen_at=NOW,
    )  # fmt: skip
    return SimpleNamespace(**made | changes)


def view_alert(row=None, judgement=None, **rest):
    found = dict(row=row or alert_row(), judged=judgement or judged(), deliveries=[], articles=1, feeds=1) | rest
    return alert_view(AlertFound(**found), NAMES, NOW + timedelta(minutes=4))


def article_row(**changes):
    made = dict(
        id=7, public_id="p7", state="settled", baseline=False, title="Kim sees shells", url="https://news.example/1",
        first_seen_at=NOW, settled_at=NOW, duplicate_of=None, story_id=1, source="Harbour Wire", feed_id="wire",
        outlet="", original_title=None, original_feed_id=None, original_source=None, original_outlet=None,
    )  # fmt: skip
    return SimpleNamespace(**made | changes)


def view_article(alerts=(), judgement=None, **changes):
    return article_view(ArticleFound(article_row(**changes), judgement, list(alerts)), NAMES, NOW)


def feed_row(**changes):
    made = dict(
        id="wire", title="Harbour Wire", shown="active", polled_at=NOW, next_poll_at=NOW + timedelta(minutes=7),
        failures=0, reason=None, detail=None, configured_url="https://wire.example/",
        current_url="https://wire.example/",
    )  # fmt: skip
    return SimpleNamespace(**made | changes)


def delivery_row(**changes):
    made = dict(
        id=1, public_id="d1", channel="mail", recipient="ana@desk.example", state="sent", subject="[High] Kim",
        created_at=NOW, due_at=NOW, sent_at=NOW + timedelta(seconds=0.4), receipt="250 queued", reason=None,
        detail=None,
        attempts=1, lease_until=None, maybe_duplicate=0, alert_public_id="a1",
    )  # fmt: skip
    return SimpleNamespace(**made | changes)


# ---------------------------------------------------------------- alerts


def test_alert_says_why_in_words_with_what_matched_marked():
    view = view_alert()
    assert view.why == [
        ("Because", "topic North Korea–Russia arms 0.97; Kim Jong Un"),
        ("Words", "shells"),
        ("Names", "Kim Jong Un (Kim)"),
    ]
    assert [text for text, hit in view.headline.pieces if hit] == ["Kim", "shells"]
    assert [text for text, hit in view.quote if hit] == ["Kim", "shells"]
    assert (view.rule, view.severity_word, view.raised.ago) == ("Arms between two states", "High", "4 min ago")


def test_alert_says_names_of_entities_that_nobody_mentions_any_more():
    assert view_alert(judgement=judged(mentions=[])).why[0][1].endswith("; Kim Jong Un")


def test_alert_says_who_has_taken_it():
    assert view_alert().taken == ""
    taken = view_alert(alert_row(acknowledged_at=NOW, acknowledged_by="ana\u202e"))
    assert taken.taken.startswith("ana, 24 Nov 2026, ")


def test_alert_says_languages_by_their_names():
    assert view_alert(alert_row(because="kim-jong-un; language ko")).why[0] == ("Because", "Kim Jong Un; in Korean")


def test_alert_names_the_topics_that_its_rule_does_not():
    view = view_alert(alert_row(because="kim-jong-un"))
    assert view.why[:2] == [("Because", "Kim Jong Un"), ("About", "North Korea–Russia arms (0.97)")]


def test_alert_of_a_rule_and_an_entity_that_left_the_configuration_shows_their_ids():
    gone = MENTION | dict(entity="old-name")
    view = view_alert(alert_row(rule_id="old-rule", because="old-name"), judged(mentions=[gone], topics=[]))
    assert view.rule == "old-rule"
    assert view.why[0] == ("Because", "old-name")


def test_alert_without_judgement_date_or_text_still_shows():
    found = AlertFound(row=alert_row(severity="odd"), judged=None, deliveries=[], articles=1, feeds=1)
    view = alert_view(found, NAMES, NOW)
    assert (view.published, view.quote, view.severity, view.severity_word) == (None, [], "normal", "odd")
    assert view.headline.plain == "Kim sees shells"
    assert view_alert(judgement=judged(text=None)).quote == []


def test_alert_of_a_story_with_copies_says_how_far_it_spread():
    assert view_alert().spread == ""
    assert view_alert(articles=3, feeds=2).spread == "3 articles from 2 feeds"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "",
        "ftp://x.example/",
        "https://x.example/ onclick=x",
        "HTTP:x",
        "//x",
    ],
)
def test_h08_only_web_addresses_become_links(url):
    assert view_alert(alert_row(url=url)).headline.url == ""
    assert view_article(url=url).headline.url == ""


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("\u202egnirts\u202c desrever", "gnirts desrever"),  # direction overrides
        ("one\ntwo\r\x00three\x1b[31m", "one two three [31m"),  # what a terminal or a header would obey
        ("\ud800 half", "half"),  # half a character
        ("  \u2028  ", "(no headline)"),
        ("x" * 5_000, "x" * 299 + "…"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),  # text: the template escapes it
    ],
)
def test_h06_titles_are_one_line_of_visible_text(title, shown):
    assert view_alert(judgement=judged(title=title, mentions=[])).headline.plain == shown
    assert view_article(title=title).headline.plain == shown


def test_marks_stand_right_in_arabic_hebrew_and_korean():
    for title, word in [
        ("كيم جونغ أون يزور", "كيم جونغ أون"),
        ("קים ג'ונג און ביקר", "קים ג'ונג און"),
        ("김정은이 방문했다", "김정은이"),
    ]:
        view = view_alert(judgement=judged(title=title, mentions=[MENTION | dict(text=word)], topics=[]))
        assert [text for text, hit in view.headline.pieces if hit] == [word]
        assert view.headline.plain == title


def test_h10_templates_print_template_words_as_they_are():
    for hostile in ("{{7*7}}", "{% raw %}", "{0.__class__}", "%s", "</a><script>"):
        found = view_alert(judgement=judged(title=hostile, mentions=[], text=hostile))
        macro = TEMPLATES.get_template("parts.html").module.headline
        assert "".join(text for text, _ in found.headline.pieces) == hostile
        assert macro(found.headline).count("<") == 2, "its own element, and nothing of the title"


# ---------------------------------------------------------------- articles


@pytest.mark.parametrize(
    ("changes", "alerts", "fate", "alert"),
    [
        (dict(state="new"), [], "waits to be judged", ""),
        (dict(state="analysing"), [], "is being judged", ""),
        (dict(state="judged"), [], "is judged, and waits for its story", ""),
        (dict(state="quarantined"), [], WAITING["quarantined"], ""),
        ({}, [], "no rule was met", ""),
        (dict(baseline=True), [], "there before we watched: never an alert", ""),
        ({}, [7], "Arms between two states", "a7"),
        ({}, [3], "its story was told already", "a3"),
        (dict(baseline=True), [3], "there before we watched: never an alert", ""),
    ],
)
def test_article_says_what_came_of_it(changes, alerts, fate, alert):
    raised = [
        SimpleNamespace(public_id=f"a{n}", rule_id="arms", severity="high", story_id=1, article_id=n, raised_at=NOW)
        for n in alerts
    ]
    view = view_article(raised, **changes)
    assert (view.fate, view.alert) == (fate, alert)
    assert view.severity == ("high" if alert and "no rule" not in fate else "")


@pytest.mark.parametrize(
    ("by", "minutes", "told"),
    [
        (3, -1, True),
        (3, 0, True),  # both in one batch, in the order of their arrival
        (9, -1, True),  # it came later, and was judged sooner
        (9, 0, False),
        (9, 1, False),
        (3, 1, False),  # it came sooner, and was judged later
    ],
)
def test_article_says_that_its_story_was_told_already_only_where_it_was(by, minutes, told):
    at = NOW + timedelta(minutes=minutes)
    alert = SimpleNamespace(public_id="a", rule_id="arms", severity="high", story_id=1, article_id=by, raised_at=at)
    view = view_article([alert])
    expected = ("its story was told already", "high") if told else (LATER_TOLD, "")
    assert (view.fate, view.severity, view.alert) == (*expected, "a")


def test_article_shows_topics_that_match_or_may_with_their_scores_the_surest_first():
    topics = [
        dict(id="middle-east", score=0.4, match=False, review=True, evidence=[]),
        ARMS,
        dict(id="left", score=0.99, match=True, review=False, evidence=[]),
        dict(id="other", score=0.1, match=False, review=False, evidence=[]),
    ]
    view = view_article(judgement=judged(topics=topics))
    assert view.topics == [
        ("left", "0.99", True),
        ("North Korea–Russia arms", "0.97", True),
        ("Middle East", "0.40", False),
    ]


def test_article_says_that_no_rules_judged_it():
    view = view_article(judgement=judged(language="de", notes=["no-rules"]))
    assert view.fate == "no rule was met: no topic rules for this language (German)"
    assert view_article(judgement=judged(notes=["cut"])).fate == "no rule was met"


def test_article_names_each_entity_once_and_counts_those_that_find_no_room():
    mentions = [MENTION, MENTION, *(MENTION | dict(entity=f"e{n}", text=f"E{n}") for n in range(12))]
    view = view_article(judgement=judged(mentions=mentions))
    assert view.names[:2] == ["Kim Jong Un", "e0"]
    assert (len(view.names), view.more_names) == (8, 5)


@pytest.mark.parametrize(
    ("original", "shown"),
    [
        (dict(original_title="Kim sees shells", original_source="Other Wire", original_feed_id="o"), "Other Wire"),
        (dict(original_title="Shells seen", original_source="", original_feed_id="o"), "o: Shells seen"),
        (dict(original_title="Kim sees shells", original_source="N", original_outlet="Reuters"), "Reuters, by N"),
        (dict(original_title=None, original_source=None, original_feed_id=None), "a feed that is gone: "),
    ],
)
def test_article_says_whose_copy_it_is(original, shown):
    assert view_article(duplicate_of=3, **original).copy_of.strip() == shown.strip()
    assert view_article().copy_of == ""


# ---------------------------------------------------------------- feeds


def test_feed_that_works_says_when_it_is_asked_again():
    view = feed_view(feed_row(), 12, NAMES, NOW)
    assert (view.words, view.polled.ago, view.next_words, view.articles) == ("working", "now", "in 7 min", "12")
    assert (view.id, view.trouble) == ("wire", None)


@pytest.mark.parametrize(("seconds", "words"), [(0, "now"), (-59, "due"), (-60, "late by 1 min"), (59, "in 59 s")])
def test_feed_that_is_due_says_so_and_one_that_is_late_by_how_much(seconds, words):
    row = feed_row(next_poll_at=NOW + timedelta(seconds=seconds))
    assert feed_view(row, 0, NAMES, NOW).next_words == words


def test_feed_that_fails_says_what_is_wrong_and_what_to_do():
    view = feed_view(feed_row(shown="failing", failures=3, reason="dns", detail="no\x1b such host"), 0, NAMES, NOW)
    says, advice = wording("dns").says, wording("dns").advice
    assert (view.words, view.trouble) == ("failing", Trouble(says, advice, "no such host", "3 times in a row"))
    unknown = feed_view(feed_row(shown="failing", failures=1, reason="of_tomorrow"), 0, NAMES, NOW)
    assert (unknown.trouble.says, unknown.trouble.times) == ("of tomorrow", "")


def test_feed_that_is_gone_or_taken_out_has_no_next_poll():
    gone = feed_view(feed_row(shown="stopped", reason="gone"), 0, NAMES, NOW)
    assert (gone.words, gone.next_poll, gone.trouble.says) == ("gone", None, wording("gone").says)
    removed = feed_view(feed_row(id="left", shown="removed", title="", polled_at=None), 5_000, NAMES, NOW)
    assert (removed.title, removed.polled, removed.next_poll, removed.articles) == ("left", None, None, "over 1,000")
    assert (removed.words, removed.trouble) == ("taken out of feeds.yaml", None)
    off = NAMES.feeds["wire"].model_copy(update={"enabled": False})
    disabled = feed_view(feed_row(shown="removed", reason="gone"), 0, replace(NAMES, feeds={"wire": off}), NOW)
    assert (disabled.words, disabled.next_poll, disabled.trouble) == ("disabled", None, None)


def test_feed_that_works_says_what_the_configuration_should_know():
    """In the words of `feeds list`, whatever the reason."""
    cut = feed_view(feed_row(reason="truncated"), 1, NAMES, NOW)
    assert (cut.words, cut.trouble.says) == ("working", wording("truncated").says)
    assert "later" not in cut.trouble.advice, "it is asked at its usual time"
    moved = feed_view(feed_row(current_url="https://new.example/\u202e"), 1, NAMES, NOW)
    assert moved.trouble.says == "it moved for good to https://new.example/"
    fresh = feed_view(feed_row(configured_url="https://old.example/"), 1, NAMES, NOW)
    assert fresh.trouble.says == "its address in feeds.yaml is new"


def test_feeds_are_counted_by_state_those_in_trouble_first():
    found = FeedsFound([feed_row()], {"wire": 3}, {"active": 20_000, "stopped": 1, "new": 2}, page=1, pages=401)
    view = feeds_view(found, NAMES, NOW)
    assert view.states == ["1 gone", "2 never polled", "20,000 working"]
    assert (view.total, view.rows[0].articles) == (20_003, "3")


# ---------------------------------------------------------------- deliveries


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "sent after 0.4 s"),
        (dict(maybe_duplicate=1), "sent after 0.4 s; perhaps twice"),
        (dict(state="pending"), "waits to be sent"),
        (dict(state="sending", lease_until=NOW + timedelta(seconds=9)), "is being sent"),
        (dict(state="sending", lease_until=NOW - timedelta(seconds=9)), "its worker stopped while sending"),
        (dict(state="failed", due_at=NOW + timedelta(minutes=5)), "failed; next try in 5 min"),
        (dict(state="failed", due_at=NOW - timedelta(minutes=5)), "failed; next try now"),
        (dict(state="abandoned"), "given up"),
    ],
)
def test_delivery_says_how_far_it_is(changes, words):
    assert delivery_view(delivery_row(**changes), NAMES, NOW).words.startswith(words)


def test_delivery_that_failed_says_why_and_what_to_do():
    view = delivery_view(delivery_row(state="failed", reason="auth", detail="535 no\r\nX: y"), NAMES, NOW)
    assert view.outcome == "the receiver refuses our password or key (535 no X: y)"
    assert "channels.yaml" in view.advice
    late = delivery_view(delivery_row(state="abandoned", reason="timeout"), NAMES, NOW)
    assert "three days" in late.advice and "by itself" not in late.advice


def test_delivery_shows_the_answer_of_a_file_its_name():
    assert delivery_view(delivery_row(), NAMES, NOW).outcome == "answer: 250 queued"
    file = delivery_row(channel="inbox", receipt="/desk/var/inbox/20261124-kim.txt")
    assert delivery_view(file, NAMES, NOW).outcome == "20261124-kim.txt"
    assert delivery_view(delivery_row(channel="gone", receipt=None), NAMES, NOW).by == ""


def test_delivery_tells_its_attempts():
    tried = [
        SimpleNamespace(n=1, started_at=NOW, outcome="unknown", reason=None, detail=None),
        SimpleNamespace(n=2, started_at=NOW, outcome="failed", reason="connect", detail="refused"),
        SimpleNamespace(n=3, started_at=NOW, outcome="sent", reason=None, detail=None),
    ]
    assert [one.words for one in delivery_view(delivery_row(), NAMES, NOW, tried).tries] == [
        "its worker stopped before it could say how it went",
        "the receiver cannot be reached (refused)",
        "sent",
    ]
