"""What a silence keeps quiet, what it does not, and what is told at its end."""

from dataclasses import replace
from datetime import timedelta

import pytest
from desk import BASELINE
from lookout import HEADLINE, HOUR, PALACE, PICTURE, TRAIN, rule, text_of
from sqlalchemy import update
from steps import change, settle

from worker.pipeline.poll import poll_due_feeds
from worker.store.schema import alert, decision, feed, notification, silence
from worker.store.silences import end_silence


@pytest.mark.parametrize("kind", ["rule", "story"])
def test_a_silence_keeps_quiet_and_tells_at_its_end_what_it_kept(watch, kind):
    watch.obey()
    value = "leaders"
    if kind == "story":
        watch.bring("a", ("x1", HEADLINE, TRAIN))
        value = watch.hooks()[0]["data"]["story"]["id"]
    before = len(watch.messages())
    name = watch.silence(kind, value)
    watch.bring("b", ("y1", HEADLINE, PALACE))
    watch.pass_time(timedelta(minutes=59))
    assert len(watch.messages()) == before
    assert watch.reasons()[-1] == "silenced"
    watch.pass_time(timedelta(minutes=1))
    watch.pass_time(HOUR)
    assert len(watch.messages()) == before, "nothing that it kept quiet is told one by one"
    (notice,) = watch.desk.rows(notification, notification.c.kind == "notice")
    assert notice.subject.startswith(f"The silence on the {kind} {value}")
    assert HEADLINE in text_of(watch.mails()[-1])
    (row,) = watch.desk.rows(silence, silence.c.public_id == name)
    assert row.ended_at is not None
    watch.bring("a", ("x9", HEADLINE, PICTURE))
    assert len(watch.messages()) == before + 1, "and what is new afterwards is heard"


def test_the_end_of_a_silence_is_told_where_what_it_kept_would_have_been(watch):
    watch.obey()
    config = watch.runtime.config
    channels = tuple(
        one.model_copy(update=dict(min_severity="critical")) if one.id == "hook" else one for one in config.channels
    )
    watch.runtime = replace(watch.runtime, config=replace(config, channels=channels))
    watch.silence("rule", "leaders")
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    watch.pass_time(HOUR)
    assert "has ended" in watch.mails()[-1]["Subject"]
    assert watch.hooks() == [], "an alert of high severity is not for it, nor a word about one"


def test_a_silence_ended_by_hand_is_told_at_once_and_what_does_not_run_cannot_be_ended(watch):
    watch.obey()
    name = watch.silence("entity", "kim-jong-un")
    watch.bring("a", ("x1", HEADLINE, TRAIN), ("x2", "Vladimir Putin leaves", "Kim Jong Un waves."))
    assert sorted(watch.reasons()) == ["raised", "silenced"], "a rule that fires without the name is heard"
    with watch.desk.store.writing() as connection:
        assert end_silence(connection, name, by="ana", now=watch.now)
        assert not end_silence(connection, name, by="ana", now=watch.now)
    watch.pass_time(timedelta(seconds=1))
    assert "ana ended it" in text_of(watch.mails()[-1])


def test_what_is_put_off_by_a_silence_is_heard_when_it_is_ended_by_hand(watch):
    watch.obey(rule(timing={"remind": "1h"}))
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    silence_id = watch.silence("rule", "leaders", last=24 * HOUR)
    watch.pass_time(2 * HOUR)
    assert watch.messages() == [("raised", 1)]
    with watch.desk.store.writing() as connection:
        assert end_silence(connection, silence_id, by="ana", now=watch.now)
    watch.pass_time(timedelta(minutes=1))
    watch.pass_time(timedelta(minutes=1))
    assert watch.messages() == [("raised", 1), ("reminder", 2)]


LEADER = "The leader of the north receives a guest from abroad"


