"""An edit alerts nobody; a headline that says something else is told to who was told."""

from datetime import timedelta

from lookout import HEADLINE, HOUR, PALACE, PICTURE, TRAIN, rule, text_of


def test_an_edit_alerts_nobody_and_a_changed_headline_of_the_first_source_is_told_with_the_next_update(watch):
    watch.obey()
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    watch.bring("a", ("x1", HEADLINE.upper(), "The guest came by train, late."), after=HOUR)
    watch.pass_time(HOUR)
    assert watch.messages() == [("raised", 1)], "polished, and corrected in its text"
    watch.bring("a", ("x1", "Pyongyang: no guest was ever expected", "The guest came by train, late."))
    assert watch.messages() == [("raised", 1)], "the poll itself tells nobody"
    watch.pass_time(timedelta())
    assert watch.messages() == [("raised", 1), ("updated", 2)]
    mail = watch.mails()[1]
    assert "Pyongyang: no guest was ever expected" in text_of(mail)
    assert "changed its headline" in text_of(mail)


def test_a_headline_is_told_in_its_time_although_a_reminder_is_planned_for_later(watch):
    watch.obey(rule(timing={"remind": "24h"}))
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    watch.bring("a", ("x1", "Pyongyang: no guest was ever expected", TRAIN), after=timedelta(minutes=5))
    watch.pass_time(timedelta(minutes=25))
    assert watch.messages() == [("raised", 1), ("updated", 2)]


def test_a_headline_is_compared_with_the_one_that_was_told_last(watch):
    other, third = "Pyongyang: no guest was ever expected", "A guest, and no word about him"
    watch.obey(rule(timing={"updates": "1h"}))
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    watch.bring("a", ("x1", other, TRAIN), after=timedelta(minutes=5))
    watch.bring("a", ("x1", HEADLINE, TRAIN), after=timedelta(minutes=5))
    watch.pass_time(HOUR)
    assert watch.messages() == [("raised", 1)], "taken back before it was told"
    watch.bring("a", ("x1", other, TRAIN), after=timedelta(minutes=5))
    watch.pass_time(timedelta())
    watch.bring("a", ("x1", third, TRAIN), after=timedelta(minutes=5))
    watch.bring("a", ("x1", HEADLINE, TRAIN), after=timedelta(minutes=5))
    watch.pass_time(HOUR)
    assert watch.messages() == [("raised", 1), ("updated", 2), ("updated", 3)]
    assert [f"from “{one}”" in text_of(watch.mails()[2]) for one in (other, third)] == [True, False]
    assert HEADLINE in text_of(watch.mails()[2])


def test_a_changed_headline_is_shown_however_much_else_is_new_and_told_once(watch):
    other, severe = "Pyongyang: no guest was ever expected", [{"severity": "critical", "when": {"words": "palace"}}]
    watch.obey(rule(timing={"updates": "30m"}, escalate=severe))
    watch.bring("a", ("x1", HEADLINE, TRAIN))
    watch.bring("a", ("x1", other, TRAIN), after=timedelta(minutes=5))
    reports = [("y1", HEADLINE, PICTURE)]
    for guid, text in (("y2", PALACE.replace("palace", "spokesman")), ("y3", "The palace kept silent. " + TRAIN[::-1])):
        reports.append((guid, HEADLINE, text))
        watch.bring("b", *reports, after=timedelta(minutes=1))
    watch.pass_time(timedelta(minutes=30))
    assert watch.messages() == [("raised", 1), ("updated", 2)]
    assert other in text_of(watch.mails()[1])
    watch.bring("a", ("x1", other, TRAIN + " More."), after=HOUR)
    watch.pass_time(HOUR)
    assert watch.messages() == [("raised", 1), ("updated", 2)], "its text alone was edited"
