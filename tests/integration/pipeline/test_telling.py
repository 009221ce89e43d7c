"""One story, one alert: updated in place, told again only for something new, in its time."""

from dataclasses import replace
from datetime import timedelta

import pytest
from desk import BASELINE
from lookout import HEADLINE, HOUR, PALACE, PICTURE, TRAIN, Watch, rule, text_of
from origin import rss
from steps import operator_subjects, poll_now, settle

from worker.pipeline import telling
from worker.pipeline.poll import poll_due_feeds
from worker.store.alerts import acknowledge
from worker.store.schema import alert, article, feed, news, notification, silence, story


def test_an_alert_is_told_again_only_for_something_new_and_not_before_its_time(watch):
    watch.obey()
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    assert watch.messages() == [("raised", 1)]
    watch.bring("a", ("x2", HEADLINE, TRAIN), ("x1", HEADLINE, TRAIN))
    assert watch.messages() == [("raised", 1)], "a copy is no news"
    watch.bring("b", ("y1", HEADLINE, PALACE))
    assert watch.messages() == [("raised", 1)], "it waits for half an hour after the last message"
    watch.pass_time(timedelta(minutes=29))
    assert watch.messages() == [("raised", 1)]
    watch.pass_time(timedelta(minutes=1))
    assert watch.messages() == [("raised", 1), ("updated", 2)]
    (row,) = watch.desk.rows(alert)
    assert (row.told_at, row.tell_at) == (watch.now, None)
    kinds = [one.kind for one in watch.desk.rows(news)]
    assert sorted(kinds) == ["entity", "originals", "tier"]
    first, second = watch.mails()
    assert second["References"] == first["References"]
    assert second["Subject"] == f"Re: {first['Subject']}"
    assert second["Message-ID"] != first["Message-ID"]
    assert "Now naming Vladimir Putin" in text_of(second)
    raised, updated = watch.hooks()
    assert (updated["type"], updated["data"]["alert"]["revision"]) == ("alert.updated", 2)
    assert updated["data"]["alert"]["id"] == raised["data"]["alert"]["id"]
    assert [one["kind"] for one in updated["data"]["new"]] == ["entity", "tier", "originals"]
    assert watch.reasons() == ["raised", "seen_before", "news"]
    watch.bring("b", ("y2", HEADLINE, PICTURE), after=HOUR)
    assert watch.messages()[2:] == [("updated", 3)], "at once where nothing was told for so long"


def test_who_has_not_acknowledged_is_reminded_once_and_news_arms_it_again(watch):
    watch.obey(rule(timing={"remind": "2h"}))
    watch.bring("a", ("x1", HEADLINE, TRAIN), ("x2", "Sergei Shoigu travels to the coast", "Alone."))
    (first,) = [row for row in watch.desk.rows(alert) if row.because == "kim-jong-un"]
    with watch.desk.store.writing() as connection:
        assert acknowledge(connection, first.public_id, by="ana", now=watch.now) == "ana"
        assert acknowledge(connection, first.public_id, by="bo", now=watch.now) == "ana", "whoever was first"
    watch.pass_time(2 * HOUR)
    watch.pass_time(5 * HOUR)
    assert watch.messages()[2:] == [("reminder", 2)], "the other alone, and once"
    watch.bring("b", ("y1", HEADLINE, PALACE))
    assert watch.messages()[3:] == [("updated", 2)], "at once: the last word on it is hours old"
    watch.pass_time(2 * HOUR)
    assert watch.messages()[4:] == [("reminder", 3)]


def test_e10_two_rules_on_one_story_are_one_message_to_people_and_one_each_to_programs(watch):
    watch.obey(rule("quiet", severity="low"), rule("loud", severity="critical"))
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    (mail,) = watch.mails()
    assert "[Critical]" in mail["Subject"]
    assert "The rule quiet" in text_of(mail)
    assert sorted(hook["data"]["alert"]["rule"] for hook in watch.hooks()) == ["loud", "quiet"]
    carried = {row.carried_by for row in watch.desk.rows(notification, notification.c.alert_id.is_not(None))}
    assert len(carried) == 2 and None in carried
    watch.pass_time(HOUR)
    assert len(watch.mails()) == 1, "and it stays so"


def test_e11_alerts_of_the_same_words_are_both_told_where_they_are_two_stories(watch):
    watch.obey()
    watch.bring("a", ("x1", "Kim Jong Un", ""), ("x2", "Kim Jong Un", ""))
    assert len(watch.desk.rows(alert)) == 2
    first, second = watch.mails()
    assert (first["Subject"], first["Message-ID"]) == (second["Subject"], first["Message-ID"])
    assert first["Message-ID"] != second["Message-ID"]