@pytest.mark.parametrize(
    ("kind", "value", "held", "heard"),
    [
        ("source", "b", ("y1", HEADLINE, TRAIN), ("x1", HEADLINE, TRAIN)),
        (
            "entity",
            "kim-jong-un",
            ("y1", LEADER, f"Kim Jong Un met them. {TRAIN}"),
            ("x1", LEADER, f"Vladimir Putin was the guest. {TRAIN}"),
        ),
        ("query", "train", ("y1", HEADLINE, TRAIN), ("x1", HEADLINE, "")),
    ],
)
def test_a_silence_keeps_quiet_only_what_it_is_about_although_it_is_one_story(watch, kind, value, held, heard):
    watch.obey(rule(tell_again=["severity"]))
    watch.silence(kind, value, last=72 * HOUR)
    watch.bring("b", held, after=HOUR)
    assert (watch.reasons(), watch.messages()) == (["silenced"], [])
    watch.bring("a", heard, after=HOUR)
    assert (watch.reasons(), watch.messages()) == (["silenced", "raised"], [("raised", 1)])
    (row,) = watch.desk.rows(alert)
    assert row.raised_at == watch.now, "raised by the article that is heard"
    assert row.article_id == max(one.article_id for one in watch.desk.rows(decision))
    watch.bring("a", ("x2", *heard[1:]), heard)
    assert watch.messages() == [("raised", 1)]


def test_what_comes_in_one_batch_with_what_is_kept_quiet_is_heard(watch):
    watch.obey(rule(tell_again=["severity"]))
    watch.silence("source", "b", last=72 * HOUR)
    for name, guid in (("b", "y1"), ("a", "x1")):
        watch.desk.set_feed(name, [(guid, HEADLINE, TRAIN), *BASELINE])
        change(watch.desk, feed, next_poll_at=watch.now + HOUR)
        change_feed(watch.desk, name, next_poll_at=watch.now)
        while poll_due_feeds(watch.runtime):
            pass
    settle(watch.runtime)
    assert (watch.reasons(), watch.messages()) == (["silenced", "raised"], [("raised", 1)])


def change_feed(desk, name, **values):
    with desk.store.writing() as connection:
        connection.execute(update(feed).where(feed.c.id == name).values(**values))


def test_what_a_silence_kept_quiet_is_no_news_once_its_end_has_told_of_it(watch):
    watch.obey()
    watch.silence("source", "b", last=2 * HOUR)
    watch.bring("b", ("y1", HEADLINE, TRAIN), after=HOUR)
    watch.pass_time(2 * HOUR)
    assert len(watch.mails()) == 1 and "Kept quiet meanwhile: 1 alert" in text_of(watch.mails()[0])
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    assert (watch.reasons(), watch.messages()) == (["silenced", "already_alerted"], [])


def test_the_end_of_a_silence_tells_of_the_severity_that_it_kept_quiet(watch):
    watch.obey(rule(escalate=[{"severity": "critical", "when": {"words": "palace"}}]))
    channels = [
        one.model_copy(update={"min_severity": "critical"}) if one.id == "mail" else one
        for one in watch.runtime.config.channels
    ]
    watch.runtime = replace(watch.runtime, config=replace(watch.runtime.config, channels=tuple(channels)))
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    watch.silence("rule", "leaders")
    watch.bring("b", ("y1", HEADLINE, PALACE))
    assert watch.mails() == []
    watch.pass_time(2 * HOUR)
    (mail,) = watch.mails()
    assert f"[critical] {HEADLINE}" in text_of(mail)


def test_an_edit_that_is_taken_back_in_a_silenced_feed_is_not_told(watch):
    watch.obey(rule(timing={"updates": "1h"}))
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    watch.bring("a", ("x1", "Pyongyang: no guest was ever expected", TRAIN), after=timedelta(minutes=5))
    watch.silence("source", "a", last=24 * HOUR)
    watch.bring("a", ("x1", HEADLINE, TRAIN), after=timedelta(minutes=5))
    watch.pass_time(2 * HOUR)
    assert watch.messages() == [("raised", 1)]


def test_an_edit_in_a_silenced_feed_is_not_told(watch):
    watch.obey()
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    watch.silence("source", "a", last=24 * HOUR)
    watch.bring("a", ("x1", "Pyongyang: no guest was ever expected", TRAIN), after=HOUR)
    watch.pass_time(HOUR)
    assert watch.messages() == [("raised", 1)]


def test_a_silence_puts_a_reminder_off_and_loses_none(watch):
    watch.obey(rule(timing={"remind": "1h"}))
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    watch.silence("rule", "leaders", last=2 * HOUR)
    watch.pass_time(HOUR)
    watch.pass_time(HOUR - timedelta(seconds=1))
    assert watch.messages() == [("raised", 1)]
    watch.pass_time(timedelta(seconds=1))
    assert watch.messages() == [("raised", 1), ("reminder", 2)]
