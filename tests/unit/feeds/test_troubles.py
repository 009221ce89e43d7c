"""What becomes of troubles: a table of standings, each with the plan that follows."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from worker.feeds.troubles import Known, Standing, TroubleKind, Wrong, plan

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def wrong(name, *, kind=TroubleKind.FAILING, reason="server", **values):
    return Wrong(kind, name, reason, NOON - 2 * HOUR, **values)


def known(name, *, number=1, kind=TroubleKind.FAILING, reason="server", **values):
    return Known(number, kind, name, reason, NOON - 2 * HOUR, **values)


def planned(standing, held=(), **values):
    return plan(standing, held, **dict(now=NOON, after=HOUR, last_told=None) | values)


def test_plan_tells_what_is_ripe_and_what_fails_besides():
    quiet = wrong("c", kind=TroubleKind.SILENT, reason="no_entries", ripe=False)
    found = planned(Standing([wrong("a"), wrong("b", ripe=False), quiet]))
    assert [one.subject for one in found.opened] == ["a", "b", "c"]
    assert [one.subject for one in found.told] == ["a", "b"], "what may be without entries for a moment waits"
    assert planned(Standing([wrong("b", ripe=False), quiet])).told == []


def test_plan_tells_no_oftener_than_once_an_hour_but_of_a_group():
    group = wrong("tag:x", kind=TroubleKind.GROUP, reason="quiet")
    found = planned(Standing([wrong("a"), group]), last_told=NOON - 50 * MINUTE)
    assert [one.subject for one in found.told] == ["tag:x"]
    assert len(planned(Standing([wrong("a"), group]), last_told=NOON - 61 * MINUTE).told) == 2
    assert len(planned(Standing([wrong("a"), group]), last_told=NOON + 3 * DAY).told) == 2, "the clock was set back"


def test_plan_opens_again_what_is_wrong_again_before_its_end_was_told():
    held = known("a", told_at=NOON - HOUR, ended_at=NOON - 20 * MINUTE, ends=1)
    found = planned(Standing([wrong("a", opens=False, ripe=False)]), [held])
    assert (found.reopened, found.ended, found.ends, found.told) == ([held], [], [], [])


def test_plan_waits_ever_longer_for_the_end_of_what_comes_back_often():
    def ends(times, since):
        held = known("a", told_at=NOON - 9 * HOUR, ended_at=NOON - since, ends=times)
        return len(planned(Standing([]), [held]).ends)

    assert (ends(1, 29 * MINUTE), ends(1, 31 * MINUTE)) == (0, 1)
    assert (ends(2, 59 * MINUTE), ends(2, 61 * MINUTE)) == (0, 1)
    assert (ends(40, 7 * HOUR), ends(40, 9 * HOUR)) == (0, 1)


def test_plan_tells_of_a_straggler_of_an_outage_by_the_message_that_went_out():
    told = [known(f"f{n}", number=n, reason="dns", told_at=NOON - 20 * MINUTE) for n in range(20)]
    standing = [wrong(one.subject, reason="dns") for one in told] + [wrong("late", reason="timeout", ripe=False)]
    found = planned(Standing(standing, line_down=True), told, last_told=NOON - 20 * MINUTE)
    assert ([one.subject for one in found.along], found.along_at) == (["late"], NOON - 20 * MINUTE)
    alone = planned(Standing(standing, line_down=False), told, last_told=NOON - 20 * MINUTE)
    assert (alone.along, alone.told) == ([], [])


SUBJECTS = st.sampled_from("abcdef")
EVENTS = st.lists(st.tuples(st.sets(SUBJECTS), st.integers(1, 90)), min_size=1, max_size=60)


@given(EVENTS)
def test_plan_tells_of_each_trouble_once_and_of_its_end_once_after_it(events):
    """Whatever comes and goes: beginnings and ends alternate, and a beginning is never told of what is well."""
    now, held, last, number = NOON, {}, None, 0
    told = dict.fromkeys("abcdef", False)
    for failing, minutes in events:
        now += minutes * MINUTE
        found = plan(Standing([wrong(name) for name in sorted(failing)]), list(held.values()), now=now, after=HOUR,
                     last_told=last)  # fmt: skip
        for one in found.forgotten:
            del held[one.id]
        for one in found.ended:
            held[one.id] = known(one.subject, number=one.id, told_at=one.told_at, ended_at=now, ends=1)
        for one in found.reopened:
            held[one.id] = known(one.subject, number=one.id, told_at=one.told_at)
        for one in found.opened:
            number += 1
            held[number] = known(one.subject, number=number)
        for one in found.told:
            assert one.subject in failing and not told[one.subject]
            told[one.subject], last = True, now
            (mine,) = [row for row in held.values() if row.subject == one.subject and row.ended_at is None]
            held[mine.id] = known(one.subject, number=mine.id, told_at=now)
        for one in found.ends:
            assert one.subject not in failing and told[one.subject]
            told[one.subject] = False
            del held[one.id]
        open_now = [row.subject for row in held.values() if row.ended_at is None]
        assert sorted(open_now) == sorted(set(open_now)) and set(open_now) == failing