def test_g02_old_news_that_resurfaces_and_a_feed_that_changes_its_identities_alert_nobody(watch):
    watch.obey()
    stale = (watch.now - timedelta(days=900)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    watch.bring("a", ("x1", HEADLINE, "Three years ago.", stale))
    assert watch.reasons() == ["old"]
    works = "coal iron salt grain steel glass paper cloth rope brick cement copper tin lead zinc".split()
    said = "visited the works on a cold morning and asked the director for twice as much next year".split()
    texts = [" ".join(f"{word} of {work}" for word in said) for work in works]  # no two alike
    kept = [(f"g{n}", f"Kim Jong Un visits the {work} works", texts[n]) for n, work in enumerate(works)]
    watch.bring("b", *kept)
    before = len(watch.desk.rows(alert))
    assert before
    rebuilt = [(f"https-{guid}", headline, f"{text}. Read more.") for guid, headline, text in kept]
    watch.bring("b", *rebuilt, after=timedelta(days=10))
    assert len(watch.desk.rows(alert)) == before
    assert len(watch.messages()) == before


def test_g07_dates_that_are_none_or_mistaken_keep_no_alert_back(watch):
    watch.obey()
    dates = ["", "Mon, 01 Jan 0001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"]
    names = "iron coal salt grain".split()
    items = [
        (f"x{n}", f"Kim Jong Un looks at {names[n]}", f"In the {names[n]} works.", date) for n, date in enumerate(dates)
    ]
    watch.bring("a", *items)
    assert watch.reasons() == ["raised"] * 4


def test_g09_a_new_watchlist_model_or_restart_tells_nothing_of_what_is_settled(watch):
    watch.obey(rule(when={"entities": {"any": ["vladimir-putin"]}}))
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    assert watch.desk.rows(alert) == []
    again = Watch(watch.desk, replace(watch.runtime, config_version=watch.runtime.config_version)).obey()
    again.pass_time(HOUR)
    settle(again.runtime)
    again.bring("a", ("x1", HEADLINE, "The guest came by train and left."))
    assert watch.desk.rows(alert) == []
    assert {row.state for row in watch.desk.rows(article)} == {"settled"}


def test_a_first_message_that_waits_tells_of_all_that_came_meanwhile(watch):
    watch.obey(rule(timing={"wait": "10m"}, escalate=[{"severity": "critical", "when": {"words": "palace"}}]))
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    watch.bring("b", ("y1", HEADLINE, PALACE))
    watch.pass_time(timedelta(minutes=9))
    assert watch.messages() == []
    watch.pass_time(timedelta(minutes=1))
    assert watch.messages() == [("raised", 1)]
    (hook,) = watch.hooks()
    assert (hook["data"]["alert"]["severity"], hook["data"]["story"]["outlets"]) == ("critical", 2)
    assert "now naming Vladimir Putin" in " ".join(hook["data"]["why"]), "what came meanwhile is in it"
    assert len(hook["data"]["articles"]) == 2
    watch.pass_time(HOUR)
    assert watch.messages() == [("raised", 1)]


def test_an_update_due_with_a_reminder_goes_out_and_news_after_a_reminder_waits_without_work(watch):
    watch.obey(rule(timing={"updates": "1h", "remind": "1h"}))
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    watch.bring("b", ("y1", HEADLINE, PALACE))
    watch.pass_time(HOUR)
    assert watch.messages() == [("raised", 1), ("updated", 2)]


def test_many_alerts_whose_news_waits_hold_up_no_other(watch, monkeypatch):
    monkeypatch.setattr(telling, "BATCH", 3)
    watch.obey(
        rule(timing={"updates": "1d", "remind": "1h"}), rule("slow", timing={"wait": "10m"}, when={"words": "late"})
    )
    first = [
        (f"x{n}", f"Kim Jong Un opens plant number {n} in the north", TRAIN + f" It is number {n}.") for n in range(4)
    ]
    watch.bring("a", *first)
    watch.pass_time(HOUR)
    watch.bring("b", *((f"y{guid}", headline, f"Vladimir Putin, too. {text}") for guid, headline, text in first))
    assert [kind for kind, _ in watch.messages()] == ["raised"] * 4 + ["reminder"] * 4
    watch.pass_time(timedelta(hours=2))
    watch.bring("a", ("z1", "Nothing but a late train", "It was late."), *first)
    watch.pass_time(timedelta(minutes=10))
    assert watch.messages()[8:] == [("raised", 1)]
    before = {row.id: row.tell_at for row in watch.desk.rows(alert)}
    watch.pass_time(timedelta(minutes=1))
    assert {row.id: row.tell_at for row in watch.desk.rows(alert)} == before
    assert min(at for at in before.values() if at) > watch.now


def test_a_reminder_waits_for_its_rule_to_come_back(watch):
    watch.obey(rule(timing={"remind": "1h"}))
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    known = watch.runtime.config
    watch.runtime = replace(watch.runtime, config=replace(known, rules=()))
    watch.pass_time(25 * HOUR)
    assert operator_subjects(watch.desk) == []
    watch.runtime = replace(watch.runtime, config=known)
    watch.pass_time(HOUR)
    assert watch.messages() == [("raised", 1), ("reminder", 2)]


def test_an_alert_that_waited_for_a_day_is_told_when_its_rule_comes_back(watch):
    watch.obey(rule(timing={"wait": "1d"}))
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    known = watch.runtime.config
    watch.runtime = replace(watch.runtime, config=replace(known, rules=()))
    watch.pass_time(25 * HOUR)
    assert [subject.split(":")[0] for subject in operator_subjects(watch.desk)] == ["Alert without its rule"]
    watch.runtime = replace(watch.runtime, config=known)
    watch.pass_time(HOUR)
    assert watch.messages() == [("raised", 1)]


def test_what_is_planned_of_an_alert_goes_back_with_the_clock(watch):
    watch.obey(rule(timing={"wait": "10m", "updates": "30m"}))
    true = watch.now
    watch.pass_time(24 * HOUR)  # the clock is a day ahead
    silence_id = watch.silence("rule", "others")
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    watch.now = true + timedelta(minutes=1)
    watch.pass_time(timedelta())
    watch.pass_time(timedelta(minutes=11))
    assert watch.messages() == [("raised", 1)]
    watch.bring("b", ("y1", HEADLINE, PALACE))
    watch.pass_time(timedelta(minutes=31))
    assert watch.messages() == [("raised", 1), ("updated", 2)]
    watch.pass_time(HOUR)
    (row,) = watch.desk.rows(silence)
    assert row.public_id == silence_id and row.ended_at == watch.now


def test_alerts_that_cannot_be_told_end_the_tick_all_the_same(watch, monkeypatch):
    monkeypatch.setattr(telling, "BATCH", 2)
    watch.obey()
    first = [(f"x{n}", f"Kim Jong Un opens plant number {n} in the north", TRAIN + f" It is {n}.") for n in range(2)]
    watch.bring("a", *first)
    watch.bring("b", *((f"y{guid}", title, f"Vladimir Putin, too. {text}") for guid, title, text in first))
    content = telling.alert_content

    def broken(runtime, one, *rest):
        if one.kind == telling.UPDATED:
            raise ValueError("it cannot be made")
        return content(runtime, one, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(telling, "alert_content", broken)
        watch.pass_time(HOUR)
    assert watch.messages() == [("raised", 1)] * 2
    watch.pass_time(HOUR)
    assert watch.messages() == [("raised", 1)] * 2 + [("updated", 2)] * 2


@pytest.mark.parametrize(
    ("later", "reason"),
    [("Live: missile over the islands", "raised"), ("Live: a storm reaches the western coast", "old")],
)
def test_what_a_live_page_of_two_feeds_says_is_as_old_as_its_words(watch, later, reason):
    watch.obey()
    live = "<link>https://paper.example/live</link>"
    for name, guid, headline, text in (
        ("a", "s1", "Live: a storm reaches the western coast", "Rain and wind all day long on the western coast."),
        ("b", "k1", later, "Kim Jong Un saw it fly for an hour and fall into the sea."),
    ):
        document = rss(name, [(guid, headline, text), *BASELINE]).decode()
        document = document.replace(f"<link>https://paper.example/{guid}</link>", live)
        assert live in document
        watch.desk.origin.documents[f"/{name}"] = document.encode()
        poll_now(watch.desk, watch.runtime)
        settle(watch.runtime)
        watch.now += timedelta(days=8)
    assert watch.reasons() == [reason]
    assert len({row.story_id for row in watch.desk.rows(article, article.c.baseline.is_(False))}) == 1, "one address"


def test_what_is_never_told_keeps_no_tick_busy_and_is_told_by_no_later_rule(watch):
    watch.obey(rule(timing={"updates": "never", "remind": "1h"}))
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    watch.bring("b", ("y1", HEADLINE, PALACE))
    watch.bring("a", ("x1", "Pyongyang: no guest was ever expected", TRAIN))
    watch.pass_time(2 * HOUR)
    watch.pass_time(2 * HOUR)
    assert watch.messages() == [("raised", 1), ("reminder", 2)]
    assert watch.desk.rows(news) == []


def test_two_stories_that_became_one_are_reminded_of_once(watch):
    watch.obey(rule(timing={"remind": "2h"}))
    watch.bring("a", ("x1", "Kim Jong Un goes to the water", "Soon more."), ("y1", HEADLINE, TRAIN * 2))
    assert watch.messages() == [("raised", 1)] * 2
    watch.bring("b", ("x1", "Both of them at once", TRAIN * 2))
    assert {row.merged_into is None for row in watch.desk.rows(story)} == {True, False}
    watch.pass_time(2 * HOUR)
    watch.pass_time(2 * HOUR)
    assert [one for one in watch.messages() if one[0] == "reminder"] == [("reminder", 2)]


def test_what_is_new_about_the_younger_of_two_stories_that_became_one_is_told_though_no_reminder_is(watch):
    watch.obey(rule(timing={"remind": "1h", "updates": "4h"}))
    watch.bring("a", ("x1", "Kim Jong Un goes to the water", "Soon more."), ("y1", HEADLINE, TRAIN * 2))
    watch.bring("b", ("x1", "Both of them at once", TRAIN * 2))
    younger = max(watch.desk.rows(alert), key=lambda row: row.id)
    watch.bring("a", ("x1", "Pyongyang: nobody was ever expected", "Soon more."))
    for _ in range(5):
        watch.pass_time(HOUR)
    kinds = [row.kind for row in watch.desk.rows(notification, notification.c.alert_id == younger.id)]
    assert kinds == ["alert.raised", "alert.updated"]


def test_an_alert_whose_rule_is_away_waits_for_it_and_the_operator_hears(watch):
    watch.obey(rule(timing={"wait": "1m"}))
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    known = watch.runtime.config
    watch.runtime = replace(watch.runtime, config=replace(known, rules=()))
    watch.pass_time(timedelta(minutes=1))
    assert [subject.split(":")[0] for subject in operator_subjects(watch.desk)] == ["Alert without its rule"]
    watch.runtime = replace(watch.runtime, config=known)
    watch.pass_time(timedelta(minutes=10))
    assert watch.messages() == [("raised", 1)]


def test_a_page_brought_again_with_more_in_it_is_heard(watch):
    """A stub, and then its article under the same address and another guid: the rule fires for the first time."""
    watch.obey()
    stub = "A visitor has come to the north by train, as was reported early in the morning; more is to follow soon."
    link = "<link>https://paper.example/x1</link>"
    for guid, text in (("x1", stub), ("x1-2", PALACE)):
        document = rss("a", [(guid, "A guest in the north", text), *BASELINE]).decode()
        watch.desk.origin.documents["/a"] = document.replace(
            f"<link>https://paper.example/{guid}</link>", link
        ).encode()
        poll_now(watch.desk, watch.runtime)
        settle(watch.runtime)
    assert watch.reasons() == ["raised"]


def test_a_channel_hears_of_what_is_grave_enough_for_it(watch):
    specs = [spec.model_copy(update={"min_severity": "critical"}) if spec.id == "mail" else spec
             for spec in watch.runtime.config.channels]  # fmt: skip
    watch.runtime = replace(watch.runtime, config=replace(watch.runtime.config, channels=tuple(specs)))
    watch.obey(rule(escalate=[{"severity": "critical", "when": {"words": "palace"}}]))
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    assert (len(watch.mails()), len(watch.hooks())) == (0, 1)
    watch.bring("b", ("y1", HEADLINE, "The palace said in a long statement on the day who it had been."), after=HOUR)
    assert (len(watch.mails()), len(watch.hooks())) == (1, 2)
    assert "Severity raised from high to critical" in text_of(watch.mails()[0])


def test_a_message_that_cannot_be_made_is_put_off_and_holds_up_no_other(watch, monkeypatch):
    watch.obey(rule(timing={"wait": "1m"}))
    watch.bring("a", ("x1", HEADLINE, "By train."), ("x2", "Sergei Shoigu travels to the coast", "Alone."))
    content = telling.alert_content

    def broken(runtime, one, *rest):
        if one.row.story_title == HEADLINE:
            raise ValueError("a flaw of ours")
        return content(runtime, one, *rest)

    with monkeypatch.context() as flawed:
        flawed.setattr(telling, "alert_content", broken)
        watch.pass_time(timedelta(minutes=1))
        assert len(watch.messages()) == 1
        assert [subject.split(":")[0] for subject in operator_subjects(watch.desk)] == ["Alert not told"]
    watch.pass_time(timedelta(minutes=10))
    assert len(watch.messages()) == 2


def test_a_poll_after_an_outage_brings_no_old_news(watch):
    """What was published while nobody looked is news, however long that was."""
    watch.obey()
    then = watch.now + timedelta(days=2)
    watch.now += timedelta(days=20)
    date = then.strftime("%a, %d %b %Y %H:%M:%S GMT")
    watch.bring("a", ("x1", HEADLINE, "The guest came by train.", date))
    assert watch.reasons() == ["raised"]
    assert watch.desk.rows(feed, feed.c.id == "a")[0].succeeded_at == watch.now
    assert poll_due_feeds(watch.runtime) is False
